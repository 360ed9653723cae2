"""The schema moves forward only, and never without a copy of what was there."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.kernel import migrations
from engine.kernel.database import Database
from engine.kernel.errors import Unavailable
from engine.kernel.kernel import DATABASE_NAME
from engine.kernel.migrations import STEPS, migrate
from tests.kernel_kit import ADA, Add, running


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "file", isolation_level=None)) as opened:
        yield opened


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def test_a_new_file_gets_every_step_and_no_copy(connection: sqlite3.Connection, tmp_path: Path) -> None:
    migrate(connection, tmp_path / "file")
    assert _version(connection) == len(STEPS)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_older_file_is_copied_before_it_is_changed(
    connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection, tmp_path / "file")
    connection.execute("INSERT INTO checkpoints VALUES ('reactions', 7)")
    monkeypatch.setattr(migrations, "STEPS", (*STEPS, "DROP TABLE checkpoints; CREATE TABLE places (x)"))
    migrate(connection, tmp_path / "file")
    assert _version(connection) == len(STEPS) + 1
    with closing(sqlite3.connect(tmp_path / f"file.schema-{len(STEPS)}")) as copy:
        assert _version(copy) == len(STEPS)
        assert copy.execute("SELECT * FROM checkpoints").fetchall() == [("reactions", 7)]


def test_a_step_that_fails_leaves_the_file_at_the_step_before(
    connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection, tmp_path / "file")
    monkeypatch.setattr(
        migrations, "STEPS", (*STEPS, "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)")
    )
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, tmp_path / "file")
    connection.close()
    with closing(sqlite3.connect(tmp_path / "file")) as again:
        assert _version(again) == len(STEPS)
        assert again.execute("SELECT name FROM sqlite_schema WHERE name = 'half'").fetchall() == []


async def test_a_newer_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as newer:
        newer.execute("PRAGMA journal_mode=WAL")
        newer.execute(f"PRAGMA user_version={len(STEPS) + 3}")
        newer.commit()
    with pytest.raises(Unavailable, match=r"newer Cutroom.*name another --state-dir"):
        await Database.open(tmp_path / DATABASE_NAME)


async def test_the_log_is_the_same_after_the_schema_has_moved_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(3,)), ADA)
    monkeypatch.setattr(migrations, "STEPS", (*STEPS, "CREATE TABLE more (x)"))
    async with running(tmp_path) as kernel:
        assert (await kernel.dispatch.state("counter/a", ADA.partition))[0].total == 3
