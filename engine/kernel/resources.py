"""Reads of published state. Writing it is dispatch's alone."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.database import Database

T = TypeVar("T")
LIMIT_MAX: Final = 1000
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

        def work(connection: sqlite3.Connection) -> list[str]:
            found, after = list[str](), ""
            query = "SELECT MIN(partition) FROM resources WHERE partition > ?"
            while (following := connection.execute(query, (after,)).fetchone()[0]) is not None:
                found.append(following)
                after = following
            return found

        return await self._database.read(work)

    async def as_of(
        self, key: str, position: int, partition: str = DEFAULT_PARTITION
    ) -> tuple[Record | None, Record | None]:
        """Return the record as it was at `position`, and as it was before that write; None: there was none then."""

        def work(connection: sqlite3.Connection) -> list[Record | None]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM resource_history"
                " WHERE partition = ? AND key = ? AND position <= ? ORDER BY position DESC, ordinal DESC LIMIT 2",
                (partition, key, position),
            )
            return [None if row[1] is None else _record(row) for row in rows]

        now, before = [*await self._database.read(work), None, None][:2]
        return now, before

    async def page(
        self,
        prefix: str,
        partition: str = DEFAULT_PARTITION,
        *,
        limit: int = LIMIT_MAX,
        cursor: str = "",
        visible: Callable[[str], bool] | None = None,
    ) -> Listing:
        """Return up to `limit` records whose key is `prefix` or lies beneath it, after the key `cursor`.

        `visible(key)` leaves out what the reader may not see. The empty prefix is everything.
        """
        where, values = _under(prefix, cursor)

        def work(connection: sqlite3.Connection) -> Listing:
            connection.execute("BEGIN")
            try:
                (head,) = connection.execute("SELECT COALESCE(MAX(position), 0) FROM events").fetchone()
                rows = connection.execute(
                    f"SELECT {_COLUMNS} FROM resources WHERE partition = ? AND value IS NOT NULL{where} ORDER BY key",
                    (partition, *values),
                )
                items = []
                for row in rows:
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

    async def everything(self, prefix: str) -> list[tuple[str, Record]]:
        """Return all records under `prefix` in all partitions, with their partition."""
        where, values = _under(prefix)

        def work(connection: sqlite3.Connection) -> list[tuple[str, Record]]:
            rows = connection.execute(
                f"SELECT partition, {_COLUMNS} FROM resources WHERE value IS NOT NULL{where} ORDER BY position, key",
                values,
            )
            return [(row[0], _record(row[1:])) for row in rows]

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


def _under(prefix: str, cursor: str = "") -> tuple[str, tuple[str, ...]]:
    """Return the SQL that keeps to a prefix of whole segments and to what comes after `cursor`, and its values."""
    prefix = prefix.rstrip("/")
    # One lower and one upper bound: that is what an index can use.
    above, start = ("key > ?", cursor) if cursor >= prefix else ("key >= ?", prefix)
    if not prefix:
        return f" AND {above}", (start,)
    # "0" is the character after "/"; the last term leaves out what lies between, such as `prefix-x`.
    return f" AND {above} AND key < ? AND (key = ? OR key >= ?)", (start, prefix + "0", prefix, prefix + "/")
