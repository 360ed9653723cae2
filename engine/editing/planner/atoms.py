"""The pieces a cut can be made of: whole sentences with the air around them, and stretches of picture.

An atom's body is never divided. Its head and tail say how much may be kept before and after it: `least` to `most`
frames, `usual` where nothing asks for more or less. For a picture they are negative: how much may be trimmed away.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from engine.editing.planner.grid import Span, merged, overlap, without
from engine.editing.planner.score import Judge, Score
from engine.editing.planner.stretches import Layout, bad_share, black_share, fault_over

AIR_LEAST_S: Final = Fraction(8, 100)
HEAD_USUAL_S: Final = Fraction(10, 100)
TAIL_USUAL_S: Final = Fraction(15, 100)  # a word dies away more slowly than it begins
AIR_MOST_S: Final = Fraction(1, 2)
SENTENCE_PAUSE_S: Final = Fraction(1, 2)
# Of a sentence; more than that and it is left out. A soft picture is forgiven for a while, none at all is seen at once.
BAD_MOST: Final = Fraction(1, 4)
BLACK_MOST: Final = Fraction(1, 50)
JOIN_MOST_S: Final = Fraction(3, 5)  # a pause up to this may stay whole between two that are kept
FILLER_LEAST_S: Final = Fraction(3, 2)
PICTURE_LEAST_S: Final = Fraction(1, 2)
CHUNK_S: Final = Fraction(1)

Kind = Literal["speech", "picture"]


class Air(Struct, frozen=True, kw_only=True):
    """How many frames may be kept beside a body; `edge`: `most` is where a shot begins or ends."""

    least: int
    usual: int
    most: int
    edge: bool = False


class Atom(Struct, frozen=True, kw_only=True):
    """A piece of source number `source`. `joins`: the gap to the atom before it may be kept whole."""

    source: int
    kind: Kind
    body: Span
    head: Air
    tail: Air
    score: Score
    joins: bool = False


class Dropped(Struct, frozen=True, kw_only=True):
    """Speech that cannot be chosen, and why."""

    span: Span
    reason: str


class Pieces(Struct, frozen=True, kw_only=True):
    """The atoms of one source in order, and the speech that is none."""

    atoms: tuple[Atom, ...]
    dropped: tuple[Dropped, ...]


class Style(Struct, frozen=True, kw_only=True):
    """How footage is taken apart.

    `pause`: what separates two sentences. `longest`: sentences beyond this are divided at their longest pauses, as far as
    there are any; None leaves them whole. `fillers`: stretches without words may be chosen too.
    """

    pause: Fraction = SENTENCE_PAUSE_S
    longest: Fraction | None = None
    fillers: bool = False


def take_apart(number: int, laid: Layout, judge: Judge, style: Style) -> Pieces:
    """Return the pieces of source number `number`; its pictures too when nobody speaks in it, or `fillers` are asked for."""
    units = merged(laid.words, gap=2 * laid.grid.frames(AIR_LEAST_S))
    good = [unit for unit in units if not _spoilt(unit, laid)]
    if not good:
        good = units  # a talk whose pictures are all bad is still a talk
    sentences = _sentences(good, units, laid, style)
    bodies: list[tuple[Span, Kind]] = [(sentence, "speech") for sentence in sentences]
    if not units:
        bodies += [(chunk, "picture") for chunk in _pictures(laid, PICTURE_LEAST_S)]
    elif style.fillers:
        bodies += [(chunk, "picture") for chunk in _pictures(laid, FILLER_LEAST_S)]
    atoms: list[Atom] = []
    for body, kind in sorted(bodies):
        atoms.append(_atom(number, body, kind, laid, judge, atoms[-1] if atoms else None))
    bad = tuple(Dropped(span=unit, reason=fault_over(unit, laid)) for unit in units if unit not in good)
    return Pieces(atoms=tuple(atoms), dropped=bad)


def _spoilt(unit: Span, laid: Layout) -> bool:
    return bad_share(unit, laid.bad_spans) > BAD_MOST or black_share(unit, laid) > BLACK_MOST


def _sentences(good: list[Span], units: list[Span], laid: Layout, style: Style) -> list[Span]:
    """Group units into sentences; none reaches across a longer pause, a unit that is left out, or a bad picture."""
    pause = laid.grid.frames(style.pause)
    groups: list[list[Span]] = []
    for unit in units:
        if unit not in good:
            groups.append([])
            continue
        before = groups[-1][-1] if groups and groups[-1] else None
        near = before is not None and unit.start - before.end < pause
        clean = before is not None and not overlap(Span(before.end, unit.start), laid.bad_spans)
        if near and clean:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    longest = None if style.longest is None else laid.grid.frames(style.longest)
    return [sentence for group in groups if group for sentence in _divided(group, longest)]


def _divided(units: list[Span], longest: int | None) -> list[Span]:
    whole = Span(units[0].start, units[-1].end)
    if longest is None or whole.length <= longest or len(units) == 1:
        return [whole]
    # The longest pause; of equal ones that nearest to the middle, then the earliest.
    middle = len(units) / 2
    cut = max(range(1, len(units)), key=lambda n: (units[n].start - units[n - 1].end, -abs(n - middle), -n))
    return [*_divided(units[:cut], longest), *_divided(units[cut:], longest)]


def _pictures(laid: Layout, least_s: Fraction) -> list[Span]:
    """Return stretches of good picture without words, within shots, about a second each."""
    grid = laid.grid
    guard = grid.frames(AIR_MOST_S)
    heard = merged(
        Span(max(0, word.start - guard), min(grid.length, word.end + guard)) for word in laid.words
    )
    holes = merged([*heard, *laid.bad_spans])
    least, size = grid.frames(least_s), grid.frames(CHUNK_S)
    chunks: list[Span] = []
    for free in without(Span(0, grid.length), holes):
        edges = [free.start, *(edge for edge in laid.edges if free.start < edge < free.end), free.end]
        for start, end in pairwise(edges):
            if end - start >= least:
                chunks += _chunks(Span(start, end), size)
    return chunks


def _chunks(span: Span, size: int) -> list[Span]:
    count = max(1, round(span.length / size))
    places = [span.start + span.length * place // count for place in range(count + 1)]
    return [Span(start, end) for start, end in pairwise(places)]


def _atom(number: int, body: Span, kind: Kind, laid: Layout, judge: Judge, before: Atom | None) -> Atom:
    if kind == "speech":
        head, tail = _air(body, laid, "head"), _air(body, laid, "tail")
    else:
        trim = -(body.length // 3)
        head = Air(least=trim, usual=0, most=0, edge=body.start in (0, *laid.edges))
        tail = Air(least=trim, usual=0, most=0, edge=body.end in (laid.grid.length, *laid.edges))
    return Atom(
        source=number,
        kind=kind,
        body=body,
        head=head,
        tail=tail,
        score=judge.score(body),
        joins=before is not None and _joins(before, body, laid),
    )


def _joins(before: Atom, body: Span, laid: Layout) -> bool:
    gap = Span(before.body.end, body.start)
    short = gap.length <= laid.grid.frames(JOIN_MOST_S)
    return short and not overlap(gap, laid.bad_spans) and not overlap(gap, laid.words)


def _air(body: Span, laid: Layout, side: Literal["head", "tail"]) -> Air:
    """Return how much may be kept on one side of a sentence.

    It ends well before the next word, at the edge of a shot where one is near, and at a bad picture.
    """
    grid, back = laid.grid, side == "head"

    def away(place: int) -> int:
        return body.start - place if back else place - body.end

    wall = away(0 if back else grid.length)
    word = min((d for w in laid.words if (d := away(w.end if back else w.start)) >= 0), default=None)
    least = grid.frames(AIR_LEAST_S)
    room = wall if word is None else max(word // 2, word - least)
    least = min(least, room)
    most = min(room, grid.frames(AIR_MOST_S))
    for bad in laid.bad_spans:
        near, far = (bad.end, bad.start) if back else (bad.start, bad.end)
        if away(far) > 0:
            most = min(most, max(least, away(near)))
    near_edge = min((d for edge in laid.edges if least <= (d := away(edge)) <= most), default=None)
    if near_edge is not None:
        return Air(least=least, usual=near_edge, most=near_edge, edge=True)
    usual = grid.frames(HEAD_USUAL_S if back else TAIL_USUAL_S)
    return Air(least=least, usual=min(max(usual, least), most), most=most)
