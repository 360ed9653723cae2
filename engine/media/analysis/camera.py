"""How the camera moves from each frame to the next: what a stabiliser takes out again.

Corners of one frame are found again in the next (Lucas and Kanade's tracker on pyramids), and of where they went the shift,
the turn and the growth that most of them share is taken (RANSAC): what moves in the picture is outvoted.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import CameraPath
from engine.media.analysis.look import Gray, Look

CORNERS_MAX: Final = 200
CORNERS_MIN: Final = 12
APART: Final = 12.0  # pixels between corners
INLIERS_MIN: Final = 0.3  # of the corners: fewer, and the frames show different scenes
DIGITS: Final = 5

Move = tuple[float, float, float, float]
STILL: Final[Move] = (0.0, 0.0, 0.0, 0.0)


class CameraMeter:
    """Fed with every frame in order; keeps the one before."""

    def __init__(self) -> None:
        self._before: Gray | None = None
        self._size = (0, 0)
        self._last = Fraction(0)
        self._moves: list[Move | None] = []

    def add(self, look: Look) -> None:
        """Take the next frame."""
        here = look.fine
        self._moves.append(None if self._before is None else _move(self._before, here))
        self._before, self._last = here, look.at
        self._size = (here.shape[1], here.shape[0])

    def finish(self) -> bytes:
        """Return the path as the JSON of a `CameraPath`."""
        count = len(self._moves)
        rate = (count - 1) / float(self._last) if self._last > 0 else 25.0
        path = CameraPath(
            width=self._size[0], height=self._size[1], rate=round(rate, DIGITS), moves=tuple(self._moves)
        )
        return msgspec.json.encode(path)


def _move(before: Gray, here: Gray) -> Move | None:
    """Return how the picture's middle moves, turns and grows; None where the two show different scenes.

    A picture without corners has nothing that could tell of the camera: it is taken to stand still.
    """
    corners: Any = cv2.goodFeaturesToTrack(before, CORNERS_MAX, 0.01, APART)
    if corners is None or len(corners) < CORNERS_MIN:
        return STILL
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before, here, corners, np.empty_like(corners), winSize=(21, 21), maxLevel=4
    )
    tracked = status.ravel() == 1
    if tracked.sum() < max(CORNERS_MIN, INLIERS_MIN * len(corners)):
        return None
    cv2.setRNGSeed(0)  # RANSAC draws: the same draws each time
    camera, inliers = cv2.estimateAffinePartial2D(
        corners[tracked], found[tracked], method=cv2.RANSAC, ransacReprojThreshold=1.5
    )
    if camera is None or inliers.sum() < max(CORNERS_MIN, INLIERS_MIN * len(corners)):
        return None
    return _about_middle(np.asarray(camera, dtype=np.float64), here.shape)


def _about_middle(camera: NDArray[np.float64], shape: tuple[int, ...]) -> Move:
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    shift = camera[:, :2] @ middle + camera[:, 2] - middle
    turn = math.atan2(camera[1, 0], camera[0, 0])
    grow = math.log(math.hypot(camera[0, 0], camera[1, 0]))
    return (
        round(float(shift[0]), DIGITS),
        round(float(shift[1]), DIGITS),
        round(turn, DIGITS + 2),
        round(grow, DIGITS + 2),
    )
