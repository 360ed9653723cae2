"""The hash chain over the log: each event's hash covers the event and, through the hash before it, all that came earlier.

    hash = SHA-256(the hash before, 32 bytes, zeros before the first event + the event as a compact JSON array)

    [position, partition, stream, version, type, at_ms, actor, correlation_id, causation_id, data, values]

`data` goes in as it lies in the log, byte for byte. `values` are the records that `resources.changed` wrote, in the order
of its operations, null for one that was deleted; every other event has none. They are kept in the resource history and
not in the event, and are as much a part of what happened.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from cutroom_sdk.wire.codec import Wire, decode, encode

START: Final = bytes(32)
RECORDS_TYPE: Final = "resources.changed"
PAGE: Final = 1000
Values = Sequence[bytes | None]
_NULL: Final = msgspec.Raw(b"null")


class _Written(Wire, frozen=True, kw_only=True):
    key: str
    rev: int


class _Changed(Wire, frozen=True, kw_only=True):
    operations: tuple[_Written, ...]


def link(previous: bytes, row: Sequence[object], values: Values = ()) -> bytes:
    """Return the hash of an event after the hash `previous`; `row` are its columns in their order, `data` the last."""
    *columns, data = row
    assert isinstance(data, bytes)
    covered = [
        *columns,
        msgspec.Raw(data),
        [_NULL if value is None else msgspec.Raw(value) for value in values],
    ]
    return hashlib.sha256(previous + encode(covered)).digest()


def values_of(connection: sqlite3.Connection, row: Sequence[object]) -> Values:
    """Return the records that an event wrote, as the history keeps them; of an event that writes none, nothing.

    Raises:
        LookupError: a value is not in the history.
    """
    position, partition, kind, data = row[0], row[1], row[4], row[9]
    if kind != RECORDS_TYPE:
        return ()
    assert isinstance(data, bytes)
    found: list[bytes | None] = []
    for one in decode(data, _Changed).operations:
        kept = connection.execute(
            "SELECT value FROM resource_history WHERE partition = ? AND key = ? AND position >= ? AND rev = ?"
            " ORDER BY position, ordinal LIMIT 1",
            (partition, one.key, position, one.rev),
        ).fetchone()
        if kept is None:
            raise LookupError(f"the value of {one.key} at rev {one.rev} is not in the history")
        found.append(kept[0])
    return found


def fill(connection: sqlite3.Connection) -> None:
    """Give every event that lies in the log its hash, inside the caller's transaction; for logs older than the chain."""
    previous, after = START, 0
    while rows := _page(connection, after):
        hashes = []
        for row in rows:
            previous = link(previous, row, values_of(connection, row))
            hashes.append((previous, row[0]))
        connection.executemany("UPDATE events SET hash = ? WHERE position = ?", hashes)
        after = rows[-1][0]


def _page(connection: sqlite3.Connection, after: int) -> list[tuple[int, *tuple[object, ...]]]:
    return connection.execute(
        "SELECT position, partition, stream, version, type, at_ms, actor, correlation_id, causation_id, data"
        " FROM events WHERE position > ? ORDER BY position LIMIT ?",
        (after, PAGE),
    ).fetchall()
