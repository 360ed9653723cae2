"""A picture laid onto a canvas: as it is where only whole pixels are moved, sampled where it is scaled, turned or between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor import mixing
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.kernels import covered
from engine.rendering.compositor.patches import Patch

Matrix = NDArray[np.float64]

NEAR: Final = 1e-6
# Below this scale a picture is first made smaller by averaging, for sampling alone would skip pixels.
SHRINK_BELOW: Final = 0.7
TAPS: Final = 4


@dataclass(frozen=True)
class Placing:
    """`matrix` (2 x 3) takes points of the picture to points of the canvas, in pixels from the top left corners.

    `left`, `top`, `right`, `bottom` are cut off the picture, in its own pixels.
    """

    matrix: Matrix
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


def placed(picture: Picture, placing: Placing, width: int, height: int) -> Patch | None:
    """Return where the picture lies on a canvas; None where nothing of it is seen. It may write into the picture."""
    picture = _cropped(picture, placing)
    moved = _moved(picture, placing.matrix, width, height)
    return moved if moved is not None else _sampled(picture, placing.matrix, width, height)


def _cropped(picture: Picture, placing: Placing) -> Picture:
    """Make transparent what is cut off; an edge within a pixel leaves its part of it."""
    if not (placing.left or placing.top or placing.right or placing.bottom):
        return picture
    columns = _kept(picture.width, placing.left, placing.right)
    rows = _kept(picture.height, placing.top, placing.bottom)
    shown = rows[:, None] * columns[None, :]
    if picture.alpha is not None:
        shown = shown * picture.alpha / np.float32(255)
    picture.alpha = np.asarray(shown * 255 + 0.5, dtype=np.uint8)
    return picture


def _kept(size: int, before: float, after: float) -> NDArray[np.float32]:
    edges = np.arange(size + 1, dtype=np.float64)
    inside = np.minimum(edges[1:], size - after) - np.maximum(edges[:-1], before)
    return np.asarray(np.clip(inside, 0, 1), dtype=np.float32)


def _moved(picture: Picture, matrix: Matrix, width: int, height: int) -> Patch | None:
    """Return the patch where the picture is only moved, by even numbers of pixels, and lies on the canvas; else None."""
    if np.abs(matrix[:, :2] - np.eye(2)).max() > NEAR / max(picture.width, picture.height):
        return None
    x, y = matrix[0, 2], matrix[1, 2]
    left, top = round(x / 2) * 2, round(y / 2) * 2
    if abs(x - left) > NEAR or abs(y - top) > NEAR:
        return None
    if left < 0 or top < 0 or left + picture.width > width or top + picture.height > height:
        return None
    return Patch(picture, left, top)


def _sampled(picture: Picture, matrix: Matrix, width: int, height: int) -> Patch | None:
    box = _box(matrix, picture, width, height)
    if box is None:
        return None
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    picture, matrix = _shrunk(picture, matrix)
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])
    onto = _after(shift, matrix)
    half = _after(_after(np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]]), onto), _COLOUR)
    if abs(onto[0, 1]) < NEAR and abs(onto[1, 0]) < NEAR and min(picture.width, picture.height) >= 2 * TAPS:
        return Patch(_upright(picture, onto, half, size), left, top)
    shown = _shown(picture, onto, size)
    # Brightness at pixel middles; colour lies at the left of each pair and between two lines (ITU-T H.273, type 0).
    y = _warped(picture.y, onto, size, None, cv2.INTER_CUBIC)
    halves = (size[0] // 2, size[1] // 2)
    u = _warped(picture.u, half, halves, None, cv2.INTER_LINEAR)
    v = _warped(picture.v, half, halves, None, cv2.INTER_LINEAR)
    return Patch(Picture(y, u, v, shown), left, top)


def _shown(picture: Picture, onto: Matrix, size: tuple[int, int]) -> Plane | None:
    """Return how much is seen of the picture in each pixel, 0..255; None: it hides all of them."""
    if picture.alpha is not None:
        return _warped(picture.alpha, onto, size, 0, cv2.INTER_LINEAR)
    if _covers(onto, picture, size):
        return None
    out = np.empty((size[1], size[0]), dtype=np.uint8)
    covered(_inverse(_centred(onto)), np.float32(picture.width), np.float32(picture.height), out)
    return out


def _upright(picture: Picture, onto: Matrix, half: Matrix, size: tuple[int, int]) -> Picture:
    """Sample a picture that is only scaled and moved, across and down one after the other."""
    columns = _covered(onto[0, 0], onto[0, 2], picture.width, size[0])
    rows = _covered(onto[1, 1], onto[1, 2], picture.height, size[1])
    shown: Plane | None = None
    if picture.alpha is not None or columns.min() < 1 or rows.min() < 1:
        part = rows[:, None] * columns[None, :]
        if picture.alpha is not None:
            part = part * _resampled(picture.alpha, onto, size)
            shown = np.asarray(part + np.float32(0.5), dtype=np.uint8)
        else:
            shown = np.asarray(part * np.float32(255) + np.float32(0.5), dtype=np.uint8)
    halves = (size[0] // 2, size[1] // 2)
    return Picture(
        _resampled(picture.y, onto, size),
        _resampled(picture.u, half, halves),
        _resampled(picture.v, half, halves),
        shown,
    )


def _resampled(plane: Plane, matrix: Matrix, size: tuple[int, int]) -> Plane:
    out = np.empty((size[1], size[0]), dtype=np.uint8)
    columns, across = _taps(matrix[0, 0], matrix[0, 2], plane.shape[1], size[0])
    rows, down = _taps(matrix[1, 1], matrix[1, 2], plane.shape[0], size[1])
    mixing.resample(np.ascontiguousarray(plane), columns, across, rows, np.ascontiguousarray(down.T), out)
    return out


def _taps(
    scale: float, shift: float, length: int, count: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return for each output sample the first of its four samples, and their parts (Keys' cubic, a = -0.75, as OpenCV's).

    Samples beyond an edge are the edge's own.
    """
    centres = (np.arange(count) + 0.5 - shift) / scale - 0.5
    before = np.floor(centres)
    t = centres - before
    a = -0.75
    outer = [((a * x - 5 * a) * x + 8 * a) * x - 4 * a for x in (1 + t, 2 - t)]
    inner = [((a + 2) * x - (a + 3)) * x * x + 1 for x in (t, 1 - t)]
    parts = np.stack([outer[0], inner[0], inner[1], outer[1]])
    first = np.clip(before - 1, 0, length - TAPS).astype(np.int64)
    held = np.zeros_like(parts)
    for tap in range(TAPS):
        at = np.clip(before - 1 + tap, 0, length - 1).astype(np.int64) - first
        np.add.at(held, (at, np.arange(count)), parts[tap])
    return first.astype(np.int32), held.astype(np.float32)


def _covered(scale: float, shift: float, length: int, count: int) -> NDArray[np.float32]:
    """Return which part of each output pixel the picture covers, along one side."""
    low, high = sorted((shift, shift + scale * length))
    edges = np.arange(count + 1, dtype=np.float64)
    return np.asarray(
        np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, 1), dtype=np.float32
    )


# From the corner-based places of the colour plane to those of the brightness plane: sample n lies at 2 n + 0.5 across.
_COLOUR: Final = np.array([[2.0, 0.0, -0.5], [0.0, 2.0, 0.0]])


def _after(second: Matrix, first: Matrix) -> Matrix:
    """Return the matrix that does `first`, then `second`."""
    made = second @ np.vstack([first, [0.0, 0.0, 1.0]])
    return np.asarray(made, dtype=np.float64)


def _warped(plane: Plane, matrix: Matrix, size: tuple[int, int], beside: int | None, how: int) -> Plane:
    """Sample a plane; `beside` is what lies around it, None: its edge goes on."""
    border = cv2.BORDER_REPLICATE if beside is None else cv2.BORDER_CONSTANT
    made = cv2.warpAffine(
        plane, _centred(matrix), size, flags=how, borderMode=border, borderValue=(beside or 0,)
    )
    return np.asarray(made, dtype=np.uint8)


def _centred(matrix: Matrix) -> Matrix:
    """Return a matrix that counts from the middle of the first pixel, as OpenCV does, not from its corner."""
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ [0.5, 0.5] - [0.5, 0.5]
    return centred


def _inverse(matrix: Matrix) -> Matrix:
    return np.ascontiguousarray(np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2])


def _box(matrix: Matrix, picture: Picture, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Return the even rectangle of the canvas that the picture touches; None: it lies beside it."""
    corners = np.array(
        [[0, picture.width, 0, picture.width], [0, 0, picture.height, picture.height], [1, 1, 1, 1]]
    )
    xs, ys = matrix @ corners
    left, top = max(0, int(np.floor(xs.min())) - 1), max(0, int(np.floor(ys.min())) - 1)
    right, bottom = min(width, int(np.ceil(xs.max())) + 1), min(height, int(np.ceil(ys.max())) + 1)
    left, top = left & ~1, top & ~1
    right, bottom = min(width, right + 1 & ~1), min(height, bottom + 1 & ~1)
    if right <= left or bottom <= top:
        return None
    return left, top, right, bottom


def _shrunk(picture: Picture, matrix: Matrix) -> tuple[Picture, Matrix]:
    """Halve the picture's sides by averaging until it is about as large as it will be shown."""
    across, down = (float(np.hypot(*matrix[:, axis])) for axis in (0, 1))
    while (across < SHRINK_BELOW or down < SHRINK_BELOW) and min(picture.width, picture.height) >= 8:
        by_x = 2 if across < SHRINK_BELOW else 1
        by_y = 2 if down < SHRINK_BELOW else 1
        size = (picture.width // by_x & ~1, picture.height // by_y & ~1)
        factor = (size[0] / picture.width, size[1] / picture.height)

        def less(plane: Plane, step: int, size: tuple[int, int] = size) -> Plane:
            shape = (size[0] // step, size[1] // step)
            return np.asarray(cv2.resize(plane, shape, interpolation=cv2.INTER_AREA), dtype=np.uint8)

        alpha = None if picture.alpha is None else less(picture.alpha, 1)
        picture = Picture(less(picture.y, 1), less(picture.u, 2), less(picture.v, 2), alpha)
        matrix = matrix @ np.diag([1 / factor[0], 1 / factor[1], 1.0])
        across, down = across / factor[0], down / factor[1]
    return picture, matrix


def _covers(matrix: Matrix, picture: Picture, size: tuple[int, int]) -> bool:
    """Whether all pixels of the box show the picture and none of them its edge."""
    back = np.linalg.inv(matrix[:, :2])
    corners = np.array([[0, size[0], 0, size[0]], [0, 0, size[1], size[1]]]) - matrix[:, 2:3]
    xs, ys = back @ corners
    return bool(
        xs.min() >= -NEAR
        and ys.min() >= -NEAR
        and xs.max() <= picture.width + NEAR
        and ys.max() <= picture.height + NEAR
    )
