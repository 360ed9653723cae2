"""Exact media time: seconds are fractions, frames are integers, spans are half open.

Frame n owns `[n / rate, (n + 1) / rate)`. Names follow what they do to a time that falls between frames: `floor` takes the
frame on screen, `nearest` the closest frame start, `ceil` the first that starts at or after.
"""

import math
from fractions import Fraction

# Rates that cameras and broadcasters mean (SMPTE ST 2036-1 and their NTSC relatives), frames a second.
NOMINAL_RATES = tuple(
    Fraction(rate, scale)
    for rate, scale in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48000, 1001), (48, 1), (50, 1), (60000, 1001),
        (60, 1), (100, 1), (120000, 1001), (120, 1), (240, 1), (10, 1), (12, 1), (15, 1), (20, 1),
    )
)  # fmt: skip


def frame_floor(at: Fraction, rate: Fraction) -> int:
    """Return the frame on screen at `at` seconds; a cut point belongs to the frame that it begins.

    Raises:
        ValueError: `rate` is not positive.

    >>> frame_floor(Fraction(1001, 30000), Fraction(30000, 1001))
    1
    """
    return math.floor(at * _checked(rate))


def frame_ceil(at: Fraction, rate: Fraction) -> int:
    """Return the first frame that starts at or after `at` seconds.

    Raises:
        ValueError: `rate` is not positive.
    """
    return math.ceil(at * _checked(rate))


def frame_nearest(at: Fraction, rate: Fraction) -> int:
    """Return the frame whose start is nearest to `at` seconds; half way between two, the earlier.

    Raises:
        ValueError: `rate` is not positive.

    >>> frame_nearest(Fraction(1, 50), Fraction(25))
    0
    """
    return math.ceil(at * _checked(rate) - Fraction(1, 2))


def frame_start(frame: int, rate: Fraction) -> Fraction:
    """Return when a frame starts, seconds.

    Raises:
        ValueError: `rate` is not positive.
    """
    return frame / _checked(rate)


def samples_at(at: Fraction, sample_rate: int) -> int:
    """Return the sample nearest to `at` seconds; half way between two, the earlier.

    Raises:
        ValueError: `sample_rate` is not positive.
    """
    return frame_nearest(at, Fraction(sample_rate))


def clock_text(at: Fraction) -> str:
    """Return `H:MM:SS.mmm`, rounded down to the millisecond, for people to read.

    >>> clock_text(Fraction(3723456, 1000))
    '1:02:03.456'
    """
    sign = "-" if at < 0 else ""
    whole, milliseconds = divmod(math.floor(abs(at) * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{sign}{hours}:{minute:02}:{second:02}.{milliseconds:03}"


def _checked(rate: Fraction) -> Fraction:
    if rate <= 0:
        raise ValueError(f"a rate is positive, got {rate}")
    return rate
