"""Blend modes: how the colours of a layer meet those below (W3C Compositing and Blending Level 1, 10; add is a plain sum).

The modes are about red, green and blue as shown. They are worked out in fixed point for each 2 x 2 of brightness with its
one colour; what is written back is brightness and colour of the outcome.
"""

import functools
from typing import Any, Final

import numpy as np

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
    clear = below.alpha if below.alpha is not None else np.full((2, 2), 255, dtype=np.uint8)
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


@kernel("i8(i8)")
def _byte(value: Any) -> Any:
    """Return a value with 16 bits of fraction as a byte; the half that rounds it is in it already."""
    return min(255, max(0, value >> 16))


@kernel("void(i8, u1[:, ::1])")
def _fill(mode: int, table: Bytes) -> None:
    for low in range(256):
        for high in range(256):
            table[low, high] = _meet(mode, low, high)


@kernel(
    "void(u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], i8, i8, u1[:, ::1],"
    " u1[:, ::1], u1[:, ::1], u1[:, ::1])"
)
def _blend(
    y0: Bytes, u0: Bytes, v0: Bytes, clear: Bytes, y1: Bytes, u1: Bytes, v1: Bytes, top: int, left: int, table: Bytes,
    y2: Bytes, u2: Bytes, v2: Bytes,
) -> None:  # fmt: skip
    # 16 bits of fraction; BT.709, limited range (ITU-R BT.709-6, 3.2 to 3.5).
    whole = clear.shape[0] == 2 and clear.shape[1] == 2
    half = np.int32(32768)
    for j in range(u1.shape[0]):
        under_u, under_v = u0[top // 2 + j, left // 2 :], v0[top // 2 + j, left // 2 :]
        for i in range(u1.shape[1]):
            du, dv = np.int32(under_u[i]) - 128, np.int32(under_v[i]) - 128
            eu, ev = np.int32(u1[j, i]) - 128, np.int32(v1[j, i]) - 128
            below_r, below_g, below_b = 117489 * dv + half, half - 13975 * du - 34925 * dv, 138438 * du + half
            above_r, above_g, above_b = 117489 * ev + half, half - 13975 * eu - 34925 * ev, 138438 * eu + half
            sum_r: Any = 0
            sum_g: Any = 0
            sum_b: Any = 0
            for n in range(4):
                y, x = 2 * j + (n >> 1), 2 * i + (n & 1)
                low = (np.int32(y0[top + y, left + x]) - 16) * 76309
                high = (np.int32(y1[y, x]) - 16) * 76309
                r1, g1, b1 = _byte(high + above_r), _byte(high + above_g), _byte(high + above_b)
                r = np.int32(table[_byte(low + below_r), r1])
                g = np.int32(table[_byte(low + below_g), g1])
                b = np.int32(table[_byte(low + below_b), b1])
                if not whole:
                    part = np.int32(clear[top + y, left + x])
                    rest = 255 - part
                    r = (r1 * rest + r * part + 127) // 255
                    g = (g1 * rest + g * part + 127) // 255
                    b = (b1 * rest + b * part + 127) // 255
                y2[y, x] = (1048576 + 11966 * r + 40254 * g + 4064 * b + half) >> 16
                sum_r += r
                sum_g += g
                sum_b += b
            from_u = -6596 * sum_r - 22189 * sum_g + 28784 * sum_b
            from_v = 28784 * sum_r - 26145 * sum_g - 2639 * sum_b
            u2[j, i] = min(255, max(0, (8388608 + (from_u >> 2) + half) >> 16))
            v2[j, i] = min(255, max(0, (8388608 + (from_v >> 2) + half) >> 16))
