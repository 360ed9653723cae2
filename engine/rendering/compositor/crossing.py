"""Transitions that mix two pictures all over; and how pictures are mixed when some of them can be seen through."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import BLACK, Picture, Plane, filled
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
    if first.alpha is None and second.alpha is None:
        small = part if isinstance(part, float | int) else halved(part)
        return Picture(
            _mixed(first.y, second.y, part),
            _mixed(first.u, second.u, small),
            _mixed(first.v, second.v, small),
        )
    one, other = _weight(first) * (1 - part), _weight(second) * part
    whole = one + other
    share = np.divide(other, whole, out=np.zeros_like(whole), where=whole > 0)
    # Of colour, too, only what is seen counts: its share is that of the pixels it stands for, by their weight.
    seen = halved(whole)
    small = np.divide(halved(other), seen, out=np.zeros_like(seen), where=seen > 0)
    return Picture(
        _mixed(first.y, second.y, share),
        _mixed(first.u, second.u, small),
        _mixed(first.v, second.v, small),
        np.asarray(whole * 255 + 0.5, dtype=np.uint8),
    )


def halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each two by two values."""
    return np.asarray((plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4)


def _weight(picture: Picture) -> NDArray[np.float32]:
    if picture.alpha is None:
        return np.ones(picture.y.shape, dtype=np.float32)
    return np.asarray(picture.alpha / np.float32(255), dtype=np.float32)


def _mixed(first: Plane, second: Plane, part: Part) -> Plane:
    if isinstance(part, float | int):
        return np.asarray(cv2.addWeighted(first, 1 - part, second, part, 0), dtype=np.uint8)
    difference = second.astype(np.float32) - first
    return np.asarray(first + difference * part + np.float32(0.5), dtype=np.uint8)
