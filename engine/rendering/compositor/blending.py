"""Blend modes: how the colours of a layer meet those below (W3C Compositing and Blending Level 1, 10; add is a plain sum).

The modes are about red, green and blue as shown. They are worked out in fixed point, two lines of brightness with their one
line of colour at a time, so that all but the looking up goes over many pixels at once; what is written back is brightness
and colour of the outcome.
"""

import functools
from typing import Any, Final

import numpy as np
from numba import int32 as i4
from numba import uint8 as u1
from numba import uint32 as u4

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.compiled import kernel

Bytes = Any

# Names of the catalogue, in the order of the numbers below; `normal` needs no work.
MODES: Final = (
    "normal", "multiply", "screen", "overlay", "add", "darken", "lighten", "difference", "soft_light", "hard_light",
    "exclusion", "color_dodge", "color_burn",
)  # fmt: skip


def blended(below: Picture, above: Picture, top: int, left: int, blend: str) -> Picture:
    """Return what `above` becomes over the canvas below; its alpha is left as it is.

    Where nothing lies below, there is nothing to blend with: a clear canvas leaves the layer's own colours.
    """
    out = Picture(np.empty_like(above.y), np.empty_like(above.u), np.empty_like(above.v), above.alpha)
    clear = below.alpha if below.alpha is not None else np.empty((0, 0), dtype=np.uint8)
    _blend(
        below.y, below.u, below.v, clear, above.y, above.u, above.v, top, left, _table(blend),
        out.y, out.u, out.v,
    )  # fmt: skip
    return out


@functools.lru_cache(maxsize=len(MODES))
def _table(blend: str) -> Plane:
    """Return what each value (column) over each other one (row) becomes."""
    table = np.empty((256, 256), dtype=np.uint8)
    _fill(MODES.index(blend), table)
    return table


@kernel("i8(i8, i8)")
def _soft(low: int, high: int) -> int:
    a, b = low / 255, high / 255
    if b <= 0.5:
        made = a - (1 - 2 * b) * a * (1 - a)
    else:
        lifted = ((16 * a - 12) * a + 4) * a if a <= 0.25 else a**0.5
        made = a + (2 * b - 1) * (lifted - a)
    return int(made * 255 + 0.5)


@kernel("i8(i8, i8, i8)")
def _meet(mode: int, low: int, high: int) -> int:
    """Return one colour's value, 0..255, of `high` over `low`."""
    if mode == 1:
        return (low * high + 127) // 255
    if mode == 2:
        return low + high - (low * high + 127) // 255
    if mode in (3, 9):
        # Overlay is hard light with the two changing places.
        a, b = (high, low) if mode == 3 else (low, high)
        if b <= 127:
            return (2 * a * b + 127) // 255
        return 255 - (2 * (255 - a) * (255 - b) + 127) // 255
    if mode == 4:
        return min(255, low + high)
    if mode == 5:
        return min(low, high)
    if mode == 6:
        return max(low, high)
    if mode == 7:
        return abs(low - high)
    if mode == 8:
        return _soft(low, high)
    if mode == 10:
        return low + high - (2 * low * high + 127) // 255
    if mode == 11:
        return 0 if low == 0 else 255 if high >= 255 else min(255, low * 255 // (255 - high))
    if mode == 12:
        return 255 if low == 255 else 0 if high <= 0 else 255 - min(255, (255 - low) * 255 // high)
    return high


@kernel("void(i8, u1[:, ::1])")
def _fill(mode: int, table: Bytes) -> None:
    for low in range(256):
        for high in range(256):
            table[low, high] = _meet(mode, low, high)


# 16 bits of fraction; BT.709, limited range (ITU-R BT.709-6, 3.2 to 3.5).


@kernel("void(u1[::1], u1[::1], i4[:, ::1])")
def _tint(u: Bytes, v: Bytes, parts: Any) -> None:
    """Write what a line of colour adds to red, green and blue of both pixels that share a sample."""
    middle, half = i4(128), i4(32768)
    red, green_u, green_v, blue = i4(117489), i4(13975), i4(34925), i4(138438)
    for i in range(u.size):
        du, dv = i4(u[i]) - middle, i4(v[i]) - middle
        r, g, b = red * dv + half, half - green_u * du - green_v * dv, blue * du + half
        parts[0, 2 * i], parts[1, 2 * i], parts[2, 2 * i] = r, g, b
        parts[0, 2 * i + 1], parts[1, 2 * i + 1], parts[2, 2 * i + 1] = r, g, b


@kernel("void(u1[::1], i4[:, ::1], u1[:, ::1])")
def _shown(y: Bytes, parts: Any, out: Bytes) -> None:
    """Write a line as red, green and blue, 0..255."""
    black, gain, zero, most, bits = i4(16), i4(76309), i4(0), i4(255), i4(16)
    for x in range(y.size):
        light = (i4(y[x]) - black) * gain
        out[0, x] = u1(min(most, max(zero, (light + parts[0, x]) >> bits)))
        out[1, x] = u1(min(most, max(zero, (light + parts[1, x]) >> bits)))
        out[2, x] = u1(min(most, max(zero, (light + parts[2, x]) >> bits)))


@kernel("void(u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1])")
def _meet_all(low: Bytes, high: Bytes, table: Bytes, made: Bytes) -> None:
    """Look up what the values `high` become over the values `low`."""
    for n in range(3):
        for x in range(made.shape[1]):
            made[n, x] = table[low[n, x], high[n, x]]


@kernel("void(u1[::1], u1[:, ::1], u1[:, ::1])")
def _where_clear(clear: Bytes, high: Bytes, made: Bytes) -> None:
    """Bring back the layer's own values where nothing lies below."""
    most, half = u4(255), u4(127)
    for n in range(3):
        for x in range(clear.size):
            part = u4(clear[x])
            made[n, x] = u1((u4(high[n, x]) * (most - part) + u4(made[n, x]) * part + half) // most)


@kernel("void(u1[:, ::1], u1[::1], i4[:, ::1])")
def _light(made: Bytes, y: Bytes, sums: Any) -> None:
    """Write a line's brightness, and add red, green and blue of each two pixels to `sums`."""
    lift, red, green, blue, bits = i4(1048576 + 32768), i4(11966), i4(40254), i4(4064), i4(16)
    for x in range(y.size):
        y[x] = u1((lift + red * i4(made[0, x]) + green * i4(made[1, x]) + blue * i4(made[2, x])) >> bits)
    for n in range(3):
        for i in range(sums.shape[1]):
            sums[n, i] += i4(made[n, 2 * i]) + i4(made[n, 2 * i + 1])


@kernel("void(i4[:, ::1], u1[::1], u1[::1])")
def _colour(sums: Any, u: Bytes, v: Bytes) -> None:
    """Write a line of colour from sums of four pixels."""
    middle, zero, most, bits, four = i4(8388608 + 32768), i4(0), i4(255), i4(16), i4(2)
    red_u, green_u, blue_u = i4(-6596), i4(-22189), i4(28784)
    red_v, green_v, blue_v = i4(28784), i4(-26145), i4(-2639)
    for i in range(u.size):
        r, g, b = sums[0, i], sums[1, i], sums[2, i]
        from_u, from_v = red_u * r + green_u * g + blue_u * b, red_v * r + green_v * g + blue_v * b
        u[i] = u1(min(most, max(zero, (middle + (from_u >> four)) >> bits)))
        v[i] = u1(min(most, max(zero, (middle + (from_v >> four)) >> bits)))


@kernel(
    "void(u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], i8, i8, u1[:, ::1],"
    " u1[:, ::1], u1[:, ::1], u1[:, ::1])"
)
def _blend(
    low_y: Bytes, low_u: Bytes, low_v: Bytes, clear: Bytes, high_y: Bytes, high_u: Bytes, high_v: Bytes,
    top: int, left: int, table: Bytes, y: Bytes, u: Bytes, v: Bytes,
) -> None:  # fmt: skip
    height, width = y.shape
    side, half = left // 2, width // 2
    under, over = np.empty((3, width), np.int32), np.empty((3, width), np.int32)
    low, high = np.empty((3, width), np.uint8), np.empty((3, width), np.uint8)
    made, sums = np.empty((3, width), np.uint8), np.empty((3, half), np.int32)
    for row in range(height // 2):
        below = top // 2 + row
        _tint(low_u[below, side : side + half], low_v[below, side : side + half], under)
        _tint(high_u[row], high_v[row], over)
        sums[:] = 0
        for line in range(2 * row, 2 * row + 2):
            _shown(low_y[top + line, left : left + width], under, low)
            _shown(high_y[line], over, high)
            _meet_all(low, high, table, made)
            if clear.size:
                _where_clear(clear[top + line, left : left + width], high, made)
            _light(made, y[line], sums)
        _colour(sums, u[row], v[row])
