"""Where a mission's items stand, kept beside them so that no event and no rule looks at all of them.

Each group is a set of places in `Mission.items`, written as an integer: bit n is the item at place n. Sets of a thousand
items are then compared and joined in one operation, and the lowest bit is the item that comes first.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.missions import Gate, ItemStatus, WorkItemCounts
from engine.missions.items import MANUAL, Item


class Board(Struct, frozen=True, kw_only=True):
    """The groups, no item in two of them; what is in none waits for others, for a reviewer, or is over.

    `places`, `needs` and `dependents` follow from how the items were asked for and never change.
    """

    places: dict[str, int] = {}  # the item's id -> its place
    needs: tuple[int, ...] = ()  # by place: what it depends on
    dependents: tuple[tuple[int, ...], ...] = ()  # by place: what depends on it
    done: int = 0
    todo: int = 0  # nothing is missing but its turn
    rework: int = 0
    asking: int = 0  # at a gate that has not been opened
    promised: int = 0  # its run is alive and has not called its tool yet
    busy: int = 0  # its run is alive: somebody's by hand, or one that has called its tool

    @property
    def alive(self) -> int:
        """The items whose run is alive."""
        return self.promised | self.busy

    def free(self, place: int) -> bool:
        """Whether all that the item depends on is done."""
        return self.needs[place] & ~self.done == 0


GROUPS: Final = ("done", "todo", "rework", "asking", "promised", "busy")


def board_of(items: Sequence[Item]) -> Board:
    """Return the board of items, worked out from nothing but themselves."""
    places = {item.name: place for place, item in enumerate(items)}
    dependents: list[list[int]] = [[] for _ in items]
    needs = []
    for place, item in enumerate(items):
        on = [places[name] for name in item.spec.depends_on]
        needs.append(_set(on))
        for one in on:
            dependents[one].append(place)
    groups = {group: _set([n for n, item in enumerate(items) if group_of(item) == group]) for group in GROUPS}
    return Board(
        places=places, needs=tuple(needs), dependents=tuple(tuple(one) for one in dependents), **groups
    )


def moved(board: Board, place: int, before: Item, after: Item) -> Board:
    """Return the board when the item at `place` has become `after`."""
    old, new = group_of(before), group_of(after)
    if old == new:
        return board
    changes = {}
    if old is not None:
        changes[old] = getattr(board, old) & ~(1 << place)
    if new is not None:
        changes[new] = getattr(board, new) | 1 << place
    return replace(board, **changes)


def group_of(item: Item) -> str | None:
    """Return the name of the group that an item is in, or None."""
    match item.status:
        case "done" | "todo" | "rework":
            return item.status
        case "in_progress":
            return "busy" if item.observed or item.spec.kind == MANUAL else "promised"
        case "review":
            return "asking" if _unasked(item.gates.review) else None
        case "test":
            return "asking" if _unasked(item.gates.test) else None
        case _:
            return None


def first(places: int) -> int | None:
    """Return the first place of a set, or None when it is empty.

    >>> first(0b1100), first(0)
    (2, None)
    """
    return (places & -places).bit_length() - 1 if places else None


def each(places: int) -> Iterator[int]:
    """Yield the places of a set, in order.

    >>> list(each(0b1101))
    [0, 2, 3]
    """
    while places:
        lowest = places & -places
        yield lowest.bit_length() - 1
        places ^= lowest


def counts(items: Sequence[Item]) -> WorkItemCounts:
    """Return how many items there are of each status."""
    found: dict[ItemStatus, int] = {}
    for item in items:
        found[item.status] = found.get(item.status, 0) + 1
    return WorkItemCounts(**found)


def _unasked(gate: Gate) -> bool:
    return gate.state == "waiting" and gate.approval_id is None


def _set(places: Sequence[int]) -> int:
    return sum(1 << place for place in set(places))
