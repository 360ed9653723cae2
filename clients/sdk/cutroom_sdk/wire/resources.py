"""Records and events as they are read: one resource, one entry of the log, and pages of either."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutroom_sdk.wire.codec import Wire


class Record(Wire, frozen=True, kw_only=True):
    """A resource: its newest value, how often it was written, and by whom last."""

    key: str
    value: Any
    rev: int
    position: int
    updated_at_ms: int
    updated_by: str
    ttl_ms: int | None = None
    expires_at_ms: int | None = None


class PatchOperation(Wire, frozen=True, kw_only=True):
    """One operation of a JSON Patch (RFC 6902). `path` and `from` are JSON pointers; members it does not know are skipped."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str
    from_: str | UnsetType = msgspec.field(name="from", default=UNSET)
    value: Any = UNSET


class RecordPage(Wire, frozen=True, kw_only=True):
    """`GET /v1/resources`, sorted by key. `next` None: the last page. `position`: the head that the read saw."""

    items: tuple[Record, ...]
    next: str | None
    position: int


class EventRecord(Wire, frozen=True, kw_only=True):
    """One event of the log. `data` is the JSON of the event itself, its `type` included."""

    position: int
    stream: str
    version: int
    type: str
    at_ms: int
    actor: str
    partition: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class EventPage(Wire, frozen=True, kw_only=True):
    """`GET /v1/log`, oldest first. `next` is the position to go on after, None on the last page."""

    items: tuple[EventRecord, ...]
    next: str | None
    position: int
