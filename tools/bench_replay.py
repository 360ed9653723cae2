"""Measures how fast a log is read back, and how soon a daemon is ready on a long one.

Two logs of a million events are written as dispatch would have written them, hashes and history included, only faster: of
few streams with very many events each (runs whose tools are called again and again), and of very many streams with few
(commands, three events each). CPU seconds beside the wall's say what a shared machine has added.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from msgspec import Raw, Struct

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.log import Anchor
from engine.features import AGGREGATES
from engine.kernel import anchor, changes, commands, log
from engine.kernel.chain import START
from engine.kernel.clock import SystemClock, monotonic_s
from engine.kernel.context import DEFAULT_PARTITION, engine_context
from engine.kernel.database import Database
from engine.kernel.heads import Heads
from engine.kernel.ids import derived_id
from engine.kernel.kernel import DATABASE_NAME, Kernel, with_own
from engine.kernel.log import Event, Log
from engine.kernel.proof import prove
from engine.kernel.rebuild import Rebuild
from engine.kernel.reducer import tag_of
from engine.kernel.replay import check
from engine.runs import types as runs
from tools.markdown import table

EVENTS: Final = 1_000_000
FEW: Final = 10
PAGE: Final = 20_000
AT_MS: Final = 1_700_000_000_000
BY_KIND: Final = with_own(AGGREGATES)
T = TypeVar("T")
Told = tuple[str, int, Struct]  # stream, version, event


class Taken(NamedTuple):
    """How long something took, on the wall and in this process's CPU."""

    wall_s: float
    cpu_s: float


def few_streams(count: int) -> Iterator[Told]:
    """Yield `count` events of few runs, in turn."""
    work = runs.Work(
        mission_id="m",
        work_item_id="i",
        attempt=1,
        tool="render",
        manual=False,
        input={},
        refs=(),
        reasons=(),
        capabilities=(),
    )
    for number in range(count):
        version, run = divmod(number, FEW)
        event: Struct
        if version == 0:
            event = runs.Queued(work=work)
        elif version == 1:
            event = runs.Started(mission_id="m", work_item_id="i")
        else:
            event = runs.ToolObserved(mission_id="m", work_item_id="i", tool="render", call=version - 1)
        yield f"run/r{run}", version + 1, event


def many_streams(count: int) -> Iterator[Told]:
    """Yield `count` events of commands that are enqueued, attempted and completed."""
    for number in range(count):
        command, step = divmod(number, 3)
        events: tuple[Struct, ...] = (
            commands.Enqueued(command="start_run", stream="run/r", data=Raw(b'{"run_id":"r"}')),
            commands.Attempted(attempt=1),
            commands.Completed(),
        )
        yield f"{commands.KIND}/{derived_id('bench', command)}", step + 1, events[step]


def _recorded(told: Iterator[Told]) -> Iterator[Event]:
    for position, (stream, version, event) in enumerate(told, 1):
        yield Event(
            position=position,
            partition=DEFAULT_PARTITION,
            stream=stream,
            version=version,
            type=tag_of(type(event)),
            at_ms=AT_MS + position,
            actor="engine:bench",
            correlation_id="",
            causation_id="",
            data=Raw(encode(event)),
        )


def _append(
    connection: sqlite3.Connection, page: list[Event], written: list[changes.Change], hash_: bytes
) -> bytes:
    changes.insert(connection, written)
    return log.insert(connection, page, hash_, {})


async def write(folder: Path, told: Iterator[Told]) -> None:
    """Write a log of these events, each a request of its own, with all that they publish."""
    database = await Database.open(folder / DATABASE_NAME)
    rebuild, events, hash_, position = Rebuild(BY_KIND), _recorded(told), START, 0
    try:
        while page := list(islice(events, PAGE)):
            written = [change for event in page for change in rebuild.fold(event.row(), (), published=True)]
            hash_ = await database.write(partial(_append, page=page, written=written, hash_=hash_))
            position = page[-1].position
        await database.write(
            lambda connection: connection.execute(
                "INSERT INTO checkpoints VALUES ('reactions', ?)", (position,)
            )
        )
    finally:
        await database.close()
    anchor.write(folder, Anchor(position=position, hash=hash_.hex()))


async def timed(work: Callable[[], Awaitable[T]]) -> tuple[T, Taken]:
    """Return what `work` gives and how long it took."""
    wall, cpu = monotonic_s(), time.process_time()
    found = await work()
    return found, Taken(monotonic_s() - wall, time.process_time() - cpu)


async def fold_streams(folder: Path, streams: list[str]) -> tuple[int, Taken]:
    """Return how many events these streams have, and how long dispatch takes to have their states."""
    database = await Database.open(folder / DATABASE_NAME)
    heads = Heads(database, Log(database), dict(BY_KIND))

    async def work() -> int:
        return sum([(await heads.replay(DEFAULT_PARTITION, stream)).version for stream in streams])

    try:
        return await timed(work)
    finally:
        await database.close()


async def _checked(folder: Path) -> tuple[int, Taken]:
    database = await Database.open(folder / DATABASE_NAME)
    try:
        found, taken = await timed(lambda: check(database, BY_KIND))
    finally:
        await database.close()
    assert found.equal, found.difference
    return found.events, taken


async def _proved(folder: Path) -> tuple[int, Taken]:
    database = await Database.open(folder / DATABASE_NAME)
    try:
        found, taken = await timed(lambda: prove(database, folder))
    finally:
        await database.close()
    assert found.sound, found.findings
    return found.events, taken


async def _compacted(folder: Path, before: int) -> tuple[int, Taken]:
    kernel = await Kernel.open(folder, AGGREGATES, SystemClock())
    async with kernel.writing():
        found, taken = await timed(lambda: kernel.compactor.compact(before, engine_context("bench")))
    return found.events, taken


def start_daemon(folder: Path) -> float:
    """Return the seconds from the start of a daemon's process to the line that says it is ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_")}
    begun_s = monotonic_s()
    daemon = subprocess.Popen(
        [sys.executable, "-m", "engine.daemon", "serve", "--port", "0", "--state-dir", str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    with daemon:
        assert daemon.stdout is not None
        line = daemon.stdout.readline()
        ready_s = monotonic_s() - begun_s
        daemon.terminate()
    assert "ready" in line, line
    return ready_s


def measure(space: Path, events: int = EVENTS) -> str:
    """Return a table: what is read of each log, how fast, and how soon a daemon is ready on it."""
    rows: list[tuple[str, ...]] = []
    logs = {"few": few_streams, "many": many_streams}
    for name, told in logs.items():
        with tempfile.TemporaryDirectory(dir=space) as made:
            folder = Path(made)
            asyncio.run(write(folder, told(events)))
            streams = [f"run/r{number}" for number in range(FEW)]
            if name == "many":
                streams = [f"{commands.KIND}/{derived_id('bench', number)}" for number in range(5_000)]
            rows.append(_row(name, "a stream's state", *asyncio.run(fold_streams(folder, streams))))
            rows.append(_row(name, "replay --check", *asyncio.run(_checked(folder))))
            rows.append(_row(name, "log verify", *asyncio.run(_proved(folder))))
            rows.append(
                (name, "daemon ready", "", f"{min(start_daemon(folder) for _ in range(3)):.2f}", "", "", "")
            )
            rows.append(_row(name, "log compact", *asyncio.run(_compacted(folder, events // 10 * 9))))
            rows.append((name, "daemon ready, compacted", "", f"{start_daemon(folder):.2f}", "", "", ""))
    return table(("log", "work", "events", "s", "CPU s", "events/s", "events/CPU s"), rows)


def _row(name: str, what: str, events: int, taken: Taken) -> tuple[str, ...]:
    rates = (f"{events / taken.wall_s:.0f}", f"{events / taken.cpu_s:.0f}")
    return (name, what, str(events), f"{taken.wall_s:.2f}", f"{taken.cpu_s:.2f}", *rates)
