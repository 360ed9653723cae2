"""Reads of published state. Writing it is dispatch's alone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from engine.kernel import beginning
from engine.kernel.changes import covers
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.database import Database, looking

T = TypeVar("T")
LIMIT_MAX: Final = 1000
LAST: Final = "\U0010ffff"  # after every key
Span = tuple[str, str]
_COLUMNS: Final = "key, value, rev, position, updated_at_ms, updated_by, ttl_ms, expires_at_ms"


class Record(Struct, frozen=True, kw_only=True):
    """A published resource; `value` is its JSON. `expires_at_ms` None: it lives on."""

    key: str
    value: bytes
    rev: int
    position: int
    updated_at_ms: int
    updated_by: str
    ttl_ms: int | None = None
    expires_at_ms: int | None = None


class Listing(Struct, frozen=True, kw_only=True):
    """Records sorted by key; `next` is the cursor of the page after this one, None on the last.

    `position` is the head that the read saw: a watch after it misses nothing.
    """

    items: tuple[Record, ...]
    next: str | None
    position: int


class Store:
    """Reads the newest state of every key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, key: str, partition: str = DEFAULT_PARTITION) -> Record | None:
        """Return the record, or None when there is none or it is deleted."""

        def work(connection: sqlite3.Connection) -> Record | None:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM resources WHERE partition = ? AND key = ? AND value IS NOT NULL",
                (partition, key),
            ).fetchone()
            return _record(row) if row else None

        return await self._database.read(work)

    async def partitions(self) -> list[str]:
        """Return every partition that has or had a resource, sorted; one step of an index each."""
        return await self._database.read(_partitions)

    async def as_of(
        self, key: str, position: int, partition: str = DEFAULT_PARTITION
    ) -> tuple[Record | None, Record | None]:
        """Return the record as it was at `position`, and as it was before that write; None: there was none then.

        Raises:
            Compacted: the log begins later.
        """

        def work(connection: sqlite3.Connection) -> list[Record | None]:
            rows = _written(connection, key, position, partition, 2)
            beginning.check(connection, position)
            return rows

        now, before = [*await self._database.read(work), None, None][:2]
        return now, before

    async def all_as_of(
        self, keys: Sequence[str], position: int, partition: str = DEFAULT_PARTITION
    ) -> list[Record]:
        """Return the records that there were of some keys at `position`, in the order of the keys.

        Raises:
            Compacted: the log begins later.
        """

        def work(connection: sqlite3.Connection) -> list[Record]:
            found = [row for key in keys for row in _written(connection, key, position, partition, 1)]
            beginning.check(connection, position)
            return [one for one in found if one is not None]

        return await self._database.read(work)

    async def under(self, key: str, partition: str = DEFAULT_PARTITION) -> list[Record]:
        """Return the record `key` and all that lie beneath it, of one moment, sorted by key; for what has a bound of its own."""

        def work(connection: sqlite3.Connection) -> list[Record]:
            with looking(connection):
                return [_record(row) for row in _rows(connection, partition, _spans([key]))]

        return await self._database.read(work)

    async def page(
        self,
        prefix: str | Sequence[str],
        partition: str = DEFAULT_PARTITION,
        *,
        limit: int = LIMIT_MAX,
        cursor: str = "",
        visible: Callable[[str], bool] | None = None,
    ) -> Listing:
        """Return up to `limit` records whose key is `prefix` or lies beneath it, after the key `cursor`.

        Of several prefixes it is those under any of them, each once. `visible(key)` leaves out what the reader may not
        see. The empty prefix is everything, and so is none.
        """
        spans = _spans([prefix] if isinstance(prefix, str) else prefix, cursor)

        def work(connection: sqlite3.Connection) -> Listing:
            connection.execute("BEGIN")
            try:
                (head,) = connection.execute("SELECT COALESCE(MAX(position), 0) FROM events").fetchone()
                items = []
                for row in _rows(connection, partition, spans):
                    if visible is None or visible(row[0]):
                        items.append(_record(row))
                    if len(items) > limit:
                        break
            finally:
                connection.execute("COMMIT")
            more = len(items) > limit
            return Listing(
                items=tuple(items[:limit]), next=items[limit - 1].key if more else None, position=head
            )

        return await self._database.read(work)

    async def between(
        self, low: str, high: str, partition: str = DEFAULT_PARTITION, *, limit: int = LIMIT_MAX
    ) -> Listing:
        """Return up to `limit` records whose key lies in `[low, high)`, sorted by key."""

        def work(connection: sqlite3.Connection) -> Listing:
            connection.execute("BEGIN")
            try:
                (head,) = connection.execute("SELECT COALESCE(MAX(position), 0) FROM events").fetchone()
                rows = _rows(connection, partition, [(low, high)])
                items = [_record(row) for row in islice(rows, limit + 1)]
            finally:
                connection.execute("COMMIT")
            more = len(items) > limit
            return Listing(
                items=tuple(items[:limit]), next=items[limit - 1].key if more else None, position=head
            )

        return await self._database.read(work)

    async def everything(self, prefix: str) -> list[tuple[str, Record]]:
        """Return all records under `prefix` in all partitions, with their partition, in the order they were written."""
        spans = _spans([prefix])

        def work(connection: sqlite3.Connection) -> list[tuple[str, Record]]:
            # By partition: the index is by (partition, key), and of other prefixes there may be a million.
            found = [
                (partition, _record(row))
                for partition in _partitions(connection)
                for row in _rows(connection, partition, spans)
            ]
            return sorted(found, key=lambda one: (one[1].position, one[1].key))

        return await self._database.read(work)

    async def value(self, key: str, kind: type[T], partition: str = DEFAULT_PARTITION) -> T | None:
        """Return a resource's value as `kind`, or None when there is none."""
        record = await self.record(key, partition)
        return None if record is None else decode(record.value, kind)

    async def values(self, prefix: str, kind: type[T], partition: str = DEFAULT_PARTITION) -> list[T]:
        """Return the values of all resources under `prefix` as `kind`, sorted by key."""
        found: list[T] = []
        cursor = ""
        while True:
            listing = await self.page(prefix, partition, cursor=cursor)
            found.extend(decode(record.value, kind) for record in listing.items)
            if listing.next is None:
                return found
            cursor = listing.next


class Reader:
    """A `Store` seen from one partition: what tools get."""

    def __init__(self, store: Store, partition: str) -> None:
        self._store = store
        self._partition = partition

    async def value(self, key: str, kind: type[Any]) -> Any:
        """Return the resource's value as `kind`, or None when there is none."""
        return await self._store.value(key, kind, self._partition)

    async def values(self, prefix: str, kind: type[Any]) -> list[Any]:
        """Return the values of all resources under `prefix`, sorted by key."""
        return await self._store.values(prefix, kind, self._partition)


def _record(row: tuple[Any, ...]) -> Record:
    key, value, rev, position, updated_at_ms, updated_by, ttl_ms, expires_at_ms = row
    return Record(
        key=key,
        value=value,
        rev=rev,
        position=position,
        updated_at_ms=updated_at_ms,
        updated_by=updated_by,
        ttl_ms=ttl_ms,
        expires_at_ms=expires_at_ms,
    )


def _written(
    connection: sqlite3.Connection, key: str, position: int, partition: str, limit: int
) -> list[Record | None]:
    """Return the last writes of a key up to a position, the newest first; None for one that deleted it."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM resource_history"
        " WHERE partition = ? AND key = ? AND position <= ? ORDER BY position DESC, ordinal DESC LIMIT ?",
        (partition, key, position, limit),
    )
    return [None if row[1] is None else _record(row) for row in rows]


def _partitions(connection: sqlite3.Connection) -> list[str]:
    found, after = list[str](), ""
    query = "SELECT MIN(partition) FROM resources WHERE partition > ?"
    while (following := connection.execute(query, (after,)).fetchone()[0]) is not None:
        found.append(following)
        after = following
    return found


def _rows(connection: sqlite3.Connection, partition: str, spans: Sequence[Span]) -> Iterator[tuple[Any, ...]]:
    """Yield the live rows of spans, sorted by key."""
    for low, high in spans:
        yield from connection.execute(
            f"SELECT {_COLUMNS} FROM resources"
            " WHERE partition = ? AND value IS NOT NULL AND key >= ? AND key < ? ORDER BY key",
            (partition, low, high),
        )


def _spans(prefixes: Sequence[str], cursor: str = "") -> list[Span]:
    r"""Return the half-open spans of keys that some prefixes of whole segments cover, after the key `cursor`.

    They are sorted and do not overlap: one after the other they give each key once, in order, and each is what an index
    can look up.

    >>> _spans(["project/a"])
    [('project/a', 'project/a\x00'), ('project/a/', 'project/a0')]
    """
    after = cursor + "\0" if cursor else ""
    whole = {prefix.rstrip("/") for prefix in prefixes} or {""}
    spans = []
    for prefix in whole:
        if any(other != prefix and covers(other, prefix) for other in whole):
            continue
        # "0" is the character after "/"; between a key and what lies beneath it there are others, such as `prefix-x`.
        own = [(prefix, prefix + "\0"), (prefix + "/", prefix + "0")] if prefix else [("", LAST)]
        spans += [(max(low, after), high) for low, high in own if high > after]
    return sorted(spans)
