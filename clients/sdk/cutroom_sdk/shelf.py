"""A copy of resources, kept up to date by frames of a stream: a pure fold, without a connection.

Changes that share a position arrive as one group of frames of which only the last has an id. They are put down
together, or not at all when the stream breaks off in between. What a snapshot brings replaces everything at once.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar, assert_never

from cutroom_sdk.errors import SdkError
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.frames import (
    FRAMES,
    Bookmark,
    ProgressReport,
    ResourceDeleted,
    ResourceUpdated,
    StreamFrame,
    StreamReady,
)

T = TypeVar("T")


class Held(NamedTuple):
    """One resource: `raw` is its value as JSON, `rev` counts its writes."""

    raw: bytes
    rev: int
    updated_by: str
    updated_at_ms: int


class Batch(NamedTuple):
    """What one group of frames changed. `fresh`: a snapshot replaced the whole copy."""

    position: int
    changed: frozenset[str]
    fresh: bool = False


class Shelf:
    """Resources by key, the latest progress of what runs, and the position up to which all of it holds.

    `wants(key)` leaves out what the client has no use for. Position 0: nothing was read yet. `log_id` names the log that
    the copy was made from, "" while that is not known.
    """

    def __init__(self, wants: Callable[[str], bool] | None = None) -> None:
        self._wants = wants or (lambda _key: True)
        self._held: dict[str, Held] = {}
        self._read: dict[tuple[str, Any], tuple[int, Any]] = {}
        self._group: list[ResourceUpdated | ResourceDeleted] = []
        self._snapshot = False
        self.position = 0
        self.log_id = ""
        self.progress: dict[str, ProgressReport] = {}

    def begin(self, *, snapshot: bool) -> None:
        """A stream begins: with a snapshot, or going on after the position. Half-received groups are dropped."""
        self._group.clear()
        self._snapshot = snapshot
        self.progress = {}

    def feed(self, message: SseMessage) -> Batch | None:
        """Take one message in; return what changed when it completes a group, or brings progress.

        Frames of a type that is not known are skipped: the contract grows by such.

        Raises:
            SdkError: `gap`, the log has another name, or a rev does not grow: the stream tells another history than the one
                that the copy was made from.
                `internal`, a frame has another shape.
        """
        kind = FRAMES.get(message.event)
        if kind is None:
            return None
        frame: StreamFrame = _decoded(f"the frame {message.event}", message.data, kind)
        match frame:
            case StreamReady():
                return self._ready(frame)
            case ResourceUpdated() | ResourceDeleted():
                self._group.append(frame)
                if self._snapshot or message.id is None:
                    return None
                return self._commit(int(message.id))
            case ProgressReport(key=key):
                if not self._wants(key):
                    return None
                self.progress[key] = frame
                return Batch(self.position, frozenset({key}))
            case Bookmark(position=position):
                self.position = max(self.position, position)
                return Batch(self.position, frozenset())
            case _:
                assert_never(frame)

    def _ready(self, ready: StreamReady) -> Batch:
        position = ready.position
        if not self._snapshot:
            if self.log_id and ready.log_id != self.log_id:
                raise SdkError(
                    "gap", "the log behind this address is another one than the copy was made from"
                )
            self.position = max(self.position, position)
            return Batch(self.position, frozenset())
        self.log_id = ready.log_id
        before, self._held = self._held, {}
        self._read.clear()
        self._put(self._group)
        self._group, self._snapshot, self.position = [], False, position
        return Batch(position, frozenset(before.keys() | self._held.keys()), fresh=True)

    def _commit(self, position: int) -> Batch | None:
        group, self._group = self._group, []
        if position <= self.position:
            return None  # told already, before the connection broke
        self._check(group)
        self.position = position
        return Batch(position, frozenset(self._put(group)))

    def _check(self, group: list[ResourceUpdated | ResourceDeleted]) -> None:
        for frame in group:
            held = self._held.get(frame.key)
            if held is not None and frame.rev <= held.rev:
                raise SdkError("gap", f"{frame.key} came as rev {frame.rev} after rev {held.rev}")

    def _put(self, frames: list[ResourceUpdated | ResourceDeleted]) -> list[str]:
        touched = []
        for frame in frames:
            if not self._wants(frame.key):
                continue
            touched.append(frame.key)
            if isinstance(frame, ResourceDeleted):
                self._held.pop(frame.key, None)
                self.progress.pop(frame.key, None)
            else:
                self._held[frame.key] = Held(
                    bytes(frame.value), frame.rev, frame.updated_by, frame.updated_at_ms
                )
        return touched

    def held(self, key: str) -> Held | None:
        """Return a resource as it came, or None when there is none."""
        return self._held.get(key)

    def value(self, key: str, kind: type[T]) -> T | None:
        """Return a resource's value as `kind`, or None when there is none. Read once for each rev.

        Raises:
            SdkError: `internal`, the value has another shape: daemon and client are of different versions.
        """
        held = self._held.get(key)
        if held is None:
            return None
        known = self._read.get((key, kind))
        if known is None or known[0] != held.rev:
            known = self._read[key, kind] = (held.rev, _decoded(key, held.raw, kind))
        value: T = known[1]
        return value

    def keys(self, prefix: str = "", *, depth: int | None = None) -> Iterator[str]:
        """Yield the keys beneath `prefix`, sorted; `depth` counts their segments: 2 is `mission/{id}`."""
        lead = prefix.rstrip("/") + "/" if prefix else ""
        for key in sorted(self._held):
            if (key.startswith(lead) or key == prefix) and (depth is None or key.count("/") == depth - 1):
                yield key

    def values(self, prefix: str, kind: type[T], *, depth: int | None = None) -> list[T]:
        """Return the values of the resources beneath `prefix`, sorted by key."""
        found = (self.value(key, kind) for key in self.keys(prefix, depth=depth))
        return [value for value in found if value is not None]


def _decoded(name: str, raw: bytes, kind: type[T]) -> T:
    try:
        return decode(raw, kind)
    except ValueError as error:
        raise SdkError(
            "internal",
            f"{name} has another shape than this client knows ({error}); use the client of the daemon's version",
        ) from error
