"""Transitions that mix two pictures all over; and how pictures are mixed when some of them can be seen through."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import BLACK, Picture, Plane, filled
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.kernels import weighed
from engine.rendering.compositor.table import At, transition

Part = float | NDArray[np.float32]

WHITE: Final = (235, 128, 128)


@transition("dissolve")
def dissolve(first: Picture, second: Picture, progress: float, _at: At) -> Picture:
    """Mix both, the second rising."""
    return mixed(first, second, progress)


@transition("fade_black")
def fade_black(first: Picture, second: Picture, progress: float, _at: At) -> Picture:
    """Go down to black, then up again."""
    return _through(first, second, progress, BLACK)


@transition("fade_white")
def fade_white(first: Picture, second: Picture, progress: float, _at: At) -> Picture:
    """Go up to white, then down again."""
    return _through(first, second, progress, WHITE)


def _through(first: Picture, second: Picture, progress: float, colour: tuple[int, int, int]) -> Picture:
    between = filled(first.width, first.height, colour)
    if progress < 0.5:
        return mixed(first, between, 2 * progress)
    return mixed(between, second, 2 * progress - 1)


def mixed(first: Picture, second: Picture, part: Part) -> Picture:
    """Return two pictures mixed: `part` of the second, one number or one for each pixel, (height, width) 0..1.

    What can be seen through counts for less: colours are weighed with their alphas, the alphas are mixed.
    """
    if isinstance(part, float | int) and part in (0, 1):
        return second if part else first
    if first.alpha is None and second.alpha is None and isinstance(part, float | int):
        return Picture(
            _mixed(first.y, second.y, part), _mixed(first.u, second.u, part), _mixed(first.v, second.v, part)
        )
    first, second = opaque(ready(first)), opaque(ready(second))
    assert first.alpha is not None, "it was just made opaque"
    assert second.alpha is not None, "it was just made opaque"
    whole = np.full(first.y.shape, part, dtype=np.float32) if isinstance(part, float | int) else part
    weighed(first.y, first.u, first.v, first.alpha, second.y, second.u, second.v, second.alpha, whole)
    return first


def opaque(picture: Picture) -> Picture:
    """Return the picture with an alpha: where it has none, all of it is seen."""
    if picture.alpha is None:
        picture.alpha = np.full_like(picture.y, 255)
    return picture


def _mixed(first: Plane, second: Plane, part: float) -> Plane:
    return np.asarray(cv2.addWeighted(first, 1 - part, second, part, 0), dtype=np.uint8)
