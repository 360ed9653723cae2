"""Timelines that the daemon keeps: what a client asks for, and what it sees of them."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.operations import TimelineOperation
from cutroom_sdk.wire.timeline import Clip, Gap, Marker, Timeline, Track, Transition

TrackKind = Literal["video", "audio", "caption"]


class TimelineRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/timelines`: keep this timeline, as its version 1."""

    timeline: Timeline


class TimelineOrigin(Wire, frozen=True, kw_only=True):
    """The timeline, at a version of its stream, that another one was forked from."""

    timeline_id: str
    version: int


class TrackHead(Wire, frozen=True, kw_only=True):
    """A track without its items: how many there are, and how long they last together, seconds."""

    kind: TrackKind
    name: str
    enabled: bool
    locked: bool
    items: int
    duration: Fraction


class TimelineHead(Wire, frozen=True, kw_only=True):
    """Resource `timeline/{timeline_id}`: all but the tracks' items, which are in `timeline/{timeline_id}/track/{number}`.

    `version` is what an edit expects; it grows by one with each. `duration` is that of the longest enabled track, seconds.
    """

    timeline_id: str
    version: int
    name: str
    rate: Fraction
    width: int
    height: int
    sample_rate: int
    duration: Fraction
    tracks: tuple[TrackHead, ...]
    markers: tuple[Marker, ...]
    metadata: dict[str, Any]
    created_by: str
    created_at_ms: int
    edited_by: str
    edited_at_ms: int
    forked_from: TimelineOrigin | None = None


class TimelineTrack(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """Resource `timeline/{timeline_id}/track/{number}`; the lowest track has the number 0.

    Of a long track the items are not here: they are the resources
    `timeline/{timeline_id}/track/{number}/items/{page}`, one for each of `pages`, in this order. An edit writes only the
    pages that it touches. Without `pages` the track is whole.
    """

    timeline_id: str
    number: int
    track: Track
    pages: tuple[str, ...] = ()


class TimelineItems(Wire, frozen=True, kw_only=True):
    """Resource `timeline/{timeline_id}/track/{number}/items/{page}`: some items of a long track that follow each other."""

    timeline_id: str
    number: int
    page: str
    items: tuple[Clip | Gap | Transition, ...]


class StoredTimeline(Wire, frozen=True, kw_only=True):
    """`GET /v1/timelines/{id}`: a timeline whole, as it was at `version` of its stream."""

    timeline_id: str
    version: int
    timeline: Timeline
    duration: Fraction
    created_by: str
    created_at_ms: int
    edited_by: str
    edited_at_ms: int
    forked_from: TimelineOrigin | None = None


class OperationsRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/timelines/{id}/operations`: all of them or none, as one version and one thing to undo.

    `expected_version` is the version that they were thought up for; at another one 409 `version_conflict` names what won.
    """

    operations: Annotated[tuple[TimelineOperation, ...], Meta(min_length=1, max_length=1000)]
    expected_version: Annotated[int, Meta(ge=1)]


class UndoRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/timelines/{id}/undo` and `/redo`. `expected_version` None: whatever it has come to."""

    expected_version: Annotated[int, Meta(ge=1)] | None = None


class ForkRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/timelines/{id}/fork`: a new timeline that begins as this one was at `version`; None: as it is."""

    version: Annotated[int, Meta(ge=1)] | None = None
    name: str | None = None


class TimelineEdit(Wire, frozen=True, kw_only=True):
    """One version of a timeline: who made it, when, and how; `clips` are the ids of those it touched.

    `operations` are the names of what was asked for, in order. `of` is the version that an undo or a redo took back.
    """

    version: int
    actor: str
    at_ms: int
    event: Literal["created", "edited", "undone", "redone"]
    operations: tuple[str, ...] = ()
    of: int | None = None
    clips: tuple[str, ...] = ()
