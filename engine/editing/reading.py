"""Kept timelines read back: as they are, as they were at a version, or at a position of the log."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, overload

from msgspec.structs import replace

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.timeline import Timeline
from cutroom_sdk.wire.timelines import StoredTimeline, TimelineHead, TimelineItems, TimelineTrack
from engine.editing import reducer
from engine.editing.pages import KIND, head_key, is_page, page_key, track_key
from engine.editing.reducer import missing
from engine.editing.undo import Past
from engine.kernel.errors import Compacted, NotFound
from engine.kernel.log import Event, Log
from engine.kernel.resources import Record, Store

EVENT: Final[Any] = reducer.Event  # a union, which is no type to a type checker


async def read_timeline(
    resources: Store, log: Log, timeline_id: str, partition: str, *, version: int | None = None
) -> StoredTimeline:
    """Return a timeline as it was at a version of its stream; None: as it is.

    Raises:
        NotFound: there is none, or it has not come to that version.
        Compacted: the log no longer reaches back to the version.
    """
    if version is None:
        return await _current(resources, timeline_id, partition)
    position = await position_of(log, timeline_id, partition, version)
    if position is None:
        found = await _current(resources, timeline_id, partition)
    else:
        found = await timeline_at(resources, timeline_id, partition, position)
    if found.version != version:
        raise NotFound(f"the timeline {timeline_id} has not come to version {version}", version=version)
    return found


async def timeline_at(resources: Store, timeline_id: str, partition: str, position: int) -> StoredTimeline:
    """Return a timeline as it was at a position of the log.

    Raises:
        NotFound: there was none.
        Compacted: the log begins later.
    """
    key = head_key(timeline_id)
    heads = await resources.all_as_of([key], position, partition)
    if not heads:
        raise missing(timeline_id)
    head = decode(heads[0].value, TimelineHead)
    wanted = [track_key(timeline_id, number) for number in range(len(head.tracks))]
    parts = [
        decode(one.value, TimelineTrack) for one in await resources.all_as_of(wanted, position, partition)
    ]
    assert len(parts) == len(wanted), f"{timeline_id} had other tracks at {position} than its head says"
    wanted = [page_key(timeline_id, part.number, page) for part in parts for page in part.pages]
    pages = await resources.all_as_of(wanted, position, partition)
    return _whole(head, parts, [decode(one.value, TimelineItems) for one in pages])


async def position_of(log: Log, timeline_id: str, partition: str, version: int) -> int | None:
    """Return the last position at which a timeline was at a version; None: it still is, or has not come to it.

    Raises:
        Compacted: the event that ended the version, or an earlier one, is gone from the log.
    """
    past = await log.past(partition, f"{KIND}/{timeline_id}")
    if past.kept is not None and version < past.kept.version:
        raise Compacted(
            f"version {version} of the timeline {timeline_id} was compacted", oldest=past.kept.version
        )
    return next((event.position - 1 for event in past.events if event.version == version + 1), None)


async def history_of(log: Log, timeline_id: str, partition: str) -> tuple[Sequence[Past], int]:
    """Return what happened to a timeline, in order, as far as the log reaches back, and the version before that.

    That is 0 where nothing was compacted.

    Raises:
        NotFound: there is no such timeline.
    """
    past = await log.past(partition, f"{KIND}/{timeline_id}")
    if not past.version:
        raise missing(timeline_id)
    return _History(past.events), past.kept.version if past.kept else 0


class _History(Sequence[Past]):
    """Events as what happened to a timeline. Each is decoded when it is looked at: an undo looks at the newest."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, place: int) -> Past: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Past]: ...
    def __getitem__(self, place: int | slice) -> Past | Sequence[Past]:
        if isinstance(place, slice):
            return [_past(one) for one in self._events[place]]
        return _past(self._events[place])


def _past(event: Event) -> Past:
    return Past(event.version, event.actor, event.at_ms, decode(event.data, EVENT))


async def _current(resources: Store, timeline_id: str, partition: str) -> StoredTimeline:
    found, _ = await current(resources, timeline_id, partition)
    return found


async def current(resources: Store, timeline_id: str, partition: str) -> tuple[StoredTimeline, Record]:
    """Return a timeline as it is, all of one moment, and the record of its head.

    Raises:
        NotFound: there is none.
    """
    found = await resources.under(head_key(timeline_id), partition)
    if not found or found[0].key != head_key(timeline_id):
        raise missing(timeline_id)
    record, *rest = found
    parts = [decode(one.value, TimelineTrack) for one in rest if not is_page(one.key)]
    pages = [decode(one.value, TimelineItems) for one in rest if is_page(one.key)]
    return _whole(decode(record.value, TimelineHead), parts, pages), record


def _whole(
    head: TimelineHead, parts: Sequence[TimelineTrack], pages: Sequence[TimelineItems]
) -> StoredTimeline:
    items = {(one.number, one.page): one.items for one in pages}
    tracks = [
        replace(part.track, items=tuple(chain.from_iterable(items[part.number, page] for page in part.pages)))
        if part.pages
        else part.track
        for part in sorted(parts, key=attrgetter("number"))
    ]
    timeline = Timeline(
        name=head.name,
        rate=head.rate,
        width=head.width,
        height=head.height,
        sample_rate=head.sample_rate,
        tracks=tuple(tracks),
        markers=head.markers,
        metadata=head.metadata,
    )
    return StoredTimeline(
        timeline_id=head.timeline_id,
        version=head.version,
        timeline=timeline,
        duration=head.duration,
        created_by=head.created_by,
        created_at_ms=head.created_at_ms,
        edited_by=head.edited_by,
        edited_at_ms=head.edited_at_ms,
        forked_from=head.forked_from,
    )
