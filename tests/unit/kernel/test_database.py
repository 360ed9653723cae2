"""The file: what a commit promises, and what happens when the disk does not keep up."""

import asyncio
import contextlib
import math
import resource
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import database as database_module
from engine.kernel.anchor import ANCHOR_FILE
from engine.kernel.database import Database
from engine.kernel.errors import Unavailable
from engine.kernel.kernel import DATABASE_NAME, Kernel
from tests.kernel_kit import ADA, Add, check_invariants, put, running, write


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _insert(connection: sqlite3.Connection, size: int = 1) -> None:
    connection.execute("INSERT INTO padding VALUES (?)", (b"x" * size,))


def _count(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT count(*) FROM padding").fetchone()[0]
    return count


async def _padded(folder: Path) -> Database:
    database = await Database.open(folder / DATABASE_NAME)
    await database.write(lambda connection: connection.execute("CREATE TABLE IF NOT EXISTS padding (x BLOB)"))
    return database


async def test_the_live_connection_syncs_every_commit_and_checkpoints_only_when_told(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        asked = ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys")
        found = await kernel.database.write(lambda connection: [_pragma(connection, name) for name in asked])
        assert found == ["wal", 2, 0, 1]  # synchronous 2 is FULL


async def test_readers_cannot_write(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await kernel.database.read(lambda connection: connection.execute("DELETE FROM events"))


async def test_work_that_fails_leaves_nothing_and_the_next_goes_on(tmp_path: Path) -> None:
    database = await _padded(tmp_path)

    def fails(connection: sqlite3.Connection) -> None:
        _insert(connection)
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        await database.write(fails)
    await database.write(_insert)
    assert await database.read(_count) == 1
    await database.close()


async def test_a_writer_who_goes_away_does_not_stop_the_commit(tmp_path: Path) -> None:
    database, begun, go_on = await _padded(tmp_path), threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)
        _insert(connection)

    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(begun.wait, 5)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    go_on.set()
    await database.write(_insert)
    assert await database.read(_count) == 2
    await database.close()


async def test_a_full_disk_is_a_clean_no_and_work_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/kept", 1))
        await kernel.database.write(
            lambda connection: _pragma(connection, f"max_page_count={_pragma(connection, 'page_count')}")
        )
        with pytest.raises(Unavailable) as caught:
            await write(kernel, put("project/large", "x" * 200_000))
        assert (caught.value.code, caught.value.meaning.status) == ("insufficient_storage", 507)
        assert await kernel.resources.record("project/kept") is not None
        assert not kernel.database.broken.is_set()
        await kernel.database.write(lambda connection: _pragma(connection, "max_page_count=1000000"))
        assert (await write(kernel, put("project/large", "x" * 200_000))).position == 2
        await check_invariants(kernel)


async def test_an_input_output_error_breaks_the_database_for_good(tmp_path: Path) -> None:
    """The file may not grow: the write of the log fails under SQLite's feet, with reads still possible."""
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        wal = (tmp_path / (DATABASE_NAME + "-wal")).stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal, limit[1]))
        try:
            with pytest.raises(Unavailable, match="stopping"):
                await write(kernel, put("project/a", "x" * 100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert kernel.database.broken.is_set()
        with pytest.raises(Unavailable, match="start it again"):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert await kernel.resources.record("counter/a") is not None
    async with running(tmp_path) as kernel:
        # What was answered with an error may be there or not; what was acknowledged is, and the rest agrees with it.
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert (await kernel.dispatch.state("counter/a", ADA.partition))[0].total == 2
        await check_invariants(kernel)


async def test_a_version_that_is_taken_already_breaks_the_database(tmp_path: Path) -> None:
    """Memory and file disagree: nothing that is decided on it may be written."""
    async with running(tmp_path) as kernel:
        accepted = await kernel.dispatch.propose("counter/a", Add(), ADA)
        row = (2, *accepted.events[0].row()[1:3], 2, *accepted.events[0].row()[4:], bytes(32))
        await kernel.database.write(
            lambda connection: connection.execute(f"INSERT INTO events VALUES ({', '.join('?' * 11)})", row)
        )
        with pytest.raises(Unavailable):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert kernel.database.broken.is_set()


async def test_the_write_ahead_log_is_folded_in_when_it_is_large_and_written_anew_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 100_000)
    database = await _padded(tmp_path)
    wal = tmp_path / (DATABASE_NAME + "-wal")
    sizes = []
    for _ in range(40):
        await database.write(lambda connection: _insert(connection, 10_000))
        await database.write(lambda _: None)  # the checkpoint lies between the two
        sizes.append(wal.stat().st_size)
    assert max(sizes) < 250_000
    assert len(set(sizes[-20:])) == 1, "a file that grows is slow to sync"
    assert (tmp_path / DATABASE_NAME).stat().st_size > 300_000
    await database.close()


async def test_a_write_ahead_log_that_outgrew_its_bounds_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 100_000)
    database = await _padded(tmp_path)
    wal = tmp_path / (DATABASE_NAME + "-wal")
    for size in (500_000, *[1_000] * 20):
        await database.write(lambda connection, size=size: _insert(connection, size))  # type: ignore[misc]
        await database.write(lambda _: None)
    assert wal.stat().st_size < 200_000
    await database.close()


async def test_a_reader_in_the_way_holds_up_neither_commits_nor_every_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 100_000)
    tries: list[bool] = []
    original = Database._checkpoint

    def noted(database: Database) -> bool:
        tries.append(original(database))
        return tries[-1]

    monkeypatch.setattr(Database, "_checkpoint", noted)
    database = await _padded(tmp_path)
    started, go_on = threading.Event(), threading.Event()

    def long_read(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        _count(connection)
        started.set()
        go_on.wait(20)
        connection.execute("COMMIT")

    reading = asyncio.create_task(database.read(long_read))
    await asyncio.to_thread(started.wait, 5)
    await database.fold_in()  # what was due before the reader came is behind us
    tries.clear()
    began = asyncio.get_running_loop().time()
    for _ in range(50):
        await database.write(lambda connection: _insert(connection, 10_000))
    await database.write(lambda _: None)
    assert asyncio.get_running_loop().time() - began < database_module.BUSY_MS / 1000
    assert 1 <= len(tries) <= 12  # once each 100 000 bytes, not once a commit
    assert not any(tries)
    go_on.set()
    await reading
    while not any(tries):
        await database.write(lambda connection: _insert(connection, 10_000))
    assert await database.read(_count) >= 50
    await database.close()


async def test_a_checkpoint_that_finds_no_room_is_no_answer_to_the_commit_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 1)

    def full(_: Database) -> bool:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    async with running(tmp_path) as kernel:
        with monkeypatch.context() as patched:
            patched.setattr(Database, "_checkpoint", full)
            for expected in (1, 2, 3):
                assert (await kernel.dispatch.propose("counter/a", Add(), ADA)).version == expected
        assert not kernel.database.broken.is_set()
        await check_invariants(kernel)


async def test_a_checkpoint_that_fails_otherwise_breaks_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 1)

    def fails(_: Database) -> bool:
        raise sqlite3.OperationalError("disk I/O error")

    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        monkeypatch.setattr(Database, "_checkpoint", fails)
        for _ in range(100):  # a checkpoint comes after the commit that makes it due
            if kernel.database.broken.is_set():
                break
            with contextlib.suppress(Unavailable):
                await kernel.dispatch.propose("counter/a", Add(), ADA)
        await asyncio.wait_for(kernel.database.broken.wait(), 30)


async def test_after_a_close_in_peace_everything_is_in_the_one_file(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {DATABASE_NAME, ANCHOR_FILE}


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"holiday pictures" * 1000)
    with pytest.raises(Unavailable, match="restore a backup"):
        await Kernel.open(tmp_path, [], None)  # type: ignore[arg-type]
    assert (tmp_path / DATABASE_NAME).read_bytes() == b"holiday pictures" * 1000


async def test_a_quick_commit_is_made_where_it_is_asked_for_and_a_slow_one_by_the_writing_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await _padded(tmp_path)

    async def writer() -> str:
        return await database.write(lambda _: threading.current_thread().name)

    monkeypatch.setattr(database_module, "QUICK_S", math.inf)
    assert await writer() == threading.current_thread().name
    monkeypatch.setattr(database_module, "QUICK_S", 0.0)
    assert (await writer()).startswith("database-writer")
    await database.close()


async def test_nothing_is_written_beside_what_the_writing_thread_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "QUICK_S", 0.0)
    database = await _padded(tmp_path)
    started, go_on, order = threading.Event(), threading.Event(), list[str]()

    def slow(_connection: sqlite3.Connection) -> None:
        started.set()
        go_on.wait(20)
        order.append("slow")

    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(started.wait, 5)
    monkeypatch.setattr(database_module, "QUICK_S", math.inf)
    after = asyncio.create_task(database.write(lambda _: order.append("quick")))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(writing, after)
    assert order == ["slow", "quick"]
    await database.close()
