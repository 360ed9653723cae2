"""What lies where in a source, on the planner's ruler: words, bad pictures, edges of shots."""

from collections.abc import Callable
from fractions import Fraction
from itertools import groupby
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.media import Quality
from engine.editing.planner.grid import Grid, Span, grid_of, merged, overlap
from engine.editing.planner.source import Source

BLACK: Final = "black picture"
BAD_LEAST_S: Final = Fraction(2, 5)
# A fault that most of the footage has is how it looks: there is nothing better to keep.
OWN_LOOK: Final = Fraction(7, 10)
LUMA_DARK: Final = 0.07
LUMA_BRIGHT: Final = 0.93
CLIPPED_MOST: Final = 0.6


class Bad(Struct, frozen=True, kw_only=True):
    """A stretch with a picture that nobody wants to see."""

    span: Span
    fault: str


class Layout(Struct, frozen=True, kw_only=True):
    """A source on the ruler. All lists are in order and disjoint; `edges` are where shots begin, the first left out.

    `words` are the stretches of speech, never empty; what lies between two of them is silence, however short.
    """

    grid: Grid
    words: tuple[Span, ...]
    bad: tuple[Bad, ...]
    edges: tuple[int, ...]
    notices: tuple[str, ...]

    @property
    def bad_spans(self) -> tuple[Span, ...]:
        """Where the picture is bad, whatever the fault."""
        return tuple(merged(bad.span for bad in self.bad))


def layout(source: Source, rate: Fraction) -> Layout:
    """Lay a source on a ruler of `rate` frames a second."""
    grid = grid_of(source.index, rate)
    words = merged(grid.covering(speech.start, speech.end) for speech in source.speech or ())
    bad, notices = _bad_stretches(source, grid)
    edges = sorted({grid.nearest(shot.start) for shot in source.shots} - {0, grid.length})
    return Layout(grid=grid, words=tuple(words), bad=bad, edges=tuple(edges), notices=notices)


def bad_share(span: Span, bad: tuple[Span, ...]) -> Fraction:
    """Return how much of `span` has a bad picture, 0..1."""
    return Fraction(overlap(span, bad), max(1, span.length))


def black_share(span: Span, laid: Layout) -> Fraction:
    """Return how much of `span` shows nothing at all, 0..1."""
    return bad_share(span, tuple(bad.span for bad in laid.bad if bad.fault == BLACK))


def fault_over(span: Span, laid: Layout) -> str:
    """Return the fault that covers most of `span`, in words; empty when none does."""
    covers = [(overlap(span, [bad.span]), bad.fault) for bad in laid.bad]
    return max(covers, default=(0, ""))[1]


def fault_of(quality: Quality, sample: int) -> str:
    """Return what is wrong with the picture at a sample, in words; empty when nothing is."""
    if quality.black[sample]:
        return BLACK
    if quality.luma[sample] < LUMA_DARK:
        return "picture too dark"
    if quality.luma[sample] > LUMA_BRIGHT:
        return "picture too bright"
    if quality.clipped[sample] > CLIPPED_MOST:
        return "picture badly exposed"
    if quality.sharpness[sample] < quality.blur_below:
        return "picture out of focus"
    return ""


def _bad_stretches(source: Source, grid: Grid) -> tuple[tuple[Bad, ...], tuple[str, ...]]:
    quality = source.quality
    if quality is None:
        return (), (f"{source.name}: the picture was not judged; bad stretches are not left out",)
    count = len(quality.luma)
    faults = [fault_of(quality, sample) for sample in range(count)]
    notices = []
    for fault in sorted(set(faults) - {""}):
        if faults.count(fault) > OWN_LOOK * count:
            notices.append(f"{source.name}: {fault} nearly throughout; it is not held against any part of it")
            faults = ["" if other == fault else other for other in faults]
    found = [
        Bad(span=span, fault=fault)
        for span, fault in _runs(faults, lambda at: grid.nearest(at * quality.hop))
        if fault and span.length >= grid.frames(BAD_LEAST_S)
    ]
    return tuple(found), tuple(notices)


def _runs(faults: list[str], place: Callable[[Fraction], int]) -> list[tuple[Span, str]]:
    """Return runs of equal faults; a sample speaks for half a hop to either side, the first and last to the ends."""
    runs, at = [], 0
    half = Fraction(1, 2)
    for fault, group in groupby(faults):
        first, at = at, at + len(list(group))
        start = Fraction(0) if first == 0 else first - half
        end = Fraction(at + 1) if at == len(faults) else at - half
        runs.append((Span(place(start), place(end)), fault))
    return runs
