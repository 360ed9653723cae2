"""Segments: finished pieces of films, each kept under the hash of all that it depends on.

    segment/{key}         (new) --rendered--> kept --used--> kept
                            ^                   |
                            `-----forgotten-----'

A segment belongs to no render: whoever needs the same again finds it. That it was used is recorded once a day at most, so
that those that nobody has used for longest are known when room is needed; then they are forgotten and their blobs go.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.renders import Segment
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

SEGMENT_KIND: Final = "segment"
USED_EVERY_MS: Final = 24 * 3600 * 1000


class Kept(Struct, frozen=True, kw_only=True):
    """State of the stream `segment/{key}`; `segment` None: there is none (any more)."""

    key: str
    segment: Segment | None = None


# Proposals.
class Keep(Struct, frozen=True, kw_only=True, tag="keep"):
    """The work behind a key was done; its outcome lies among the blobs."""

    segment: Segment


class Use(Struct, frozen=True, kw_only=True, tag="use"):
    """A render has taken it."""


class Forget(Struct, frozen=True, kw_only=True, tag="forget"):
    """There is no room for it any more."""


# Events.
class Rendered(Struct, frozen=True, kw_only=True, tag="segment.rendered"):
    segment: Segment


class Used(Struct, frozen=True, kw_only=True, tag="segment.used"):
    pass


class Forgotten(Struct, frozen=True, kw_only=True, tag="segment.forgotten"):
    pass


# Commands.
class DropSegment(Struct, frozen=True, kw_only=True, tag="drop_segment"):
    """Remove the blob of a segment that was forgotten, unless something else lies in it."""

    key: str
    blob: str


Proposal = Keep | Use | Forget
Event = Rendered | Used | Forgotten


def init_segment(key: str) -> Kept:
    return Kept(key=key)


def decide_segment(kept: Kept, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal; the same outcome again is nothing new.

    Raises:
        Rejected: `other_key`: the segment is not this stream's.
    """
    match proposal:
        case Keep(segment=segment):
            if segment.key != kept.key:
                raise Rejected("other_key", f"the segment {segment.key} is not {kept.key}")
            same = kept.segment is not None and replace(kept.segment, used_at_ms=0) == segment
            return () if same else (Rendered(segment=segment),)
        case Use():
            late = kept.segment is not None and envelope.at_ms - kept.segment.used_at_ms >= USED_EVERY_MS
            return (Used(),) if late else ()
        case Forget():
            return () if kept.segment is None else (Forgotten(),)
        case _:
            assert_never(proposal)


def on_segment(kept: Kept, event: Event, envelope: Envelope) -> Step[Kept, DropSegment]:
    """Fold one accepted event."""
    match event:
        case Rendered(segment=segment):
            return Step(replace(kept, segment=segment))
        case Used():
            assert kept.segment is not None, "only what is there is used"
            return Step(replace(kept, segment=replace(kept.segment, used_at_ms=envelope.at_ms)))
        case Forgotten():
            assert kept.segment is not None, "only what is there is forgotten"
            drop = DropSegment(key=kept.key, blob=kept.segment.blob)
            return Step(replace(kept, segment=None), (drop,))
        case _:
            assert_never(event)


def segment_resources(key: str, kept: Kept) -> Mapping[str, Struct | None]:
    return {} if kept.segment is None else {f"{SEGMENT_KIND}/{key}": kept.segment}


SEGMENT: Final = Aggregate(
    kind=SEGMENT_KIND,
    init=init_segment,
    decide=decide_segment,
    on_event=on_segment,
    event=Event,
    state=Kept,
    resources=segment_resources,
)
