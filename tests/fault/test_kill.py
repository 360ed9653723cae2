"""Killed at any moment, under load or while it recovers from the kill before, the log keeps every promise it has made."""

import asyncio
import hashlib
import shutil
import signal
import sys
from collections import Counter as Tally
from pathlib import Path
from typing import Final

import pytest

from cutroom_sdk.wire.codec import decode
from engine.kernel.clock import SystemClock
from engine.kernel.commands import Command
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.records import ResourcesChanged
from tests.fault import invariants, writer
from tests.fault.births import born
from tests.fault.writer import SINK, prepare
from tests.kernel_kit import ADA, COUNTER, check_invariants, running

KILLS: Final = 20  # of one state directory
ACKNOWLEDGED_MAX: Final = 80
RECOVERY_MS: Final = 120  # a start on what a kill has left takes about as long


def _chance(seed: str, below: int) -> int:
    """A number that nobody has chosen, the same in every run."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) % below


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

    def note(self, lines: list[str]) -> None:
        for line in lines:
            number, position = map(int, line.split())
            if position:
                assert number not in self.positions, "acknowledged as new, twice"
            self.positions[number] = self.positions.get(number) or position


def _under_load(folder: Path, promises: Promises, acknowledged: int) -> None:
    """Let the writer write until it has said so much, kill it, and note all that it had said by then."""
    with born(writer.run, str(folder), promises.first_missing) as child:
        for _ in range(acknowledged):
            assert child.line() is not None, "the writer died by itself"
        assert child.kill() == -signal.SIGKILL
    promises.note(child.lines)


def _in_recovery(folder: Path, promises: Promises, after_ms: int) -> None:
    """Start the writer on what the kill before has left, and kill it before or soon after it is at work again."""
    with born(writer.run, str(folder), promises.first_missing) as child:
        child.line(timeout_s=after_ms / 1000)
        assert child.kill() == -signal.SIGKILL
    promises.note(child.lines)


async def _check(folder: Path, promises: Promises) -> None:
    """Check what the kill has left, as the next start would find it, without touching it."""
    image = folder.with_name("image")
    shutil.copytree(folder, image)
    events = await invariants.check_log(image, [COUNTER])
    where = _records(events)
    for number, position in promises.positions.items():
        found = where[f"project/{number}"]
        assert len(found) == 1, "acknowledged, and not there exactly once"
        assert position in (0, found[0])
    invariants.check_sink(events, _calls(folder), once="")
    kernel = await Kernel.open(image, [COUNTER], SystemClock())
    try:
        for number in promises.positions:
            record = await kernel.resources.record(f"project/{number}")
            assert record is not None
            assert record.rev == 1
    finally:
        await kernel.database.close()
    shutil.rmtree(image)


def _records(events: list[Event]) -> dict[str, list[int]]:
    """The positions at which each record was written."""
    where: dict[str, list[int]] = {}
    for event in events:
        if event.type == "resources.changed":
            for one in decode(bytes(event.data), ResourcesChanged).operations:
                where.setdefault(one.key, []).append(event.position)
    return where


def _calls(folder: Path) -> list[tuple[str, str, int]]:
    sink = folder / SINK
    lines = [line.split() for line in sink.read_text().splitlines()] if sink.exists() else []
    return [("Shout", key, int(attempt)) for key, attempt in lines]


@pytest.mark.parametrize("stories", [1, pytest.param(25, marks=pytest.mark.deep)])
async def test_what_was_acknowledged_survives_every_kill(stories: int, tmp_path: Path) -> None:
    for story in range(stories):
        folder, promises = tmp_path / "state", Promises()
        folder.mkdir()
        for kill in range(KILLS):
            seed = f"{story}/{kill}"
            if kill % 2:
                await asyncio.to_thread(_in_recovery, folder, promises, _chance(seed, RECOVERY_MS))
            else:
                await asyncio.to_thread(_under_load, folder, promises, _chance(seed, ACKNOWLEDGED_MAX))
            await _check(folder, promises)
        await _finish(folder)
        await _check(folder, promises)
        invariants.check_files(folder)
        shutil.rmtree(folder)


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
