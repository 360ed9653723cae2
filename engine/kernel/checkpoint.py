"""What stands for the events that a compaction took away: every stream's state and version, every resource's newest write.

Streams lie in a table of their own. Resources lie where they always have, in the history: of each key the newest write up
to the checkpoint stays there, tombstones included, so that the past after the checkpoint is read as it was before.

A checkpoint's hash is the SHA-256 over its lines as an export has them:

    [position, hash of the chain, shapes]     then streams by (partition, stream), then resources by (partition, key)
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.log import ResourceLine, StreamLine
from engine.kernel.changes import Change

PAGE: Final = 1000
_NULL: Final = msgspec.Raw(b"null")
_COLUMNS: Final = (
    "position, ordinal, partition, key, rev, value, updated_at_ms, updated_by, ttl_ms, expires_at_ms"
)


class Standing(NamedTuple):
    """A stream at a checkpoint; `state` None: the stream has none."""

    partition: str
    stream: str
    version: int
    state: bytes | None

    def line(self) -> bytes:
        """The stream as a line of an export."""
        state = _NULL if self.state is None else msgspec.Raw(self.state)
        return (
            encode(
                StreamLine(partition=self.partition, stream=self.stream, version=self.version, state=state)
            )
            + b"\n"
        )


def line_of(change: Change) -> bytes:
    """Return a resource's newest write as a line of an export."""
    line = ResourceLine(
        partition=change.partition,
        key=change.key,
        rev=change.rev,
        value=_NULL if change.value is None else msgspec.Raw(change.value),
        deleted=change.value is None,
        position=change.position,
        ordinal=change.ordinal,
        updated_at_ms=change.updated_at_ms,
        updated_by=change.updated_by,
        ttl_ms=change.ttl_ms,
        expires_at_ms=change.expires_at_ms,
    )
    return encode(line) + b"\n"


def change_of(line: ResourceLine) -> Change:
    """Return the write that a line of an export tells of."""
    return Change(
        line.position,
        line.ordinal,
        line.partition,
        line.key,
        line.rev,
        None if line.deleted else bytes(line.value),
        line.updated_at_ms,
        line.updated_by,
        line.ttl_ms,
        line.expires_at_ms,
    )


def standing_of(line: StreamLine) -> Standing:
    """Return the stream that a line of an export tells of."""
    state = bytes(line.state)
    return Standing(line.partition, line.stream, line.version, None if state == b"null" else state)


class Digest:
    """The hash over a checkpoint, line by line."""

    def __init__(self, position: int, hash_: bytes, shapes: Mapping[str, str]) -> None:
        self._hash = hashlib.sha256(encode([position, hash_.hex(), dict(sorted(shapes.items()))]) + b"\n")

    def take(self, lines: Iterable[bytes]) -> "Digest":
        """Take in what comes next."""
        for line in lines:
            self._hash.update(line)
        return self

    def hex(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


def store(connection: sqlite3.Connection, position: int, standings: Sequence[Standing]) -> None:
    """Write streams of the checkpoint at `position`, inside the caller's transaction."""
    connection.executemany(
        "INSERT OR REPLACE INTO checkpoint_streams (position, partition, stream, version, state) VALUES (?, ?, ?, ?, ?)",
        [(position, *one) for one in standings],
    )


def standing(connection: sqlite3.Connection, position: int, partition: str, stream: str) -> Standing | None:
    """Return a stream at the checkpoint, None when it began later."""
    row = connection.execute(
        "SELECT partition, stream, version, state FROM checkpoint_streams"
        " WHERE position = ? AND partition = ? AND stream = ?",
        (position, partition, stream),
    ).fetchone()
    return Standing(*row) if row else None


def page_of_streams(
    connection: sqlite3.Connection, position: int, after: Standing | None = None
) -> list[Standing]:
    """Return the streams of a checkpoint that come next, sorted by partition and stream."""
    query = (
        "SELECT partition, stream, version, state FROM checkpoint_streams"
        " WHERE position = ? AND (partition, stream) > (?, ?) ORDER BY partition, stream LIMIT ?"
    )
    place = ("", "") if after is None else (after.partition, after.stream)
    return [Standing(*row) for row in connection.execute(query, (position, *place, PAGE))]


def page_of_resources(
    connection: sqlite3.Connection, position: int, after: Change | None = None
) -> list[Change]:
    """Return the newest writes up to `position` of the keys that come next, sorted by partition and key.

    Older writes may lie there still, until they are swept away.
    """
    query = (
        f"SELECT {_COLUMNS} FROM resource_history AS one WHERE (partition, key) > (?, ?) AND position <= ?"
        " AND NOT EXISTS (SELECT 1 FROM resource_history AS newer"
        " WHERE newer.partition = one.partition AND newer.key = one.key AND newer.position <= ?"
        " AND (newer.position, newer.ordinal) > (one.position, one.ordinal))"
        " ORDER BY partition, key LIMIT ?"
    )

    place = ("", "") if after is None else (after.partition, after.key)
    return [Change(*row) for row in connection.execute(query, (*place, position, position, PAGE))]


def streams(connection: sqlite3.Connection, position: int) -> Iterator[Standing]:
    """Yield the streams of a checkpoint, sorted by partition and stream."""
    last: Standing | None = None
    while found := page_of_streams(connection, position, last):
        yield from found
        last = found[-1]


def resources(connection: sqlite3.Connection, position: int) -> Iterator[Change]:
    """Yield the resources of a checkpoint, sorted by partition and key."""
    last: Change | None = None
    while found := page_of_resources(connection, position, last):
        yield from found
        last = found[-1]


def count_streams(connection: sqlite3.Connection, position: int) -> int:
    """Return how many streams a checkpoint has."""
    query = "SELECT COUNT(*) FROM checkpoint_streams WHERE position = ?"
    row: tuple[int] = connection.execute(query, (position,)).fetchone()
    return row[0]


def count_resources(connection: sqlite3.Connection, position: int) -> int:
    """Return how many resources a checkpoint has, tombstones included."""
    query = "SELECT COUNT(*) FROM (SELECT DISTINCT partition, key FROM resource_history WHERE position <= ?)"
    row: tuple[int] = connection.execute(query, (position,)).fetchone()
    return row[0]


def digest_of(connection: sqlite3.Connection, position: int, hash_: bytes, shapes: Mapping[str, str]) -> str:
    """Return the hash over a checkpoint as it lies in the database; reads all of it."""
    digest = Digest(position, hash_, shapes)
    digest.take(one.line() for one in streams(connection, position))
    digest.take(map(line_of, resources(connection, position)))
    return digest.hex()
