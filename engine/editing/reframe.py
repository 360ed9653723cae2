"""Where to crop: the middle of a window of another shape, led by faces and by what moves, calm where little does.

Centres are 0..1 of the picture as shown and keep the window inside it. Within a shot the window stands still unless its
subject leaves the middle part; then it follows, no faster than a camera operator would, unless the subject would leave
the window: keeping it in the picture comes before calm. At a cut it jumps.
"""

import bisect
import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.media import Faces, FaceTrack, Motion
from cutroom_sdk.wire.timeline import Effect, Keyframe, TimeRange

NAME: Final = "reframe"
# In parts of the window's own side.
DEAD_ZONE: Final = 0.14
SPEED_MOST: Final = 0.30  # a second, while the subject is within `REACH` of the middle
REACH: Final = 0.16  # the rest is for the subject's own width: two thirds of the window stay whole
SMOOTH_S: Final = Fraction(2, 5)
STILL_AMOUNT: Final = 0.004  # less movement than this says nothing about where the subject is
CLOSE_ENOUGH: Final = 0.004  # of the picture: a straight line this near to the path stands for it
DIGITS: Final = 4

Point = tuple[Fraction, float]


def reframe(
    size: tuple[int, int],
    target: tuple[int, int],
    span: TimeRange,
    edges: Sequence[Fraction],
    motion: Motion | None,
) -> Effect | None:
    """Return the effect that crops a clip to the shape of `target`; None when its shape is that already.

    Args:
        size: width and height of the source as shown.
        target: width and height of the result.
        span: the clip's stretch of the source, seconds.
        edges: where shots begin in the source, seconds, in order.
        motion: what moves in the source and where; None: the middle is taken.
    """
    aspect, wanted = Fraction(*size), Fraction(*target)
    if aspect == wanted:
        return None
    window_x, window_y = min(Fraction(1), wanted / aspect), min(Fraction(1), aspect / wanted)
    return Effect(
        name=NAME,
        parameters={
            "center_x": _parameter("x", float(window_x), span, edges, motion),
            "center_y": _parameter("y", float(window_y), span, edges, motion),
        },
    )


def led_by_faces(motion: Motion | None, faces: Faces | None) -> Motion | None:
    """Return where to look: at the largest face wherever one is seen, else at what moves.

    A person counts as moving a lot while their face is there, so a crop keeps them also when they sit still.
    """
    if faces is None or not faces.tracks:
        return motion
    if motion is None:
        length = math.ceil(max(track.end for track in faces.tracks) / faces.hop)
        motion = Motion(
            hop=faces.hop, amount=(0.0,) * length, center_x=(0.5,) * length, center_y=(0.5,) * length
        )
    amount, xs, ys = list(motion.amount), list(motion.center_x), list(motion.center_y)
    for place in range(len(amount)):
        seen = [(track, _nearest(track, place * motion.hop)) for track in faces.tracks]
        there = [(track.width[n] * track.height[n], n, track) for track, n in seen if n is not None]
        if there:
            _, n, track = max(there, key=lambda one: one[0])
            amount[place], xs[place], ys[place] = 1.0, track.x[n], track.y[n]
    return replace(motion, amount=tuple(amount), center_x=tuple(xs), center_y=tuple(ys))


def _nearest(track: FaceTrack, at: Fraction) -> int | None:
    """Return the number of the sample of a face nearest to a time; None outside its span."""
    if not track.start <= at < track.end:
        return None
    after = bisect.bisect_left(track.at, at)
    around = [n for n in (after - 1, after) if 0 <= n < len(track.at)]
    return min(around, key=lambda n: abs(track.at[n] - at))


def _parameter(
    axis: str, window: float, span: TimeRange, edges: Sequence[Fraction], motion: Motion | None
) -> float | tuple[Keyframe, ...]:
    if window >= 1.0 or motion is None:
        return 0.5
    centers = motion.center_x if axis == "x" else motion.center_y
    inside = [edge for edge in edges if span.start < edge < span.end]
    keys: list[Keyframe] = []
    for start, end in pairwise([span.start, *inside, span.end]):
        path = _path(motion, centers, start, end, window)
        shot = [Keyframe(at=at - span.start, value=value) for at, value in path]
        if keys:  # the shot before stands until the cut
            keys[-1] = Keyframe(at=keys[-1].at, value=keys[-1].value, ease="hold")
        keys += shot
    values = {key.value for key in keys}
    return keys[0].value if len(values) == 1 else tuple(keys)


def _path(
    motion: Motion, centers: Sequence[float], start: Fraction, end: Fraction, window: float
) -> list[Point]:
    """Return where the window's middle is within a shot: one point where it stands still, the first at `start`."""
    seen = _samples(motion, centers, start, end)
    if not seen:
        return [(start, 0.5)]
    middles = _smoothed(seen, motion.hop)
    low, high = min(value for _, value in middles), max(value for _, value in middles)
    if high - low <= 2 * DEAD_ZONE * window:
        return [(start, _kept_inside(statistics.median(value for _, value in middles), window))]
    followed = _followed(middles, window)
    points = [(max(start, at), _kept_inside(value, window)) for at, value in followed]
    points[0] = (start, points[0][1])
    return _simplified(points)


def _samples(motion: Motion, centers: Sequence[float], start: Fraction, end: Fraction) -> list[Point]:
    """Return the centres within `[start, end)` that something moved at."""
    first, last = math.ceil(start / motion.hop), math.ceil(end / motion.hop)
    return [
        (place * motion.hop, centers[place])
        for place in range(first, min(last, len(centers)))
        if motion.amount[place] >= STILL_AMOUNT
    ]


def _smoothed(points: Sequence[Point], hop: Fraction) -> list[Point]:
    """Return the median of each point's neighbours within half of `SMOOTH_S`: one wild sample moves nothing."""
    reach = max(1, round(SMOOTH_S / hop / 2))
    return [
        (at, statistics.median(value for _, value in points[max(0, place - reach) : place + reach + 1]))
        for place, (at, _) in enumerate(points)
    ]


def _followed(points: Sequence[Point], window: float) -> list[Point]:
    """Let the window follow its subject only out of the dead zone, and only so fast, but never lose it."""
    zone, speed, reach = DEAD_ZONE * window, SPEED_MOST * window, REACH * window
    at, middle = points[0]
    result = [(at, middle)]
    for later, value in points[1:]:
        away = value - middle
        aim = value - math.copysign(zone, away) if abs(away) > zone else middle
        most = speed * float(later - at)
        middle += max(-most, min(most, aim - middle))
        middle = max(value - reach, min(value + reach, middle))
        at = later
        result.append((at, middle))
    return result


def _simplified(points: list[Point]) -> list[Point]:
    """Leave out points that a straight line between their neighbours passes closely (Douglas and Peucker, 1973)."""
    keep = {0, len(points) - 1}
    ranges = [(0, len(points) - 1)]
    while ranges:
        first, last = ranges.pop()
        (start, low), (end, high) = points[first], points[last]
        worst, distance = first, CLOSE_ENOUGH
        for place in range(first + 1, last):
            at, value = points[place]
            off = abs(low + (high - low) * float((at - start) / (end - start)) - value)
            if off > distance:
                worst, distance = place, off
        if worst != first:
            keep.add(worst)
            ranges += [(first, worst), (worst, last)]
    return [points[place] for place in sorted(keep)]


def _kept_inside(center: float, window: float) -> float:
    """Return the middle nearest to `center` whose window lies inside the picture."""
    return round(min(1 - window / 2, max(window / 2, center)), DIGITS)
