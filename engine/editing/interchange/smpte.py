"""SMPTE timecode: frames by number, at whole and at NTSC rates, drop frame and not (SMPTE ST 12-1:2014)."""

import math
import re
from fractions import Fraction
from typing import Final

_CODE: Final = re.compile(r"(\d{2}):(\d{2}):(\d{2})([:;.,])(\d{2})", re.ASCII)


def nominal(rate: Fraction) -> int:
    """Return how many frames a second of timecode has: 30 at 30000/1001."""
    return math.ceil(rate)


def may_drop(rate: Fraction) -> bool:
    """Tell whether drop-frame timecode is defined at a rate: 30000/1001 and its multiples."""
    return rate.denominator == 1001 and nominal(rate) % 30 == 0


def timecode(frame: int, rate: Fraction, *, drop: bool) -> str:
    """Return `HH:MM:SS:FF`, with `;` before the frames of drop-frame timecode.

    Drop frame leaves numbers out, two a minute at 30000/1001, but not in each tenth minute; it leaves out no frames.

    Raises:
        ValueError: the frame is before 0 or at 100 hours or later, or the rate has no drop-frame timecode.

    >>> timecode(1800, Fraction(30000, 1001), drop=True), timecode(17982, Fraction(30000, 1001), drop=True)
    ('00:01:00;02', '00:10:00;00')
    """
    base = nominal(rate)
    if drop:
        frame = _numbered(frame, base, rate)
    seconds, rest = divmod(frame, base)
    hours, minutes = divmod(seconds // 60, 60)
    if not 0 <= hours < 100:
        raise ValueError(f"frame {frame} has no timecode")
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop else ':'}{rest:02}"


def frame_of(code: str, rate: Fraction, *, drop: bool) -> int:
    """Return the frame that a timecode numbers; `;` before the frames counts as drop frame whatever `drop` says.

    Raises:
        ValueError: it is no timecode at this rate, or a number that drop frame leaves out.

    >>> frame_of("00:01:00;02", Fraction(30000, 1001), drop=True)
    1800
    """
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError(f"{code!r} is no timecode HH:MM:SS:FF")
    hours, minutes, seconds, frames = (int(found[at]) for at in (1, 2, 3, 5))
    base = nominal(rate)
    if minutes > 59 or seconds > 59 or frames >= base:
        raise ValueError(f"{code!r} is no timecode at {base} frames a second")
    number = (hours * 3600 + minutes * 60 + seconds) * base + frames
    if not (drop or found[4] == ";"):
        return number
    left_out = _left_out(base, rate)
    if seconds == 0 and frames < left_out and minutes % 10:
        raise ValueError(f"{code!r} is a number that drop-frame timecode leaves out")
    return number - left_out * (hours * 54 + minutes - minutes // 10)


def _numbered(frame: int, base: int, rate: Fraction) -> int:
    """Return the number that drop frame gives a frame."""
    left_out = _left_out(base, rate)
    ten_minutes, minute = base * 600 - left_out * 9, base * 60 - left_out
    tens, rest = divmod(frame, ten_minutes)
    # The first minute of ten keeps all its numbers.
    minutes = (rest - left_out) // minute if rest >= base * 60 else 0
    return frame + left_out * (9 * tens + minutes)


def _left_out(base: int, rate: Fraction) -> int:
    if not may_drop(rate):
        raise ValueError(
            f"{rate} frames a second have no drop-frame timecode; 30000/1001 and 60000/1001 have"
        )
    return base // 15
