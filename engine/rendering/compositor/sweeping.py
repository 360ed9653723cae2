"""Transitions in which an edge sweeps over the first picture and leaves the second behind it.

A field says when each pixel's turn is, 0..65535 of the way; the edge is `softness` of the way wide, never less than a pixel.
"""

import functools
import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernel.errors import WorkFailed
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.crossing import mixed
from engine.rendering.compositor.kernels import swept, turned
from engine.rendering.compositor.table import At, transition

Field = NDArray[np.uint16]
Fields = tuple[Field, Field]  # of brightness, and of colour at half its size

LAST: Final = 65535
_KEPT: Final = 16  # fields: some 5 MB each at 1920x1080


@transition("wipe_left")
def wipe_left(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """The edge moves to the left."""
    return _swept(first, second, progress, at, _straight(first.width, first.height, -1, 0), 1)


@transition("wipe_right")
def wipe_right(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """The edge moves to the right."""
    return _swept(first, second, progress, at, _straight(first.width, first.height, 1, 0), 1)


@transition("wipe_up")
def wipe_up(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """The edge moves up."""
    return _swept(first, second, progress, at, _straight(first.width, first.height, 0, -1), 0)


@transition("wipe_down")
def wipe_down(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """The edge moves down."""
    return _swept(first, second, progress, at, _straight(first.width, first.height, 0, 1), 0)


@transition("circle")
def circle(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """A circle opens from its middle until it holds the farthest corner."""
    x, y = at.number("x"), at.number("y")
    return _swept(first, second, progress, at, _round(first.width, first.height, round(x, 4), round(y, 4)))


@transition("clock")
def clock(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """A hand goes round from twelve o'clock."""
    return _swept(first, second, progress, at, _turning(first.width, first.height))


@transition("luma_matte")
def luma_matte(first: Picture, second: Picture, progress: float, at: At) -> Picture:
    """Dark parts of a matte turn first, bright ones last; or the other way round."""
    field = _of_matte(at.file("file"), first.width, first.height, at.number("invert") >= 0.5)
    return _swept(first, second, progress, at, field)


def _swept(
    first: Picture, second: Picture, progress: float, at: At, fields: Fields, axis: int | None = None
) -> Picture:
    """Let the second picture in where its turn has come; `axis`: along which a straight edge moves, 0 down, 1 across."""
    softness = max(at.number("softness"), 1 / max(first.width, first.height))
    edge, slope = np.float32(progress * (1 + softness) * LAST), np.float32(1 / (softness * LAST))
    if first.alpha is not None or second.alpha is not None:
        part = np.empty(fields[0].shape, dtype=np.float32)
        turned(fields[0], edge, slope, part)
        return mixed(first, second, part)
    first, second = ready(first), ready(second)
    sweep = swept if axis is None else functools.partial(_banded, axis=axis)
    for below, above, field in zip(
        (first.y, first.u, first.v),
        (second.y, second.u, second.v),
        (fields[0], fields[1], fields[1]),
        strict=True,
    ):
        sweep(below, above, field, edge, slope)
    return first


def _banded(
    below: Plane, above: Plane, field: Field, edge: np.float32, slope: np.float32, *, axis: int
) -> None:
    """Sweep with a straight edge: what it has passed is copied, and only what it crosses is mixed."""
    line = field[0] if axis == 1 else field[:, 0]
    part = (edge - line.astype(np.float32)) * slope
    for places, mixes in (
        (np.flatnonzero(part >= 1), False),
        (np.flatnonzero((part > 0) & (part < 1)), True),
    ):
        if not len(places):
            continue
        # The field rises or falls along the way: such places lie side by side.
        across = slice(int(places[0]), int(places[-1]) + 1)
        band = (slice(None), across) if axis == 1 else (across, slice(None))
        if mixes:
            crossed = np.array(below[band])
            swept(crossed, np.ascontiguousarray(above[band]), np.ascontiguousarray(field[band]), edge, slope)
            below[band] = crossed
        else:
            below[band] = above[band]


@functools.lru_cache(maxsize=_KEPT)
def _straight(width: int, height: int, right: int, down: int) -> Fields:
    along = np.arange(width if right else height) + 0.5
    along = along / len(along) if right + down > 0 else 1 - along / len(along)
    return _fields(np.broadcast_to(along[None, :] if right else along[:, None], (height, width)))


@functools.lru_cache(maxsize=_KEPT)
def _round(width: int, height: int, x: float, y: float) -> Fields:
    rows, columns = _away(width, height, x, y)
    distance = np.hypot(rows, columns)
    return _fields(distance / distance.max())


@functools.lru_cache(maxsize=_KEPT)
def _turning(width: int, height: int) -> Fields:
    rows, columns = _away(width, height, 0.5, 0.5)
    return _fields(np.arctan2(columns, -rows) / (2 * math.pi) % 1)


@functools.lru_cache(maxsize=_KEPT)
def _of_matte(content: bytes, width: int, height: int, inverted: bool) -> Fields:
    matte = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if matte is None:
        raise WorkFailed("the matte is no picture that can be read (PNG, JPEG, WebP)", stage="filter")
    whole = matte.astype(np.float32) / float(255 if matte.dtype == np.uint8 else LAST)
    way = np.clip(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), 0, 1)
    return _fields(1 - way if inverted else way)


def _away(width: int, height: int, x: float, y: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far each pixel's middle is below and to the right of a point given in 0..1, pixels."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    return rows + 0.5 - y * height, columns + 0.5 - x * width


def _fields(way: NDArray[Any]) -> Fields:
    small = way.reshape(way.shape[0] // 2, 2, way.shape[1] // 2, 2).mean(axis=(1, 3))
    whole, half = (np.ascontiguousarray(one * LAST + 0.5).astype(np.uint16) for one in (way, small))
    return whole, half
