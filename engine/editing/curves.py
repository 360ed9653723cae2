"""Parameters over time: what a constant or keyframes are worth at an instant."""

import bisect
from fractions import Fraction
from operator import attrgetter
from typing import Final

from cutroom_sdk.wire.timeline import Bezier, Keyframe

Curve = float | tuple[Keyframe, ...]
_at = attrgetter("at")
_ROUNDS: Final = 48  # halvings: more than a double has bits to tell apart


def value_at(curve: Curve, time: Fraction) -> float:
    """Return a parameter's value at a time of its clip; before the first keyframe and after the last it stays."""
    if not isinstance(curve, tuple):
        return float(curve)
    place = bisect.bisect_right(curve, time, key=_at)
    if place == 0:
        return curve[0].value
    before = curve[place - 1]
    if place == len(curve) or before.ease == "hold":
        return before.value
    after = curve[place]
    part = float((time - before.at) / (after.at - before.at))
    if not isinstance(before.ease, str):
        part = eased(before.ease, part)
    return before.value + (after.value - before.value) * part


def eased(curve: Bezier, part: float) -> float:
    """Return how far a move is when `part` (0..1) of its time has passed (CSS Easing Functions, 2.2)."""
    return along(curve[1], curve[3], place_of(curve, part))


def place_of(curve: Bezier, part: float) -> float:
    """Return the curve's own parameter, 0..1, where `part` (0..1) of its time has passed."""
    low, high = 0.0, 1.0
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if along(curve[0], curve[2], middle) < part:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def along(first: float, second: float, t: float) -> float:
    """Return one coordinate of a cubic Bezier curve from 0 to 1 at `t`."""
    rest = 1 - t
    return 3 * rest * rest * t * first + 3 * rest * t * t * second + t * t * t
