"""The effect that takes a camera's shaking out, by the path that an analysis of the footage has found (`camera`).

Of the path only what lasts is kept: within each shot it is smoothed by a Gaussian, and each frame is moved by the
difference. The picture is enlarged by `zoom`; a frame is never moved so far that its edge would be seen.
"""

import functools
import math
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import CameraPath
from engine.kernel.errors import WorkFailed
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.table import At, effect

Reals = NDArray[np.float64]

SHORTEST: Final = 3  # frames: in less of a shot there is no shaking to find
HALVINGS: Final = 12


@effect("stabilise")
def stabilise(picture: Picture, at: At) -> Picture:
    """Move the frame to where a steady hand would have held it; its seed is its number in the footage.

    Raises:
        WorkFailed: the file is no camera's path, or one of other footage.
    """
    zoom = at.number("zoom")
    path, corrections = _steady(at.file("file"), round(at.number("smoothness"), 3))
    if not 0 <= at.seed < len(corrections):
        raise WorkFailed(
            f"the path knows {len(corrections)} frames, and this is frame {at.seed}: it is of other footage",
            stage="filter",
        )
    # The picture shows the footage's width or its height in full, whichever fills the canvas.
    scale = max(picture.width / path.width, picture.height / path.height)
    wanted = corrections[at.seed] * (scale, scale, 1, 1) * at.number("strength")
    moved = _covering(wanted, zoom, picture.width, picture.height)
    if np.allclose(moved, np.eye(2, 3)):
        return picture
    alpha = None if picture.alpha is None else _warped(picture.alpha, moved, picture, cv2.INTER_LINEAR)
    return Picture(
        _warped(picture.y, moved, picture, cv2.INTER_CUBIC),
        _warped(picture.u, moved, picture, cv2.INTER_LINEAR),
        _warped(picture.v, moved, picture, cv2.INTER_LINEAR),
        alpha,
    )


@functools.lru_cache(maxsize=8)
def _steady(content: bytes, smoothness: float) -> tuple[CameraPath, Reals]:
    """Return the path, and by how much each frame is to be moved: right, down (pixels of the path), turn, growth (log)."""
    try:
        path = msgspec.json.decode(content, type=CameraPath)
    except msgspec.DecodeError as error:
        raise WorkFailed(f"the path is no camera's path: {error}", stage="filter") from error
    corrections = np.zeros((len(path.moves), 4))
    starts = [place for place, move in enumerate(path.moves) if move is None or place == 0]
    for start, end in zip(starts, [*starts[1:], len(path.moves)], strict=True):
        if end - start >= SHORTEST:
            steps = np.array([(0.0,) * 4, *path.moves[start + 1 : end]], dtype=np.float64)
            went = steps.cumsum(axis=0)
            corrections[start:end] = _smoothed(went, smoothness / 2 * path.rate) - went
    return path, corrections


def _smoothed(went: Reals, sigma: float) -> Reals:
    """Return a path through a Gaussian; beyond its ends it goes on as it came, so that a steady pan stays one."""
    if sigma < 0.1:
        return went
    reach = math.ceil(3 * sigma)
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma * sigma))
    kernel /= kernel.sum()
    wide = np.pad(went, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.stack([np.convolve(column, kernel, "valid") for column in wide.T], axis=1)


def _covering(wanted: Reals, zoom: float, width: int, height: int) -> Reals:
    """Return the 2x3 matrix, from corners of pixels to corners of pixels, that goes as far the wanted way as covers all."""
    part = 1.0
    if not _covers(_matrix(wanted, zoom, width, height), width, height):
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if _covers(_matrix(wanted * middle, zoom, width, height), width, height):
                low = middle
            else:
                high = middle
        part = low
    return _matrix(wanted * part, zoom, width, height)


def _matrix(moved: Reals, zoom: float, width: int, height: int) -> Reals:
    right, down, turn, grow = moved
    size = zoom * math.exp(grow)
    turned = size * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    middle = np.array([width / 2, height / 2])
    shift = middle + zoom * np.array([right, down]) - turned @ middle
    return np.column_stack([turned, shift])


def _covers(matrix: Reals, width: int, height: int) -> bool:
    corners = np.array([[0, width, 0, width], [0, 0, height, height]], dtype=np.float64)
    x, y = np.linalg.solve(matrix[:, :2], corners - matrix[:, 2:])
    near = 1e-6
    return bool(
        x.min() >= -near and y.min() >= -near and x.max() <= width + near and y.max() <= height + near
    )


def _warped(plane: Plane, matrix: Reals, picture: Picture, how: int) -> Plane:
    size = np.array([plane.shape[1] / picture.width, plane.shape[0] / picture.height])
    turned, shift = matrix[:, :2], matrix[:, 2] * size
    # OpenCV counts from the middle of the first pixel.
    own = np.column_stack([turned, turned @ (0.5, 0.5) + shift - 0.5])
    warped = cv2.warpAffine(
        plane, own, (plane.shape[1], plane.shape[0]), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, dtype=np.uint8)
