"""Effects that spread a picture: out of focus, in blocks, glowing.

Sizes are in pixels of a picture whose shorter side has 1080 lines, so that a smaller preview looks like the film.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.kernels import screened, tinted
from engine.rendering.compositor.table import At, effect

Reals = NDArray[np.float32]

LINES: Final = 1080
# A Gaussian wider than this is made of a smaller picture, which then loses nothing that could still be seen.
WIDE: Final = 3.0
NARROW: Final = 1.5


def pixels(picture: Picture, size: float) -> float:
    """Return a size given for 1080 lines in pixels of this picture."""
    return size * min(picture.width, picture.height) / LINES


@effect("blur")
def blur(picture: Picture, at: At) -> Picture:
    """Put the picture out of focus: a Gaussian whose standard deviation is `radius`."""
    return blurred(picture, pixels(picture, at.number("radius")))


@effect("pixelate")
def pixelate(picture: Picture, at: At) -> Picture:
    """Show the mean of each block in all of it."""
    size = pixels(picture, at.number("size"))
    if size < 2:
        return picture
    cells = max(1, round(picture.width / size)), max(1, round(picture.height / size))
    return _spread(picture, lambda plane: _blocks(plane, cells))


@effect("glow")
def glow(picture: Picture, at: At) -> Picture:
    """Let what is brighter than `threshold` shine over its surroundings."""
    amount, radius = at.number("amount"), pixels(picture, at.number("radius"))
    if amount == 0:
        return picture
    # Light that is spread has no detail: a quarter of the picture's size holds it.
    small = [
        _real(_shrunk(plane, 4 if plane is picture.y else 2)) for plane in (picture.y, picture.u, picture.v)
    ]
    light = np.clip((small[0] - 16) / 219, 0, 1)
    threshold = at.number("threshold")
    shining = np.clip((light - threshold) / max(1 - threshold, 0.05), 0, 1)
    picture = ready(picture)
    for place, plane in enumerate((picture.y, picture.u, picture.v)):
        bright = (light if place == 0 else small[place] - 128) * shining
        sheen = _grown(gaussian(_real(bright), radius / 4), plane, 4 if place == 0 else 2)
        lay = screened if place == 0 else tinted
        lay(plane, np.ascontiguousarray(sheen), np.float32(amount))
    return picture


def blurred(picture: Picture, sigma: float) -> Picture:
    """Return a picture blurred by a Gaussian of `sigma` pixels; what can be seen through blurs with it."""
    if sigma < 0.1:
        return picture
    return _spread(picture, lambda plane: gaussian(plane, sigma * plane.shape[0] / picture.height))


def gaussian(plane: NDArray[Any], sigma: float) -> NDArray[Any]:
    """Return a plane through a Gaussian; beyond its edges it goes on as it ends."""
    if sigma <= WIDE:
        return _gaussian(plane, max(sigma, 0.1))
    factor = 2 ** math.floor(math.log2(sigma / NARROW))
    small = _real(_shrunk(plane, factor))
    # Taking means and drawing lines between them blurs by itself, each by the variance of its window.
    small = _gaussian(small, math.sqrt(sigma * sigma - factor * factor / 4) / factor)
    return _grown(small if plane.dtype == np.float32 else _stored(small, 255), plane, factor)


def _gaussian(plane: NDArray[Any], sigma: float) -> NDArray[Any]:
    side = 2 * math.ceil(3.5 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(plane, (side, side), sigma, borderType=cv2.BORDER_REPLICATE))


def _shrunk(plane: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return the means of blocks of `factor` by `factor`; the last ones go on as the plane ends."""
    height, width = plane.shape
    below, right = -height % factor, -width % factor
    if below or right:
        plane = cv2.copyMakeBorder(plane, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = (width + right) // factor, (height + below) // factor
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def _grown(small: NDArray[Any], plane: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return what `_shrunk` made in the plane's size again."""
    size = small.shape[1] * factor, small.shape[0] * factor
    whole = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(whole[: plane.shape[0], : plane.shape[1]])


def _spread(picture: Picture, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Picture:
    """Change all planes alike; colours are weighed with alpha, so that what is not seen does not leak into what is."""
    if picture.alpha is None:
        return Picture(
            *(np.asarray(change(plane), dtype=np.uint8) for plane in (picture.y, picture.u, picture.v))
        )
    weight = _real(picture.alpha)
    small = (weight[::2, ::2] + weight[1::2, ::2] + weight[::2, 1::2] + weight[1::2, 1::2]) / 4
    alpha, alpha_small = _real(change(weight)), _real(change(small))
    planes = []
    for plane, own, spread in (
        (picture.y, weight, alpha),
        (picture.u, small, alpha_small),
        (picture.v, small, alpha_small),
    ):
        carried = _real(change(_real(plane) * own))
        colour = np.divide(carried, spread, out=_real(plane), where=spread > 0.5)
        planes.append(_stored(colour, 255))
    return Picture(planes[0], planes[1], planes[2], _stored(alpha, 255))


def _blocks(plane: NDArray[Any], cells: tuple[int, int]) -> NDArray[Any]:
    height, width = plane.shape
    small = cv2.resize(plane, (min(cells[0], width), min(cells[1], height)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))


def _real(plane: NDArray[Any]) -> Reals:
    return np.asarray(plane, dtype=np.float32)


def _stored(plane: Reals, most: int) -> Plane:
    return np.asarray(np.clip(plane + np.float32(0.5), 0, most), dtype=np.uint8)
