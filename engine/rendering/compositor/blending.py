"""Blend modes: how the colours of a layer meet those below (W3C Compositing and Blending Level 1, 10; add is a plain sum).

The modes are about red, green and blue as shown. They are worked out in fixed point for each 2 x 2 of brightness with its
one colour; what is written back is brightness and colour of the outcome.
"""

from typing import Any, Final

import numpy as np

from engine.rendering.compositor.canvas import Picture
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
        below.y, below.u, below.v, clear, above.y, above.u, above.v, top, left, MODES.index(blend),
        out.y, out.u, out.v,
    )  # fmt: skip
    return out


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


@kernel(
    "void(u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], i8, i8, i8,"
    " u1[:, ::1], u1[:, ::1], u1[:, ::1])"
)
def _blend(
    y0: Bytes, u0: Bytes, v0: Bytes, clear: Bytes, y1: Bytes, u1: Bytes, v1: Bytes, top: int, left: int, mode: int,
    y2: Bytes, u2: Bytes, v2: Bytes,
) -> None:  # fmt: skip
    # 16 bits of fraction; BT.709, limited range (ITU-R BT.709-6, 3.2 to 3.5).
    whole = clear.shape[0] == 2 and clear.shape[1] == 2
    colour = np.empty(3, dtype=np.int64)
    for j in range(u1.shape[0]):
        for i in range(u1.shape[1]):
            du, dv = int(u0[top // 2 + j, left // 2 + i]) - 128, int(v0[top // 2 + j, left // 2 + i]) - 128
            eu, ev = int(u1[j, i]) - 128, int(v1[j, i]) - 128
            sum_u, sum_v = 0, 0
            for n in range(4):
                y, x = 2 * j + (n >> 1), 2 * i + (n & 1)
                low = (int(y0[top + y, left + x]) - 16) * 76309
                high = (int(y1[y, x]) - 16) * 76309
                part = 255 if whole else int(clear[top + y, left + x])
                for c in range(3):
                    if c == 0:
                        a, b = low + 117489 * dv, high + 117489 * ev
                    elif c == 1:
                        a, b = low - 13975 * du - 34925 * dv, high - 13975 * eu - 34925 * ev
                    else:
                        a, b = low + 138438 * du, high + 138438 * eu
                    a = min(255, max(0, (a + 32768) >> 16))
                    b = min(255, max(0, (b + 32768) >> 16))
                    made = _meet(mode, a, b)
                    colour[c] = (b * (255 - part) + made * part + 127) // 255
                r, g, b = colour[0], colour[1], colour[2]
                y2[y, x] = (1048576 + 11966 * r + 40254 * g + 4064 * b + 32768) >> 16
                sum_u += -6596 * r - 22189 * g + 28784 * b
                sum_v += 28784 * r - 26145 * g - 2639 * b
            u2[j, i] = min(255, max(0, (8388608 + (sum_u >> 2) + 32768) >> 16))
            v2[j, i] = min(255, max(0, (8388608 + (sum_v >> 2) + 32768) >> 16))
