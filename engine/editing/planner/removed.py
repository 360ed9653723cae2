"""What a plan leaves out, and why: every second of the footage that is in no cut, as few stretches as tell it."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.editing import Cut, Removed
from engine.editing.explain import pause_reason, sentence_reason
from engine.editing.planner.atoms import Atom, Dropped
from engine.editing.planner.grid import Span, merged, overlap, without
from engine.editing.planner.source import Source
from engine.editing.planner.stretches import Layout

TELLING_S: Final = Fraction(1, 4)  # shorter stretches go with their neighbour
PICTURE: Final = "a picture weaker than what was kept"
SILENT_PICTURE: Final = "nobody speaks, and the picture is weaker than what was kept"

REFUSED_PICTURE: Final = "a picture that was in a plan that was refused"


class Left(Struct, frozen=True, kw_only=True):
    """A stretch with its reason; `reason` empty: a pause."""

    span: Span
    reason: str


def removed_of(
    source: Source,
    laid: Layout,
    cuts: Sequence[Cut],
    atoms: Sequence[Atom],
    dropped: Sequence[Dropped],
    *,
    refused: Sequence[Cut],
    weakest: float,
    by_hand: bool,
) -> list[Removed]:
    """Return what is left out of one source, in order.

    Args:
        source: the footage.
        laid: the same on the ruler.
        cuts: what is kept of it, in order.
        atoms: its pieces, taken or not.
        dropped: its speech that could not be taken.
        refused: what plans that were turned down had kept of it, in any order.
        weakest: the lowest score among the pieces kept of any source.
        by_hand: a reviewer chose; nothing else is a reason.
    """
    had = merged(Span(laid.grid.nearest(cut.start), laid.grid.nearest(cut.end)) for cut in refused)
    result = []
    at = Fraction(0)
    for start, end in [*((cut.start, cut.end) for cut in cuts), (source.index.duration, Fraction(0))]:
        if start > at:
            result += _gap(source, laid, at, start, atoms, dropped, had, weakest=weakest, by_hand=by_hand)
        at = end
    return result


def _gap(
    source: Source,
    laid: Layout,
    start: Fraction,
    end: Fraction,
    atoms: Sequence[Atom],
    dropped: Sequence[Dropped],
    refused: Sequence[Span],
    *,
    weakest: float,
    by_hand: bool,
) -> list[Removed]:
    grid = laid.grid
    gap = Span(grid.nearest(start), grid.nearest(end))
    left = [Left(span=gap, reason="not among what the reviewer kept")] if by_hand else []
    if not by_hand:
        left = _merged(_labelled(gap, laid, atoms, dropped, refused, weakest), grid.frames(TELLING_S))
    if not left:  # less than a frame of the result
        left = [Left(span=gap, reason="")]
    edges = [start, *(grid.seconds(part.span.start) for part in left[1:]), end]
    silent = source.speech is not None
    return [
        Removed(
            asset_id=source.asset_id,
            asset=source.name,
            start=edges[number],
            end=edges[number + 1],
            reason=part.reason or _pause(edges[number + 1] - edges[number], silent=silent),
        )
        for number, part in enumerate(left)
    ]


def _pause(seconds: Fraction, *, silent: bool) -> str:
    return pause_reason(seconds) if silent else PICTURE


def _labelled(
    gap: Span,
    laid: Layout,
    atoms: Sequence[Atom],
    dropped: Sequence[Dropped],
    refused: Sequence[Span],
    weakest: float,
) -> list[Left]:
    """Return the parts of a gap in order: speech that was dropped, sentences, bad pictures, weaker ones, pauses."""
    parts: list[Left] = []
    for drop in dropped:
        _label(parts, gap, drop.span, f"speech over a bad stretch: {drop.reason}")
    for atom in atoms:
        if atom.kind == "speech":
            again = _mostly_in(atom.body, refused)
            _label(parts, gap, atom.body, sentence_reason(atom.score.total, weakest, refused=again))
    for bad in laid.bad:
        _label(parts, gap, bad.span, bad.fault)
    for atom in atoms:
        if atom.kind == "picture":
            again = atom.score.total >= weakest and _mostly_in(atom.body, refused)
            weaker = SILENT_PICTURE if laid.words else PICTURE
            _label(parts, gap, atom.body, REFUSED_PICTURE if again else weaker)
    pauses = without(gap, sorted(part.span for part in parts))
    parts += [Left(span=pause, reason="") for pause in pauses]
    return sorted(parts, key=lambda part: part.span)


def _mostly_in(body: Span, spans: Sequence[Span]) -> bool:
    return 2 * overlap(body, spans) > body.length


def _label(parts: list[Left], gap: Span, span: Span, reason: str) -> None:
    """Add what of `span` lies in the gap and has no label yet."""
    inside = Span(max(gap.start, span.start), min(gap.end, span.end))
    if inside.length <= 0:
        return
    taken = sorted(part.span for part in parts)
    parts += [Left(span=free, reason=reason) for free in without(inside, taken)]


def _merged(parts: Sequence[Left], telling: int) -> list[Left]:
    """Join neighbours of one reason, and give stretches too short to tell to the one before, or after."""
    result: list[Left] = []
    for part in parts:
        short = part.span.length < telling
        if result and (short or result[-1].reason == part.reason):
            result[-1] = Left(span=Span(result[-1].span.start, part.span.end), reason=result[-1].reason)
        elif result and result[-1].span.length < telling:
            result[-1] = Left(span=Span(result[-1].span.start, part.span.end), reason=part.reason)
        else:
            result.append(part)
    return result
