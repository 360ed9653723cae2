"""What `--keep` takes: spans of a file, their ends as people write times.

    1.5-4,10-12.25          seconds
    1:02:03.5-1:02:10       hours, minutes, seconds; or minutes and seconds
    00:00:04:12-00:00:06:00 timecode: the last part are frames (`;` before them: drop-frame)
    45f-90f                 frames

Spans are half open, and 0 is the first frame shown: `a-b,b-c` is `a-c`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from clients.cli.options import CommandError

FRAME: Final = re.compile(r"(\d{1,9})f", re.ASCII)
SECONDS: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
TIMECODE: Final = re.compile(r"(\d{1,4}):(\d{2}):(\d{2})([:;])(\d{2,3})", re.ASCII)
FORMS: Final = "seconds (1.5), HH:MM:SS.mmm, timecode (HH:MM:SS:FF) or a frame (45f)"
# Drop-frame timecode leaves numbers out at these rates only (SMPTE ST 12-1): so many each minute but the tenth.
DROPPED: Final = {Fraction(30_000, 1001): 2, Fraction(60_000, 1001): 4}


@dataclass(frozen=True)
class Moment:
    """A time as it was written, and what it is: seconds, a frame, or a timecode that only the rate makes a frame."""

    text: str
    seconds: Fraction | None = None
    frame: int | None = None
    timecode: tuple[int, int, int, int, bool] | None = None

    def named(self, rate: Fraction) -> str:
        """Return it as the daemon takes it, for a file of so many frames a second.

        Raises:
            CommandError: the timecode has a frame that there is not at this rate.
        """
        if self.seconds is not None:
            return str(self.seconds)
        return f"{self.frame if self.timecode is None else self._frame(rate)}f"

    def _frame(self, rate: Fraction) -> int:
        assert self.timecode is not None, "asked of timecodes only"
        hours, minutes, seconds, frames, drop = self.timecode
        whole = -(-rate.numerator // rate.denominator)
        if frames >= whole:
            raise CommandError(f"{self.text} names frame {frames} of a second that has {whole}")
        number = ((hours * 60 + minutes) * 60 + seconds) * whole + frames
        if not drop:
            return number
        left_out = DROPPED.get(rate)
        if left_out is None:
            raise CommandError(
                f"{self.text} is drop-frame timecode, which {float(rate):g} frames a second do not have"
            )
        if seconds == 0 and frames < left_out and minutes % 10:
            raise CommandError(f"{self.text} is a number that drop-frame timecode leaves out")
        passed = hours * 60 + minutes
        return number - left_out * (passed - passed // 10)


@dataclass(frozen=True)
class Span:
    """What is kept, as it was written."""

    text: str
    start: Moment
    end: Moment


def spans(text: str) -> list[Span]:
    """Return the spans of `--keep`.

    Raises:
        CommandError: it names none, or something in it is no span; the text says which.
    """
    found = [_span(part.strip()) for part in text.split(",") if part.strip()]
    if not found:
        raise CommandError(f"--keep names no span; write A-B,C-D with {FORMS}")
    return found


def frames(asked: Sequence[Span], found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the frames to keep: spans that touch are one.

    Args:
        asked: the spans.
        found: the frames that their ends are.

    Raises:
        CommandError: a span is empty or reversed, or begins before the one before it ends.
    """
    kept: list[tuple[int, int]] = []
    for number, (span, (start, end)) in enumerate(zip(asked, found, strict=True)):
        if start == end:
            raise CommandError(f"{span.text} keeps nothing: both ends are frame {start}")
        if start > end:
            raise CommandError(f"{span.text} is reversed: it ends before it begins")
        if kept and start < kept[-1][1]:
            before = asked[number - 1].text
            raise CommandError(
                f"{span.text} begins before {before} ends; spans go forward and do not overlap"
            )
        if kept and start == kept[-1][1]:
            kept[-1] = (kept[-1][0], end)
        else:
            kept.append((start, end))
    return kept


def _span(text: str) -> Span:
    start, dash, end = text.partition("-")
    if not dash or not start.strip() or not end.strip():
        raise CommandError(f"{text!r} is no span; write A-B with {FORMS}")
    return Span(text=text, start=_moment(start.strip()), end=_moment(end.strip()))


def _moment(text: str) -> Moment:
    if found := FRAME.fullmatch(text):
        return Moment(text, frame=int(found[1]))
    if SECONDS.fullmatch(text):
        return Moment(text, seconds=Fraction(text))
    if found := CLOCK.fullmatch(text):
        hours, minutes, seconds = int(found[1] or 0), int(found[2]), Fraction(found[3])
        if seconds >= 60 or (found[1] is not None and minutes >= 60):
            raise CommandError(f"{text!r} has more than 59 minutes or seconds")
        return Moment(text, seconds=(hours * 60 + minutes) * 60 + seconds)
    if found := TIMECODE.fullmatch(text):
        hours, minutes, whole, rest = int(found[1]), int(found[2]), int(found[3]), int(found[5])
        if minutes >= 60 or whole >= 60:
            raise CommandError(f"{text!r} has more than 59 minutes or seconds")
        return Moment(text, timecode=(hours, minutes, whole, rest, found[4] == ";"))
    raise CommandError(f"{text!r} is no time; write {FORMS}")
