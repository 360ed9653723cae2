"""The one write path: what is accepted is durable and told, what is refused leaves nothing behind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import dispatch as dispatch_module
from engine.kernel import heads as heads_module
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked, Told
from engine.kernel.errors import Conflict, Rejected, Unavailable
from engine.kernel.kernel import Kernel
from engine.kernel.records import STREAM, WriteRecords
from tests.kernel_kit import (
    ADA,
    COUNTER,
    ELSEWHERE,
    Add,
    Break,
    Counter,
    FakeClock,
    check_invariants,
    events_of,
    put,
    running,
    write,
)


async def test_what_is_accepted_is_in_the_log_with_who_when_and_why(tmp_path: Path) -> None:
    context = Context(actor="ada", human=True, correlation_id="request-1", causation_id="cause-1")
    async with running(tmp_path, clock=FakeClock(7_000)) as kernel:
        accepted = await kernel.dispatch.propose("counter/a", Add(by=(1, 2)), context)
        assert (accepted.state, accepted.version, accepted.position) == (Counter(total=3, by="ada"), 2, 2)
        first, second = await events_of(kernel)
        assert (first.stream, first.version, first.type, first.at_ms) == (
            "counter/a",
            1,
            "counter.added",
            7_000,
        )
        assert (first.actor, first.correlation_id, first.causation_id) == ("ada", "request-1", "cause-1")
        assert bytes(second.data) == b'{"type":"counter.added","by":2}'
        assert accepted.events == (first, second)


async def test_a_proposal_without_events_is_accepted_at_the_head(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        accepted = await kernel.dispatch.propose("counter/a", Add(by=()), ADA)
        assert (accepted.events, accepted.version, accepted.position) == ((), 1, 1)


async def test_time_in_the_log_never_goes_back_even_across_a_restart(tmp_path: Path) -> None:
    clock = FakeClock(5_000)
    async with running(tmp_path, clock=clock) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    clock.at_ms = 1_000
    async with running(tmp_path, clock=clock) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert [event.at_ms for event in await events_of(kernel)] == [5_000, 5_000]


async def test_the_expected_version_must_be_the_streams(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA, expected_version=0)
        with pytest.raises(Conflict) as caught:
            await kernel.dispatch.propose("counter/a", Add(), ADA, expected_version=0)
        assert caught.value.extra == {"expected": 0, "actual": 1}
        assert await kernel.dispatch.state("counter/a", ADA.partition) == (Counter(total=1, by="ada"), 1)


async def test_of_many_who_expect_the_same_version_one_wins(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        asked = [kernel.dispatch.propose("counter/a", Add(), ADA, expected_version=0) for _ in range(20)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, Conflict) for answer in answers) == 19
        assert len(await check_invariants(kernel)) == 1


async def test_a_refusal_or_a_bug_is_its_callers_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        proposals: list[Any] = [Add(), Add(by=(3, -1)), Add(), Break(), Add()]
        asked = [kernel.dispatch.propose("counter/a", proposal, ADA) for proposal in proposals]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer).__name__ for answer in answers] == [
            "Accepted",
            "Rejected",
            "Accepted",
            "ZeroDivisionError",
            "Accepted",
        ]
        assert await kernel.dispatch.state("counter/a", ADA.partition) == (Counter(total=3, by="ada"), 3)
        await check_invariants(kernel)


async def test_what_waits_together_is_committed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as kernel:
        commits = _commits(kernel, monkeypatch)
        await asyncio.gather(*(kernel.dispatch.propose(f"counter/{n % 7}", Add(), ADA) for n in range(100)))
        assert len(commits) == 1
        assert len(await check_invariants(kernel)) == 100


async def test_a_batch_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_module, "BATCH", 10)
    async with running(tmp_path) as kernel:
        commits = _commits(kernel, monkeypatch)
        await asyncio.gather(*(kernel.dispatch.propose("counter/a", Add(), ADA) for _ in range(95)))
        assert len(commits) == 10


def _commits(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows by one with every transaction."""
    original, seen = kernel.database.write, list[Any]()

    async def counted(work: Any) -> Any:
        seen.append(work)
        return await original(work)

    monkeypatch.setattr(kernel.database, "write", counted)
    return seen


async def test_several_proposals_are_accepted_together_or_not_at_all(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        both = await kernel.dispatch.propose_many([Asked("counter/a", Add()), Asked("counter/b", Add())], ADA)
        assert [(one.stream, one.version, one.position) for one in both] == [
            ("counter/a", 1, 2),
            ("counter/b", 1, 2),
        ]
        with pytest.raises(Rejected):
            await kernel.dispatch.propose_many(
                [Asked("counter/a", Add()), Asked("counter/b", Add(by=(-1,)))], ADA
            )
        assert (await kernel.dispatch.state("counter/a", ADA.partition))[1] == 1
        assert len(await check_invariants(kernel)) == 2


async def test_all_that_a_request_changes_is_seen_at_its_last_position(tmp_path: Path) -> None:
    """Clients apply a position's changes as one, so a request's must not lie at several."""
    async with running(tmp_path) as kernel:
        asked = [
            Asked(STREAM, WriteRecords(operations=(put("project/a", 1),))),
            Asked("counter/a", Add(by=(1, 1))),
        ]
        accepted = await kernel.dispatch.propose_many(asked, ADA)
        found, _ = await kernel.subscriptions.changes_after(0)
        assert [(change.key, change.position) for change in found] == [("project/a", 3), ("counter/a", 3)]
        assert {one.position for one in accepted} == {3}


async def test_a_later_proposal_of_a_request_sees_the_earlier_ones(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        asked = [Asked("counter/a", Add(by=(2,))), Asked("counter/a", Add(by=(3,)), expected_version=1)]
        first, second = await kernel.dispatch.propose_many(asked, ADA)
        # One transaction has one outcome: both answers show where the stream has come to.
        assert first.state == second.state == Counter(total=5, by="ada")


async def test_partitions_do_not_see_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(4,)), ADA)
        there = await kernel.dispatch.propose("counter/a", Add(), ELSEWHERE)
        assert (there.state.total, there.version) == (1, 1)
        assert await kernel.resources.value("counter/a", Counter, "acme/prod") == Counter(total=1, by="eve")
        await check_invariants(kernel)


async def test_listeners_hear_every_commit_once_and_in_order(tmp_path: Path) -> None:
    heard: list[Told] = []
    async with running(tmp_path, prepare=lambda kernel: kernel.dispatch.listen(heard.append)) as kernel:
        await asyncio.gather(*(kernel.dispatch.propose("counter/a", Add(by=(1, 1)), ADA) for _ in range(20)))
        positions = [event.position for told in heard for event in told.events]
        assert positions == list(range(1, 41))


async def test_a_caller_who_goes_away_does_not_stop_the_commit(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        asked = asyncio.ensure_future(kernel.dispatch.propose("counter/a", Add(), ADA))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert len(await check_invariants(kernel)) == 2


async def test_what_waits_when_the_kernel_stops_is_still_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_module, "BATCH", 3)
    kernel = await Kernel.open(tmp_path, [COUNTER], FakeClock())
    async with kernel.running():
        asked = [asyncio.ensure_future(kernel.dispatch.propose("counter/a", Add(), ADA)) for _ in range(20)]
        await asyncio.sleep(0)
    assert [(await one).version for one in asked] == list(range(1, 21))


async def test_a_stopped_log_says_so_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        pass
    with pytest.raises(Unavailable, match="stopping"):
        await asyncio.wait_for(kernel.dispatch.propose("counter/a", Add(), ADA), 1)


async def test_when_the_committer_dies_nobody_is_left_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as kernel:
        monkeypatch.setattr(kernel.dispatch, "_tell", lambda _: 1 / 0)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(kernel.dispatch.propose("counter/a", Add(), ADA), 5)
        await asyncio.wait_for(kernel.database.broken.wait(), 5)


async def test_a_read_that_a_commit_overtakes_leaves_no_old_state_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads a stream that is not in memory; before the read is back, the stream has moved on."""
    async with running(tmp_path) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
    async with running(tmp_path) as kernel:
        read, has_read, go_on = kernel.log.past, asyncio.Event(), asyncio.Event()

        async def slow(partition: str, stream: str) -> Any:
            found = await read(partition, stream)
            monkeypatch.setattr(kernel.log, "past", read)
            has_read.set()
            await go_on.wait()
            return found

        monkeypatch.setattr(kernel.log, "past", slow)
        overtaken = asyncio.ensure_future(kernel.dispatch.state("counter/a", ADA.partition))
        await has_read.wait()
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        go_on.set()
        await overtaken
        assert (await kernel.dispatch.propose("counter/a", Add(), ADA)).version == 3
        await check_invariants(kernel)


async def test_streams_and_records_beyond_what_memory_holds_are_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads_module, "STREAMS", 2)
    monkeypatch.setattr(heads_module, "RECORDS", 100)
    monkeypatch.setattr(heads_module, "RECORDS_BYTES", 20)
    async with running(tmp_path) as kernel:
        for _ in range(3):
            for name in "abcde":
                await kernel.dispatch.propose(f"counter/{name}", Add(), ADA)
                await write(kernel, put(f"project/{name}", "x" * 15))
        assert (await kernel.dispatch.state("counter/a", ADA.partition))[0].total == 3
        assert (await write(kernel, put("project/a", 1, if_match_rev=3))).revs == {"project/a": 4}
        await check_invariants(kernel)


async def test_a_refusal_is_told_no_sooner_than_what_it_refers_to_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request of a batch is refused because of the first; when that one fails, so does the second."""
    async with running(tmp_path) as kernel:

        async def fails(_work: Any) -> Any:
            raise Unavailable("the disk is full", code="insufficient_storage")

        monkeypatch.setattr(kernel.database, "write", fails)
        asked = [
            kernel.dispatch.propose("counter/a", Add(), ADA, expected_version=0),
            kernel.dispatch.propose("counter/a", Add(), ADA, expected_version=0),
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
