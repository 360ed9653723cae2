"""Transitions in which pictures move: pushed, slid, zoomed, thrown to the side.

Pictures move by whole pairs of pixels, so that colour, which has half the resolution, stays where brightness is.
"""

import math
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from engine.rendering.compositor.blur import blurred
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.crossing import mixed, opaque
from engine.rendering.compositor.kernels import enlarged
from engine.rendering.compositor.table import At, Transition, transition

# Right and down of each way, in pictures.
WAYS: Final = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
# How much of a frame's time the shutter of a whip pan is open.
SHUTTER: Final = 1.0


@transition("zoom")
def zoom(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """Fall into the first while the second comes from as near and settles."""
    amount = at.number("amount")
    near = _zoomed(first, 1 + amount * progress**2)
    far = _zoomed(second, 1 + amount * (1 - progress) ** 2)
    return mixed(near, far, _smooth(progress))


@transition("blur_dissolve")
def blur_dissolve(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """Lose focus on the first and find it on the second."""
    lost = at.number("radius") * math.sin(math.pi * progress) * min(first.width, first.height) / 1080
    return blurred(mixed(first, second, _smooth(progress)), lost)


@transition("whip_pan")
def whip_pan(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """Throw the camera round, so fast that all is smeared in between."""
    way = at.text("direction")
    picture = _pushed(first, second, _whipped(progress), way)
    # Twelve frames are what such a throw takes: the smear is how far it goes in one of them.
    before, after = _whipped(max(progress - 1 / 24, 0)), _whipped(min(progress + 1 / 24, 1))
    extent = picture.width if WAYS[way][0] else picture.height
    length = round((after - before) * extent * SHUTTER * at.number("smear")) // 2 * 2
    return picture if length < 2 else _each(picture, lambda plane: _smeared(plane, length, picture, way))


def _smooth(progress: float) -> float:
    return progress * progress * (3 - 2 * progress)


def _whipped(progress: float) -> float:
    """Return how far the throw is: slow away, fast in the middle, slow to rest."""
    return float(16 * progress**5 if progress < 0.5 else 1 - 16 * (1 - progress) ** 5)


def _eased(progress: float, at: At) -> float:
    return _smooth(progress) if at.text("ease") == "smooth" else progress


def _each(picture: Picture, change: Callable[[Plane], Plane]) -> Picture:
    alpha = None if picture.alpha is None else change(picture.alpha)
    return Picture(change(picture.y), change(picture.u), change(picture.v), alpha)


def _pushed(first: Picture, second: Picture, part: float, way: str) -> Picture:
    return _beside(first, second, part, way, moves=True)


def _slid(first: Picture, second: Picture, part: float, way: str) -> Picture:
    return _beside(first, second, part, way, moves=False)


def _beside(first: Picture, second: Picture, part: float, way: str, *, moves: bool) -> Picture:
    """Return the canvas when the second picture has come in by `part`; `moves`: the first goes out before it."""
    right, down = WAYS[way]
    extent = first.width if right else first.height
    come = round(extent * part / 2) * 2
    if (first.alpha is None) != (second.alpha is None):
        first, second = opaque(first), opaque(second)
    pairs = [(first.y, second.y, come), (first.u, second.u, come // 2), (first.v, second.v, come // 2)]
    made = [_joined(a, b, come, right, down, moves) for a, b, come in pairs]
    alpha = None
    if first.alpha is not None and second.alpha is not None:
        alpha = _joined(first.alpha, second.alpha, come, right, down, moves)
    return Picture(made[0], made[1], made[2], alpha)


def _joined(first: Plane, second: Plane, come: int, right: int, down: int, moves: bool) -> Plane:
    axis = 1 if right else 0
    stays = first.shape[axis] - come
    ahead = right + down > 0  # what moves right or down comes in from the left or the top

    def part(plane: Plane, start: int, length: int) -> Plane:
        return plane[:, start : start + length] if axis else plane[start : start + length]

    new = part(second, stays if ahead else 0, come)
    if ahead:
        return np.concatenate((new, part(first, 0 if moves else come, stays)), axis=axis)
    return np.concatenate((part(first, come if moves else 0, stays), new), axis=axis)


def _zoomed(picture: Picture, scale: float) -> Picture:
    """Return the middle of a picture, larger."""
    if scale == 1:
        return picture
    return _each(picture, lambda plane: _enlarged(plane, scale))


def _enlarged(plane: Plane, scale: float) -> Plane:
    out = np.empty(plane.shape, dtype=np.uint8)
    enlarged(np.ascontiguousarray(plane), np.float32(scale), out)
    return out


def _smeared(plane: Plane, length: int, picture: Picture, way: str) -> Plane:
    own = max(1, length * plane.shape[0] // picture.height)
    size = (own, 1) if WAYS[way][0] else (1, own)
    return np.asarray(cv2.blur(plane, size, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _along(move: Callable[[Picture, Picture, float, str], Picture], way: str) -> Transition:
    """Return the transition in which pictures move one way, eased as its parameters say."""

    def made(first: Picture, second: Picture, progress: float, at: At) -> Picture:
        return move(first, second, _eased(progress, at), way)

    return made


for _way in WAYS:
    # Pushed: both move. Slid: the second comes in over the first.
    transition(f"push_{_way}")(_along(_pushed, _way))
    transition(f"slide_{_way}")(_along(_slid, _way))
