"""What a watched folder has shown: each content fires once, whatever its file is called, however often it is written.

One stream a routine, `watch/{routine_id}`; what was seen lies in the log, so a restart fires nothing twice.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.routines import WatchedFolder
from engine.kernel.reducer import Aggregate, Envelope, Step


class Mark(Struct, frozen=True, kw_only=True):
    """What tells a file from a changed one without reading it."""

    size: int
    mtime_ns: int
    inode: int


class Watched(Struct, frozen=True, kw_only=True):
    """State of the stream: the contents seen, SHA-256 -> path, and each file as it was when it was seen, by path."""

    routine_id: str
    seen: dict[str, str] = {}
    files: dict[str, Mark] = {}
    last_path: str | None = None
    last_at_ms: int | None = None


class See(Struct, frozen=True, kw_only=True, tag="see"):
    """Proposal: a file is finished; its content is this."""

    path: str
    sha256: str
    mark: Mark


class Forget(Struct, frozen=True, kw_only=True, tag="forget"):
    """Proposal: the routine is deleted."""


class Found(Struct, frozen=True, kw_only=True, tag="watch.found"):
    """A content that was not there before."""

    path: str
    sha256: str
    mark: Mark


class Known(Struct, frozen=True, kw_only=True, tag="watch.known"):
    """A content that was seen before, under another name or written again."""

    path: str
    sha256: str
    mark: Mark


class Forgotten(Struct, frozen=True, kw_only=True, tag="watch.forgotten"):
    """The routine is deleted; one of the same id begins anew."""


Proposal = See | Forget
Event = Found | Known | Forgotten


def init(routine_id: str) -> Watched:
    return Watched(routine_id=routine_id)


def decide(watched: Watched, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a sight with what it tells that was not known; an empty tuple when that is nothing."""
    if isinstance(proposal, Forget):
        return (Forgotten(),) if watched.files else ()
    if watched.files.get(proposal.path) == proposal.mark:
        return ()
    kind = Known if proposal.sha256 in watched.seen else Found
    return (kind(path=proposal.path, sha256=proposal.sha256, mark=proposal.mark),)


def on_event(watched: Watched, event: Event, envelope: Envelope) -> Step[Watched, Any]:
    """Fold one accepted event."""
    if isinstance(event, Forgotten):
        return Step(init(watched.routine_id))
    known = replace(watched, files={**watched.files, event.path: event.mark})
    if isinstance(event, Known):
        return Step(known)
    seen = {**watched.seen, event.sha256: event.path}
    return Step(replace(known, seen=seen, last_path=event.path, last_at_ms=envelope.at_ms))


def resources(routine_id: str, watched: Watched) -> Mapping[str, Struct | None]:
    """Return `watch/{routine_id}` once a file was found."""
    if watched.last_path is None or watched.last_at_ms is None:
        return {}
    published = WatchedFolder(
        routine_id=routine_id,
        files=len(watched.seen),
        last_path=watched.last_path,
        last_at_ms=watched.last_at_ms,
    )
    return {f"watch/{routine_id}": published}


WATCH: Final = Aggregate(
    kind="watch",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Watched,
    resources=resources,
    reads="routines:read",
)
