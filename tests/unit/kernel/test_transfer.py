"""A log that is taken out and brought in again is the same log: each event, each hash, each resource with its rev."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.kernel import anchor, transfer
from engine.kernel.database import Database
from engine.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from engine.kernel.kernel import DATABASE_NAME
from engine.kernel.proof import prove
from engine.kernel.replay import check
from tests.kernel_kit import ADA, Add, check_invariants, running
from tests.unit.kernel.test_proof import AGGREGATES, some_work

_STATE = ("events", "resources", "resource_history")


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Database]:
    folder.mkdir(exist_ok=True)
    database = await Database.open(folder / DATABASE_NAME)
    try:
        yield database
    finally:
        await database.close()


async def _lines(folder: Path, after: int = 0) -> list[bytes]:
    async with _opened(folder) as database:
        return b"".join([part async for part in transfer.export(database, after)]).splitlines(keepends=True)


async def _take_in(folder: Path, lines: list[bytes]) -> None:
    async with _opened(folder) as database:
        await transfer.take_in(database, folder, lines, AGGREGATES)


def _state(folder: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in _STATE
        }


async def test_an_exported_log_comes_to_the_same_when_it_is_taken_in(tmp_path: Path) -> None:
    await some_work(tmp_path)
    await _take_in(tmp_path / "other", await _lines(tmp_path))
    assert _state(tmp_path / "other") == _state(tmp_path)
    assert anchor.read(tmp_path / "other") == anchor.read(tmp_path)
    async with running(tmp_path / "other") as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await check_invariants(kernel)


async def test_an_export_begins_after_the_position_asked_for(tmp_path: Path) -> None:
    await some_work(tmp_path)
    every = await _lines(tmp_path)
    assert await _lines(tmp_path, after=4) == every[4:]
    assert await _lines(tmp_path, after=len(every)) == []


async def test_an_exported_line_names_its_hash_and_the_records_it_wrote(tmp_path: Path) -> None:
    await some_work(tmp_path)
    lines = [msgspec.json.decode(line) for line in await _lines(tmp_path)]
    async with _opened(tmp_path) as database:
        assert lines[-1]["hash"] == (await prove(database, tmp_path)).hash
    (first, *_) = [line for line in lines if line["type"] == "resources.changed"]
    assert first["values"] == [{"note": "x"}, 7]


async def test_a_log_is_taken_in_only_where_there_is_none(tmp_path: Path) -> None:
    await some_work(tmp_path)
    with pytest.raises(Conflict, match="holds a log already"):
        await _take_in(tmp_path, await _lines(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"actor":"ada"', b'"actor":"eve"', "hash is another"),
        (b'"values":[{"note":"x"},7]', b'"values":[{"note":"y"},7]', "hash is another"),
        (b'"position":2,', b'"position":3,', "position 3"),
        (b'"version":2,', b'"version":4,', "version 4"),
        (b'"data":{', b'"data":[', "no event"),
        (b'"stream":"counter/a"', b'"stream":"gone/a"', "no reducer"),
    ],
)
async def test_a_log_that_was_changed_on_the_way_is_refused_whole(
    tmp_path: Path, old: bytes, new: bytes, said: str
) -> None:
    await some_work(tmp_path)
    content = b"".join(await _lines(tmp_path))
    assert old in content
    lines = content.replace(old, new, 1).splitlines(keepends=True)
    with pytest.raises(Invalid, match=said):
        await _take_in(tmp_path / "other", lines)
    assert _state(tmp_path / "other")["events"] == []


async def test_a_part_of_a_log_is_no_log(tmp_path: Path) -> None:
    await some_work(tmp_path)
    with pytest.raises(Invalid, match="begins with the log's first event"):
        await _take_in(tmp_path / "other", await _lines(tmp_path, after=1))


async def test_a_backup_made_while_the_log_grows_restores_to_what_was_there(tmp_path: Path) -> None:
    copy, away = tmp_path / "copy.db", tmp_path / "away"
    away.mkdir()
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        told = await transfer.back_up(kernel.database, copy)
        head = kernel.dispatch.head
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    assert told.position == head
    assert copy.stat().st_mode & 0o777 == 0o600
    restored = await transfer.restore(away, copy, DATABASE_NAME)
    assert restored.position == head
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]
    async with _opened(away) as database:
        assert (await prove(database, away)).sound
        assert (await check(database, AGGREGATES)).equal


async def test_restoring_moves_what_was_there_aside_and_the_anchor_with_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await some_work(tmp_path)
    async with _opened(tmp_path) as database:
        told = await transfer.back_up(database, copy)
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    await transfer.restore(tmp_path, copy, DATABASE_NAME)
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
        await transfer.back_up(database, copy)
    before = _state(tmp_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("UPDATE events SET actor = 'eve' WHERE position = 2")
    with pytest.raises(Invalid, match="was changed"):
        await transfer.restore(tmp_path, copy, DATABASE_NAME)
    copy.write_bytes(b"no database, though longer than the header of one" * 10)
    with pytest.raises(Unavailable, match="cannot be used"):
        await transfer.restore(tmp_path, copy, DATABASE_NAME)
    with pytest.raises(NotFound):
        await transfer.restore(tmp_path, tmp_path / "nothing", DATABASE_NAME)
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
        await transfer.back_up(database, copy)
    before = _state(tmp_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(statement)
    with pytest.raises(Invalid, match="theirs"):
        await transfer.restore(tmp_path, copy, DATABASE_NAME)
    assert _state(tmp_path) == before


def test_a_line_that_does_not_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"short\n" + b"x" * 1000 + b"\n")
    with file.open("rb") as lines, pytest.raises(Invalid, match="line 2 is longer than 100 bytes"):
        list(transfer.lines_of(lines, most=100))
    with file.open("rb") as lines:
        assert [len(one) for one in transfer.lines_of(lines, most=1001)] == [6, 1001]
