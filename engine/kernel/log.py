"""The log: what happened, in order, and how it is read back."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from engine.kernel import beginning, checkpoint
from engine.kernel.chain import Values, link
from engine.kernel.database import Database, looking
from engine.kernel.ids import kind_of
from engine.kernel.upcasts import NONE, Upcasts

PAGE: Final = 1000
_COLUMNS: Final = (
    "position, partition, stream, version, type, at_ms, actor, correlation_id, causation_id, data"
)


Row = tuple[Any, ...]


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """One event as it lies in the log. `data` is the JSON of the event itself, its `type` included."""

    position: int
    partition: str
    stream: str
    version: int
    type: str
    at_ms: int
    actor: str
    correlation_id: str
    causation_id: str
    data: msgspec.Raw

    def row(self) -> tuple[object, ...]:
        """The event as a row, in the order of the table's columns."""
        return (
            self.position,
            self.partition,
            self.stream,
            self.version,
            self.type,
            self.at_ms,
            self.actor,
            self.correlation_id,
            self.causation_id,
            bytes(self.data),
        )


def _event(row: Sequence[object], upcasts: Upcasts | None = None) -> Event:
    position, partition, stream, version, kind, at_ms, actor, correlation_id, causation_id, data = row
    assert isinstance(data, bytes)
    if upcasts is not None:
        assert isinstance(kind, str)
        kind, data = upcasts.bring_up(kind, data)
    return Event(
        position=position,  # type: ignore[arg-type]
        partition=partition,  # type: ignore[arg-type]
        stream=stream,  # type: ignore[arg-type]
        version=version,  # type: ignore[arg-type]
        type=kind,  # type: ignore[arg-type]
        at_ms=at_ms,  # type: ignore[arg-type]
        actor=actor,  # type: ignore[arg-type]
        correlation_id=correlation_id,  # type: ignore[arg-type]
        causation_id=causation_id,  # type: ignore[arg-type]
        data=msgspec.Raw(data),
    )


def insert(
    connection: sqlite3.Connection, events: Sequence[Event], previous: bytes, values: Mapping[int, Values]
) -> bytes:
    """Append events inside the caller's transaction; the unique index refuses a version taken already.

    `previous` is the hash that the chain has come to, `values` the records that the event at a position wrote. Returns
    the hash that the chain comes to.
    """
    rows = []
    for event in events:
        row = event.row()
        previous = link(previous, row, values.get(event.position, ()))
        rows.append((*row, previous))
    connection.executemany(
        f"INSERT INTO events ({_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    return previous


def read_rows(connection: sqlite3.Connection, after: int, limit: int) -> list[Row]:
    """Return up to `limit` events of all partitions after a position, in order, as rows in the order of the columns."""
    query = f"SELECT {_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?"
    return connection.execute(query, (after, limit)).fetchall()


def read_page(connection: sqlite3.Connection, after: int, limit: int) -> list[Event]:
    """Return up to `limit` events of all partitions after a position, in order and as they lie there."""
    query = f"SELECT {_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?"
    return [_event(row) for row in connection.execute(query, (after, limit))]


class Log:
    """Reads the log, each event as today's code knows it. Writing it is dispatch's alone.

    `oldest` is the position after which the log begins: 0, or where a compaction has left its checkpoint.
    """

    def __init__(self, database: Database, upcasts: Upcasts = NONE) -> None:
        self.oldest = 0
        self.id = ""
        self._database = database
        self._upcasts = upcasts or None  # a call for every event read is worth leaving out where none has any

    async def head(self) -> tuple[int, int]:
        """Return the last position and its `at_ms`; (0, 0) for an empty log."""

        def work(connection: sqlite3.Connection) -> tuple[int, int]:
            row = connection.execute(
                "SELECT position, at_ms FROM events ORDER BY position DESC LIMIT 1"
            ).fetchone()
            return (row[0], row[1]) if row else (0, 0)

        return await self._database.read(work)

    async def hash_at(self, position: int) -> bytes | None:
        """Return the hash that the chain had come to at a position: zeros at 0, None where there is no event."""

        def work(connection: sqlite3.Connection) -> bytes | None:
            begins = beginning.read(connection)
            if begins.position == position:
                return begins.hash
            row = connection.execute("SELECT hash FROM events WHERE position = ?", (position,)).fetchone()
            return row[0] if row else None

        return await self._database.read(work)

    async def read(
        self,
        *,
        after: int,
        limit: int = PAGE,
        partition: str | None = None,
        stream: str | None = None,
        type_prefix: str | None = None,
    ) -> list[Event]:
        """Return up to `limit` events with a position greater than `after`, in order.

        `stream` is a whole stream or a whole-segment prefix of streams; `type_prefix` an event type or its noun, as
        today's code knows it.

        Raises:
            Compacted: the log begins later.
        """
        where, values = ["position > ?"], list[object]()
        if partition is not None:
            where.append("partition = ?")
            values.append(partition)
        if stream is not None:
            where.append("(stream = ? OR stream >= ? AND stream < ?)")
            values.extend((stream, stream + "/", stream + "0"))
        if type_prefix is not None:
            # What lies there under another name may be of this type today: it is looked at as well, and then again.
            older = sorted(self._upcasts.types) if self._upcasts else []
            where.append(f"(type = ? OR type >= ? AND type < ? OR type IN ({', '.join('?' * len(older))}))")
            values.extend((type_prefix, type_prefix + ".", type_prefix + "/", *older))
        query = f"SELECT {_COLUMNS} FROM events WHERE {' AND '.join(where)} ORDER BY position LIMIT ?"

        def work(connection: sqlite3.Connection) -> list[Event]:
            found, reached, more = list[Event](), after, True
            while more and len(found) < limit:
                asked = limit - len(found)
                page = [
                    _event(row, self._upcasts) for row in connection.execute(query, (reached, *values, asked))
                ]
                more = len(page) == asked
                found += [event for event in page if is_under(type_prefix, event.type)]
                reached = page[-1].position if page else reached
            beginning.check(connection, after)
            return found

        return await self._database.read(work)

    async def stream(self, partition: str, stream: str) -> list[Event]:
        """Return the events of one stream, in order; those that a compaction took away are not among them."""
        return (await self.past(partition, stream)).events

    async def past(self, partition: str, stream: str) -> "Past":
        """Return what there is of one stream: what a checkpoint kept of it, and its events since, in order."""

        def work(connection: sqlite3.Connection) -> Past:
            # Of one moment: a compaction moves events into a checkpoint.
            with looking(connection):
                begins = beginning.read(connection)
                kept = checkpoint.standing(connection, begins.position, partition, stream)
                rows = connection.execute(
                    f"SELECT {_COLUMNS} FROM events WHERE partition = ? AND stream = ? AND version > ? ORDER BY version",
                    (partition, stream, kept.version if kept else 0),
                ).fetchall()
            shape = begins.shapes.get(kind_of(stream), "")
            return Past(kept, shape, [_event(row, self._upcasts) for row in rows])

        return await self._database.read(work)


class Past(NamedTuple):
    """What there is of a stream: `kept` at the checkpoint, in some `shape`, None when it began later; its events since."""

    kept: checkpoint.Standing | None
    shape: str
    events: list[Event]

    @property
    def version(self) -> int:
        """The stream's last version, 0 when it has none."""
        if self.events:
            return self.events[-1].version
        return self.kept.version if self.kept else 0


def is_under(prefix: str | None, kind: str) -> bool:
    """Tell whether a type of event is `prefix` or lies under it; None covers every type.

    >>> is_under("mission", "mission.started"), is_under("mission", "missionary.left")
    (True, False)
    """
    return prefix is None or kind == prefix or kind.startswith(prefix + ".")
