"""Notices: something that people would want to know, shown until somebody dismisses it.

(untold) --told--> shown --dismissed--> (gone)
"""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.notices import Notice as WireNotice
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Step

KIND: Final = "notice"


class Notice(Struct, frozen=True, kw_only=True):
    """State of the stream `notice/{notice_id}`; `type` empty: it was never told."""

    notice_id: str
    type: str = ""
    properties: dict[str, Any] = {}
    told_at_ms: int = 0
    dismissed: bool = False


# Proposals.
class Tell(Struct, frozen=True, kw_only=True, tag="tell"):
    notice: str
    properties: dict[str, Any]


class Dismiss(Struct, frozen=True, kw_only=True, tag="dismiss"):
    pass


# Events.
class Told(Struct, frozen=True, kw_only=True, tag="notice.told"):
    notice: str
    properties: dict[str, Any]


class Dismissed(Struct, frozen=True, kw_only=True, tag="notice.dismissed"):
    pass


Proposal = Tell | Dismiss
Event = Told | Dismissed


def init(notice_id: str) -> Notice:
    return Notice(notice_id=notice_id)


def decide(notice: Notice, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal; telling or dismissing it again changes nothing.

    Raises:
        NotFound: it was never told.
    """
    match proposal:
        case Tell(notice=kind, properties=properties):
            return () if notice.type else (Told(notice=kind, properties=properties),)
        case Dismiss():
            if not notice.type:
                raise NotFound(f"there is no notice {notice.notice_id[:64]}")
            return () if notice.dismissed else (Dismissed(),)
        case _:
            assert_never(proposal)


def on_event(notice: Notice, event: Event, envelope: Envelope) -> Step[Notice, Struct]:
    """Fold one accepted event."""
    match event:
        case Told(notice=kind, properties=properties):
            return Step(replace(notice, type=kind, properties=properties, told_at_ms=envelope.at_ms))
        case Dismissed():
            return Step(replace(notice, dismissed=True))
        case _:
            assert_never(event)


def resources(notice_id: str, notice: Notice) -> Mapping[str, Struct | None]:
    """Return `notice/{id}` until it is dismissed."""
    if not notice.type or notice.dismissed:
        return {}
    return {f"{KIND}/{notice_id}": published(notice)}


def published(notice: Notice) -> WireNotice:
    """Return a notice as clients see it."""
    return WireNotice(
        notice_id=notice.notice_id,
        type=notice.type,
        properties=notice.properties,
        told_at_ms=notice.told_at_ms,
    )


NOTICE: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Notice,
    resources=resources,
    reads="missions:read",
)
