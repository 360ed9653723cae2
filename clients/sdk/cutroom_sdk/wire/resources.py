"""Records and events: what is read (one resource, one entry of the log, pages of either) and how records are written."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutroom_sdk.wire.codec import Request, Wire

OPERATIONS_MAX: Final = 128  # of one transaction
TTL_MAX_MS: Final = 10 * 365 * 24 * 3600 * 1000  # ten years

Ttl = Annotated[int, msgspec.Meta(ge=1, le=TTL_MAX_MS)]


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


class PutRequest(Request, frozen=True, kw_only=True):
    """`PUT /v1/resources/{key}`. `ttl_ms`: so long until the record is deleted; without it the record lives on."""

    value: Any
    ttl_ms: Ttl | None = None


class Operation(Request, frozen=True, kw_only=True):
    """One write, or a `check` of a rev. `if_match_rev` 0 means absent, None anything, which a `check` cannot ask.

    `patch` is a merge patch.

    `ttl_ms` is for a `put`: so long until the record is deleted; None: it lives on, whatever was asked for before. A
    patch leaves the time as it is.
    """

    op: Literal["put", "patch", "delete", "check"]
    key: str
    value: Any = UNSET
    if_match_rev: int | None = None
    ttl_ms: Ttl | None = None


class TransactionRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/resources/transaction`: carried out in order, each operation on what those before it have made."""

    operations: Annotated[tuple[Operation, ...], msgspec.Meta(min_length=1, max_length=OPERATIONS_MAX)]


class OperationResult(Wire, frozen=True, kw_only=True):
    """What one operation came to: the rev that it wrote, or, of a `check`, the rev that it saw (0: absent)."""

    op: Literal["put", "patch", "delete", "check"]
    key: str
    rev: int


class TransactionAnswer(Wire, frozen=True, kw_only=True):
    """All operations of a transaction, in their order; they share one position."""

    position: int
    results: tuple[OperationResult, ...]


class Tombstone(Wire, frozen=True, kw_only=True):
    """What a deletion leaves: `rev` is the tombstone's, and goes on from there when the key is written again."""

    key: str
    rev: int
    position: int


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
