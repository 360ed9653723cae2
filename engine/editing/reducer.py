"""Timelines: kept under an id, as they were made, and as they have become.

timeline/{timeline_id}    (none) --created--> kept
"""

from collections.abc import Mapping
from fractions import Fraction
from itertools import zip_longest
from typing import Any, Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.operations import TimelineOperation
from cutroom_sdk.wire.timeline import Timeline
from cutroom_sdk.wire.timelines import TimelineHead, TimelineOrigin, TrackHead
from engine.editing.changes import Change, applied, lasting
from engine.editing.operations import carried_out, refuse_locked
from engine.editing.pages import KIND, head_key, published
from engine.editing.timeline import track_duration
from engine.editing.validate import check_edit, check_lengths, check_timeline
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

# The shape in which states were kept before there were pages.
UNPAGED: Final = "7a83952865206eee"


class Kept(Struct, frozen=True, kw_only=True):
    """State of the stream `timeline/{timeline_id}`; `timeline` None: there is none yet, and `version` is 0.

    `lasts` is how long each track does, seconds. `paged`: its long tracks are published in pages. Timelines of logs that began before there were any are not.
    """

    timeline_id: str
    version: int = 0
    timeline: Timeline | None = None
    lasts: tuple[Fraction, ...] = ()
    paged: bool = False
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
    paged: bool = False


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
        timeline = check_timeline(proposal.timeline)
        return (Created(timeline=timeline, forked_from=proposal.forked_from, paged=True),)
    if kept.timeline is None:
        raise missing(kept.timeline_id)
    match proposal:
        case Edit(operations=operations):
            timeline, changes = carried_out(kept.timeline, operations)
            check_edit(timeline, kept.timeline)
            check_lengths(lasting(kept.lasts, changes))
            return (Edited(operations=operations, changes=changes),) if changes else ()
        case TakeBack(what=what, of=of, changes=changes):
            refuse_locked(kept.timeline, changes)
            check_edit(applied(kept.timeline, changes), kept.timeline)
            check_lengths(lasting(kept.lasts, changes))
            return (Undone(of=of, changes=changes) if what == "undo" else Redone(of=of, changes=changes),)
        case _:
            assert_never(proposal)


def on_event(kept: Kept, event: Event, envelope: Envelope) -> Step[Kept, Struct]:
    """Fold one event."""
    match event:
        case Created(timeline=timeline, forked_from=origin, paged=paged):
            after = replace(
                kept,
                timeline=timeline,
                lasts=tuple(map(track_duration, timeline.tracks)),
                forked_from=origin,
                paged=paged,
                created_by=envelope.actor,
                created_at_ms=envelope.at_ms,
            )
        case Edited(changes=changes) | Undone(changes=changes) | Redone(changes=changes):
            assert kept.timeline is not None, "a timeline is created before it is edited"
            timeline = applied(kept.timeline, changes)
            after = replace(kept, timeline=timeline, lasts=lasting(kept.lasts, changes))
        case _:
            assert_never(event)
    return Step(
        replace(after, version=kept.version + 1, edited_by=envelope.actor, edited_at_ms=envelope.at_ms)
    )


def missing(timeline_id: str) -> NotFound:
    """Return what says that there is no such timeline."""
    return NotFound(f"there is no timeline {timeline_id[:64]}", timeline_id=timeline_id[:64])


def resources(timeline_id: str, kept: Kept) -> Mapping[str, Struct | None]:
    """Return `timeline/{id}`, and `timeline/{id}/track/{number}` of each track with the pages of its items."""
    return changed(timeline_id, init(timeline_id), kept)


def changed(timeline_id: str, before: Kept, after: Kept) -> Mapping[str, Struct | None]:
    """Return those of `resources` that may differ: the head, and what is in tracks that are not the very same ones."""
    if after.timeline is None:
        return {}
    told: dict[str, Struct | None] = {head_key(timeline_id): head(after, after.timeline)}
    old = before.timeline.tracks if before.timeline else ()
    for number, (was, track) in enumerate(zip_longest(old, after.timeline.tracks)):
        if was is not track:
            told |= published(timeline_id, number, was, track, paged=after.paged)
    return told


def head(kept: Kept, timeline: Timeline) -> TimelineHead:
    """Return all there is to see of a timeline but for the items of its tracks."""
    tracks = tuple(
        TrackHead(
            kind=track.kind,
            name=track.name,
            enabled=track.enabled,
            locked=track.locked,
            items=len(track.items),
            duration=lasts,
        )
        for track, lasts in zip(timeline.tracks, kept.lasts, strict=True)
    )
    return TimelineHead(
        timeline_id=kept.timeline_id,
        version=kept.version,
        name=timeline.name,
        rate=timeline.rate,
        width=timeline.width,
        height=timeline.height,
        sample_rate=timeline.sample_rate,
        duration=max((one.duration for one in tracks if one.enabled), default=Fraction(0)),
        tracks=tracks,
        markers=timeline.markers,
        metadata=timeline.metadata,
        created_by=kept.created_by,
        created_at_ms=kept.created_at_ms,
        edited_by=kept.edited_by,
        edited_at_ms=kept.edited_at_ms,
        forked_from=kept.forked_from,
    )


def _with_lengths(kept: dict[str, Any]) -> dict[str, Any]:
    """Bring a state that was kept before there were pages up to today's."""
    timeline = convert(kept["timeline"], Timeline | None)  # type: ignore[arg-type]  # a union is no type to a type checker
    tracks = timeline.tracks if timeline is not None else ()
    return kept | {"lasts": tuple(map(track_duration, tracks))}


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
    state_upcasts={UNPAGED: _with_lengths},
)
