"""A part of a curve: what the keyframes of a clip are when only a stretch of it is shown."""

from fractions import Fraction
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Bezier, Keyframe
from engine.editing.curves import Curve, along, place_of, value_at

_FLAT: Final = 1e-9
_GRID: Final = 1_000_000  # a keyframe that has to be put in between stands on a whole microsecond
_HALVINGS: Final = 6


def windowed(curve: Curve, start: Fraction, end: Fraction) -> Curve:
    """Return what a curve is from `start` to `end` of its clip's time, with times counted from `start`.

    It goes the same way there: what is left of a curved piece is a curve too. Where the window reaches beyond the
    keyframes the value stays, as it does in any curve.
    """
    if not isinstance(curve, tuple):
        return curve
    first, last = curve[0], curve[-1]
    if last.at <= start or first.at > end:
        stays = last if last.at <= start else first
        return (replace(stays, at=Fraction(0)),)
    keys: list[Keyframe] = []
    for one, following in pairwise(curve):
        low, high = max(one.at, start), min(following.at, end)
        if low < high:
            keys += _piece(curve, (one, following), low, high)
    keys.append(last if last.at <= end else Keyframe(at=end, value=value_at(curve, end)))
    return tuple(replace(key, at=key.at - start) for key in keys)


def _piece(curve: Curve, ends: tuple[Keyframe, Keyframe], low: Fraction, high: Fraction) -> list[Keyframe]:
    """Return the keyframes of `[low, high)`, which lies within the two `ends`."""
    one, following = ends
    if low == one.at and (high == following.at or isinstance(one.ease, str)):
        return [one]
    if isinstance(one.ease, str):
        return [replace(one, at=low, value=value_at(curve, low))]
    length = following.at - one.at
    places = [place_of(one.ease, float((at - one.at) / length)) for at in (low, high)]
    return [
        replace(
            one,
            at=low if number == 0 else one.at + _snapped(along(one.ease[0], one.ease[2], place), length),
            value=one.value + (following.value - one.value) * along(one.ease[1], one.ease[3], place),
            ease=ease,
        )
        for number, (place, ease) in enumerate(_eases(one.ease, places[0], places[1], _HALVINGS))
    ]


def _snapped(part: float, length: Fraction) -> Fraction:
    return Fraction(round(part * float(length) * _GRID), _GRID)


def _eases(curve: Bezier, low: float, high: float, halvings: int) -> list[tuple[float, Bezier]]:
    """Return where each piece of a curve's `[low, high)` begins, in its own parameter, and how it goes.

    A piece of a cubic curve is one again (de Casteljau); but one that ends at the height where it began has no height to
    be measured against, and is halved.
    """
    xs = _controls(curve[0], curve[2], low, high)
    ys = _controls(curve[1], curve[3], low, high)
    width, height = xs[3] - xs[0], ys[3] - ys[0]
    if abs(height) < _FLAT and halvings and max(map(abs, (ys[1] - ys[0], ys[2] - ys[0]))) > _FLAT:
        middle = (low + high) / 2
        return _eases(curve, low, middle, halvings - 1) + _eases(curve, middle, high, halvings - 1)
    if abs(height) < _FLAT or width < _FLAT:
        return [(low, (0.0, 0.0, 1.0, 1.0))]
    x1, x2 = (min(1.0, max(0.0, (x - xs[0]) / width)) for x in xs[1:3])
    y1, y2 = ((y - ys[0]) / height for y in ys[1:3])
    return [(low, (x1, y1, x2, y2))]


def _controls(first: float, second: float, low: float, high: float) -> tuple[float, float, float, float]:
    """Return one coordinate of the control points of a cubic curve's piece: its blossom at the ends."""

    def at(a: float, b: float, c: float) -> float:
        # Symmetric in its arguments; at (t, t, t) it is the curve. The ends' coordinates are 0 and 1.
        one = a * (1 - b) * (1 - c) + (1 - a) * b * (1 - c) + (1 - a) * (1 - b) * c
        two = a * b * (1 - c) + a * (1 - b) * c + (1 - a) * b * c
        return first * one + second * two + a * b * c

    return at(low, low, low), at(low, low, high), at(low, high, high), at(high, high, high)
