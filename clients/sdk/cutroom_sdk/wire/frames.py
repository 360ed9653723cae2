"""What comes down a stream of resources (`GET /v1/resources/events`), one type a frame.

The `event:` line names the frame's type and is the tag here; `id:`, where there is one, is the position.
"""

from typing import Final

import msgspec

from cutroom_sdk.wire.codec import Wire


class StreamReady(Wire, frozen=True, kw_only=True):
    """`ready`: what follows is live. After a snapshot it is the position of the read.

    `log_id` names the log: another one than before means that the log was set back or replaced (`restore`), and that
    positions and revs tell nothing of a copy made earlier.
    """

    position: int
    log_id: str = ""


class ResourceUpdated(Wire, frozen=True, kw_only=True):
    """`resource.updated`: the resource's whole new value, as JSON."""

    key: str
    rev: int
    value: msgspec.Raw
    updated_by: str = ""
    updated_at_ms: int = 0


class ResourceDeleted(Wire, frozen=True, kw_only=True):
    """`resource.deleted`: `rev` is the tombstone's."""

    key: str
    rev: int
    updated_by: str = ""
    updated_at_ms: int = 0


class ProgressReport(Wire, frozen=True, kw_only=True):
    """`progress`: how far a running thing is, in any unit; never logged, no id. `eta_s` None: cannot be told yet."""

    key: str
    done: float
    total: float
    eta_s: float | None = None
    note: str = ""


class Bookmark(Wire, frozen=True, kw_only=True):
    """`bookmark`: nothing for you happened up to here; the heartbeat."""

    position: int


StreamFrame = StreamReady | ResourceUpdated | ResourceDeleted | ProgressReport | Bookmark

FRAMES: Final[dict[str, type[StreamFrame]]] = {
    "ready": StreamReady,
    "resource.updated": ResourceUpdated,
    "resource.deleted": ResourceDeleted,
    "progress": ProgressReport,
    "bookmark": Bookmark,
}
