"""Kept timelines read back: as they are, as they were at a version, or at a position of the log."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.timeline import Timeline, Track
from cutroom_sdk.wire.timelines import StoredTimeline, TimelineHead, TimelineTrack
from engine.editing.reducer import KIND, Event, missing, track_key
from engine.editing.undo import Past
from engine.kernel.errors import Compacted, NotFound
from engine.kernel.log import Log
from engine.kernel.resources import Record, Store

EVENT: Final[Any] = Event  # a union, which is no type to a type checker
TRACKS_MAX: Final = 1000


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
    record, _ = await resources.as_of(f"{KIND}/{timeline_id}", position, partition)
    if record is None:
        raise missing(timeline_id)
    head = decode(record.value, TimelineHead)
    tracks = []
    for number in range(len(head.tracks)):
        part, _ = await resources.as_of(track_key(timeline_id, number), position, partition)
        assert part is not None, f"{timeline_id} had no track {number} at {position}"
        tracks.append(decode(part.value, TimelineTrack).track)
    return _whole(head, tracks)


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


async def history_of(log: Log, timeline_id: str, partition: str) -> tuple[list[Past], int]:
    """Return what happened to a timeline, in order, as far as the log reaches back, and the version before that.

    That is 0 where nothing was compacted.

    Raises:
        NotFound: there is no such timeline.
    """
    past = await log.past(partition, f"{KIND}/{timeline_id}")
    if not past.version:
        raise missing(timeline_id)
    found = [Past(one.version, one.actor, one.at_ms, decode(one.data, EVENT)) for one in past.events]
    return found, past.kept.version if past.kept else 0


async def _current(resources: Store, timeline_id: str, partition: str) -> StoredTimeline:
    found, _ = await current(resources, timeline_id, partition)
    return found


async def current(resources: Store, timeline_id: str, partition: str) -> tuple[StoredTimeline, Record]:
    """Return a timeline as it is, all of one moment, and the record of its head.

    Raises:
        NotFound: there is none.
    """
    key = f"{KIND}/{timeline_id}"
    page = await resources.page([key], partition, limit=TRACKS_MAX + 1)
    if not page.items or page.items[0].key != key:
        raise missing(timeline_id)
    record, *rest = page.items
    parts = sorted((decode(part.value, TimelineTrack) for part in rest), key=attrgetter("number"))
    return _whole(decode(record.value, TimelineHead), [part.track for part in parts]), record


def _whole(head: TimelineHead, tracks: Sequence[Track]) -> StoredTimeline:
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
