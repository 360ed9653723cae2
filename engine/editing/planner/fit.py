"""From chosen pieces to spans: air before and after each, trimmed or widened frame by frame until the length is right."""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from engine.editing.planner.atoms import Air, Atom
from engine.editing.planner.choose import Chosen, Rules
from engine.editing.planner.grid import Span


class Block(Struct, frozen=True, kw_only=True):
    """A span of source number `source` that is kept: these atoms and all between them, with air on both sides."""

    source: int
    atoms: tuple[int, ...]
    span: Span
    head: int
    tail: int


def blocks_of(atoms: Sequence[Atom], chosen: Chosen, rules: Rules, length: int | None) -> tuple[Block, ...]:
    """Return the spans to keep, in order and disjoint.

    Args:
        atoms: all of them.
        chosen: which are taken.
        rules: how much lies between two spans at least.
        length: how many frames all spans together should have; None: what is usual. What the pieces cannot give is missing.
    """
    groups = _groups(chosen)
    sides: list[Air] = []
    for group in groups:
        sides += [atoms[group[0]].head, atoms[group[-1]].tail]
    caps = _caps(atoms, groups, rules)
    kept = [air.usual for air in sides]
    for place, cap in caps.items():
        _squeeze(kept, sides, place, cap)
    fixed = sum(atoms[group[-1]].body.end - atoms[group[0]].body.start for group in groups)
    if length is not None:
        _spread(kept, sides, caps, length - fixed)
    return tuple(
        _block(atoms, group, kept[2 * number], kept[2 * number + 1]) for number, group in enumerate(groups)
    )


def total(blocks: Sequence[Block]) -> int:
    """Return how many frames all blocks have together."""
    return sum(block.span.length for block in blocks)


def take_all(atoms: Sequence[Atom], rules: Rules) -> Chosen:
    """Choose every piece; a gap that is not worth a cut stays."""
    joined = set()
    for number, (before, atom) in enumerate(pairwise(atoms), start=1):
        gap = atom.body.start - before.body.end
        if atom.joins and gap - before.tail.usual - atom.head.usual < rules.gap_least:
            joined.add(number)
    return Chosen(atoms=tuple(range(len(atoms))), joined=frozenset(joined))


def _groups(chosen: Chosen) -> list[list[int]]:
    groups: list[list[int]] = []
    for number in chosen.atoms:
        if number in chosen.joined:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _caps(atoms: Sequence[Atom], groups: Sequence[Sequence[int]], rules: Rules) -> dict[int, int]:
    """Return for each tail that faces a neighbour's head (by its place among the sides) what both may have together."""
    caps = {}
    for number, (left, right) in enumerate(pairwise(groups)):
        before, atom = atoms[left[-1]], atoms[right[0]]
        if before.source == atom.source:
            gap = atom.body.start - before.body.end
            caps[2 * number + 1] = max(gap - rules.gap_least, before.tail.least + atom.head.least)
    return caps


def _squeeze(kept: list[int], sides: Sequence[Air], tail: int, cap: int) -> None:
    """Shorten a tail and the head that it faces, in turns, until both fit under `cap`."""
    while kept[tail] + kept[tail + 1] > cap:
        longer = (
            tail if kept[tail] - sides[tail].least >= kept[tail + 1] - sides[tail + 1].least else tail + 1
        )
        kept[longer] -= 1


def _spread(kept: list[int], sides: Sequence[Air], caps: dict[int, int], wanted: int) -> None:
    """Add or take away one frame after the other, going round, until `wanted` is reached or nothing moves."""
    step = 1 if wanted > sum(kept) else -1
    left = abs(wanted - sum(kept))
    moved = True
    while left and moved:
        moved = False
        for place, air in enumerate(sides):
            if left and _may(kept, air, caps, place, step):
                kept[place] += step
                left -= 1
                moved = True


def _may(kept: list[int], air: Air, caps: dict[int, int], place: int, step: int) -> bool:
    if not air.least <= kept[place] + step <= air.most:
        return False
    if step < 0:
        return True
    facing = place if place in caps else place - 1
    return facing not in caps or kept[facing] + kept[facing + 1] < caps[facing]


def _block(atoms: Sequence[Atom], group: Sequence[int], head: int, tail: int) -> Block:
    first, last = atoms[group[0]], atoms[group[-1]]
    return Block(
        source=first.source,
        atoms=tuple(group),
        span=Span(first.body.start - head, last.body.end + tail),
        head=head,
        tail=tail,
    )
