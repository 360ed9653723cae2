"""Segments: finished pieces of films, each kept under the hash of all that it depends on.

    segment/{key}         (new) --rendered--> kept

A segment belongs to no render: whoever needs the same again finds it.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.renders import Segment
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

SEGMENT_KIND: Final = "segment"


class Kept(Struct, frozen=True, kw_only=True):
    """State of the stream `segment/{key}`."""

    key: str
    segment: Segment | None = None


class Keep(Struct, frozen=True, kw_only=True, tag="keep"):
    """The work behind a key was done; its outcome lies among the blobs."""

    segment: Segment


class Rendered(Struct, frozen=True, kw_only=True, tag="segment.rendered"):
    segment: Segment


def init_segment(key: str) -> Kept:
    return Kept(key=key)


def decide_segment(kept: Kept, proposal: Keep, _envelope: Envelope) -> tuple[Rendered, ...]:
    """Answer a proposal; the same outcome again is nothing new.

    Raises:
        Rejected: `other_key`: the segment is not this stream's.
    """
    if proposal.segment.key != kept.key:
        raise Rejected("other_key", f"the segment {proposal.segment.key} is not {kept.key}")
    return () if kept.segment == proposal.segment else (Rendered(segment=proposal.segment),)


def on_segment(kept: Kept, event: Rendered, _envelope: Envelope) -> Step[Kept, Struct]:
    """Fold one accepted event."""
    return Step(replace(kept, segment=event.segment))


def segment_resources(key: str, kept: Kept) -> Mapping[str, Struct | None]:
    return {} if kept.segment is None else {f"{SEGMENT_KIND}/{key}": kept.segment}


SEGMENT: Final = Aggregate(
    kind=SEGMENT_KIND,
    init=init_segment,
    decide=decide_segment,
    on_event=on_segment,
    event=Rendered,
    state=Kept,
    resources=segment_resources,
)
