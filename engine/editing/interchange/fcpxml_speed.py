"""Speeds as FCPXML's time maps: which moment of the media is shown at which moment of the clip."""

from fractions import Fraction
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from cutroom_sdk.wire.timeline import Clip, Keyframe
from engine.editing.curves import value_at
from engine.editing.interchange.fcpxml_form import time_of, time_text

_PIECES: Final = 64
_POINTS_MOST: Final = 10_000
SPEED_MOST: Final = 1000


def time_map(clip: Clip) -> Element | None:
    """Return a clip's time map; None: it plays as recorded.

    A clip's own times begin at the start of its range; at clip time t the media is at start + S(t) - min(S), as `Clip` has
    it. A ramp becomes straight pieces.
    """
    if not clip.ramp and clip.speed == 1:
        return None
    start, lasts = clip.source_range.start, clip.source_range.duration
    points = [(Fraction(0), Fraction(0)), (lasts, clip.speed * lasts)] if not clip.ramp else _integral(clip)
    lowest = min(value for _, value in points)
    made = Element("timeMap")
    for at, value in points:
        moment = start + value - lowest
        SubElement(made, "timept", time=time_text(start + at), value=time_text(moment), interp="linear")
    return made


def _integral(clip: Clip) -> list[tuple[Fraction, Fraction]]:
    """Return how much media has been played by the ends of equal pieces, by the speed in the middle of each."""
    lasts = clip.source_range.duration
    step, played = lasts / _PIECES, Fraction(0)
    points = [(Fraction(0), played)]
    for piece in range(_PIECES):
        speed = Fraction(value_at(clip.ramp, step * piece + step / 2)).limit_denominator(1000)
        played += speed * step
        points.append((step * (piece + 1), played))
    return points


def speed_of(
    mapped: Element, start: Fraction, lasts: Fraction
) -> tuple[Fraction, Fraction, tuple[Keyframe, ...]] | None:
    """Return what a time map means for a clip: where its media begins, its speed, and its ramp.

    Pieces of different speeds become a ramp that holds each. None: the map cannot be read.

    Args:
        mapped: the element `timeMap`.
        start: the clip's own time at its first frame, seconds.
        lasts: how long it lasts, seconds.
    """
    points: list[tuple[Fraction, Fraction]] = []
    for point in list(mapped)[:_POINTS_MOST]:
        at, value = time_of(point.get("time")), time_of(point.get("value"))
        if at is None or value is None or (points and at <= points[-1][0]):
            return None
        points.append((at, value))
    if len(points) < 2:
        return None
    pieces = [
        (begin, end, (later - value) / (end - begin), value)
        for (begin, value), (end, later) in pairwise(points)
    ]
    # Before the first point and behind the last the map goes on as it was there.
    inside = [piece for piece in pieces if piece[1] > start and piece[0] < start + lasts] or [pieces[-1]]
    moments = [_moment(inside, at) for at in (start, *(piece[1] for piece in inside[:-1]), start + lasts)]
    speeds = {speed for _, _, speed, _ in inside}
    if any(abs(speed) > SPEED_MOST or abs(speed.denominator) > 10**9 for speed in speeds):
        return None
    if len(speeds) == 1:
        return min(moments), inside[0][2], ()
    ramp = tuple(
        Keyframe(at=max(begin - start, Fraction(0)), value=float(speed), ease="hold")
        for begin, _, speed, _ in inside
    )
    return min(moments), Fraction(1), ramp


def _moment(pieces: list[tuple[Fraction, Fraction, Fraction, Fraction]], at: Fraction) -> Fraction:
    begin, _, speed, value = next((piece for piece in pieces if at <= piece[1]), pieces[-1])
    return value + speed * (at - begin)
