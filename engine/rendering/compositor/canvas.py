"""A picture in the worker's memory: planes of 8 bits, BT.709, limited range, colour at half resolution (4:2:0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

BLACK = (16, 128, 128)


@dataclass
class Picture:
    """`y` and `alpha` are (height, width), `u` and `v` (height / 2, width / 2), both sides even.

    `alpha` 0 is transparent, 255 opaque; None: all of it is opaque. Colour is not multiplied with alpha. Who is given a
    picture owns its planes and may write into them.
    """

    y: Plane
    u: Plane
    v: Plane
    alpha: Plane | None = None

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.y.shape[0])

    def copy(self) -> Picture:
        """Return a picture with planes of its own."""
        alpha = None if self.alpha is None else self.alpha.copy()
        return Picture(self.y.copy(), self.u.copy(), self.v.copy(), alpha)


def filled(
    width: int, height: int, colour: tuple[int, int, int] = BLACK, alpha: int | None = None
) -> Picture:
    """Return a picture of one colour (y, u, v)."""
    y, u, v = (
        np.full(size, value, dtype=np.uint8)
        for size, value in zip(
            ((height, width), (height // 2, width // 2), (height // 2, width // 2)), colour, strict=True
        )
    )
    return Picture(y, u, v, None if alpha is None else np.full((height, width), alpha, dtype=np.uint8))


def yuv_of(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """Return a colour as shown (sRGB, 0..255) in BT.709, limited range (ITU-R BT.709-6, 3.2 to 3.5)."""
    r, g, b = red / 255, green / 255, blue / 255
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return (
        round(16 + 219 * luma),
        round(128 + 224 * (b - luma) / 1.8556),
        round(128 + 224 * (r - luma) / 1.5748),
    )
