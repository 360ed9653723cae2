"""Killed at any moment, the log keeps every promise it has made."""

import subprocess
import sys
from collections import Counter as Tally
from pathlib import Path
from typing import Final

import pytest

from cutroom_sdk.wire.codec import decode
from engine.kernel.clock import SystemClock
from engine.kernel.commands import Attempted, Command
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.records import ResourcesChanged
from tests.fault.writer import SINK, prepare
from tests.kernel_kit import ADA, COUNTER, check_invariants, running

ROOT: Final = Path(__file__).resolve().parents[2]
# After how many acknowledgements each kill comes: at once, early, and in the thick of it.
KILLS: Final = (0, 1, 2, 3, 7, 20, 33, 50, 64, 90, 130, 200)


class Promises:
    """What the writer has acknowledged so far: where each number lies."""

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}

    @property
    def first_missing(self) -> int:
        number = 0
        while number in self.positions:
            number += 1
        return number

    def note(self, lines: list[bytes]) -> None:
        for line in lines:
            number, position = map(int, line.split())
            if position:
                assert number not in self.positions, "acknowledged as new, twice"
            self.positions[number] = self.positions.get(number) or position


def _round(folder: Path, promises: Promises, kill_after: int) -> None:
    """Let the writer write until `kill_after` acknowledgements, kill it, and note all that it had said by then."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.fault.writer", str(folder), str(promises.first_missing)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(kill_after)]
        writer.kill()
        # What it said before it died was said; only a line without its end was not.
        said += [line for line in writer.stdout.readlines() if line.endswith(b"\n")]
    assert all(said), "the writer died by itself"
    promises.note(said)


async def _check(folder: Path, promises: Promises) -> None:
    kernel = await Kernel.open(folder, [COUNTER], SystemClock())
    try:
        events = await check_invariants(kernel)
        where = _records(events)
        for number, position in promises.positions.items():
            found = where[f"project/{number}"]
            assert len(found) == 1, "acknowledged, and not there exactly once"
            assert position in (0, found[0])
            record = await kernel.resources.record(f"project/{number}")
            assert record is not None
            assert record.rev == 1
        _check_attempts(folder, events)
    finally:
        await kernel.database.close()


def _records(events: list[Event]) -> dict[str, list[int]]:
    """The positions at which each record was written."""
    where: dict[str, list[int]] = {}
    for event in events:
        if event.type == "resources.changed":
            for one in decode(bytes(event.data), ResourcesChanged).operations:
                where.setdefault(one.key, []).append(event.position)
    return where


def _check_attempts(folder: Path, events: list[Event]) -> None:
    """Whatever reached the outside is on record as an attempt."""
    recorded = {
        (event.stream.removeprefix("outbox/"), decode(bytes(event.data), Attempted).attempt)
        for event in events
        if event.type == "command.attempted"
    }
    sink = folder / SINK
    calls = [line.split() for line in sink.read_text().splitlines()] if sink.exists() else []
    assert {(key, int(attempt)) for key, attempt in calls} <= recorded
    assert len(calls) == len({tuple(call) for call in calls}), "one attempt, one call"


@pytest.mark.timeout(120)
async def test_what_was_acknowledged_survives_every_kill(tmp_path: Path) -> None:
    promises = Promises()
    for kill_after in KILLS:
        _round(tmp_path, promises, kill_after)
        await _check(tmp_path, promises)
    assert len(promises.positions) >= sum(KILLS) - len(KILLS)
    await _finish(tmp_path)
    await _check(tmp_path, promises)


async def _finish(folder: Path) -> None:
    """Start once more in peace: what the kills left undone is done, each echo and each command once."""
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        while True:
            news = kernel.subscriptions.signal
            commands = await kernel.resources.values("outbox", Command)
            fives = Tally(event.stream for event in await _added(kernel) if b'"by":5}' in bytes(event.data))
            state, _ = await kernel.dispatch.state("counter/echo", ADA.partition)
            if not commands and state.total >= fives.total():
                break
            await news.wait()
        assert state.total == fives.total()
        events = await check_invariants(kernel)
    completed = Tally(event.stream for event in events if event.type == "command.completed")
    assert set(completed.values()) == {1}
    assert len(completed) == fives.total()


async def _added(kernel: Kernel) -> list[Event]:
    return await kernel.log.read(after=0, limit=sys.maxsize, type_prefix="counter.added")
