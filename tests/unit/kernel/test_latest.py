"""Records answered from memory: always what was committed last, never older than what somebody has seen already."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.resources import Operation
from engine.kernel import latest as latest_module
from engine.kernel.database import Database
from engine.kernel.kernel import Kernel
from tests.kernel_kit import ADA, put, running, write

KEY = "project/a"


def _known(kernel: Kernel, key: str = KEY) -> bytes | None:
    kept = kernel.latest.get(key, ADA.partition)
    return None if kept is None else kept.record.value


async def _read(kernel: Kernel, key: str = KEY) -> bytes | None:
    record = await kernel.latest.record(key, ADA.partition)
    return None if record is None else record.value


async def test_a_record_is_known_once_it_was_read_and_kept_up_to_date_by_commits(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put(KEY, 1))
        assert _known(kernel) is None
        assert await _read(kernel) == b"1"
        assert _known(kernel) == b"1"
        await write(kernel, put(KEY, 2))
        assert _known(kernel) == b"2"
        assert await kernel.latest.record(KEY, ADA.partition) == await kernel.resources.record(
            KEY, ADA.partition
        )


async def test_a_record_that_is_absent_or_deleted_is_not_known(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        assert await _read(kernel) is None
        await write(kernel, put(KEY, 1))
        assert await _read(kernel) == b"1"
        await write(kernel, Operation(op="delete", key=KEY))
        assert _known(kernel) is None
        assert await _read(kernel) is None
        await write(kernel, put(KEY, 3))
        assert await _read(kernel) == b"3"


async def test_each_partition_has_records_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put(KEY, 1))
        await _read(kernel)
        assert kernel.latest.get(KEY, "elsewhere/dev") is None


async def test_while_a_record_is_being_written_the_database_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit may be on disk, and seen by others, before it is told: the old value is no answer then."""
    durable, tell = asyncio.Event(), asyncio.Event()
    original = Database.write

    async def held_up(database: Database, work: Callable[[sqlite3.Connection], Any]) -> Any:
        result = await original(database, work)
        durable.set()
        await tell.wait()
        return result

    async with running(tmp_path) as kernel:
        for key in (KEY, "project/b"):
            await write(kernel, put(key, 1))
            await _read(kernel, key)
        monkeypatch.setattr(Database, "write", held_up)
        writing = asyncio.create_task(write(kernel, put(KEY, 2)))
        await durable.wait()
        try:
            assert _known(kernel) is None
            assert await _read(kernel) == b"2"
            assert _known(kernel, "project/b") == b"1"
        finally:
            tell.set()
        await writing
        assert _known(kernel) == b"2"


async def test_a_read_that_a_commit_overtakes_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, answer = asyncio.Event(), asyncio.Event()
    original = Database.read

    async def held_up(database: Database, work: Callable[[sqlite3.Connection], Any]) -> Any:
        result = await original(database, work)
        looked.set()
        await answer.wait()
        return result

    async with running(tmp_path) as kernel:
        await write(kernel, put(KEY, 1))
        with monkeypatch.context() as patched:
            patched.setattr(Database, "read", held_up)
            reading = asyncio.create_task(_read(kernel))
            await looked.wait()
            await write(kernel, put(KEY, 2))
            answer.set()
            assert await reading == b"1"  # it began before the write
        assert _known(kernel) is None
        assert await _read(kernel) == b"2"


async def test_no_more_is_kept_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest_module, "RECORDS", 2)
    async with running(tmp_path) as kernel:
        for name in "abc":
            await write(kernel, put(f"project/{name}", name))
            await _read(kernel, f"project/{name}")
        assert [_known(kernel, f"project/{name}") for name in "abc"] == [None, b'"b"', b'"c"']
