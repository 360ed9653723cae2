"""Every event is reacted to exactly once, whatever ends the daemon and whoever refuses."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import patience
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Unavailable
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from tests.kernel_kit import ADA, ELSEWHERE, Add, Added, Break, FakeClock, check_invariants, running, until

React = Callable[[Added, Event], Sequence[Asked]]


def echo(event: Added, recorded: Event) -> Sequence[Asked]:
    """Have `counter/echo` add what others add."""
    return () if recorded.stream == "counter/echo" else (Asked("counter/echo", Add(by=(event.by,))),)


def on_added(react: React = echo) -> Callable[[Kernel], None]:
    return lambda kernel: kernel.reactions.on(Added, "echo", react)


async def echoed(kernel: Kernel, at_least: int) -> list[int]:
    """Wait until `counter/echo` has come to `at_least`; return what it added, in order."""

    async def total() -> int:
        state, _ = await kernel.dispatch.state("counter/echo", ADA.partition)
        return int(state.total)

    async with asyncio.timeout(10):
        while True:
            news = kernel.subscriptions.signal
            if await total() >= at_least:
                break
            await news.wait()
    events = await kernel.log.stream(ADA.partition, "counter/echo")
    return [int(bytes(event.data).rpartition(b":")[2].rstrip(b"}")) for event in events]


async def test_every_event_is_reacted_to_once_and_in_order(tmp_path: Path) -> None:
    async with running(tmp_path, prepare=on_added()) as kernel:
        for number in (1, 2, 3):
            await kernel.dispatch.propose("counter/a", Add(by=(number,)), ADA)
        assert await echoed(kernel, 6) == [1, 2, 3]
        await check_invariants(kernel)


async def test_a_reaction_knows_what_it_is_a_reaction_to(tmp_path: Path) -> None:
    async with running(tmp_path, prepare=on_added()) as kernel:
        await kernel.dispatch.propose(
            "counter/a", Add(), Context(actor="ada", partition="acme/prod", correlation_id="request-1")
        )
        await until(kernel, lambda: kernel.dispatch.head == 2)
        (event,) = await kernel.log.stream("acme/prod", "counter/echo")
        assert (event.actor, event.correlation_id, event.causation_id) == (
            "engine:reaction:echo",
            "request-1",
            "1",
        )


async def test_nothing_is_reacted_to_twice_or_left_out_across_restarts(tmp_path: Path) -> None:
    for number in range(1, 6):
        async with running(tmp_path, prepare=on_added()) as kernel:
            await kernel.dispatch.propose("counter/a", Add(by=(number,)), ADA)
            # No wait: the restart comes before, during or after the reaction.
    async with running(tmp_path, prepare=on_added()) as kernel:
        assert await echoed(kernel, 15) == [1, 2, 3, 4, 5]
        await check_invariants(kernel)


async def test_what_was_committed_before_the_end_and_not_noted_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon ends right after the reaction's commit, before the reaction itself knows of it."""
    committed = asyncio.Event()

    async def never_told(self: Any, asked: Any, context: Any, *, bookkeeping: Any = None) -> Any:
        await original(self, asked, context, bookkeeping=bookkeeping)
        if bookkeeping:
            committed.set()
            await asyncio.Event().wait()

    async with running(tmp_path, prepare=on_added()) as kernel:
        original = type(kernel.dispatch).propose_many
        monkeypatch.setattr(type(kernel.dispatch), "propose_many", never_told)
        await kernel.dispatch._heads.stream(ADA.partition, "counter/a")
        asked = asyncio.ensure_future(original(kernel.dispatch, [Asked("counter/a", Add(by=(4,)))], ADA))
        await asyncio.wait_for(committed.wait(), 5)
        await asked
    monkeypatch.undo()
    async with running(tmp_path, prepare=on_added()) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(1,)), ADA)
        assert await echoed(kernel, 5) == [4, 1]


async def test_a_refused_reaction_is_left_out_whole_and_the_next_goes_on(tmp_path: Path) -> None:
    def picky(event: Added, recorded: Event) -> Sequence[Asked]:
        asked = echo(event, recorded)
        return (*asked, Asked("counter/never", Add(by=(-1,)))) if event.by == 2 else asked

    async with running(tmp_path, prepare=on_added(picky)) as kernel:
        for number in (1, 2, 3):
            await kernel.dispatch.propose("counter/a", Add(by=(number,)), ADA)
        assert await echoed(kernel, 4) == [1, 3]
    async with running(tmp_path, prepare=on_added(echo)) as kernel:
        # It was refused for good: a later start does not ask again.
        await kernel.dispatch.propose("counter/a", Add(by=(4,)), ADA)
        assert await echoed(kernel, 8) == [1, 3, 4]


@pytest.mark.parametrize("mistake", ["in the reaction", "in the reducer"])
async def test_a_mistake_in_the_code_costs_its_own_reaction_and_not_the_daemon(
    tmp_path: Path, mistake: str
) -> None:
    def faulty(event: Added, recorded: Event) -> Sequence[Asked]:
        if event.by == 2 and mistake == "in the reaction":
            raise ZeroDivisionError("a mistake in the reaction")
        if event.by == 2:
            return (Asked("counter/x", Break()),)
        return echo(event, recorded)

    async with running(tmp_path, prepare=on_added(faulty)) as kernel:
        for number in (1, 2, 3):
            await kernel.dispatch.propose("counter/a", Add(by=(number,)), ADA)
        assert await echoed(kernel, 4) == [1, 3]
        assert not kernel.database.broken.is_set()


async def test_a_full_disk_is_no_refusal_the_reaction_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, refusals = FakeClock(), 0
    monkeypatch.setattr(patience, "sleep_until", clock.sleep_until)
    async with running(tmp_path, clock=clock, prepare=on_added()) as kernel:
        original = kernel.dispatch.propose_many

        async def full(asked: Any, context: Any, *, bookkeeping: Any = None) -> Any:
            nonlocal refusals
            if bookkeeping and refusals < 3:
                refusals += 1
                raise Unavailable("the disk is full", code="insufficient_storage")
            return await original(asked, context, bookkeeping=bookkeeping)

        monkeypatch.setattr(kernel.dispatch, "propose_many", full)
        await kernel.dispatch.propose("counter/a", Add(by=(4,)), ADA)
        assert (await echoed(kernel, 4), refusals) == ([4], 3)


async def test_a_reaction_stays_in_its_partition(tmp_path: Path) -> None:
    async with running(tmp_path, prepare=on_added()) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(3,)), ELSEWHERE)
        await kernel.dispatch.propose("counter/a", Add(by=(4,)), ADA)
        assert await echoed(kernel, 4) == [4]
        assert (await kernel.dispatch.state("counter/echo", ELSEWHERE.partition))[0].total == 3
