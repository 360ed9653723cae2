"""The frame of the result: how many pictures a second, and how large."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.renders import Profile
from engine.editing.planner.source import Source
from engine.media.timecode import NOMINAL_RATES

NEAR: Final = Fraction(1, 100)
SIDE_LEAST: Final = 16


def result_rate(sources: Sequence[Source], profile: Profile) -> Fraction:
    """Return frames a second: the profile's, else those of the longest source, brought between the profile's limits.

    A rate that varies around a nominal one is taken for that. Too high ones are divided, too low ones multiplied by whole
    numbers, so that frames stay evenly spaced.
    """
    if profile.rate is not None:
        return profile.rate
    rate = _nominal(_longest(sources).rate)
    if rate > profile.rate_max:
        rate /= -(-rate // profile.rate_max)
    if rate < profile.rate_min:
        rate *= -(-profile.rate_min // rate)
    return min(rate, profile.rate_max)


def result_size(sources: Sequence[Source], profile: Profile) -> tuple[int, int]:
    """Return width and height in pixels, even: the profile's, else those of the longest source."""
    longest = _longest(sources)
    width, height = profile.width or longest.width, profile.height or longest.height
    return max(SIDE_LEAST, width - width % 2), max(SIDE_LEAST, height - height % 2)


def _longest(sources: Sequence[Source]) -> Source:
    return max(sources, key=lambda source: source.index.duration)  # the first of equals


def _nominal(rate: Fraction) -> Fraction:
    if rate in NOMINAL_RATES:
        return rate
    nearest = min(NOMINAL_RATES, key=lambda nominal: (abs(nominal - rate), nominal))
    return nearest if abs(nearest - rate) <= nearest * NEAR else rate.limit_denominator(1001)
