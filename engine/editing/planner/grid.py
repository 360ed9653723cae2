"""The planner's ruler: a source's time in whole frames of the result, and spans of them.

Frame n of the grid stands for the source's seconds `[n / rate, (n + 1) / rate)`. All that the planner weighs and adds up
are whole numbers on this ruler, so what it promises about lengths is exact.
"""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct

from engine.media.index import FrameIndex


class Span(NamedTuple):
    """Grid frames `[start, end)`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many frames."""
        return self.end - self.start


class Grid(Struct, frozen=True, kw_only=True):
    """A ruler of `length` frames at `rate` frames a second, laid on a source."""

    rate: Fraction
    length: int

    def floor(self, seconds: Fraction) -> int:
        """Return the grid frame that `seconds` falls into, kept on the ruler."""
        return min(self.length, max(0, math.floor(seconds * self.rate)))

    def ceil(self, seconds: Fraction) -> int:
        """Return the first grid frame that begins at or after `seconds`, kept on the ruler."""
        return min(self.length, max(0, math.ceil(seconds * self.rate)))

    def nearest(self, seconds: Fraction) -> int:
        """Return the grid frame whose start is nearest; half way between two, the earlier."""
        return min(self.length, max(0, math.ceil(seconds * self.rate - Fraction(1, 2))))

    def frames(self, seconds: Fraction) -> int:
        """Return how many whole frames last at least `seconds`."""
        return math.ceil(seconds * self.rate)

    def seconds(self, frame: int) -> Fraction:
        """Return when a grid frame begins."""
        return frame / self.rate

    def covering(self, start: Fraction, end: Fraction) -> Span:
        """Return the frames that cover `[start, end)` seconds."""
        return Span(self.floor(start), self.ceil(end))


def grid_of(index: FrameIndex, rate: Fraction) -> Grid:
    """Return the ruler for a source: as many whole frames as fit into its picture, at least one."""
    return Grid(rate=rate, length=max(1, math.floor(index.duration * rate)))


def source_span(index: FrameIndex, grid: Grid, span: Span) -> tuple[Fraction, Fraction, int, int]:
    """Return a grid span as the source's `(start, end)` seconds and the frames `[first, last)` seen in it.

    The start goes to the start of the frame seen shortly after the grid frame begins (half a frame of whichever rate is
    higher), where the length still fits: times that jitter (milliseconds in WebM) then neither double a frame nor drop
    one. The length stays as it is.
    """
    step = 1 / grid.rate
    inside = min(step, index.duration / index.count) / 2
    start, lasts = grid.seconds(span.start), span.length * step
    shown = index.time_of(index.frame_at(start + inside))
    if shown > start and shown + lasts <= index.duration:
        start = shown
    last = start if span.length == 1 else start + lasts - step + inside
    return start, start + lasts, index.frame_at(start), index.frame_at(last) + 1


def merged(spans: Iterable[Span], *, gap: int = 0) -> list[Span]:
    """Return spans in order, those that overlap or lie at most `gap` frames apart as one; empty ones are left out."""
    result: list[Span] = []
    for span in sorted(span for span in spans if span.length > 0):
        if result and span.start <= result[-1].end + gap:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def without(whole: Span, holes: Sequence[Span]) -> list[Span]:
    """Return what is left of `whole` when `holes` (in order, disjoint) are taken out."""
    left, at = [], whole.start
    for hole in holes:
        if hole.end <= at or hole.start >= whole.end:
            continue
        if hole.start > at:
            left.append(Span(at, hole.start))
        at = hole.end
    if at < whole.end:
        left.append(Span(at, whole.end))
    return left


def overlap(span: Span, others: Iterable[Span]) -> int:
    """Return how many frames of `span` lie in any of `others`, which are disjoint."""
    return sum(max(0, min(span.end, other.end) - max(span.start, other.start)) for other in others)
