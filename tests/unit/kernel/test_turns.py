"""Turns: the urgent goes first, nobody waits for ever, and a turn is never lost."""

import asyncio
import contextlib

import pytest

from cutroom_sdk.wire.missions import Priority
from engine.kernel.turns import Party, Turns, on_behalf_of


class Queue:
    """Work that waits at turns of which one is taken; `served` are the parties in the order they came on."""

    def __init__(self, count: int = 1) -> None:
        self.turns = Turns(count)
        self.served: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, name: str, priority: Priority = "normal", times: int = 1) -> None:
        with on_behalf_of(Party(name, priority)):
            for _ in range(times):
                self._tasks.append(asyncio.create_task(self._work(name)))
        await asyncio.sleep(0)

    async def _work(self, name: str) -> None:
        async with self.turns.turn():
            self.served.append(name)

    async def all_done(self) -> list[str]:
        await asyncio.gather(*self._tasks)
        return self.served


async def test_what_is_urgent_goes_before_all_that_waits_and_is_not() -> None:
    queue = Queue()
    async with queue.turns.turn():
        await queue.ask("slow", "low", times=3)
        await queue.ask("usual", times=3)
        await queue.ask("urgent", "high", times=3)
    served = await queue.all_done()
    assert served[:3] == ["urgent"] * 3
    assert served[-2:] == ["slow", "slow"]


async def test_parties_of_one_priority_take_turns_however_much_each_wants() -> None:
    queue = Queue()
    async with queue.turns.turn():
        await queue.ask("many", times=20)
        await queue.ask("few", times=2)
    served = await queue.all_done()
    assert served.index("few") <= 1
    assert served[:4].count("few") == 2


async def test_nobody_starves_however_much_urgent_work_comes() -> None:
    queue = Queue()
    async with queue.turns.turn():
        await queue.ask("slow", "low", times=2)
        await queue.ask("urgent", "high", times=100)
    served = await queue.all_done()
    assert served.index("slow") <= 17, "one of seventeen, by their steps"
    assert served[:40].count("slow") == 2


async def test_urgent_work_that_goes_on_coming_does_not_starve_what_waits() -> None:
    queue = Queue()
    async with queue.turns.turn():
        await queue.ask("slow", "low")
        await queue.ask("urgent", "high")
    with on_behalf_of(Party("urgent", "high")):
        served = 0
        while "slow" not in queue.served:
            async with queue.turns.turn():
                served += 1
    assert served <= 17


async def test_a_party_that_waited_alone_owes_nothing_for_it() -> None:
    queue = Queue()
    await queue.ask("early", "low", times=50)
    await queue.all_done()
    async with queue.turns.turn():
        await queue.ask("late", "low", times=3)
        await queue.ask("early", "low", times=3)
    assert (await queue.all_done())[50:] == ["late", "early"] * 3


@pytest.mark.parametrize("given", [False, True])
async def test_who_gives_up_waiting_loses_no_turn(given: bool) -> None:
    turns = Turns(1)
    await turns.acquire()
    waiting = asyncio.create_task(turns.acquire())
    await asyncio.sleep(0)
    if given:
        turns.release()  # it is its turn, and it has not gone on yet
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    if not given:
        turns.release()
    next_one = asyncio.create_task(turns.acquire())
    await asyncio.wait((next_one,), timeout=5)
    assert next_one.done()


async def test_as_many_go_on_at_once_as_there_are_turns() -> None:
    turns, alive, most = Turns(3), 0, 0

    async def work() -> None:
        nonlocal alive, most
        async with turns.turn():
            alive += 1
            most = max(most, alive)
            await asyncio.sleep(0)
            alive -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 3
