"""A backup is the log as it was at a moment; to restore it is to go back there, or to be told why not."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import backups, identity
from engine.kernel.database import Database
from engine.kernel.errors import Invalid, NotFound, Unavailable
from engine.kernel.kernel import DATABASE_NAME
from engine.kernel.proof import prove
from engine.kernel.replay import check
from tests.compaction_kit import AGGREGATES
from tests.kernel_kit import ADA, Add, running
from tests.unit.kernel.test_proof import some_work

_STATE = ("events", "resources", "resource_history")


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Database]:
    database = await Database.open(folder / DATABASE_NAME)
    try:
        yield database
    finally:
        await database.close()


def _state(folder: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in _STATE
        }


async def _backup(folder: Path) -> Path:
    copy = folder / "copy.db"
    async with _opened(folder) as database:
        await backups.back_up(database, copy)
    return copy


def _change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0


async def test_a_backup_made_while_the_log_grows_restores_to_what_was_there(tmp_path: Path) -> None:
    copy, away = tmp_path / "copy.db", tmp_path / "away"
    away.mkdir()
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        told = await backups.back_up(kernel.database, copy)
        head = kernel.dispatch.head
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    assert told.position == head
    assert copy.stat().st_mode & 0o777 == 0o600
    restored = await backups.restore(away, copy, DATABASE_NAME, AGGREGATES)
    assert restored.position == head
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]
    async with _opened(away) as database:
        assert (await prove(database, away)).sound
        assert (await check(database, AGGREGATES)).equal


async def test_restoring_moves_what_was_there_aside_and_the_anchor_with_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await some_work(tmp_path)
    async with _opened(tmp_path) as database:
        told = await backups.back_up(database, copy)
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)
    async with running(tmp_path) as kernel:
        assert kernel.dispatch.head == told.position
    aside = tmp_path / "replaced-1"
    async with _opened(aside) as database:
        proof = await prove(database, aside)
    assert proof.sound
    assert proof.position == told.position + 1


async def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await some_work(tmp_path)
    async with _opened(tmp_path) as database:
        await backups.back_up(database, copy)
    before = _state(tmp_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("UPDATE events SET actor = 'eve' WHERE position = 2")
    with pytest.raises(Invalid, match="was changed"):
        await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)
    copy.write_bytes(b"no database, though longer than the header of one" * 10)
    with pytest.raises(Unavailable, match="cannot be used"):
        await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)
    with pytest.raises(NotFound):
        await backups.restore(tmp_path, tmp_path / "nothing", DATABASE_NAME, AGGREGATES)
    assert _state(tmp_path) == before
    assert not list(tmp_path.glob("restoring*"))
    assert not list(tmp_path.glob("replaced*"))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER theirs AFTER INSERT ON events BEGIN DELETE FROM resources; END",
        "CREATE VIEW theirs AS SELECT * FROM events",
        "CREATE VIRTUAL TABLE theirs USING fts5(text)",
    ],
)
async def test_a_backup_that_brings_statements_of_its_own_is_refused(tmp_path: Path, statement: str) -> None:
    copy = tmp_path / "copy.db"
    await some_work(tmp_path)
    async with _opened(tmp_path) as database:
        await backups.back_up(database, copy)
    before = _state(tmp_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(statement)
    with pytest.raises(Invalid, match="theirs"):
        await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)
    assert _state(tmp_path) == before


_NEWEST = "(SELECT MAX(position) FROM resource_history)"


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE resource_history SET value = '9' WHERE position = {_NEWEST}",
        f"UPDATE resource_history SET rev = 70 WHERE position = {_NEWEST}",
        f"UPDATE resource_history SET updated_by = 'eve' WHERE position = {_NEWEST}",
        "UPDATE resources SET value = NULL WHERE key = 'counter/a'",
        "UPDATE resources SET expires_at_ms = NULL WHERE key = 'team/x'",
        "DELETE FROM resources WHERE key = 'project/b'",
        "INSERT INTO resource_history SELECT 99, ordinal, partition, 'counter/z', 1, value, 0, '', NULL, NULL"
        f" FROM resource_history WHERE position = {_NEWEST}",
    ],
)
@pytest.mark.parametrize("compacted", [False, True])
async def test_what_a_backup_publishes_otherwise_than_its_log_has_it_is_written_anew_from_the_log(
    tmp_path: Path, statement: str, compacted: bool
) -> None:
    await some_work(tmp_path)
    if compacted:
        async with running(tmp_path) as kernel:
            await kernel.compactor.compact(4, ADA)
            await kernel.dispatch.propose("counter/a", Add(), ADA)
    before, copy = _state(tmp_path), await _backup(tmp_path)
    _change(copy, statement)
    restored = await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)
    assert restored.rebuilt
    assert _state(tmp_path) == before


async def test_a_backup_that_is_right_is_restored_as_it_is(tmp_path: Path) -> None:
    await some_work(tmp_path)
    copy = await _backup(tmp_path)
    assert not (await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)).rebuilt


async def test_a_log_keeps_its_name_until_it_is_set_back(tmp_path: Path) -> None:
    await some_work(tmp_path)
    names = []
    for _ in range(2):
        async with running(tmp_path) as kernel:
            names.append(kernel.log.id)
    copy = await _backup(tmp_path)
    await backups.restore(tmp_path, copy, DATABASE_NAME, AGGREGATES)
    async with _opened(tmp_path) as database:
        names.append(await database.read(identity.read))
    assert (names[0] == names[1], names[1] == names[2]) == (True, False)
