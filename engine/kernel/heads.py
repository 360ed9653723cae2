"""The newest state of streams and records, kept in memory within bounds and filled from the database on a miss.

Only the committer fills and changes it, one request after the other: a read by anybody else that was overtaken by a
commit must not leave its old state behind. The unique index on (partition, stream, version) is what makes it true.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from cutroom_sdk.wire.codec import decode
from engine.kernel import shapes
from engine.kernel.database import Database
from engine.kernel.log import Log
from engine.kernel.reducer import Aggregate, Envelope

STREAMS: Final = 4096
RECORDS: Final = 32768
RECORDS_BYTES: Final = 64 << 20
V = TypeVar("V")


class Folded(NamedTuple):
    """A stream's state after `version` events."""

    state: Any
    version: int


class Held(NamedTuple):
    """A record's newest write; rev 0 and value None when there never was one, value None when it is deleted.

    `expires_at_ms` None: it lives on; `ttl_ms` is what its last put asked for.
    """

    rev: int
    value: bytes | None
    ttl_ms: int | None = None
    expires_at_ms: int | None = None


def _no_weight(_value: Any) -> int:
    return 0


def _held_bytes(held: Held) -> int:
    return len(held.value or b"")


class Bounded(Generic[V]):
    """The items used last: at most `size` of them, and at most `weight` together."""

    def __init__(self, size: int, weight: int = 0, weigh: Callable[[V], int] = _no_weight) -> None:
        self._size = size
        self._weight = weight
        self._weigh = weigh
        self._total = 0
        self._items: OrderedDict[tuple[str, str], V] = OrderedDict()

    def get(self, key: tuple[str, str]) -> V | None:
        """Return an item, which counts as used, or None."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def drop(self, key: tuple[str, str]) -> None:
        """Forget an item, if it is there."""
        old = self._items.pop(key, None)
        if old is not None:
            self._total -= self._weigh(old)

    def put(self, key: tuple[str, str], value: V) -> None:
        """Keep an item, used just now."""
        old = self._items.pop(key, None)
        self._total += self._weigh(value) - (0 if old is None else self._weigh(old))
        self._items[key] = value
        while len(self._items) > self._size or self._total > self._weight:
            _, gone = self._items.popitem(last=False)
            self._total -= self._weigh(gone)


class Heads:
    """Where dispatch looks up what it decides on."""

    def __init__(self, database: Database, log: Log, aggregates: dict[str, Aggregate[Any, Any, Any]]) -> None:
        self._database = database
        self._log = log
        self._aggregates = aggregates
        self._streams: Bounded[Folded] = Bounded(STREAMS)
        self._records: Bounded[Held] = Bounded(RECORDS, RECORDS_BYTES, _held_bytes)

    async def look(self, partition: str, stream: str) -> Folded:
        """Return a stream's committed state and leave nothing behind; for everybody but the committer."""
        return self._streams.get((partition, stream)) or await self.replay(partition, stream)

    async def stream(self, partition: str, stream: str) -> Folded:
        """Return a stream's state, replayed from the log when it is not in memory; for the committer alone."""
        held = self._streams.get((partition, stream))
        if held is None:
            held = await self.replay(partition, stream)
            self._streams.put((partition, stream), held)
        return held

    async def record(self, partition: str, key: str) -> Held:
        """Return a record's rev and value; for the committer alone."""
        held = self._records.get((partition, key))
        if held is None:

            def work(connection: sqlite3.Connection) -> Held:
                row = connection.execute(
                    "SELECT rev, value, ttl_ms, expires_at_ms FROM resources WHERE partition = ? AND key = ?",
                    (partition, key),
                ).fetchone()
                return Held(*row) if row else Held(0, None)

            held = await self._database.read(work)
            self._records.put((partition, key), held)
        return held

    async def replay(self, partition: str, stream: str) -> Folded:
        """Fold a stream from its first event, or from what a checkpoint kept; nothing in memory is used or changed."""
        kind, _, name = stream.partition("/")
        aggregate = self._aggregates.get(kind)
        past = await self._log.past(partition, stream)
        if aggregate is None:
            return Folded(None, past.version)
        kept = past.kept.state if past.kept else None
        state = aggregate.init(name) if kept is None else shapes.restore(kept, past.shape, aggregate)
        for recorded in past.events:
            envelope = Envelope(at_ms=recorded.at_ms, actor=recorded.actor)
            event = decode(bytes(recorded.data), aggregate.event)
            state = aggregate.on_event(state, event, envelope).state
        return Folded(state, past.version)

    def keep(self, streams: dict[tuple[str, str], Folded], records: dict[tuple[str, str], Held]) -> None:
        """Take over what a commit has made true."""
        for key, folded in streams.items():
            self._streams.put(key, folded)
        for key, held in records.items():
            self._records.put(key, held)
