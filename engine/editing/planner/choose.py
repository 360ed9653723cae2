"""Which pieces to take: the best worth that fits the length wanted, found exactly.

Pieces are gone through in order; for every length in frames the best worth of a selection of that length is kept, once with
the last piece open (its tail not yet decided) and once closed. Since heads, tails and pauses may take any length within
their limits, a length that can be reached at all is found. With very much footage lengths are counted in steps of a few
frames, and `fit` makes up for the rest.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.editing.planner.atoms import Atom

CELLS_MOST: Final = 8_000_000
NEVER: Final = -(1 << 60)
# A frame away from the length wanted costs what twenty of the best frames are worth (1000 each): the length comes first.
DISTANCE_COST: Final = 20_000

_STAY, _CLOSE, _NEW, _JOIN, _CUT = range(5)
Values = NDArray[np.int64]


class Wanted(Struct, frozen=True, kw_only=True):
    """Lengths in frames: any of `[least, most]`, `best` rather than others."""

    least: int
    best: int
    most: int


class Rules(Struct, frozen=True, kw_only=True):
    """`gap_least`: what is removed between two pieces has at least this many frames. Costs are in worth."""

    gap_least: int
    cut_cost: int
    picture_cut_cost: int


class Chosen(Struct, frozen=True, kw_only=True):
    """Numbers of the atoms taken, rising; `joined` are those whose gap to the one before is kept whole."""

    atoms: tuple[int, ...]
    joined: frozenset[int]


class Range(Struct, frozen=True, kw_only=True):
    """Whole numbers `[low, high]`; none when `high < low`."""

    low: int
    high: int


def pause_range(before: Atom, atom: Atom, rules: Rules) -> Range:
    """Return how many frames may be kept between two neighbours that are both taken, with a cut between them."""
    low, high = before.tail.least + atom.head.least, before.tail.most + atom.head.most
    if before.source == atom.source:
        high = min(high, atom.body.start - before.body.end - rules.gap_least)
    return Range(low=low, high=high)


def choose(atoms: Sequence[Atom], worth: Sequence[int], wanted: Wanted, rules: Rules) -> Chosen | None:
    """Return the best selection whose length can be brought into `wanted`; None when there is none.

    Args:
        atoms: in order, neighbours as they lie in the footage.
        worth: of each atom, at least 0. Of equal selections the one that takes earlier pieces wins.
        wanted: the length, frames.
        rules: what cuts cost.
    """
    spare = max((-min(0, atom.head.least) - min(0, atom.tail.least) for atom in atoms), default=0)
    step = -(-len(atoms) * (wanted.most + spare) // CELLS_MOST) or 1
    return _Table(atoms, worth, rules, step, (wanted.most + spare) // step + 1).best(wanted)


class _Table:
    """The table of best worths; `step` frames are one unit of length."""

    def __init__(
        self, atoms: Sequence[Atom], worth: Sequence[int], rules: Rules, step: int, size: int
    ) -> None:
        self._atoms, self._worth, self._rules, self._step = atoms, worth, rules, step
        count = len(atoms)
        shape = (count + 1, size)
        self._how_closed = np.full(shape, _STAY, dtype=np.int8)
        self._how_open = np.full(shape, _NEW, dtype=np.int8)
        self._from_closed = np.zeros(shape, dtype=np.int32)
        self._from_open = np.zeros(shape, dtype=np.int32)
        self._closed = np.full(size, NEVER, dtype=np.int64)
        self._closed[0] = 0
        self._open = np.full(size, NEVER, dtype=np.int64)
        for number in range(count):
            self._take(number)
        self._closed = self._close(count)

    def best(self, wanted: Wanted) -> Chosen | None:
        """Return the best selection within the lengths wanted."""
        low = -(-wanted.least // self._step)
        high = min(wanted.most // self._step, len(self._closed) - 1)
        if high < max(low, 1):
            return None
        lengths = np.arange(max(low, 1), high + 1)
        values = self._closed[lengths]
        away = np.abs(lengths * self._step - wanted.best) * DISTANCE_COST
        ranked = np.where(values > NEVER // 2, values - away, NEVER)
        place = int(np.argmax(ranked))
        return None if ranked[place] == NEVER else self._trace(int(lengths[place]))

    def _units(self, frames: int) -> int:
        return round(frames / self._step)

    def _take(self, number: int) -> None:
        """Add atom `number` to the table: open selections end with it, closed ones leave it out."""
        atom, worth = self._atoms[number], self._worth[number]
        body = atom.body.length
        cost = self._rules.picture_cut_cost if atom.kind == "picture" else self._rules.cut_cost
        row = number + 1
        closed = self._close(number)
        fresh = np.full_like(self._open, NEVER)
        if number and atom.joins:
            before = self._atoms[number - 1]
            gap = atom.body.start - before.body.end
            self._move(self._open, fresh, row, [gap + body], worth, _JOIN)
        moves = _lengths(atom.head.least, atom.head.most, atom.head.usual, self._step)
        self._move(closed, fresh, row, [k + body for k in moves], worth - cost, _NEW)
        if number:
            before = self._atoms[number - 1]
            range_ = pause_range(before, atom, self._rules)
            usual = before.tail.usual + atom.head.usual
            moves = _lengths(range_.low, range_.high, usual, self._step)
            self._move(self._open, fresh, row, [k + body for k in moves], worth - cost, _CUT)
        self._closed, self._open = closed, fresh

    def _move(
        self, source: Values, target: Values, row: int, lengths: Sequence[int], worth: int, how: int
    ) -> None:
        """Let `target[d + length]` be `source[d] + worth` where that is better; the first of equal ones stays."""
        for length in dict.fromkeys(self._units(length) for length in lengths):
            _raise(source, target, length, worth, self._how_open[row], self._from_open[row], how)

    def _close(self, number: int) -> Values:
        """Return the closed selections before atom `number`: closed already, or with the open one's tail decided."""
        closed = self._closed.copy()
        if number:
            tail = self._atoms[number - 1].tail
            for frames in _lengths(tail.least, tail.most, tail.usual, self._step):
                _raise(
                    self._open,
                    closed,
                    self._units(frames),
                    0,
                    self._how_closed[number],
                    self._from_closed[number],
                    _CLOSE,
                )
        return closed

    def _trace(self, length: int) -> Chosen:
        """Walk back from a closed selection of this length to what it is made of."""
        taken: list[int] = []
        joined: set[int] = set()
        row, is_open = len(self._atoms), False
        while row:
            if not is_open:
                if self._how_closed[row, length] == _CLOSE:
                    length -= int(self._from_closed[row, length])
                    is_open = True
                else:
                    row -= 1
                continue
            taken.append(row - 1)
            how = int(self._how_open[row, length])
            length -= int(self._from_open[row, length])
            if how == _JOIN:
                joined.add(row - 1)
            is_open = how in (_JOIN, _CUT)
            row -= 1
        return Chosen(atoms=tuple(reversed(taken)), joined=frozenset(joined))


def _raise(
    source: Values,
    target: Values,
    shift: int,
    worth: int,
    how: NDArray[np.int8],
    by: NDArray[np.int32],
    mark: int,
) -> None:
    size = len(source)
    if abs(shift) >= size:
        return
    taken = source[max(0, -shift) : size - max(0, shift)] + worth
    place = slice(max(0, shift), size - max(0, -shift))
    better = (taken > target[place]) & (taken > NEVER // 2)
    target[place][better] = taken[better]
    how[place][better] = mark
    by[place][better] = shift


def _lengths(low: int, high: int, usual: int, step: int) -> Iterator[int]:
    """Yield the whole numbers of `[low, high]` by their distance from `usual`, in strides of `step`."""
    reach = max(abs(usual - low), abs(high - usual)) if low <= high else -1
    if low <= high and step > 1:
        yield from sorted({low, high})
    for distance in range(0, reach + 1, step):
        for length in dict.fromkeys((usual + distance, usual - distance)):
            if low <= length <= high:
                yield length
