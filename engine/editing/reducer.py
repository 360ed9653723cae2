"""Timelines: kept under an id, as they were made, and as they have become.

timeline/{timeline_id}    (none) --created--> kept
"""

from collections.abc import Mapping
from typing import Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.operations import TimelineOperation
from cutroom_sdk.wire.timeline import Timeline
from cutroom_sdk.wire.timelines import TimelineHead, TimelineOrigin, TimelineTrack, TrackHead
from engine.editing.changes import Change, applied
from engine.editing.operations import carried_out, refuse_locked
from engine.editing.timeline import duration, track_duration
from engine.editing.validate import check_timeline, check_tracks
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "timeline"


class Kept(Struct, frozen=True, kw_only=True):
    """State of the stream `timeline/{timeline_id}`; `timeline` None: there is none yet, and `version` is 0."""

    timeline_id: str
    version: int = 0
    timeline: Timeline | None = None
    forked_from: TimelineOrigin | None = None
    created_by: str = ""
    created_at_ms: int = 0
    edited_by: str = ""
    edited_at_ms: int = 0


# Proposals.
class Create(Struct, frozen=True, kw_only=True, tag="create"):
    """Keep a timeline; `forked_from` is where it comes from."""

    timeline: Timeline
    forked_from: TimelineOrigin | None = None


class Edit(Struct, frozen=True, kw_only=True, tag="edit"):
    """Carry operations out, all of them or none."""

    operations: tuple[TimelineOperation, ...]


class TakeBack(Struct, frozen=True, kw_only=True, tag="take_back"):
    """Undo, or redo, what the version `of` did: `changes` do so at the version that the timeline has come to."""

    what: Literal["undo", "redo"]
    of: int
    changes: tuple[Change, ...]


# Events.
class Created(Struct, frozen=True, kw_only=True, tag="timeline.created"):
    timeline: Timeline
    forked_from: TimelineOrigin | None = None


class Edited(Struct, frozen=True, kw_only=True, tag="timeline.edited"):
    """`operations` as they were asked for, and the `changes` that they came to."""

    operations: tuple[TimelineOperation, ...]
    changes: tuple[Change, ...]


class Undone(Struct, frozen=True, kw_only=True, tag="timeline.undone"):
    of: int
    changes: tuple[Change, ...]


class Redone(Struct, frozen=True, kw_only=True, tag="timeline.redone"):
    of: int
    changes: tuple[Change, ...]


Proposal = Create | Edit | TakeBack
Event = Created | Edited | Undone | Redone


def init(timeline_id: str) -> Kept:
    return Kept(timeline_id=timeline_id)


def decide(kept: Kept, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal; operations that change nothing are no edit.

    Raises:
        NotFound: there is no such timeline.
        Invalid: the timeline, or what it would become, does not hold together; `field` says where.
        Rejected: `timeline_exists`: the id is taken; `track_locked`, and whatever an operation is refused with.
    """
    if isinstance(proposal, Create):
        if kept.timeline is not None:
            raise Rejected("timeline_exists", f"there is a timeline {kept.timeline_id} already")
        return (Created(timeline=check_timeline(proposal.timeline), forked_from=proposal.forked_from),)
    if kept.timeline is None:
        raise missing(kept.timeline_id)
    match proposal:
        case Edit(operations=operations):
            timeline, changes = carried_out(kept.timeline, operations)
            check_tracks(timeline, kept.timeline)
            return (Edited(operations=operations, changes=changes),) if changes else ()
        case TakeBack(what=what, of=of, changes=changes):
            refuse_locked(kept.timeline, changes)
            check_tracks(applied(kept.timeline, changes), kept.timeline)
            return (Undone(of=of, changes=changes) if what == "undo" else Redone(of=of, changes=changes),)
        case _:
            assert_never(proposal)


def on_event(kept: Kept, event: Event, envelope: Envelope) -> Step[Kept, Struct]:
    """Fold one event."""
    match event:
        case Created(timeline=timeline, forked_from=origin):
            after = replace(
                kept,
                timeline=timeline,
                forked_from=origin,
                created_by=envelope.actor,
                created_at_ms=envelope.at_ms,
            )
        case Edited(changes=changes) | Undone(changes=changes) | Redone(changes=changes):
            assert kept.timeline is not None, "a timeline is created before it is edited"
            after = replace(kept, timeline=applied(kept.timeline, changes))
        case _:
            assert_never(event)
    return Step(
        replace(after, version=kept.version + 1, edited_by=envelope.actor, edited_at_ms=envelope.at_ms)
    )


def missing(timeline_id: str) -> NotFound:
    """Return what says that there is no such timeline."""
    return NotFound(f"there is no timeline {timeline_id[:64]}", timeline_id=timeline_id[:64])


def resources(timeline_id: str, kept: Kept) -> Mapping[str, Struct | None]:
    """Return `timeline/{id}` and `timeline/{id}/track/{number}` of each track."""
    if kept.timeline is None:
        return {}
    key = f"{KIND}/{timeline_id}"
    return {key: head(kept, kept.timeline)} | {
        track_key(timeline_id, number): TimelineTrack(timeline_id=timeline_id, number=number, track=track)
        for number, track in enumerate(kept.timeline.tracks)
    }


def changed(timeline_id: str, before: Kept, after: Kept) -> Mapping[str, Struct | None]:
    """Return those of `resources` that may differ: the head, and the tracks that are not the very same ones."""
    told = dict(resources(timeline_id, after))
    if before.timeline is None or after.timeline is None:
        return told
    old, new = before.timeline.tracks, after.timeline.tracks
    for number, track in enumerate(old):
        key = track_key(timeline_id, number)
        if number >= len(new):
            told[key] = None
        elif new[number] is track:
            del told[key]
    return told


def track_key(timeline_id: str, number: int) -> str:
    """Return the key of the resource that a track is published as."""
    return f"{KIND}/{timeline_id}/track/{number}"


def head(kept: Kept, timeline: Timeline) -> TimelineHead:
    """Return all there is to see of a timeline but for the items of its tracks."""
    return TimelineHead(
        timeline_id=kept.timeline_id,
        version=kept.version,
        name=timeline.name,
        rate=timeline.rate,
        width=timeline.width,
        height=timeline.height,
        sample_rate=timeline.sample_rate,
        duration=duration(timeline),
        tracks=tuple(
            TrackHead(
                kind=track.kind,
                name=track.name,
                enabled=track.enabled,
                locked=track.locked,
                items=len(track.items),
                duration=track_duration(track),
            )
            for track in timeline.tracks
        ),
        markers=timeline.markers,
        metadata=timeline.metadata,
        created_by=kept.created_by,
        created_at_ms=kept.created_at_ms,
        edited_by=kept.edited_by,
        edited_at_ms=kept.edited_at_ms,
        forked_from=kept.forked_from,
    )


TIMELINE: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Kept,
    resources=resources,
    changed=changed,
    reads="media:read",
)
