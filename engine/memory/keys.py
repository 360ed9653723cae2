"""The keys of what is remembered: a file of its own, for its owner alone, in no backup and no export of the log.

Each content has a key of its own, so that to drop the key is to erase the content, wherever copies of its ciphertext lie.
A key is kept before what it opens is on record, as not yet settled; one that nothing came to refer to goes at the next start.
"""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from engine.kernel.errors import Invalid, NotFound, Unavailable
from engine.kernel.ids import new_key

FILE: Final = "memory-keys.sqlite3"
T = TypeVar("T")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (
    content_hash TEXT PRIMARY KEY, partition TEXT NOT NULL, memory_id TEXT NOT NULL, key BLOB NOT NULL,
    settled INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS signing (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL) STRICT;
"""


class Kept(NamedTuple):
    """A key and what it opens."""

    content_hash: str
    partition: str
    memory_id: str
    key: bytes


class Keys:
    """The file of keys. One thread owns it."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    @classmethod
    def open(cls, folder: Path) -> "Keys":
        """Open the file, and make it on the first start (mode 0600).

        Raises:
            Invalid: others may read it.
            Unavailable: it cannot be used.
        """
        path = folder / FILE
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise Invalid(
                f"{path} may be read by others (mode {mode:o}); chmod 600 it, and think of what is remembered as known",
                field=str(path),
            )
        thread = ThreadPoolExecutor(1, thread_name_prefix="memory-keys")
        try:
            return cls(thread.submit(_connect, path).result(), thread)
        except sqlite3.Error as error:
            thread.shutdown()
            raise Unavailable(
                f"{path} cannot be used ({error}); put the copy back that you keep of it, or move it away: without it"
                " what is remembered stays closed"
            ) from error

    async def keep(self, kept: Kept) -> None:
        """Keep a key, durably, as not settled yet.

        Raises:
            Unavailable: the disk is full.
        """
        row = (kept.content_hash, kept.partition, kept.memory_id, kept.key)
        await self._do(lambda connection: connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, 0)", row))

    async def settle(self, *content_hashes: str) -> None:
        """Note that what keys open is on record."""
        rows = [(one,) for one in content_hashes]
        await self._do(
            lambda connection: connection.executemany(
                "UPDATE keys SET settled = 1 WHERE content_hash = ?", rows
            )
        )

    async def drop(self, content_hash: str) -> None:
        """Destroy a key, durably; one that is gone already is left gone."""
        await self._do(
            lambda connection: connection.execute("DELETE FROM keys WHERE content_hash = ?", (content_hash,))
        )

    async def key(self, content_hash: str) -> bytes:
        """Return the key that opens a content.

        Raises:
            NotFound: `memory_unreadable`: it is gone.
        """
        row = await self._do(
            lambda connection: connection.execute(
                "SELECT key FROM keys WHERE content_hash = ?", (content_hash,)
            ).fetchone()
        )
        if row is None:
            raise NotFound(
                "the key of this memory is not on this machine; what it said cannot be read",
                code="memory_unreadable",
            )
        key: bytes = row[0]
        return key

    async def all(self, *, settled: bool | None = None) -> list[Kept]:
        """Return the keys, or those alone that are settled or are not."""
        where = "" if settled is None else f" WHERE settled = {int(settled)}"
        rows = await self._do(
            lambda connection: connection.execute(
                f"SELECT content_hash, partition, memory_id, key FROM keys{where} ORDER BY content_hash"
            ).fetchall()
        )
        return [Kept(*row) for row in rows]

    def signing_key(self) -> bytes:
        """Return what capabilities are signed with; never to leave this process."""
        return self._thread.submit(_signing_key, self._connection).result()

    def close(self) -> None:
        """Be done with the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.shield(loop.run_in_executor(self._thread, work, self._connection))
        except sqlite3.OperationalError as error:
            raise Unavailable(
                f"the keys of memory cannot be written: {error}", code="insufficient_storage"
            ) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # No write-ahead log, and freed pages are overwritten: a key that was dropped lies nowhere in the file.
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(_SCHEMA)
    return connection


def _signing_key(connection: sqlite3.Connection) -> bytes:
    connection.execute("INSERT OR IGNORE INTO signing VALUES (1, ?)", (new_key(),))
    key: bytes = connection.execute("SELECT key FROM signing").fetchone()[0]
    return key
