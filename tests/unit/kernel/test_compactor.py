"""A compacted log is the same log with a shorter past: what is there today, what comes, and what proves it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.log import CompactedLog
from cutroom_sdk.wire.resources import Operation
from engine.kernel import anchor, backups, compactor, reactions, transfer
from engine.kernel.commands import Command
from engine.kernel.compaction import STREAM, LogCompacted
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Compacted, Conflict, Invalid, Unavailable
from engine.kernel.kernel import DATABASE_NAME, Kernel
from engine.kernel.log import Event
from engine.kernel.proof import prove
from tests.compaction_kit import AGGREGATES, KEEPER, check_sound, export, opened, take_in
from tests.kernel_kit import ADA, COUNTER, Add, Added, FakeClock, Shout, put, running, until, write
from tests.unit.kernel.test_proof import some_work


async def compact(kernel: Kernel, before: int | None = None) -> CompactedLog:
    head = kernel.dispatch.head
    return await kernel.compactor.compact(head + 1 if before is None else before, KEEPER)


def _rows(folder: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        return connection.execute(query).fetchall()


def _lie(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0


async def test_what_went_is_gone_and_what_it_came_to_is_there(tmp_path: Path) -> None:
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        head, state = kernel.dispatch.head, await kernel.dispatch.state("counter/a", ADA.partition)
        told = await compact(kernel)
        assert (told.position, told.events, told.held_by) == (head, head, None)
        assert [event.type for event in await kernel.log.read(after=head)] == ["log.compacted"]
        await check_sound(kernel.database, tmp_path)
        await kernel.dispatch.propose("counter/a", Add(by=(4,)), ADA)
    history = (
        "SELECT COUNT(*), COUNT(DISTINCT partition || ' ' || key) FROM resource_history WHERE position <= ?"
    )
    ((kept, keys),) = _rows(tmp_path, history.replace("?", str(head)))
    assert kept == keys == told.resources
    async with running(tmp_path) as kernel:
        after, version = await kernel.dispatch.state("counter/a", ADA.partition)
        assert (after.total, version) == (state[0].total + 4, state[1] + 1)
        await check_sound(kernel.database, tmp_path)


async def test_the_event_says_what_the_checkpoint_is_and_who_made_it(tmp_path: Path) -> None:
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        told = await compact(kernel)
        (event,) = await kernel.log.stream(DEFAULT_PARTITION, STREAM)
        assert event.actor == "keeper"
        found = decode(bytes(event.data), LogCompacted)
        assert (found.position, found.hash, found.checkpoint) == (told.position, told.hash, told.checkpoint)


async def test_a_log_is_compacted_again_from_its_checkpoint(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        for number in range(4):
            await kernel.dispatch.propose("counter/a", Add(by=(1, 1)), ADA)
            await write(kernel, put("project/a", number), put(f"project/{number}", number))
            told = await compact(kernel, kernel.dispatch.head - 1)
            assert told.position < kernel.dispatch.head
            await check_sound(kernel.database, tmp_path)
        assert (await kernel.dispatch.state("counter/a", ADA.partition))[0].total == 8
        record = await kernel.resources.record("project/a")
        assert record is not None
        assert record.rev == 4
    assert _rows(tmp_path, "SELECT COUNT(DISTINCT position) FROM checkpoint_streams") == [(1,)]


async def test_nothing_is_done_where_there_is_nothing_to_do(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        assert (await compact(kernel)).events == 0
        await write(kernel, put("project/a", 1))
        await compact(kernel)
        head = kernel.dispatch.head
        assert (await compact(kernel, 1)).events == (await compact(kernel, 2)).events == 0
        assert kernel.dispatch.head == head


async def test_a_position_beyond_the_head_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        with pytest.raises(Conflict, match="beyond the head 0"):
            await compact(kernel, 2)


async def test_a_request_is_never_cut_in_two(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1))
        await kernel.dispatch.propose("counter/a", Add(by=(1, 1, 1)), ADA)
        for before in (2, 3, 4):
            assert (await compact(kernel, before)).position == 1
        assert (await compact(kernel, 5)).position == 4


async def test_a_time_is_the_first_position_that_is_not_before_it(tmp_path: Path) -> None:
    clock = FakeClock(1_000)
    async with running(tmp_path, clock=clock) as kernel:
        assert await kernel.compactor.position_at(0) == 1
        for at_ms in (1_000, 2_000, 2_000, 3_000):
            clock.at_ms = at_ms
            await write(kernel, put("project/a", at_ms))
        found = [
            await kernel.compactor.position_at(at_ms) for at_ms in (0, 1_000, 1_001, 2_000, 2_001, 9_000)
        ]
        assert found == [1, 1, 2, 2, 4, 5]


async def test_the_past_before_the_beginning_is_refused_and_the_past_after_it_told(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await write(kernel, put("project/a", 1), put("project/b", 1))
        await write(kernel, put("project/a", 2))
        await write(kernel, put("project/a", 3))
        await compact(kernel, 3)
        assert kernel.log.oldest == 2
        for key, at, rev in (("project/a", 2, 2), ("project/b", 2, 1), ("project/a", 3, 3)):
            record, _ = await kernel.resources.as_of(key, at)
            assert record is not None
            assert record.rev == rev
        with pytest.raises(Compacted) as refused:
            await kernel.resources.as_of("project/a", 1)
        assert refused.value.extra == {"oldest": 2}
        with pytest.raises(Compacted):
            await kernel.log.read(after=1)
        assert [event.position for event in await kernel.log.read(after=2, limit=1)] == [3]
    async with running(tmp_path) as kernel:
        with pytest.raises(Compacted):
            await kernel.subscriptions.changes_after(1)
        assert [one.position for one in (await kernel.subscriptions.changes_after(2))[0]] == [3]


async def test_what_is_unfinished_is_carried_out_from_the_checkpoint(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:  # nobody carries commands out yet
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await compact(kernel)
    heard: list[int] = []

    async def shout(command: Shout, _effect: object) -> None:
        heard.append(command.total)

    async with running(tmp_path, prepare=lambda kernel: kernel.outbox.handle(Shout, shout)) as kernel:
        async with asyncio.timeout(10):
            news = kernel.subscriptions.signal
            while await kernel.resources.values("outbox", Command):
                await news.wait()
                news = kernel.subscriptions.signal
        await check_sound(kernel.database, tmp_path)
    assert heard == [5]


async def test_nothing_goes_that_a_reaction_has_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert await kernel.reactions.seen(kernel.dispatch.head) == kernel.dispatch.head
    monkeypatch.setattr(reactions, "PATIENCE_S", 0.01)
    kernel = await Kernel.open(tmp_path, [COUNTER], FakeClock())
    async with kernel.writing():  # the reactions do not run, and stand where the last daemon has left them
        seen = kernel.dispatch.head
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        told = await compact(kernel)
        assert (told.position, told.held_by) == (seen, "reactions")
        await check_sound(kernel.database, tmp_path)
    seen_too: list[int] = []

    def react(_event: Added, recorded: Event) -> list[Asked]:
        seen_too.append(recorded.position)
        return []

    monkeypatch.undo()
    async with running(tmp_path, prepare=lambda one: one.reactions.on(Added, "look", react)) as kernel:
        assert (await compact(kernel)).held_by is None
    assert seen_too == [seen + 1]


async def test_reactions_do_not_read_again_what_concerned_none_of_them(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert await kernel.reactions.seen(1) == 1
    assert _rows(tmp_path, "SELECT position FROM checkpoints") == [(1,)]


async def test_a_log_that_is_not_sound_is_not_compacted(tmp_path: Path) -> None:
    await some_work(tmp_path)
    _lie(tmp_path, "UPDATE events SET actor = 'mallory' WHERE position = 3")
    async with running(tmp_path) as kernel:
        head = kernel.dispatch.head
        with pytest.raises(Conflict, match="nothing is compacted"):
            await compact(kernel)
        assert (kernel.dispatch.head, kernel.log.oldest) == (head, 0)


async def test_what_does_not_come_to_what_is_published_is_not_compacted(tmp_path: Path) -> None:
    await some_work(tmp_path)
    _lie(tmp_path, "UPDATE resource_history SET value = '0' WHERE key = 'counter/a/full'")
    async with running(tmp_path) as kernel:
        with pytest.raises(Conflict, match="nothing is compacted"):
            await compact(kernel)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE checkpoint_streams SET version = 9 WHERE stream = 'counter/a'", ""),
        (
            "UPDATE checkpoint_streams SET state = CAST('{\"total\":9}' AS BLOB) WHERE state NOT NULL",
            "was changed",
        ),
        ("DELETE FROM checkpoint_streams WHERE stream LIKE 'outbox/%'", "was changed"),
        ("UPDATE resource_history SET value = CAST('9' AS BLOB) WHERE key = 'project/b'", "was changed"),
        ("UPDATE resource_history SET rev = 99 WHERE key = 'team/x'", "was changed"),
        ("UPDATE log_beginning SET hash = zeroblob(32)", "was changed"),
        ("UPDATE log_beginning SET shapes = CAST('{}' AS BLOB)", "was changed"),
        ("UPDATE log_beginning SET position = position - 1", "missing"),
        ("DELETE FROM log_beginning", "missing"),
        (
            "UPDATE events SET stream = 'log/other' WHERE type = 'log.compacted'",
            "no event of the log speaks of",
        ),
    ],
)
async def test_a_checkpoint_that_was_changed_is_found(tmp_path: Path, statement: str, said: str) -> None:
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        await compact(kernel)
        await kernel.dispatch.propose("counter/a", Add(by=(4,)), ADA)
    _lie(tmp_path, statement)
    database = await opened(tmp_path)
    proof = await prove(database, tmp_path)
    await database.close()
    assert not proof.sound
    assert said in " ".join(finding.detail for finding in proof.findings)


async def test_an_anchor_from_before_the_beginning_is_not_believed(tmp_path: Path) -> None:
    await some_work(tmp_path)
    old = anchor.read(tmp_path)
    assert old is not None
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await compact(kernel)
    anchor.write(tmp_path, old)
    with pytest.raises(Unavailable, match="one of the two is not of this log"):
        await Kernel.open(tmp_path, [COUNTER], FakeClock())
    database = await opened(tmp_path)
    assert "the log begins after" in (await prove(database, tmp_path)).findings[0].detail
    await database.close()


async def test_an_export_begins_with_the_checkpoint_and_can_be_taken_in(tmp_path: Path) -> None:
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        told = await compact(kernel, 6)
        lines = await export(kernel.database)
        head, hash_ = kernel.dispatch.head, kernel.dispatch.hash
        with pytest.raises(Compacted):
            [part async for part in transfer.export(kernel.database, 1)]
    first = msgspec.json.decode(lines[0])["checkpoint"]
    assert (first["position"], first["checkpoint"]) == (told.position, told.checkpoint)
    assert len(lines) == 1 + first["streams"] + first["resources"] + head - told.position
    await take_in(tmp_path / "other", lines)
    async with running(tmp_path / "other") as kernel:
        assert (kernel.dispatch.head, kernel.dispatch.hash, kernel.log.oldest) == (head, hash_, told.position)
        assert await export(kernel.database) == lines


async def test_a_checkpoint_that_was_changed_on_the_way_is_refused(tmp_path: Path) -> None:
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        await compact(kernel, 6)
        lines = await export(kernel.database)
    whole = b"".join(lines)
    mistakes = [
        (whole.replace(b'"state":{"total":', b'"state":{"total":1', 1), "its hash is another"),
        (
            whole.replace(b'"stream":"counter/a","version":', b'"stream":"counter/a","version":1', 1),
            "its hash is",
        ),
        (whole.replace(b'"deleted":false', b'"deleted":true', 1), "its hash is another"),
        (b"".join(lines[:3]), "ends before it is whole"),
        (b"".join(lines[1:]), "is no event"),
        (b"".join(lines[:-1]), "own event speaks of"),
    ]
    for number, (content, said) in enumerate(mistakes):
        assert content != whole
        with pytest.raises(Invalid, match=said):
            await take_in(tmp_path / str(number), content.splitlines(keepends=True))


async def test_a_backup_of_a_compacted_log_restores_to_it(tmp_path: Path) -> None:
    copy, away = tmp_path / "copy.db", tmp_path / "away"
    away.mkdir()
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        told = await compact(kernel, 6)
        await backups.back_up(kernel.database, copy)
    await backups.restore(away, copy, DATABASE_NAME, AGGREGATES)
    async with running(away) as kernel:
        assert kernel.log.oldest == told.position
        await check_sound(kernel.database, away)


async def test_the_file_gives_back_what_it_no_longer_needs(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        for number in range(40):
            await write(kernel, *(put(f"project/{n}", "x" * 3000 + str(number)) for n in range(8)))
        await kernel.database.fold_in()
        told = await compact(kernel)
        assert told.bytes_after < told.bytes_before / 2
        assert (await kernel.database.read(lambda one: one.execute("PRAGMA freelist_count").fetchone())) == (
            0,
        )


async def test_a_file_of_before_gives_back_what_it_no_longer_needs_once_it_was_rewritten(
    tmp_path: Path,
) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as older:
        older.execute("CREATE TABLE older (x)")
    async with running(tmp_path) as kernel:
        await write(kernel, *(put(f"project/{n}", "x" * 30_000) for n in range(8)))
        await write(kernel, *(Operation(op="delete", key=f"project/{n}") for n in range(8)))
        await kernel.database.fold_in()
        told = await compact(kernel)
        assert told.bytes_after == told.bytes_before
        await kernel.database.rewrite()
        assert kernel.database.size < told.bytes_after / 2
        await check_sound(kernel.database, tmp_path)
    assert _rows(tmp_path, "PRAGMA auto_vacuum") == [(2,)]


async def test_writes_go_on_between_the_pieces_of_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compactor, "STEP", 1)
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        head = kernel.dispatch.head
        compacting = asyncio.create_task(compact(kernel))
        while not compacting.done():
            await kernel.dispatch.propose("counter/b", Add(), ADA)
        assert (await compacting).position == head
        assert kernel.dispatch.head > head + 5
        await check_sound(kernel.database, tmp_path)


async def test_proofs_and_comparisons_beside_a_compaction_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.kernel.proof.PAGE", 1)
    monkeypatch.setattr("engine.kernel.replay.PAGE", 1)
    await some_work(tmp_path)
    async with running(tmp_path) as kernel:
        compacting = asyncio.create_task(compact(kernel, 8))
        while not compacting.done():
            assert (await prove(kernel.database, tmp_path)).findings == ()
        await until(kernel, compacting.done)
        await check_sound(kernel.database, tmp_path)


async def test_nothing_goes_before_the_anchor_stands_behind_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_work(tmp_path)
    delete, anchors = compactor._delete_events, list[int]()

    def watched(connection: sqlite3.Connection, position: int) -> int:
        told = anchor.read(tmp_path)
        assert told is not None
        anchors.append(told.position - position)
        return delete(connection, position)

    monkeypatch.setattr(compactor, "_delete_events", watched)
    monkeypatch.setattr(
        anchor.Keeper, "run", lambda _: asyncio.Event().wait()
    )  # nobody else writes it meanwhile
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await compact(kernel)
    assert anchors
    assert min(anchors) >= 0


async def test_reactions_go_on_behind_the_beginning_whatever_comes_after_the_switch(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        told = await compact(kernel)
        # Not at the end of the daemon, which a crash never comes to.
        assert _rows(tmp_path, "SELECT position FROM checkpoints") == [(told.position,)]
