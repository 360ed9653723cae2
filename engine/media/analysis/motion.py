"""How much moves, and where, once the camera's own movement is taken out.

Every `hop` one frame is compared with its neighbours, two before and two after. The camera's movement between them is
estimated from corners of the background (Lucas-Kanade tracks, a similarity transform by RANSAC) and undone; what differs
then from the frames before *and* from those after is something that moves, where it is now: what it uncovers differs from
one side only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Motion, Shot
from engine.media.analysis.look import Gray, Look

STEP_S: Final = Fraction(2, 25)  # between neighbours: slow things need time to differ
SIDE: Final = 160  # the longer side of what is compared, pixels
NOISE: Final = 14.0  # a pixel that differs by less (of 255) has not moved
MUCH: Final = 0.1  # of the pixels move: an amount of 1
MOVED_MIN: Final = 0.0015  # of the pixels: less is no subject
CORNERS_MAX: Final = 80
CORNERS_MIN: Final = 8
INLIERS_MIN: Final = 0.4  # of the corners: fewer, and the frames show different scenes
SMOOTH_S: Final = 0.3  # standard deviation of the window over the centre's track
DIGITS: Final = 3

Moved = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Sample:
    """`center` is None where too little moves to tell."""

    at: Fraction
    amount: float
    center: tuple[float, float] | None
    weight: float


@dataclass(frozen=True, slots=True)
class _Kept:
    at: Fraction
    gray: Gray


class MotionMeter:
    """Fed with every frame in order; keeps the last second or so. `hop` is seconds between samples."""

    def __init__(self, hop: Fraction) -> None:
        self._hop = hop
        self._recent: deque[_Kept] = deque()
        self._samples: list[_Sample] = []

    def add(self, look: Look) -> None:
        """Take the next frame."""
        self._recent.append(_Kept(look.at, _shrunk(look.gray)))
        while self._due() + 2 * STEP_S <= look.at:
            self._measure()

    def finish(self, end: Fraction, shots: Sequence[Shot]) -> Motion:
        """Return amount and centre every `hop` seconds from 0 to before `end`.

        Args:
            end: when the last frame ends, seconds from the first.
            shots: the centre's track is smoothed within each of them and jumps between them.
        """
        while self._recent and self._due() < end:
            self._measure()
        x, y = _track(self._samples, shots)
        return Motion(
            hop=self._hop,
            amount=tuple(round(sample.amount, DIGITS) for sample in self._samples),
            center_x=tuple(round(float(value), DIGITS) for value in x),
            center_y=tuple(round(float(value), DIGITS) for value in y),
        )

    def _due(self) -> Fraction:
        return len(self._samples) * self._hop

    def _measure(self) -> None:
        """Compare the frame on screen at the time that is due with its neighbours."""
        due = self._due()
        here = self._on_screen(due)
        before = [self._on_screen(due - step * STEP_S) for step in (1, 2)]
        after = [self._on_screen(due + step * STEP_S) for step in (1, 2)]
        sides = [
            _moved(here.gray, [kept.gray for kept in side if kept is not here]) for side in (before, after)
        ]
        known = [side for side in sides if side is not None]
        if known:
            amount, center, weight = _measured(np.minimum.reduce(known))
        else:
            amount, center, weight = 0.0, None, 0.0
        self._samples.append(_Sample(due, amount, center, weight))
        while len(self._recent) > 1 and self._recent[1].at <= self._due() - 2 * STEP_S:
            self._recent.popleft()

    def _on_screen(self, at: Fraction) -> _Kept:
        """Return the frame shown at `at`: the last that began by then, else the earliest that is kept."""
        shown = self._recent[0]
        for kept in self._recent:
            if kept.at > at:
                break
            shown = kept
        return shown


def _shrunk(gray: Gray) -> Gray:
    part = min(1.0, SIDE / max(gray.shape))
    size = max(8, round(gray.shape[1] * part)), max(8, round(gray.shape[0] * part))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _moved(here: Gray, others: list[Gray]) -> Moved | None:
    """Return by how much each pixel differs from other frames once the camera's movement is undone.

    None when no other frame shows the same scene.
    """
    corners = cv2.goodFeaturesToTrack(here, CORNERS_MAX, 0.01, 6)
    differences = [found for other in others if (found := _difference(here, other, corners)) is not None]
    return np.mean(differences, axis=0, dtype=np.float32) if differences else None


def _difference(here: Gray, other: Gray, corners: Any) -> Moved | None:
    camera = _camera(here, other, corners)
    if camera is None:
        return None
    height, width = here.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    undone = cv2.warpAffine(other, camera, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.full_like(other, 255), camera, (width, height), flags=flags)
    difference = cv2.absdiff(cv2.GaussianBlur(here, (0, 0), 1.0), cv2.GaussianBlur(undone, (0, 0), 1.0))
    difference[inside < 255] = 0
    return np.asarray(difference, dtype=np.float32)


def _camera(here: Gray, other: Gray, corners: Any) -> NDArray[np.float64] | None:
    """Return where the points of `here` lie in `other`, as a 2x3 similarity transform.

    A picture without corners has nothing that could tell of the camera: it is taken to stand still. None when most of
    the corners are not found again: another scene.
    """
    still = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if corners is None or len(corners) < CORNERS_MIN:
        return still
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        here, other, corners, np.empty_like(corners), winSize=(15, 15), maxLevel=3
    )
    tracked = status.ravel() == 1
    if tracked.sum() < max(CORNERS_MIN, INLIERS_MIN * len(corners)):
        return None
    cv2.setRNGSeed(0)  # RANSAC draws: the same draws each time
    camera, inliers = cv2.estimateAffinePartial2D(
        corners[tracked], found[tracked], method=cv2.RANSAC, ransacReprojThreshold=1.0
    )
    if camera is None or inliers.sum() < INLIERS_MIN * len(corners):
        return None
    return np.asarray(camera, dtype=np.float64)


def _measured(moved: Moved) -> tuple[float, tuple[float, float] | None, float]:
    """Return how much moves, its centre and how sure that is, all 0..1."""
    height, width = moved.shape
    mass = np.where(moved > NOISE, moved, 0)
    part = float((mass > 0).mean())
    if part < MOVED_MIN:
        return part / MUCH, None, 0.0
    # A second look near the first centre: leaves and passers-by at the edges do not pull at it.
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = _centroid(mass, rows, columns)
    near = mass * np.exp(-(((columns - x) / (0.3 * width)) ** 2 + ((rows - y) / (0.45 * height)) ** 2) / 2)
    x, y = _centroid(near, rows, columns)
    return min(1.0, part / MUCH), ((x + 0.5) / width, (y + 0.5) / height), min(1.0, part / 0.02)


def _centroid(mass: Moved, rows: Moved, columns: Moved) -> tuple[float, float]:
    total = float(mass.sum())
    return float((mass * columns).sum()) / total, float((mass * rows).sum()) / total


def _track(samples: Sequence[_Sample], shots: Sequence[Shot]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the centre at each sample, smoothed within each shot; the middle in shots in which nothing moves."""
    track = np.full((2, len(samples)), 0.5)
    for shot in shots:
        inside = [place for place, sample in enumerate(samples) if shot.start <= sample.at < shot.end]
        seen = [place for place in inside if samples[place].center is not None]
        if not seen:
            continue
        times = np.array([float(samples[place].at) for place in seen])
        weights = np.array([samples[place].weight for place in seen])
        centers = np.array([samples[place].center for place in seen])
        for place in inside:
            away = (times - float(samples[place].at)) / SMOOTH_S
            # Far from anything that moves the nearest that did counts: the window never runs empty.
            window = weights * np.exp(-(away**2 - np.min(away**2)) / 2)
            track[:, place] = window @ centers / window.sum()
    return track[0], track[1]
