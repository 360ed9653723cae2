"""A piece of canvas in colour: red, green, blue, alpha as floats 0..1, multiplied with alpha; made a `Patch` once it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.patches import Patch, trimmed

Pixels = NDArray[np.float32]
Colour = tuple[float, float, float, float]

# BT.709, limited range (ITU-R BT.709-6, 3.2 to 3.5): what red, green and blue of 0..1 add to y, u, v.
_LUMA: Final = np.array((0.2126, 0.7152, 0.0722), np.float32)


def colour_of(text: str) -> Colour:
    """Return a colour `#rrggbb` or `#rrggbbaa` as red, green, blue, alpha in 0..1, not multiplied."""
    digits = text.removeprefix("#")
    red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    return red, green, blue, int(digits[6:8], 16) / 255 if len(digits) == 8 else 1.0


@dataclass
class Sheet:
    """`pixels` is (height, width, 4); `left`, `top` say where it lies on the canvas, pixels."""

    pixels: Pixels
    left: float = 0.0
    top: float = 0.0

    @classmethod
    def empty(cls, width: int, height: int) -> Sheet:
        """Return a transparent one."""
        return cls(np.zeros((height, width, 4), np.float32))

    def over(self, coverage: NDArray[np.uint8] | Pixels, colour: Colour, left: int, top: int) -> None:
        """Lay a colour over what is there where `coverage` (0..255, or 0..1 in floats) says so."""
        found = self._window(coverage.shape[1], coverage.shape[0], left, top)
        if found is None:
            return
        there, (x, y) = found
        part = coverage[y : y + there.shape[0], x : x + there.shape[1]]
        alpha = part * np.float32(colour[3] / (255 if part.dtype == np.uint8 else 1))
        there *= 1 - alpha[:, :, None]
        there += alpha[:, :, None] * np.array((*colour[:3], 1), np.float32)

    def picture(self, colours: NDArray[np.uint8], opacity: float, left: int, top: int) -> None:
        """Lay a small picture over what is there: red, green, blue, alpha, 0..255, not multiplied."""
        found = self._window(colours.shape[1], colours.shape[0], left, top)
        if found is None:
            return
        there, (x, y) = found
        part = colours[y : y + there.shape[0], x : x + there.shape[1]].astype(np.float32) / 255
        alpha = part[:, :, 3:] * np.float32(opacity)
        there *= 1 - alpha
        there[:, :, :3] += part[:, :, :3] * alpha
        there[:, :, 3:] += alpha

    def put(self, other: Sheet, left: int, top: int) -> None:
        """Lay another sheet over what is there."""
        found = self._window(other.pixels.shape[1], other.pixels.shape[0], left, top)
        if found is not None:
            there, (x, y) = found
            part = other.pixels[y : y + there.shape[0], x : x + there.shape[1]]
            there *= 1 - part[:, :, 3:]
            there += part

    def _window(self, width: int, height: int, left: int, top: int) -> tuple[Pixels, tuple[int, int]] | None:
        """Return the part of the sheet that `width` x `height` pixels at a place cover, and what is cut off of these."""
        high, wide = self.pixels.shape[:2]
        x, y = max(0, left), max(0, top)
        there = self.pixels[y : min(high, top + height), x : min(wide, left + width)]
        return None if there.size == 0 else (there, (x - left, y - top))

    def ink(self) -> tuple[int, int, int, int] | None:
        """Return left, top, right, bottom of what can be seen, in pixels of the sheet; None: nothing can."""
        seen = self.pixels[:, :, 3] > 1 / 512
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not rows.size:
            return None
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def moved(self, x: float, y: float, scale: float = 1.0) -> Sheet:
        """Return the sheet moved by so many pixels and scaled about its middle, on whole pixels again."""
        left, top = self.left + x, self.top + y
        if scale == 1 and left == round(left) and top == round(top):
            return Sheet(self.pixels, left, top)
        high, wide = self.pixels.shape[:2]
        middle_x, middle_y = left + wide / 2, top + high / 2
        new_left, new_top = (
            np.floor(middle_x - scale * wide / 2) - 1,
            np.floor(middle_y - scale * high / 2) - 1,
        )
        new_wide, new_high = int(np.ceil(scale * wide)) + 3, int(np.ceil(scale * high)) + 3
        # Pixel centres lie at halves.
        shift_x = middle_x - new_left + scale * (0.5 - wide / 2) - 0.5
        shift_y = middle_y - new_top + scale * (0.5 - high / 2) - 0.5
        matrix = np.array(((scale, 0, shift_x), (0, scale, shift_y)), np.float64)
        way = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        pixels = cv2.warpAffine(self.pixels, matrix, (new_wide, new_high), flags=way)
        return Sheet(np.asarray(pixels, np.float32), float(new_left), float(new_top))


def on_canvas(sheet: Sheet, width: int, height: int) -> Patch | None:
    """Return what is seen of a sheet on a canvas; None: nothing is. Colour of four pixels is the mean of what is seen of each."""
    high, wide = sheet.pixels.shape[:2]
    left, top = round(sheet.left), round(sheet.top)
    x, y = max(0, left - left % 2), max(0, top - top % 2)
    right = min(width, left + wide + (left + wide) % 2)
    bottom = min(height, top + high + (top + high) % 2)
    if right <= x or bottom <= y:
        return None
    pixels = np.zeros((bottom - y, right - x, 4), np.float32)
    part = sheet.pixels[max(0, y - top) : bottom - top, max(0, x - left) : right - left]
    pixels[max(0, top - y) :, max(0, left - x) :][: part.shape[0], : part.shape[1]] = part
    alpha = pixels[:, :, 3]
    # Where nothing is seen the colour is white, so that a pixel mixed with its neighbour's is never darker for it.
    luma = _unmultiplied(pixels[:, :, :3] @ _LUMA, alpha, 1.0)
    # Sums of the four pixels: the alpha of each weighs its colour.
    four = pixels.reshape(pixels.shape[0] // 2, 2, pixels.shape[1] // 2, 2, 4).sum(axis=(1, 3))
    gray = four[:, :, :3] @ _LUMA
    blue, red = (_unmultiplied(four[:, :, one] - gray, four[:, :, 3], 0.0) for one in (2, 0))
    picture = Picture(
        _stored(16 + 219 * luma, 16, 235),
        _stored(128 + 224 / 1.8556 * blue, 16, 240),
        _stored(128 + 224 / 1.5748 * red, 16, 240),
        _stored(alpha * 255, 0, 255),
    )
    seen = trimmed(picture)
    return None if seen is None else Patch(seen.picture, x + seen.left, y + seen.top, shared=True)


def _stored(values: NDArray[np.floating[Any]], low: int, high: int) -> Plane:
    return np.asarray(np.clip(values + 0.5, low, high), np.uint8)


def _unmultiplied(
    value: NDArray[np.float32], alpha: NDArray[np.float32], empty: float
) -> NDArray[np.float32]:
    result = np.full_like(value, empty)
    np.divide(value, alpha, out=result, where=alpha > 1e-4)
    return result


def covered(width: int, height: int, box: tuple[float, float, float, float], radius: float) -> Pixels:
    """Return the coverage (0..1) of a box (left, top, right, bottom) with rounded corners on so many pixels."""
    left, top, right, bottom = box
    radius = max(0.0, min(radius, (right - left) / 2, (bottom - top) / 2))
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - (left + right) / 2) - ((right - left) / 2 - radius)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - (top + bottom) / 2) - ((bottom - top) / 2 - radius)
    outside = np.hypot(np.maximum(x, 0)[None, :], np.maximum(y, 0)[:, None])
    inside = np.minimum(np.maximum(x[None, :], y[:, None]), 0)
    return np.asarray(np.clip(0.5 - (outside + inside - radius), 0, 1), np.float32)


def softened(coverage: Pixels, sigma: float) -> Pixels:
    """Return a coverage blurred."""
    return coverage if sigma < 0.3 else np.asarray(cv2.GaussianBlur(coverage, (0, 0), sigma), np.float32)
