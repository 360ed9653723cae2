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
from engine.kernel.errors import Conflict, Invalid
from engine.kernel.kernel import DATABASE_NAME
from engine.kernel.proof import prove
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


def test_a_line_that_does_not_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"short\n" + b"x" * 1000 + b"\n")
    with file.open("rb") as lines, pytest.raises(Invalid, match="line 2 is longer than 100 bytes"):
        list(transfer.lines_of(lines, most=100))
    with file.open("rb") as lines:
        assert [len(one) for one in transfer.lines_of(lines, most=1001)] == [6, 1001]
