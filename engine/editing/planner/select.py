"""From the goal to the spans that are kept: which pieces to try, in which order, and what to say when none fits.

A length is tried with whole sentences first, then with sentences divided at their pauses, then with stretches of picture
in between. No way cuts a word: where a length cannot be had without, the nearest that can be is taken and said so.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.editing import Goal
from engine.editing.goals import spoken
from engine.editing.planner.atoms import (
    HEAD_USUAL_S,
    SENTENCE_PAUSE_S,
    TAIL_USUAL_S,
    Air,
    Atom,
    Dropped,
    Style,
    take_apart,
)
from engine.editing.planner.choose import Chosen, Rules, Wanted, choose
from engine.editing.planner.fit import Block, blocks_of, take_all, total
from engine.editing.planner.grid import Span
from engine.editing.planner.score import Judge
from engine.editing.planner.source import Source
from engine.editing.planner.stretches import Layout

TOLERANCE_S: Final = Fraction(1, 2)
GAP_LEAST_S: Final = Fraction(1, 4)  # a shorter stretch is not worth a cut
CUT_COST_S: Final = Fraction(35, 100)  # so much of the best material must a cut bring
PICTURE_CUT_COST_S: Final = Fraction(3, 2)
SENTENCE_LONGEST_S: Final = Fraction(15)
SENTENCE_PART: Final = Fraction(3, 5)  # of the length wanted
REPEAT_WORTH: Final = Fraction(3, 5)  # of a piece for each refused plan that had it
CORRECTIONS: Final = 4

# How pauses are cut when no length is wanted: as usual first; the others when that was refused.
TIGHTNESS: Final = (
    (SENTENCE_PAUSE_S, Fraction(1)),
    (Fraction(3, 10), Fraction(1, 2)),
    (Fraction(1), Fraction(2)),
)


class Footage(Struct, frozen=True, kw_only=True):
    """All sources, each on the ruler and with its judge; `rate` is the result's, frames a second."""

    rate: Fraction
    sources: tuple[Source, ...]
    layouts: tuple[Layout, ...]
    judges: tuple[Judge, ...]

    @property
    def talks(self) -> bool:
        """Tell whether anybody speaks anywhere."""
        return any(laid.words for laid in self.layouts)


class Selection(Struct, frozen=True, kw_only=True):
    """What is kept, out of which pieces. `dropped` is by number of the source."""

    atoms: tuple[Atom, ...]
    blocks: tuple[Block, ...]
    dropped: tuple[tuple[int, Dropped], ...]
    notices: tuple[str, ...] = ()


Used = Sequence[Sequence[Block]]


def select(footage: Footage, goal: Goal, limit: Fraction | None, used: Used) -> Selection:
    """Return the best selection for a goal.

    Args:
        footage: at least one source.
        goal: fitted to the profile. Without a target all good material is kept.
        limit: seconds that the result may never pass; None: any.
        used: the blocks of plans that were refused, the first one first: another selection is wanted.
    """
    if goal.target is not None:
        return _to_length(footage, goal, goal.target, used)
    everything = _all_good(footage, len(used))
    if limit is None or total(everything.blocks) <= math.floor(limit * footage.rate):
        return everything
    bounded = replace(goal, target=limit, at_most=True)
    selection = _to_length(footage, bounded, limit, used)
    notice = (
        f"all good material lasts {_lasts(footage, everything)}, the profile takes {spoken(limit)}:"
        " the best of it is taken"
    )
    return replace(selection, notices=(notice, *selection.notices))


def pieces(footage: Footage, style: Style) -> Selection:
    """Return all pieces of the footage in order, none of them kept yet; at least one."""
    atoms: list[Atom] = []
    dropped: list[tuple[int, Dropped]] = []
    for number, (laid, judge) in enumerate(zip(footage.layouts, footage.judges, strict=True)):
        apart = take_apart(number, laid, judge, style)
        atoms += apart.atoms
        dropped += [(number, drop) for drop in apart.dropped]
    notices: tuple[str, ...] = ()
    if not atoms:
        atoms = [_whole(number, footage) for number in range(len(footage.sources))]
        notices = ("no stretch of the footage is free of faults: they are not held against it",)
    return Selection(atoms=tuple(atoms), blocks=(), dropped=tuple(dropped), notices=notices)


def _whole(number: int, footage: Footage) -> Atom:
    body = Span(0, footage.layouts[number].grid.length)
    trim = Air(least=-(body.length // 3), usual=0, most=0, edge=True)
    score = footage.judges[number].score(body)
    return Atom(source=number, kind="picture", body=body, head=trim, tail=trim, score=score)


def _all_good(footage: Footage, variant: int) -> Selection:
    """Keep everything but pauses and bad pictures; `variant` says how tightly."""
    pause, air = TIGHTNESS[variant % len(TIGHTNESS)]
    found = pieces(footage, Style(pause=pause))
    grid = footage.layouts[0].grid
    atoms = tuple(
        replace(
            atom,
            head=_scaled(atom.head, grid.frames(HEAD_USUAL_S * air)),
            tail=_scaled(atom.tail, grid.frames(TAIL_USUAL_S * air)),
        )
        for atom in found.atoms
    )
    rules = _rules(footage)
    return replace(found, atoms=atoms, blocks=blocks_of(atoms, take_all(atoms, rules), rules, None))


def _scaled(air: Air, usual: int) -> Air:
    return air if air.edge or air.most <= 0 else replace(air, usual=min(air.most, max(air.least, usual)))


def _to_length(footage: Footage, goal: Goal, target: Fraction, used: Used) -> Selection:
    wanted = wanted_frames(target, footage.rate, at_most=goal.at_most)
    longest = min(SENTENCE_LONGEST_S, target * SENTENCE_PART)
    sentences, phrases = Style(longest=longest), Style(longest=Fraction(0))
    fillers = replace(sentences, fillers=True), replace(phrases, fillers=True)
    for style in (sentences, phrases, *fillers):
        found = _fitting(footage, style, wanted, used)
        if found is not None:
            return _explained(footage, found, style)
    return _nearest(footage, (phrases, fillers[1]), wanted, used)


def wanted_frames(target: Fraction, rate: Fraction, *, at_most: bool) -> Wanted:
    """Return the lengths in frames that count as hitting `target` seconds: within half a second."""
    best = math.floor(target * rate) if at_most else round(target * rate)
    most = math.floor(target * rate if at_most else (target + TOLERANCE_S) * rate)
    least = math.ceil((target - TOLERANCE_S) * rate)
    return Wanted(least=max(1, least), best=max(1, best), most=max(1, most))


def _fitting(footage: Footage, style: Style, wanted: Wanted, used: Used) -> Selection | None:
    """Return the best selection of a length that is wanted; None when there is none, or none in which anybody speaks."""
    found = pieces(footage, style)
    blocks = _chosen_blocks(found.atoms, _worth(found.atoms, used), wanted, _rules(footage))
    if not blocks or not wanted.least <= total(blocks) <= wanted.most:
        return None
    kept = replace(found, blocks=blocks)
    return kept if _speaks(kept) or not footage.talks else None


def _speaks(selection: Selection) -> bool:
    return any(
        selection.atoms[number].kind == "speech" for block in selection.blocks for number in block.atoms
    )


def _chosen_blocks(
    atoms: Sequence[Atom], worth: Sequence[int], wanted: Wanted, rules: Rules
) -> tuple[Block, ...]:
    aim, best = wanted, wanted.best
    blocks: tuple[Block, ...] = ()
    for _ in range(CORRECTIONS):
        chosen = choose(atoms, worth, aim, rules)
        if chosen is None:
            break
        blocks = blocks_of(atoms, chosen, rules, wanted.best)
        missing = wanted.best - total(blocks)
        if wanted.least <= total(blocks) <= wanted.most:
            break
        # Lengths are rounded where there is very much footage: aim as far beyond as it fell short.
        best += missing
        aim = replace(
            aim, best=max(1, best), least=max(1, aim.least + missing), most=max(1, aim.most + missing)
        )
    return blocks


def _nearest(footage: Footage, styles: tuple[Style, ...], wanted: Wanted, used: Used) -> Selection:
    """Return the selection nearest to a length that cannot be had; where anybody speaks, one with speech."""
    rules = _rules(footage)
    below = replace(wanted, least=1)
    options: list[Selection] = []
    for style in styles:
        found = pieces(footage, style)
        blocks = _chosen_blocks(found.atoms, _worth(found.atoms, used), below, rules)
        shortest = min(
            range(len(found.atoms)),
            key=lambda n: (found.atoms[n].kind == "picture" and footage.talks, _least(found.atoms[n]), n),
        )
        alone = blocks_of(found.atoms, Chosen(atoms=(shortest,), joined=frozenset()), rules, wanted.best)
        options += [replace(found, blocks=kept) for kept in (blocks, alone) if kept]
    best = min(
        options,
        key=lambda option: (
            footage.talks and not _speaks(option),
            abs(total(option.blocks) - wanted.best),
        ),
    )
    lasts, target = _lasts(footage, best), spoken(wanted.best / footage.rate)
    if total(best.blocks) > wanted.most:
        said = (
            f"nothing shorter than {lasts} can be had without cutting a word: the goal of {target} is missed"
        )
    else:
        said = f"no more than {lasts} can be had that is good: the goal of {target} is missed"
    return replace(best, notices=(*best.notices, said))


def _least(atom: Atom) -> int:
    return atom.body.length + atom.head.least + atom.tail.least


def _explained(footage: Footage, found: Selection, style: Style) -> Selection:
    if not style.fillers:
        return found
    chosen = [found.atoms[number] for block in found.blocks for number in block.atoms]
    spoken_frames = sum(atom.body.length for atom in chosen if atom.kind == "speech")
    if spoken_frames == sum(atom.body.length for atom in chosen) or not footage.talks:
        return found
    said = f"sentences fill {spoken(spoken_frames / footage.rate)} of it; the rest was chosen by its picture"
    return replace(found, notices=(*found.notices, said))


def _worth(atoms: Sequence[Atom], used: Used) -> list[int]:
    """Return what each atom is worth: its score by its length, less when refused plans had it already."""
    worth = []
    for atom in atoms:
        value = Fraction(round(atom.score.total * 1000) * atom.body.length)
        for blocks in used:
            shared = sum(_shared(atom, block) for block in blocks)
            if 2 * shared > atom.body.length:
                value *= REPEAT_WORTH
        worth.append(int(value))
    return worth


def _shared(atom: Atom, block: Block) -> int:
    if atom.source != block.source:
        return 0
    return max(0, min(atom.body.end, block.span.end) - max(atom.body.start, block.span.start))


def _rules(footage: Footage) -> Rules:
    return Rules(
        gap_least=math.ceil(GAP_LEAST_S * footage.rate),
        cut_cost=int(CUT_COST_S * footage.rate * 1000),
        picture_cut_cost=int(PICTURE_CUT_COST_S * footage.rate * 1000),
    )


def _lasts(footage: Footage, selection: Selection) -> str:
    return spoken(total(selection.blocks) / footage.rate)
