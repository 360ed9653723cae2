"""Which frame rate the times of frames mean."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from engine.media.index import FrameIndex
from engine.media.timecode import NOMINAL_RATES

_NEAR = Fraction(1, 500)  # stated rates are taken for the nominal one within 0.2 %
_AVERAGE_DENOMINATOR = 100_000


def find_rate(index: FrameIndex, stated: Iterable[Fraction | None]) -> tuple[Fraction, bool]:
    """Return frames a second, and whether the rate varies.

    A rate is constant when every frame lies within one tick of its grid, for containers round times to their ticks. Of
    the rates that fit, one that the file states goes before the nominal one nearest to the average. When none fits, the
    rate varies and the average is returned.
    """
    known = [rate for rate in stated if rate]
    if index.count < 2:
        return (_nominal(known[0]) if known else Fraction(25)), False
    average = (index.count - 1) / ((index.pts[-1] - index.pts[0]) * index.time_base)
    nearest = sorted(NOMINAL_RATES, key=lambda rate: abs(rate - average))[:3]
    for rate in (*(_nominal(rate) for rate in known), *nearest, *known):
        if _fits(index.pts, 1 / (rate * index.time_base)):
            return rate, False
    return average.limit_denominator(_AVERAGE_DENOMINATOR), True


def _nominal(rate: Fraction) -> Fraction:
    """Return the nominal rate that a stated one means, or itself: 2997/100 means 30000/1001."""
    nearest = min(NOMINAL_RATES, key=lambda nominal: abs(nominal - rate))
    return nearest if abs(nearest - rate) <= nearest * _NEAR else rate


def _fits(pts: Sequence[int], step: Fraction) -> bool:
    """Tell whether frame n lies within one tick of n steps."""
    # In whole numbers: exact fractions of a long film take seconds.
    above, below = step.numerator, step.denominator
    first = pts[0]
    return all(abs((at - first) * below - number * above) <= below for number, at in enumerate(pts))
