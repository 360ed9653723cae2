"""Killed at every step of a compaction, it is the old log or the new one, sound and with the same state; the next ends it."""

import asyncio
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from engine.kernel.clock import SystemClock
from engine.kernel.kernel import DATABASE_NAME, Kernel
from tests.compaction_kit import check_sound, opened
from tests.fault import life
from tests.fault.births import born
from tests.kernel_kit import COUNTER

REQUESTS: Final = 3
ROUNDS: Final = [1, pytest.param(25, marks=pytest.mark.deep)]
# What may be there after a death: the log as it was, or the one that begins with the checkpoint.
OLD: Final = frozenset({"old"})
NEW: Final = frozenset({"new"})
PLACES: Final[dict[str, tuple[int, frozenset[str]]]] = {
    "compactor.folded": (1, OLD),
    "compactor.streams_stored": (2, OLD),
    "compactor.stored": (1, OLD),
    "compactor.switching": (1, OLD),
    "compactor.switched": (1, NEW),
    "compactor.secured": (1, NEW),
    "compactor.piece_swept": (2, NEW),
    "compactor.history_swept": (1, NEW),
    "compactor.swept": (1, NEW),
    "compactor.given_back": (1, NEW),
    "compactor.ended": (1, NEW),
}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which all is done that was asked for."""
    folder = tmp_path_factory.mktemp("given") / "log"
    asyncio.run(life.some_log(folder, 0, REQUESTS))
    return folder


def _rows(folder: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return connection.execute(query).fetchall()


def _state(folder: Path) -> list[Any]:
    return _rows(folder, "SELECT * FROM resources ORDER BY partition, key")


async def _states(folder: Path, streams: list[Any]) -> list[Any]:
    kernel = await Kernel.open(folder, [COUNTER], SystemClock())
    try:
        return [await kernel.dispatch.state(stream, partition) for partition, stream in streams]
    finally:
        await kernel.database.close()


async def _check(folder: Path, given: Path) -> str:
    """Check the log that lies there, as the next start would find it; say whether it is the old one or the new."""
    database = await opened(folder)
    await check_sound(database, folder)
    await database.close()
    assert _state(folder) == _state(given)
    streams = _rows(given, "SELECT DISTINCT partition, stream FROM events")
    assert await _states(folder, streams) == await _states(given, streams)
    return "new" if _rows(folder, "SELECT position FROM log_beginning") else "old"


def _compact(folder: Path, failpoint: str = "") -> int:
    with born(life.compact, str(folder), failpoint=failpoint) as child:
        return child.end()


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("name", sorted(PLACES))
async def test_killed_there_it_is_the_old_log_or_the_new_and_the_next_compaction_ends_it(
    name: str, rounds: int, given: Path, tmp_path: Path
) -> None:
    nth, expected = PLACES[name]
    for round_ in range(rounds):
        folder = tmp_path / f"log-{round_}"
        shutil.copytree(given, folder)
        code = await asyncio.to_thread(_compact, folder, f"{name}:{nth + round_}")
        if code == 0:  # not come by so often
            assert round_, f"{name} was not come by {nth} times"
            break
        assert code == -signal.SIGKILL
        image = tmp_path / f"image-{round_}"
        shutil.copytree(folder, image)
        assert await _check(image, given) in expected
        assert await asyncio.to_thread(_compact, folder) == 0
        assert await _check(folder, given) == "new"
        ((oldest, swept),) = _rows(folder, "SELECT position, swept FROM log_beginning")
        assert swept
        assert _rows(folder, f"SELECT COUNT(*) FROM events WHERE position <= {oldest}") == [(0,)]
        assert _rows(folder, "SELECT DISTINCT position FROM checkpoint_streams") == [(oldest,)]


async def test_a_daemon_ends_what_a_dead_one_began(given: Path, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    shutil.copytree(given, folder)
    assert await asyncio.to_thread(_compact, folder, "compactor.secured") == -signal.SIGKILL
    kernel = await Kernel.open(folder, [COUNTER], SystemClock())
    async with kernel.writing():
        await kernel.compactor.resume()
    assert _rows(folder, "SELECT swept FROM log_beginning") == [(1,)]
    assert await _check(folder, given) == "new"
