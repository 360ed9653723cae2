"""One write of a resource: what the projections produce, the history keeps, and the streams send."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import encode

PAGE_BYTES: Final = 4 << 20
_COLUMNS: Final = (
    "position, ordinal, partition, key, rev, value, updated_at_ms, updated_by, ttl_ms, expires_at_ms"
)


class Change:
    """A resource's new value at a position; `value` None: it was deleted.

    Changes of one position belong together; `ordinal` orders them. `frame` is encoded once for all subscribers.
    """

    __slots__ = (
        "_frame",
        "expires_at_ms",
        "key",
        "ordinal",
        "partition",
        "position",
        "rev",
        "ttl_ms",
        "updated_at_ms",
        "updated_by",
        "value",
    )

    def __init__(
        self,
        position: int,
        ordinal: int,
        partition: str,
        key: str,
        rev: int,
        value: bytes | None,
        updated_at_ms: int,
        updated_by: str,
        ttl_ms: int | None = None,
        expires_at_ms: int | None = None,
    ) -> None:
        self.position = position
        self.ordinal = ordinal
        self.partition = partition
        self.key = key
        self.rev = rev
        self.value = value
        self.updated_at_ms = updated_at_ms
        self.updated_by = updated_by
        self.ttl_ms = ttl_ms
        self.expires_at_ms = expires_at_ms
        self._frame: bytes | None = None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Change":
        """Return the change that a row of `resource_history` tells of."""
        return cls(*row)

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")

    def row(self) -> tuple[object, ...]:
        """The change as a row of `resource_history`."""
        return (
            self.position,
            self.ordinal,
            self.partition,
            self.key,
            self.rev,
            self.value,
            self.updated_at_ms,
            self.updated_by,
            self.ttl_ms,
            self.expires_at_ms,
        )

    @property
    def frame(self) -> bytes:
        """The change as an SSE frame without its `id` line and without the blank line that ends it."""
        if self._frame is None:
            self._frame = self._framed()
        return self._frame

    def _framed(self) -> bytes:
        body: dict[str, Any] = {"key": self.key, "rev": self.rev}
        if self.value is not None:
            body["value"] = msgspec.Raw(self.value)
        body["updated_by"] = self.updated_by
        body["updated_at_ms"] = self.updated_at_ms
        name = b"resource.deleted" if self.value is None else b"resource.updated"
        return b"event: " + name + b"\ndata: " + encode(body) + b"\n"


def insert(connection: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """Write changes to the history and to the live table, inside the caller's transaction."""
    connection.executemany(
        f"INSERT INTO resource_history ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [change.row() for change in changes],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO resources"
        " (partition, key, rev, value, position, updated_at_ms, updated_by, ttl_ms, expires_at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                change.partition,
                change.key,
                change.rev,
                change.value,
                change.position,
                change.updated_at_ms,
                change.updated_by,
                change.ttl_ms,
                change.expires_at_ms,
            )
            for change in changes
        ],
    )


def read_after(connection: sqlite3.Connection, position: int, limit: int) -> list[Change]:
    """Return the changes after `position`: about `limit` of them or `PAGE_BYTES`, and never a part of a position's."""
    query = f"SELECT {_COLUMNS} FROM resource_history WHERE position > ? ORDER BY position, ordinal"
    found: list[Change] = []
    size = 0
    for row in connection.execute(query, (position,)):
        change = Change(*row)
        enough = len(found) >= limit or size >= PAGE_BYTES
        if enough and change.position != found[-1].position:
            break
        found.append(change)
        size += change.size
    return found


def read_span(connection: sqlite3.Connection, after: int, upto: int) -> list[tuple[Any, ...]]:
    """Return all changes at positions in `(after, upto]`, in order, as rows (`Change.of`)."""
    query = f"SELECT {_COLUMNS} FROM resource_history WHERE position > ? AND position <= ? ORDER BY position, ordinal"
    return connection.execute(query, (after, upto)).fetchall()


def read_live(connection: sqlite3.Connection) -> Iterator[Change]:
    """Yield the newest write of every key, tombstones included; the table keeps no ordinal, so it is 0."""
    query = (
        "SELECT position, 0, partition, key, rev, value, updated_at_ms, updated_by, ttl_ms, expires_at_ms"
        " FROM resources"
    )
    for row in connection.execute(query):
        yield Change(*row)


def covering(prefixes: Sequence[str]) -> Callable[[str], bool]:
    """Return the function that tells whether any of the prefixes covers a key, as `covers` does; none cover everything.

    >>> under = covering(["project/a", "team/"])
    >>> under("project/a/b"), under("team/x"), under("project/ab")
    (True, True, False)
    """
    whole = frozenset(prefix.rstrip("/") for prefix in prefixes)
    if not whole or "" in whole:
        return lambda _key: True
    beneath = tuple(prefix + "/" for prefix in whole)
    return lambda key: key.startswith(beneath) or key in whole


def covers(prefix: str, key: str) -> bool:
    """Tell whether `prefix` matches whole segments of `key`; the empty prefix covers everything.

    A slash at its end means nothing.

    >>> covers("project/a", "project/a/b"), covers("project/a", "project/ab")
    (True, False)
    """
    prefix = prefix.rstrip("/")
    return not prefix or key == prefix or key.startswith(prefix + "/")
