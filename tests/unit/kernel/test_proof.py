"""A log that was changed behind the daemon's back is found out, and the place is named."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.log import LogProof, ReplayProof
from cutroom_sdk.wire.resources import Operation
from engine.kernel import anchor
from engine.kernel.commands import COMMAND
from engine.kernel.database import Database
from engine.kernel.dispatch import Asked
from engine.kernel.kernel import DATABASE_NAME, Kernel
from engine.kernel.proof import FINDINGS_MAX, prove
from engine.kernel.reducer import Aggregate
from engine.kernel.replay import check
from tests.kernel_kit import ADA, COUNTER, ELSEWHERE, Add, Shout, put, running, write

AGGREGATES: dict[str, Aggregate[Any, Any, Any]] = {"counter": COUNTER, "outbox": COMMAND}
Lie = Callable[[sqlite3.Connection], object]


async def _nothing(*_: object) -> None:
    pass


async def some_work(folder: Path) -> None:
    """A log with all that there is: records, counters that come and go, commands, two partitions, a time to live."""
    async with running(folder, prepare=lambda kernel: kernel.outbox.handle(Shout, _nothing)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(1, 5, 6)), ADA)
        await write(kernel, put("project/a", {"note": "x"}), put("project/b", 7))
        await kernel.dispatch.propose("counter/a", Add(by=(2,)), ELSEWHERE)
        await write(kernel, Operation(op="delete", key="project/b"), put("project/a", None))
        await write(kernel, put("project/b", 8))
        lasting = Operation(op="put", key="team/x", value=1, ttl_ms=60_000)
        await write(kernel, lasting, context=ELSEWHERE)
        await kernel.dispatch.propose("counter/a", Add(by=(0, 3)), ADA)


async def _proved(folder: Path) -> LogProof:
    database = await Database.open(folder / DATABASE_NAME)
    try:
        return await prove(database, folder)
    finally:
        await database.close()


async def _replayed(folder: Path) -> ReplayProof:
    database = await Database.open(folder / DATABASE_NAME)
    try:
        return await check(database, AGGREGATES)
    finally:
        await database.close()


async def test_a_request_that_published_nothing_does_not_mix_up_what_the_next_one_did(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/b", Add(by=(1,)), ADA)
        await kernel.dispatch.propose("counter/b", Add(by=(0,)), ADA)
        await kernel.dispatch.propose_many([Asked("counter/a", Add()), Asked("counter/b", Add())], ADA)
    proof = await _replayed(tmp_path)
    assert proof.equal, proof.difference


def _lie(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0


async def test_an_empty_log_is_sound(tmp_path: Path) -> None:
    assert (await _proved(tmp_path)).sound
    assert (await _replayed(tmp_path)).equal


async def test_a_log_as_it_was_written_is_sound_and_comes_to_what_is_published(tmp_path: Path) -> None:
    await some_work(tmp_path)
    proof, replayed = await _proved(tmp_path), await _replayed(tmp_path)
    assert proof.findings == ()
    assert proof.anchor is not None
    assert (proof.anchor.position, proof.anchor.hash) == (proof.position, proof.hash)
    assert replayed.difference is None
    assert (replayed.events, replayed.position) == (proof.events, proof.position)


@pytest.mark.parametrize(
    ("statement", "said", "position"),
    [
        ("UPDATE events SET actor = 'mallory' WHERE position = 3", "was changed", 3),
        ("UPDATE events SET at_ms = at_ms + 1 WHERE position = 2", "was changed", 2),
        ("UPDATE events SET data = '{}' WHERE position = 1", "cannot be read", 1),
        ("UPDATE events SET data = X'7B7D' WHERE position = 1", "was changed", 1),
        ("UPDATE events SET hash = zeroblob(32) WHERE position = 2", "was changed", 2),
        ("DELETE FROM events WHERE position = 4", "positions 4 to 4 are missing", 4),
        ("UPDATE events SET version = 9 WHERE stream = 'counter/a' AND version = 3", "version 9", 0),
        ("UPDATE resource_history SET value = '8' WHERE key = 'project/b' AND rev = 1", "was changed", 0),
        ("DELETE FROM resource_history WHERE key = 'project/a' AND rev = 1", "not in the history", 0),
        ("DELETE FROM events WHERE position = (SELECT MAX(position) FROM events)", "its end is lost", 0),
    ],
)
async def test_whatever_was_changed_is_found(
    tmp_path: Path, statement: str, said: str, position: int
) -> None:
    await some_work(tmp_path)
    _lie(tmp_path, statement)
    proof = await _proved(tmp_path)
    assert not proof.sound
    assert said in proof.findings[0].detail
    assert position in (0, proof.findings[0].position)


async def test_one_change_is_one_finding_though_all_hashes_follow_from_it(tmp_path: Path) -> None:
    await some_work(tmp_path)
    _lie(tmp_path, "UPDATE events SET actor = 'mallory' WHERE position = 3")
    assert len((await _proved(tmp_path)).findings) == 1


async def test_of_much_that_is_wrong_the_first_is_told(tmp_path: Path) -> None:
    await some_work(tmp_path)
    _lie(tmp_path, "UPDATE events SET actor = 'mallory'")
    findings = (await _proved(tmp_path)).findings
    assert [one.position for one in findings] == list(range(1, FINDINGS_MAX + 1))


async def test_a_log_rewritten_with_fitting_hashes_is_told_by_the_anchor(tmp_path: Path) -> None:
    await some_work(tmp_path)
    told = anchor.read(tmp_path)
    (tmp_path / "other").mkdir()
    async with running(tmp_path / "other") as kernel:
        while kernel.dispatch.head < (told.position if told else 0) + 3:
            await kernel.dispatch.propose("counter/a", Add(), ADA)
    (tmp_path / "other" / DATABASE_NAME).replace(tmp_path / DATABASE_NAME)
    (finding,) = (await _proved(tmp_path)).findings
    assert "not the one beside the log" in finding.detail


@pytest.mark.parametrize(
    ("statement", "key", "said"),
    [
        ("UPDATE resources SET value = '0' WHERE key = 'counter/a'", "counter/a", "published otherwise"),
        ("UPDATE resources SET rev = 9 WHERE key = 'project/b'", "project/b", "published otherwise"),
        ("UPDATE resources SET ttl_ms = 1 WHERE key = 'team/x'", "team/x", "published otherwise"),
        ("DELETE FROM resources WHERE key = 'counter/a/full'", "counter/a/full", "not published"),
        ("UPDATE resources SET key = 'z/z' WHERE key = 'team/x'", "z/z", "published otherwise"),
        ("UPDATE resource_history SET rev = 7 WHERE key = 'counter/a' AND rev = 2", "counter/a", "comes to"),
        (
            "UPDATE resource_history SET value = NULL WHERE key = 'counter/a/full'",
            "counter/a/full",
            "comes to",
        ),
        ("DELETE FROM resource_history WHERE key = 'counter/a/full'", "counter/a/full", "comes to"),
        ("UPDATE events SET data = X'7B7D' WHERE stream = 'counter/a'", "counter/a", "cannot be folded"),
        ("UPDATE events SET data = '{}' WHERE stream = 'counter/a'", "", "cannot be read"),
        ("UPDATE events SET stream = 'gone/a' WHERE stream = 'counter/a'", "gone/a", "no reducer"),
    ],
)
async def test_replay_names_the_first_difference(tmp_path: Path, statement: str, key: str, said: str) -> None:
    await some_work(tmp_path)
    _lie(tmp_path, statement)
    replayed = await _replayed(tmp_path)
    assert not replayed.equal
    assert replayed.difference is not None
    assert replayed.difference.key == key
    assert said in replayed.difference.detail


async def test_both_can_be_asked_while_the_log_grows(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        for _ in range(20):
            await kernel.dispatch.propose("counter/a", Add(), ADA)
            proof, replayed = await prove(kernel.database, tmp_path), await check(kernel.database, AGGREGATES)
            assert proof.sound
            assert replayed.equal
            assert proof.position == replayed.position == _head(kernel)


def _head(kernel: Kernel) -> int:
    return kernel.dispatch.head
