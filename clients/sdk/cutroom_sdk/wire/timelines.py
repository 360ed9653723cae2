"""Timelines that the daemon keeps: what a client asks for, and what it sees of them."""

from fractions import Fraction
from typing import Any, Literal

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.timeline import Marker, Timeline, Track

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


class TimelineTrack(Wire, frozen=True, kw_only=True):
    """Resource `timeline/{timeline_id}/track/{number}`; the lowest track has the number 0."""

    timeline_id: str
    number: int
    track: Track


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
