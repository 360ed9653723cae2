"""Where a clip is, which clips go with it, and ids that none has yet."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Timeline, Track
from engine.editing.timeline import Item, item_duration, total
from engine.kernel.errors import Rejected

T = TypeVar("T")


class Place(NamedTuple):
    """A clip, the numbers of its track and of it on the track, and when it begins, seconds."""

    track: int
    number: int
    start: Fraction
    clip: Clip


def find(timeline: Timeline, clip_id: str) -> Place:
    """Return where a clip is.

    Raises:
        Rejected: `unknown_clip`.
    """
    for track_number, track in enumerate(timeline.tracks):
        for number, item in enumerate(track.items):
            if isinstance(item, Clip) and item.id == clip_id:
                start = total(map(item_duration, track.items[:number]))
                return Place(track_number, number, start, item)
    raise Rejected("unknown_clip", f"there is no clip {clip_id[:80]!r} on the timeline", clip=clip_id[:80])


def group_of(timeline: Timeline, clip_id: str, *, alone: bool) -> tuple[str, ...]:
    """Return the ids of a clip and, unless it is meant `alone`, of those linked with it; itself first.

    Raises:
        Rejected: `unknown_clip`.
    """
    clip = find(timeline, clip_id).clip
    if alone or clip.link_group is None:
        return (clip_id,)
    linked = [one.id for one in clips(timeline) if one.link_group == clip.link_group and one.id != clip_id]
    return (clip_id, *linked)


def clips(timeline: Timeline) -> list[Clip]:
    """Return all clips, track by track."""
    return [item for track in timeline.tracks for item in track.items if isinstance(item, Clip)]


def numbered(row: Sequence[T], number: int, what: str) -> T:
    """Return one of a row by its number.

    Raises:
        Rejected: `unknown_number`: it has no such one; `what` is what they are.
    """
    if not 0 <= number < len(row):
        there = f"they are 0 to {len(row) - 1}" if row else "there is none"
        raise Rejected("unknown_number", f"there is no {what} {number}; {there}", number=number)
    return row[number]


def track_of(timeline: Timeline, number: int) -> Track:
    """Return a track by its number.

    Raises:
        Rejected: `unknown_number`.
    """
    return numbered(timeline.tracks, number, "track")


def with_track(timeline: Timeline, number: int, track: Track) -> Timeline:
    """Return the timeline with another track in the place of that number `number`."""
    return replace(timeline, tracks=(*timeline.tracks[:number], track, *timeline.tracks[number + 1 :]))


def with_items(timeline: Timeline, number: int, items: tuple[Item, ...]) -> Timeline:
    """Return the timeline with other items on a track."""
    return with_track(timeline, number, replace(timeline.tracks[number], items=items))


def with_clip(timeline: Timeline, place: Place, clip: Clip) -> Timeline:
    """Return the timeline with another clip in a place."""
    items = timeline.tracks[place.track].items
    return with_items(timeline, place.track, (*items[: place.number], clip, *items[place.number + 1 :]))


def fresh_ids(timeline: Timeline) -> Callable[[str], str]:
    """Return what gives ids, or names of link groups, that the timeline does not have, each once: `a`, `a~2`, `a~3`, ..."""
    taken: set[str] = set()

    def fresh(like: str) -> str:
        if not taken:  # most edits ask for none
            taken.update(name for clip in clips(timeline) for name in (clip.id, clip.link_group or ""))
        base = like.partition("~")[0] or like
        names = (f"{base}~{number}" for number in range(2, len(taken) + 3))
        found = base if base not in taken else next(name for name in names if name not in taken)
        taken.add(found)
        return found

    return fresh
