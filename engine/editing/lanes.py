"""The items of one track, cut open, put in, taken out. Pure: each takes a row of items and returns another."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from fractions import Fraction

from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Gap, Transition
from engine.editing.clips import stretch
from engine.editing.timeline import Item, edges, item_duration

Items = tuple[Item, ...]
Fresh = Callable[[str], str]  # an id that no clip has, like this one


def opened(items: Items, at: Fraction, fresh: Fresh) -> tuple[Items, int]:
    """Return the items with an edge at `at` seconds, and the number of the first item from there on.

    A clip that lies across it is two clips then, a gap two gaps; beyond the end a gap leads up to it. A transition at the
    edge counts as being after it.
    """
    grid, starts = edges(items)
    ticks = at * grid
    number = bisect_left(starts, ticks)
    if number > len(items):
        return (*items, Gap(duration=at - Fraction(starts[-1], grid))), len(items) + 1
    if starts[number] == ticks:
        return items, number
    parts = halves(items[number - 1], at - Fraction(starts[number - 1], grid), fresh)
    return (*items[: number - 1], *parts, *items[number:]), number


def halves(item: Item, at: Fraction, fresh: Fresh) -> tuple[Item, Item]:
    """Return a clip or gap in two, cut at `at` seconds of its own time; the second clip has an id of its own."""
    if isinstance(item, Gap):
        return Gap(duration=at), Gap(duration=item.duration - at)
    assert isinstance(item, Clip), "a transition takes no time"
    first, second = stretch(item, Fraction(0), at), stretch(item, at, item.source_range.duration)
    return first, renamed(second, fresh(item.id))


def renamed(clip: Clip, name: str) -> Clip:
    """Return the clip under another id."""
    return replace(clip, id=name)


def placed(items: Items, item: Clip | Gap, at: Fraction, fresh: Fresh, *, overwrite: bool) -> Items:
    """Return the items with one more that begins at `at` seconds; a transition where it begins or ends goes."""
    items, first = opened(items, at, fresh)
    last = first
    if overwrite:
        items, last = opened(items, at + item_duration(item), fresh)
    if last < len(items) and isinstance(items[last], Transition):
        last += 1
    return spliced(items, first, last, (item,))


def taken(items: Items, number: int, *, close: bool) -> Items:
    """Return the items without that number `number` and its transitions; unless `close`, a gap is left, but none at the end."""
    left: Items = () if close else (Gap(duration=item_duration(items[number])),)
    first, last = number, number + 1
    if first and isinstance(items[first - 1], Transition):
        first -= 1
    if last < len(items) and isinstance(items[last], Transition):
        last += 1
    found = spliced(items, first, last, left)
    while not close and found and isinstance(found[-1], Gap):
        found = found[:-1]
    return found


def spliced(items: Items, first: int, last: int, put: Items) -> Items:
    """Return items with others in the place of `[first, last)`, settled where they meet; what lies further off stays as it is."""
    low, high = max(0, first - 1), min(len(items), last + 1)
    while low and not isinstance(items[low], Clip):
        low -= 1
    while high < len(items) and not isinstance(items[high - 1], Clip):
        high += 1
    return items[:low] + settled(items[low:first] + put + items[last:high]) + items[high:]


def settled(items: Sequence[Item]) -> Items:
    """Return items of which no transition lacks a clip at either side, and no two gaps follow each other."""
    found: list[Item] = []
    for number, item in enumerate(items):
        if isinstance(item, Transition):
            before = items[number - 1] if number else None
            after = items[number + 1] if number + 1 < len(items) else None
            if not (isinstance(before, Clip) and isinstance(after, Clip)):
                continue
        if isinstance(item, Gap) and found and isinstance(found[-1], Gap):
            found[-1] = Gap(duration=found[-1].duration + item.duration)
        else:
            found.append(item)
    return tuple(found)
