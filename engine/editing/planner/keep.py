"""A reviewer's own choice of spans, taken as it is: put on whole frames, in order, and widened where it splits a word."""

from collections.abc import Sequence

from cutroom_sdk.wire.editing import KeepSpan
from engine.editing.planner.atoms import Air, Atom
from engine.editing.planner.fit import Block
from engine.editing.planner.grid import Span, merged
from engine.editing.planner.select import Footage, Selection
from engine.editing.planner.stretches import Layout
from engine.kernel.errors import Invalid
from engine.media.timecode import clock_text


def kept_by_hand(footage: Footage, keep: Sequence[KeepSpan]) -> Selection:
    """Return the selection that a reviewer asked for.

    Raises:
        Invalid: `field` names the span: nothing is kept, an asset that is not there, a span outside the footage.
    """
    if not keep:
        raise Invalid("keep names no span: nothing would be left", field="keep")
    numbers = {source.asset_id: number for number, source in enumerate(footage.sources)}
    spans: dict[int, list[Span]] = {}
    notices: list[str] = []
    for place, wish in enumerate(keep):
        field = f"keep[{place}]"
        if wish.asset_id not in numbers:
            raise Invalid(
                f"{field} names {wish.asset_id!r}, which is not among the footage", field=f"{field}.asset_id"
            )
        number = numbers[wish.asset_id]
        spans.setdefault(number, []).append(_span(wish, field, number, footage, notices))
    atoms: list[Atom] = []
    blocks: list[Block] = []
    for number in sorted(spans):
        for span in merged(spans[number]):
            atom = _atom(number, span, footage)
            blocks.append(Block(source=number, atoms=(len(atoms),), span=span, head=0, tail=0))
            atoms.append(atom)
    return Selection(atoms=tuple(atoms), blocks=tuple(blocks), dropped=(), notices=tuple(notices))


def _span(wish: KeepSpan, field: str, number: int, footage: Footage, notices: list[str]) -> Span:
    index, laid = footage.sources[number].index, footage.layouts[number]
    if not 0 <= wish.start < wish.end:
        raise Invalid(f"{field} is [{wish.start}, {wish.end}) s: it must end after it starts", field=field)
    if wish.start >= index.duration:
        raise Invalid(
            f"{field} starts at {clock_text(wish.start)}, the footage ends at {clock_text(index.duration)}",
            field=f"{field}.start",
        )
    span = Span(laid.grid.nearest(wish.start), laid.grid.nearest(wish.end))
    if span.length < 1:
        raise Invalid(f"{field} is shorter than a frame", field=field)
    whole = _whole_words(span, laid)
    if whole != span:
        seconds = clock_text(laid.grid.seconds(whole.start)), clock_text(laid.grid.seconds(whole.end))
        notices.append(f"{field} would split a word: it was widened to {seconds[0]} to {seconds[1]}")
    return whole


def _whole_words(span: Span, laid: Layout) -> Span:
    start, end = span
    for word in laid.words:
        if word.start < start < word.end:
            start = word.start
        if word.start < end < word.end:
            end = word.end
    return Span(start, end)


def _atom(number: int, span: Span, footage: Footage) -> Atom:
    none = Air(least=0, usual=0, most=0)
    score = footage.judges[number].score(span)
    return Atom(source=number, kind="picture", body=span, head=none, tail=none, score=score)
