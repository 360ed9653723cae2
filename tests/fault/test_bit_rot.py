"""Bits flip on disk: whatever a flip changes of the log or of what is published, somebody is told.

Flips are made in copies of what a killed writer left behind: the database, and the write-ahead log beside it. In the
database, a flip that touches nothing that is read (a page that is free, an answer kept for a repeat) may pass unnoticed; in
the write-ahead log every one makes commits disappear, and SQLite says nothing of it.
"""

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from engine.kernel import anchor, backups
from engine.kernel.commands import COMMAND
from engine.kernel.database import Database
from engine.kernel.errors import Invalid, Unavailable
from engine.kernel.kernel import DATABASE_NAME, Kernel
from engine.kernel.proof import prove
from engine.kernel.reducer import Aggregate
from engine.kernel.replay import check
from tests.fault import invariants
from tests.fault.writer import prepare
from tests.kernel_kit import ADA, COUNTER, Add, put, running, write

ROOT: Final = Path(__file__).resolve().parents[2]
AGGREGATES: Final[dict[str, Aggregate[Any, Any, Any]]] = {"counter": COUNTER, "outbox": COMMAND}
FLIPS: Final = [50, pytest.param(1_000, marks=[pytest.mark.deep, pytest.mark.timeout(600)])]
WAL: Final = f"{DATABASE_NAME}-wal"
STATE: Final = ("events", "resources", "resource_history")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a writer left that was killed when its anchor had come to its last commit."""
    folder = tmp_path_factory.mktemp("left")
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.fault.keeper", str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )
    with keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline(), "the keeper died by itself"
        keeper.kill()
    (folder / f"{DATABASE_NAME}-shm").unlink()  # memory, not content: the next to open it makes its own
    return folder


async def _unnoticed(folder: Path) -> bool:
    """Whether nobody finds anything wrong with a log; it is left folded into its one file."""
    try:
        database = await Database.open(folder / DATABASE_NAME)
    except Unavailable:
        return False
    try:
        return (await prove(database, folder)).sound and (await check(database, AGGREGATES)).equal
    finally:
        await database.close()


async def _verified(folder: Path) -> bool:
    try:
        database = await Database.open(folder / DATABASE_NAME)
    except Unavailable:
        return False
    try:
        return (await prove(database, folder)).sound
    finally:
        await database.close()


def _read(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return [connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in STATE]


def _flipped(source: Path, folder: Path, name: str, *places: int) -> Path:
    shutil.copytree(source, folder)
    content = bytearray((folder / name).read_bytes())
    for place in places:
        content[place] ^= 1 << place % 8
    (folder / name).write_bytes(content)
    return folder


def _places(file: Path, flips: int) -> list[int]:
    """Places spread evenly over a file, at another offset of each page."""
    size = file.stat().st_size
    return [size * (2 * number + 1) // (2 * flips) for number in range(flips)]


@pytest.mark.parametrize("flips", FLIPS)
async def test_a_flip_in_the_database_that_changes_what_is_read_is_noticed(
    left: Path, tmp_path: Path, flips: int
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(left, whole)
    assert await _unnoticed(whole)
    before, noticed = _read(whole), 0
    for number, place in enumerate(_places(whole / DATABASE_NAME, flips)):
        folder = _flipped(whole, tmp_path / str(number), DATABASE_NAME, place)
        if await _unnoticed(folder):
            assert _read(folder) == before, f"the flip at {place} changed what is read, and nobody was told"
        else:
            noticed += 1
        shutil.rmtree(folder)
    assert noticed > flips // 2


@pytest.mark.parametrize("flips", FLIPS)
async def test_a_flip_in_a_backup_is_refused_or_undone(left: Path, tmp_path: Path, flips: int) -> None:
    """A backup that is refused leaves nothing behind."""
    whole = tmp_path / "whole"
    shutil.copytree(left, whole)
    database = await Database.open(whole / DATABASE_NAME)
    backup = Path((await backups.back_up(database, tmp_path / "backup")).file)
    await database.close()
    before, refused, content = _read(whole), 0, backup.read_bytes()
    for place in _places(backup, flips):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        backup.write_bytes(flipped)
        folder = tmp_path / "away"
        folder.mkdir()
        try:
            await backups.restore(folder, backup, DATABASE_NAME, AGGREGATES)
        except (Invalid, Unavailable):
            assert list(folder.iterdir()) == [], f"the flip at {place} was refused and left something behind"
            refused += 1
        else:
            assert _read(folder) == before, f"the flip at {place} was restored"
        shutil.rmtree(folder)
    assert refused > flips // 4


async def test_a_flip_in_an_event_or_a_record_it_wrote_is_noticed_by_its_hash(
    left: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(left, whole)
    assert await _verified(whole)
    content = (whole / DATABASE_NAME).read_bytes()
    for number, text in enumerate([b"counter.added", b"resources.changed", b'"number":5', b'"by":5', b"ada"]):
        # Wherever it is, for pages keep remains of what was there: one of them is the event or the record.
        places = [found.end() - 1 for found in re.finditer(re.escape(text), content)]
        assert not await _verified(_flipped(whole, tmp_path / str(number), DATABASE_NAME, *places)), text


@pytest.mark.parametrize("flips", FLIPS)
async def test_a_flip_in_the_write_ahead_log_is_noticed_wherever_it_is(
    left: Path, tmp_path: Path, flips: int
) -> None:
    told = anchor.read(left)
    assert told is not None
    for number, place in enumerate(_places(left / WAL, flips)):
        folder = _flipped(left, tmp_path / str(number), WAL, place)
        assert not await _verified(folder), f"the flip at {place} lost commits, and nobody was told"
        shutil.rmtree(folder)
    whole = tmp_path / "whole"
    shutil.copytree(left, whole)
    assert await _verified(whole)
    assert len(_read(whole)[0]) == told.position


@pytest.mark.parametrize("copies", [3, pytest.param(50, marks=pytest.mark.deep)])
async def test_backups_under_load_restore_to_logs_that_are_sound(copies: int, tmp_path: Path) -> None:
    async with running(tmp_path, prepare=lambda kernel: prepare(kernel, tmp_path)) as kernel:
        load = [asyncio.create_task(_write_on(kernel, number)) for number in range(4)]
        told = []
        for number in range(copies):
            told.append(await backups.back_up(kernel.database, tmp_path / f"copy{number}"))
            await kernel.dispatch.propose("counter/kept", Add(), ADA)
        for task in load:
            task.cancel()
        await asyncio.gather(*load, return_exceptions=True)
    assert [one.position for one in told] == sorted({one.position for one in told})
    for number, one in enumerate(told):
        folder = tmp_path / f"away{number}"
        folder.mkdir()
        restored = await backups.restore(folder, Path(one.file), DATABASE_NAME, AGGREGATES)
        assert restored.position == one.position
        events = await invariants.check_log(folder, [COUNTER])
        assert len(events) == one.position
        shutil.rmtree(folder)


async def _write_on(kernel: Kernel, number: int) -> None:
    while True:
        await write(kernel, put(f"project/{number}", "x" * 300))
        await kernel.dispatch.propose(f"counter/{number}", Add(by=(1, 5)), ADA)
