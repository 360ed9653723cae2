"""Where an effect acts, as a plane: 255 inside, 0 outside, between them a soft edge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import Plane
from engine.rendering.graph import Region
from engine.rendering.walking import at

Floats = NDArray[np.float32]


def mask_of(regions: Sequence[Region], place: int, width: int, height: int) -> Plane:
    """Return the mask of one frame: of several regions the highest value counts; inverted ones leave out all of them."""
    planes = [_mask(region, place, width, height) for region in regions]
    joined = planes[0]
    for plane in planes[1:]:
        joined = np.maximum(joined, plane)
    return 255 - joined if regions[0].inverted else joined


def _mask(region: Region, place: int, width: int, height: int) -> Plane:
    middle_x, middle_y = at(region.x, place) * width, at(region.y, place) * height
    half_x, half_y = at(region.width, place) * width / 2, at(region.height, place) * height / 2
    # The edge is never harder than one pixel, so that a shape that moves does not jump from pixel to pixel.
    feather = max(1.0, at(region.feather, place) * height)
    across = np.abs(np.arange(width, dtype=np.float32)[None, :] + 0.5 - np.float32(middle_x))
    down = np.abs(np.arange(height, dtype=np.float32)[:, None] + 0.5 - np.float32(middle_y))
    if region.shape == "rectangle":
        inside = np.minimum(
            _soft((half_x - across) / np.float32(feather)), _soft((half_y - down) / np.float32(feather))
        )
    else:
        inside = _soft(_depth(across, down, half_x, half_y) / np.float32(feather))
    return np.asarray(inside * 255 + 0.5, dtype=np.uint8)


def _depth(across: Floats, down: Floats, half_x: float, half_y: float) -> Floats:
    """Return how far inside an ellipse each pixel lies, pixels; negative outside."""
    a, b = np.float32(max(half_x, 0.5)), np.float32(max(half_y, 0.5))
    reach = np.sqrt((across / a) ** 2 + (down / b) ** 2)
    slope = np.sqrt((across / a**2) ** 2 + (down / b**2) ** 2)
    # To the first order the distance is the function over its slope; in the very middle it is the shorter half.
    near = (1 - reach) * reach / np.maximum(slope, np.float32(1e-6))
    return np.asarray(np.where(slope < 1e-6, min(a, b), near), dtype=np.float32)


def _soft(depth: Floats) -> Floats:
    return np.asarray(np.clip(depth + np.float32(0.5), 0, 1), dtype=np.float32)
