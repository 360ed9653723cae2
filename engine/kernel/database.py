"""One SQLite file: a single connection that writes, several that read.

The writing connection is used by one thread at a time, which alone checkpoints: the event loop's own for commits that are
quick, a thread of its own for what takes longer. That keeps clear of SQLite's WAL-reset bug and
of locks lost by a second opening of the file. Nothing else may touch the database's files: copies go through the
backup API, sizes through `stat`.

A commit that fails is neither a yes nor a no: after an I/O error the database is `broken`, refuses everything, and the
daemon ends so that the next start reads what is really there. A full disk is a clean no, said before it is full to
the last block, and work goes on after it. A checkpoint is no part of a commit: what it meets is never an answer to
somebody whose commit is durable.
"""

import asyncio
import contextlib
import logging
import math
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from engine.kernel import failpoints
from engine.kernel.clock import monotonic_s
from engine.kernel.errors import Unavailable
from engine.kernel.migrations import migrate
from engine.kernel.room import Room

T = TypeVar("T")
READERS = 3
CHECKPOINT_BYTES = (
    32 << 20
)  # everybody waits for a checkpoint: it must be rarer than one request in a hundred
BUSY_MS = 5_000
QUICK_S = 0.002  # commits that take no longer are made where they are asked for
CALM = 0.9  # what a long commit counts one commit later
_log = logging.getLogger(__name__)
reach = failpoints.points(
    "database",
    "opened",
    "migrated",
    "begun",
    "before_commit",
    "committed",
    "before_checkpoint",
    "checkpointed",
    "closed",
)


class Database:
    """The daemon's one database. Open it with `await Database.open(path)`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._room = Room(path.parent)
        self._wal = path.with_name(path.name + "-wal")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")
        self._given: deque[None] = (
            deque()
        )  # one for each piece of work that the writing thread has not finished
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._sync_s = 0.0  # how long a commit took lately: the longest, forgotten little by little
        self._wal_bytes = 0  # of the file, when it was folded in last
        self._rows = 0  # written since
        self._rows_due: float = math.inf
        self._page_bytes = 0
        self.broken = asyncio.Event()

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open or create the file and bring its schema up to date.

        Raises:
            Unavailable: the file was written by a newer version, or cannot be used; the text says what to do.
        """
        database = cls(path)
        try:
            await asyncio.get_running_loop().run_in_executor(database._writer, database._prepare)
        except sqlite3.Error as error:
            database._let_go()
            raise Unavailable(
                f"{path} cannot be used ({error}); restore a backup, or name another --state-dir"
            ) from error
        except BaseException:
            database._let_go()
            raise
        return database

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one durable transaction: all of it is on disk when this returns, or none of it counts.

        Not cancelled half way: a caller that goes away does not stop the commit. What `work` itself raises is raised
        here, and nothing of it is written.

        Raises:
            Unavailable: the disk is full (`insufficient_storage`), or the database is broken.
        """
        if self.broken.is_set():
            raise Unavailable("the database failed and the daemon is stopping; start it again")
        loop = asyncio.get_running_loop()
        if self._sync_s < QUICK_S and not self._given:
            return self._write_here(work, loop)
        answer: asyncio.Future[T] = loop.create_future()
        # Straight from the thread to who waits: a chain of futures would cost a lone writer two turns of the loop.
        self._give(self._write_and_tell, work, answer, loop)
        return await answer

    def _give(self, work: Callable[..., None], *arguments: object) -> Future[None]:
        """Give the writing thread something to do."""

        def carry_out() -> None:
            try:
                work(*arguments)
            finally:
                self._given.pop()

        self._given.append(None)
        return self._writer.submit(carry_out)

    def _write_here(self, work: Callable[[sqlite3.Connection], T], loop: asyncio.AbstractEventLoop) -> T:
        """Write in the loop's own thread: the writing thread has nothing to do, and is given nothing meanwhile.

        Handing a small commit over and being told of it takes as long as the commit. Whoever else waits for the loop waits
        so long; where a sync takes its time, the thread is given the work.
        """
        try:
            return self._transact(work, loop)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _write_and_tell(
        self,
        work: Callable[[sqlite3.Connection], T],
        answer: "asyncio.Future[T]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        try:
            result = self._transact(work, loop)
        except BaseException as error:
            loop.call_soon_threadsafe(self._tell_failure, answer, error)
        else:
            loop.call_soon_threadsafe(_tell, answer, result)

    def _tell_failure(self, answer: "asyncio.Future[T]", error: BaseException) -> None:
        failure = error
        if isinstance(error, sqlite3.Error):
            failure = self._failure(error)
            failure.__cause__ = error
        if not answer.done():  # who asked may have gone
            answer.set_exception(failure)

    def _failure(self, error: sqlite3.Error) -> Unavailable:
        if _is_full(error):
            return Unavailable("the disk is full; free some space", code="insufficient_storage")
        self.broken.set()
        return Unavailable(f"writing the log failed ({error}); the daemon is stopping")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a read-only connection. It sees the last commit and waits for no writer."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._reading, work)

    @property
    def size(self) -> int:
        """Bytes of the file, without its write-ahead log."""
        return self.path.stat().st_size

    async def fold_in(self) -> None:
        """Fold the write-ahead log into the file, unless a reader is in the way: then it comes later, as always."""
        loop = asyncio.get_running_loop()
        await asyncio.shield(asyncio.wrap_future(self._give(self._checkpoint_now, loop)))

    async def rewrite(self) -> None:
        """Write the file anew without free pages, and have it give them back by itself from then on.

        It takes as much space again, and everybody waits for it: for when nobody else is there.

        Raises:
            Unavailable: the disk is full; the file is as it was.
        """
        try:
            await asyncio.shield(asyncio.wrap_future(self._give(self._vacuum)))
        except sqlite3.Error as error:
            if _is_full(error):
                raise Unavailable(
                    f"{self.path} could not be written anew; free some space", code="insufficient_storage"
                ) from error
            raise Unavailable(f"{self.path} could not be written anew: {error}") from error

    async def close(self) -> None:
        """Finish what waits, fold the write-ahead log into the file, close everything."""
        await asyncio.wrap_future(self._give(self._finish))
        self._let_go()
        reach("closed")

    def _let_go(self) -> None:
        self._readers.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        for connection in reversed(
            self._opened
        ):  # the writer last: only it can clear the write-ahead log away
            connection.close()

    def _prepare(self) -> None:
        connection = _connect(self.path)
        self._opened.append(connection)
        self._connection = connection
        # Says how a new file is laid out, and has to come before anything is in it: free pages can be given back.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA foreign_keys=ON")
        reach("opened")
        migrate(connection, self.path)
        (self._page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        reach("migrated")

    def _transact(self, work: Callable[[sqlite3.Connection], T], loop: asyncio.AbstractEventLoop) -> T:
        self._room.check()
        connection = self._connection
        rows_before = connection.total_changes
        connection.execute("BEGIN IMMEDIATE")
        try:
            reach("begun")
            result = work(connection)
            reach("before_commit")
            begun_s = monotonic_s()
            connection.execute("COMMIT")
            self._sync_s = max(monotonic_s() - begun_s, self._sync_s * CALM)
        except BaseException:
            # After some errors SQLite has rolled back already, and saying so again is an error of its own.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        reach("committed")
        self._rows += connection.total_changes - rows_before
        if self._is_large():
            # Behind whoever waits for this commit, and ahead of the next one.
            self._give(self._checkpoint_if_large, loop)
        return result

    def _is_large(self) -> bool:
        """Tell whether it is time to fold the write-ahead log in.

        The file is written anew from its beginning after each time, and not cut: to sync what lies in place costs half
        of what it costs to sync a file that grows. So its size tells only while it grows; after that as many rows may
        come as filled `CHECKPOINT_BYTES` before.
        """
        grown = self._wal.stat().st_size >= self._wal_bytes + CHECKPOINT_BYTES
        return grown or self._rows >= self._rows_due

    def _checkpoint_if_large(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fold the write-ahead log into the file once it is large.

        It waits for no reader: while one is in the way, the next try is when as much has been written again.
        """
        if self._is_large():  # else it is done already: two commits came before it
            self._checkpoint_now(loop)

    def _checkpoint_now(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            reach("before_checkpoint")
            self._checkpoint()
            self._wal_bytes, self._rows = self._wal.stat().st_size, 0
            reach("checkpointed")
        except sqlite3.Error as error:
            _log.exception("the write-ahead log could not be folded into the database")
            if not _is_full(error):
                loop.call_soon_threadsafe(self.broken.set)

    def _vacuum(self) -> None:
        self._connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        self._connection.execute("VACUUM")
        self._checkpoint()

    def _checkpoint(self) -> bool:
        """Return whether all of the write-ahead log has gone into the file, and it begins anew."""
        connection = self._connection
        # A file that outgrew its bounds, behind a long reader or with large values, is cut.
        mode = "TRUNCATE" if self._wal.stat().st_size > 2 * CHECKPOINT_BYTES else "RESTART"
        connection.execute("PRAGMA busy_timeout=0")
        try:
            (busy, frames, _) = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        finally:
            connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        if not busy and frames > 0 and self._rows > 0:
            self._rows_due = self._rows * CHECKPOINT_BYTES / (frames * self._page_bytes)
        return not busy

    def _finish(self) -> None:
        if self.broken.is_set():
            return
        try:
            self._checkpoint()
        except sqlite3.Error:
            # Nothing is lost: the next start reads the write-ahead log.
            _log.exception("the write-ahead log could not be folded into the database")

    def _reading(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path, read_only=True)
            self._opened.append(connection)
        return work(connection)


@contextlib.contextmanager
def looking(connection: sqlite3.Connection) -> Iterator[None]:
    """Have all reads in the block see the same moment; a block in a block is part of it."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _tell(answer: "asyncio.Future[T]", result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return connection


def _is_full(error: sqlite3.Error) -> bool:
    # Mistakes in the use of the module are `sqlite3.Error` too, and have no code.
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
