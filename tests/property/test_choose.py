"""The best selection is found exactly: held against trying all of them."""

from collections.abc import Iterator
from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.editing.planner.atoms import Air, Atom
from engine.editing.planner.choose import DISTANCE_COST, Chosen, Rules, Wanted, choose, pause_range
from engine.editing.planner.fit import blocks_of, total
from engine.editing.planner.grid import Span
from engine.editing.planner.score import Score

RULES = Rules(gap_least=3, cut_cost=40, picture_cut_cost=90)
SCORE = Score(total=0.5, signals={}, weights={})


@st.composite
def atom_lists(draw: st.DrawFn) -> list[Atom]:
    atoms: list[Atom] = []
    at = 0
    for number in range(draw(st.integers(1, 6))):
        gap = draw(st.integers(3, 14))
        length = draw(st.integers(3, 12))
        source = number // 4
        at = (at if number % 4 else 0) + gap
        # As the planner makes them: neither side reaches beyond the middle of the gap.
        sides = []
        for room in (gap // 2, draw(st.integers(1, 3))):
            least = draw(st.integers(-(length // 3), min(1, room)))
            most = draw(st.integers(max(least, 0), max(least, room)))
            sides.append(Air(least=least, usual=draw(st.integers(least, most)), most=most))
        kind = draw(st.sampled_from(["speech", "picture"]))
        joins = number % 4 > 0 and draw(st.booleans())
        atoms.append(
            Atom(
                source=source,
                kind="speech" if kind == "speech" else "picture",
                body=Span(at, at + length),
                head=sides[0],
                tail=sides[1],
                score=SCORE,
                joins=joins,
            )
        )
        at += length + 3
    return atoms


def selections(atoms: list[Atom]) -> Iterator[Chosen]:
    """Yield every selection with every way to join it."""
    for taken in product((False, True), repeat=len(atoms)):
        numbers = tuple(number for number, one in enumerate(taken) if one)
        can_join = [n for n in numbers if n and taken[n - 1] and atoms[n].joins]
        for joins in product((False, True), repeat=len(can_join)):
            yield Chosen(
                atoms=numbers, joined=frozenset(n for n, join in zip(can_join, joins, strict=True) if join)
            )


def reach(atoms: list[Atom], chosen: Chosen) -> tuple[int, int, int] | None:
    """Return the shortest and longest a selection can be and what its cuts cost; None when it cannot be at all."""
    low = high = cost = 0
    for place, number in enumerate(chosen.atoms):
        atom = atoms[number]
        low, high = low + atom.body.length, high + atom.body.length
        before = chosen.atoms[place - 1] if place else None
        if number in chosen.joined:
            gap = atom.body.start - atoms[number - 1].body.end
            low, high = low + gap, high + gap
            continue
        cost += RULES.picture_cut_cost if atom.kind == "picture" else RULES.cut_cost
        if before is not None and before == number - 1:
            pause = pause_range(atoms[before], atom, RULES)
            if pause.high < pause.low:
                return None
            low, high = low + pause.low, high + pause.high
        else:
            if before is not None:
                low, high = low + atoms[before].tail.least, high + atoms[before].tail.most
            low, high = low + atom.head.least, high + atom.head.most
    if chosen.atoms:
        last = atoms[chosen.atoms[-1]]
        low, high = low + last.tail.least, high + last.tail.most
    return low, high, cost


def value(atoms: list[Atom], worth: list[int], chosen: Chosen, wanted: Wanted) -> int | None:
    """Return what a selection is worth at its best length; None when no length of it is wanted."""
    reached = reach(atoms, chosen)
    if reached is None:
        return None
    low, high, cost = reached
    length = min(max(wanted.best, low), high)
    if length <= 0 or not wanted.least <= length <= wanted.most:
        return None
    return sum(worth[number] for number in chosen.atoms) - cost - DISTANCE_COST * abs(length - wanted.best)


@given(
    atom_lists(), st.lists(st.integers(0, 500), min_size=6, max_size=6), st.integers(2, 90), st.integers(0, 4)
)
@settings(max_examples=150)
def test_no_selection_is_better_than_the_one_chosen(
    atoms: list[Atom], worth: list[int], best: int, around: int
) -> None:
    wanted = Wanted(least=max(1, best - around), best=best, most=best + around)
    worth = worth[: len(atoms)]
    possible = [v for one in selections(atoms) if (v := value(atoms, worth, one, wanted)) is not None]
    chosen = choose(atoms, worth, wanted, RULES)
    if chosen is None:
        assert possible == []
    else:
        assert value(atoms, worth, chosen, wanted) == max(possible)


@given(atom_lists(), st.integers(2, 90), st.integers(0, 4))
@settings(max_examples=150)
def test_what_is_chosen_can_be_brought_to_its_length_frame_by_frame(
    atoms: list[Atom], best: int, around: int
) -> None:
    wanted = Wanted(least=max(1, best - around), best=best, most=best + around)
    chosen = choose(atoms, [100] * len(atoms), wanted, RULES)
    if chosen is None:
        return
    reached = reach(atoms, chosen)
    assert reached is not None
    blocks = blocks_of(atoms, chosen, RULES, best)
    assert total(blocks) == min(max(best, reached[0]), reached[1])
    for before, after in pairwise(blocks):
        if before.source == after.source:
            neighbours = after.atoms[0] == before.atoms[-1] + 1
            least = RULES.gap_least if neighbours else 0
            assert after.span.start - before.span.end >= least
