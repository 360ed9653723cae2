"""Faces that an analysis has found, as the regions of an effect: where each is on the canvas at every frame."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from cutroom_sdk.wire.media import Faces, FaceTrack
from engine.rendering.compiling.moving import Affine
from engine.rendering.graph import Numbers, Region, Window
from engine.rendering.walking import at, folded

# A face's box ends at the brow and the chin; what is done to a face is done to all of it.
ROOM: Final = 1.25
ASIDE: Final = -9.0  # a place that no canvas has: a face that is not there at a frame


@dataclass(frozen=True)
class Spot:
    """Middle and size, in 0..1 of a canvas."""

    x: float
    y: float
    width: float
    height: float


# Takes a place in 0..1 of the source's picture to 0..1 of a canvas, for one frame.
Carry = Callable[[int, Spot], Spot]


def regions_of(
    faces: Faces, moments: Sequence[Fraction], carry: Carry, feather: Numbers, *, inverted: bool
) -> tuple[Region, ...]:
    """Return a region for each face that is seen at one of the moments.

    Args:
        faces: of the source.
        moments: what each frame shows, seconds of the source.
        carry: from the source's picture to the canvas.
        feather: as in `Region`.
        inverted: as in `Region`.
    """
    low, high = min(moments), max(moments)
    seen = [one for one in faces.tracks if one.start <= high and one.end > low]
    return tuple(_region(one, moments, carry, feather, inverted=inverted) for one in seen)


def through_window(window: Window, turned: tuple[int, int], size: tuple[int, int]) -> Carry:
    """Return how places come onto the canvas, `size` pixels, that a window of the picture fills."""
    across, down = turned[0] / window.width, turned[1] / window.height

    def carry(frame: int, spot: Spot) -> Spot:
        return Spot(
            spot.x * across - at(window.left, frame) / size[0],
            spot.y * down - at(window.top, frame) / size[1],
            spot.width * across,
            spot.height * down,
        )

    return carry


def onwards(
    first: Carry, own: tuple[float, float], matrices: Sequence[Affine], canvas: tuple[int, int]
) -> Carry:
    """Return how places come onto the canvas onto which a picture of `own` pixels is laid by matrices."""

    def carry(frame: int, spot: Spot) -> Spot:
        found = first(frame, spot)
        xx, xy, x0, yx, yy, y0 = matrices[frame]
        x, y = found.x * own[0], found.y * own[1]
        width, height = found.width * own[0], found.height * own[1]
        # The upright ellipse that is as wide and as high as the turned one.
        return Spot(
            (xx * x + xy * y + x0) / canvas[0],
            (yx * x + yy * y + y0) / canvas[1],
            math.hypot(xx * width, xy * height) / canvas[0],
            math.hypot(yx * width, yy * height) / canvas[1],
        )

    return carry


def _region(
    track: FaceTrack, moments: Sequence[Fraction], carry: Carry, feather: Numbers, *, inverted: bool
) -> Region:
    spots = [
        carry(frame, _spot(track, moment)) if track.start <= moment < track.end else Spot(ASIDE, ASIDE, 0, 0)
        for frame, moment in enumerate(moments)
    ]
    return Region(
        shape="ellipse",
        x=folded(tuple(round(one.x, 5) for one in spots)),
        y=folded(tuple(round(one.y, 5) for one in spots)),
        width=folded(tuple(round(one.width * ROOM, 5) for one in spots)),
        height=folded(tuple(round(one.height * ROOM, 5) for one in spots)),
        feather=feather,
        inverted=inverted,
    )


def _spot(track: FaceTrack, moment: Fraction) -> Spot:
    """Return where a face is, on a straight line between two samples."""
    values = list(zip(track.at, track.x, track.y, track.width, track.height, strict=True))
    if moment <= values[0][0]:
        return Spot(*values[0][1:])
    for before, after in pairwise(values):
        if before[0] <= moment < after[0]:
            part = float((moment - before[0]) / (after[0] - before[0]))
            x, y, width, height = (a + (b - a) * part for a, b in zip(before[1:], after[1:], strict=True))
            return Spot(x, y, width, height)
    return Spot(*values[-1][1:])
