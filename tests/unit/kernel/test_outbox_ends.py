"""How an attempt ends before its time: its limit, a person, the daemon's end, another daemon; and what is on record then."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import commands, delivery, outbox, patience
from engine.kernel.delivery import Effect
from engine.kernel.errors import Rejected, Unavailable, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.leases import Leases
from tests.kernel_kit import ADA, Add, FakeClock, Shout, Whisper, check_invariants, running
from tests.outbox_kit import Sink, reached, settled, states, trail

ONCE = {"idempotent": False}
REPEATABLE = {"idempotent": True}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(outbox, "sleep_until", made.sleep_until)
    monkeypatch.setattr(patience, "sleep_until", made.sleep_until)
    return made


class Work:
    """A handler that hangs until it is cancelled, or let go; what it does then can be told."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.effects: list[Effect] = []
        self.stubborn = stubborn
        self.cancelled = False

    async def __call__(self, _command: Any, effect: Effect) -> None:
        self.effects.append(effect)
        self.begun.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            if not self.stubborn:
                raise
            await self.let_go.wait()
            await effect.propose("counter/late", Add())


def whispers(work: Any, **how: Any) -> Callable[[Kernel], None]:
    return lambda kernel: kernel.outbox.handle(Whisper, work, **how)


async def begin(kernel: Kernel, work: Work) -> str:
    """Have a whisper asked for and wait until it is being carried out; return its command's id."""
    await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
    await asyncio.wait_for(work.begun.wait(), 5)
    (command,) = await states(kernel)
    return command.command_id


async def tell(kernel: Kernel, command_id: str, proposal: commands.Proposal) -> commands.Command:
    accepted = await kernel.dispatch.propose(f"outbox/{command_id}", proposal, ADA)
    state: commands.Command = accepted.state
    return state


async def leases(kernel: Kernel) -> list[Any]:
    query = "SELECT command_id, holder, attempt, until_ms FROM leases"
    return await kernel.database.read(lambda connection: connection.execute(query).fetchall())


async def test_an_attempt_has_a_lease_until_its_outcome_is_on_record(tmp_path: Path) -> None:
    work, clock = Work(), FakeClock(5_000)
    async with running(tmp_path, clock=clock, prepare=whispers(work, limit_s=30)) as kernel:
        command_id = await begin(kernel, work)
        assert await leases(kernel) == [(command_id, 1, 1, 35_000)]
        work.let_go.set()
        assert await settled(kernel) == []
        assert await leases(kernel) == []


async def test_what_takes_longer_than_its_limit_is_cancelled_and_tried_again(
    tmp_path: Path, clock: FakeClock
) -> None:
    work = Work()

    async def second_time(command: Any, effect: Effect) -> None:
        if effect.attempt == 1:
            await work(command, effect)

    async with running(tmp_path, clock=clock, prepare=whispers(second_time, limit_s=0.02)) as kernel:
        await begin(kernel, work)
        assert await settled(kernel) == []
        assert work.cancelled
        assert (await trail(kernel))[1:] == [
            "command.attempted",
            "command.failed",
            "command.attempted",
            "command.completed",
        ]


async def test_what_must_not_be_repeated_and_outlives_its_limit_is_unknown(
    tmp_path: Path, clock: FakeClock
) -> None:
    work = Work()
    async with running(tmp_path, clock=clock, prepare=whispers(work, limit_s=0.02, **ONCE)) as kernel:
        await begin(kernel, work)
        (lost,) = await settled(kernel)
        assert (lost.state, lost.attempts) == ("unknown", 1)
        assert lost.error == "it took longer than 0.02 s and was ended"
        assert await leases(kernel) == []


async def test_a_handler_that_does_not_let_go_is_fenced_off(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cancelled and goes on all the same: its attempt is over, and what it still asks for is refused."""
    monkeypatch.setattr(delivery, "LET_GO_S", 0.01)
    work = Work(stubborn=True)
    async with running(tmp_path, clock=clock, prepare=whispers(work, limit_s=0.01, **ONCE)) as kernel:
        await begin(kernel, work)
        await settled(kernel)
        work.let_go.set()
        with pytest.raises(Rejected, match="is over"):
            await work.effects[0].propose("counter/late", Add())
        assert (await kernel.dispatch.state("counter/late", ADA.partition))[1] == 0
        with pytest.raises(Rejected, match="over already"):
            await tell(kernel, work.effects[0].key, commands.Complete(attempt=1))


@pytest.mark.parametrize(
    ("error", "once", "repeatable"),
    [
        (ConnectionResetError("gone"), "unknown", "dead"),
        (WorkFailed("the mailbox is closed"), "dead", "dead"),
        (asyncio.CancelledError(), "unknown", "pending"),
    ],
)
async def test_only_a_definite_no_is_believed_of_what_must_not_be_repeated(
    tmp_path: Path, error: BaseException, once: str, repeatable: str
) -> None:
    async def fail(_command: Any, _effect: Effect) -> None:
        raise error

    def prepare(kernel: Kernel) -> None:
        kernel.outbox.handle(Whisper, fail, idempotent=False)
        kernel.outbox.handle(Shout, fail)

    async with running(tmp_path, prepare=prepare) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5, 7)), ADA)
        await reached(kernel, lambda found: all(one.error for one in found))
        assert {one.type: one.state for one in await states(kernel)} == {"whisper": once, "shout": repeatable}


async def test_an_unknown_outcome_is_tried_again_when_a_person_says_so_with_the_same_key(
    tmp_path: Path,
) -> None:
    sink = Sink(ConnectionResetError("gone"))
    async with running(tmp_path, prepare=whispers(sink, **ONCE)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
        (lost,) = await settled(kernel)
        await tell(kernel, lost.command_id, commands.Redeliver())
        assert await settled(kernel) == []
        assert (sink.attempts, sink.keys) == ([1, 2], {lost.command_id})


async def test_a_dead_command_that_is_redelivered_has_all_its_tries_again(
    tmp_path: Path, clock: FakeClock
) -> None:
    sink = Sink(*(Unavailable("not now") for _ in range(outbox.ATTEMPTS_MAX + 2)))
    async with running(tmp_path, clock=clock, prepare=whispers(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
        (dead,) = await settled(kernel)
        assert dead.state == "dead"
        await tell(kernel, dead.command_id, commands.Redeliver())
        assert await settled(kernel) == []
        assert [effect.tries for _, effect in sink.calls][-4:] == [8, 1, 2, 3]


@pytest.mark.parametrize(("how", "state"), [(REPEATABLE, None), (ONCE, "unknown")])
async def test_an_attempted_command_that_is_canceled_is_asked_to_stop(
    tmp_path: Path, how: Any, state: str | None
) -> None:
    work = Work()
    async with running(tmp_path, prepare=whispers(work, **how)) as kernel:
        command_id = await begin(kernel, work)
        assert (await tell(kernel, command_id, commands.Cancel())).stopping
        left = await settled(kernel)
        assert work.cancelled
        assert [one.state for one in left] == ([state] if state else [])
        last = "command.lost" if state else "command.canceled"
        assert (await trail(kernel))[-2:] == ["command.stop_asked", last]
    async with running(tmp_path, prepare=whispers(work, **how)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        assert len(work.effects) == 1


@pytest.mark.parametrize(("how", "last"), [(REPEATABLE, "command.canceled"), (ONCE, "command.lost")])
async def test_to_be_asked_to_stop_survives_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Any, last: str
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 0.01)
    monkeypatch.setattr(outbox.Outbox, "_hear_person", lambda *_: None)  # it does not come to hear of it
    work = Work()
    async with running(tmp_path, prepare=whispers(work, **how)) as kernel:
        await tell(kernel, await begin(kernel, work), commands.Cancel())
        kernel.dispatch.stop()
    async with running(tmp_path, prepare=whispers(work, **how)) as kernel:
        await settled(kernel)
        assert (await trail(kernel))[-1] == last
        assert len(work.effects) == 1


async def test_what_an_earlier_start_attempted_and_waits_for_its_turn_can_be_canceled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 0.01)
    work, first = Work(), Work()
    async with running(tmp_path, prepare=whispers(work)) as kernel:
        command_id = await begin(kernel, work)
        kernel.dispatch.stop()

    async def pause(_clock: Any, _at_ms: int) -> None:
        first.begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(outbox, "sleep_until", pause)
    async with running(tmp_path, prepare=whispers(work)) as kernel:
        await asyncio.wait_for(first.begun.wait(), 5)
        await tell(kernel, command_id, commands.Cancel())
        assert await settled(kernel) == []
        assert (await trail(kernel))[-2:] == ["command.stop_asked", "command.canceled"]


async def test_a_command_that_waits_for_its_time_can_be_canceled(tmp_path: Path) -> None:
    sink = Sink(*(Unavailable("not now") for _ in range(9)))
    async with running(tmp_path, prepare=whispers(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
        (pending,) = await reached(kernel, lambda found: any(one.error for one in found))
        assert (await tell(kernel, pending.command_id, commands.Cancel())).state == "canceled"
        assert await states(kernel) == []
        assert (len(sink.calls), (await trail(kernel))[-1]) == (1, "command.canceled")


async def test_a_command_is_not_attempted_before_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, due, waits, waited = FakeClock(), asyncio.Event(), asyncio.Event(), list[int]()

    async def pause(_clock: Any, at_ms: int) -> None:
        waited.append(at_ms)
        waits.set()
        await due.wait()

    monkeypatch.setattr(outbox, "sleep_until", pause)
    sink = Sink()
    how = {"due": lambda whisper: clock.at_ms + whisper.total}
    async with running(tmp_path, clock=clock, prepare=whispers(sink, **how)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
        await asyncio.wait_for(waits.wait(), 5)
        assert (waited, [one.state for one in await states(kernel)]) == ([clock.at_ms + 7], ["pending"])
        due.set()
        assert await settled(kernel) == []


async def test_at_the_daemons_end_what_can_be_repeated_ends_at_once_and_is_taken_up_again(
    tmp_path: Path,
) -> None:
    work = Work()
    async with running(tmp_path, prepare=whispers(work)) as kernel:
        await begin(kernel, work)
        await asyncio.wait_for(kernel.outbox.drain(), outbox.GRACE_S / 2)
        assert work.cancelled
        assert [one.state for one in await states(kernel)] == ["attempted"]
    work.let_go.set()
    async with running(tmp_path, prepare=whispers(work)) as kernel:
        assert await settled(kernel) == []
        assert [effect.attempt for effect in work.effects] == [1, 2]


async def test_at_the_daemons_end_what_must_not_be_repeated_may_come_to_its_end(tmp_path: Path) -> None:
    work = Work()
    async with running(tmp_path, prepare=whispers(work, **ONCE)) as kernel:
        await begin(kernel, work)
        ending = asyncio.ensure_future(kernel.outbox.drain())
        await kernel.dispatch.propose("counter/b", Add(by=(7,)), ADA)
        work.let_go.set()
        await asyncio.wait_for(ending, 5)
        assert not work.cancelled
        (left,) = await states(kernel)
        assert (left.state, left.stream, len(work.effects)) == ("pending", "counter/b", 1)


async def test_at_the_daemons_end_what_must_not_be_repeated_and_takes_too_long_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 0.02)
    work = Work(stubborn=True)
    async with running(tmp_path, prepare=whispers(work, **ONCE)) as kernel:
        await begin(kernel, work)
    work.let_go.set()
    async with running(tmp_path, prepare=whispers(work, **ONCE)) as kernel:
        (lost,) = await settled(kernel)
        assert (lost.state, lost.error) == ("unknown", "the daemon was stopped during the attempt")
        assert len(work.effects) == 1
        await check_invariants(kernel)


async def test_a_handler_can_say_that_it_has_come_to_what_is_not_to_be_cut_short(tmp_path: Path) -> None:
    work = Work()

    async def handler(command: Any, effect: Effect) -> None:
        effect.begin_once()
        await work(command, effect)

    async with running(tmp_path, prepare=whispers(handler)) as kernel:
        await begin(kernel, work)
        ending = asyncio.ensure_future(kernel.outbox.drain())
        await kernel.dispatch.propose("counter/b", Add(), ADA)
        work.let_go.set()
        await asyncio.wait_for(ending, 5)
        assert (work.cancelled, await states(kernel)) == (False, [])


async def test_a_daemon_that_another_has_overtaken_records_no_outcome_and_ends(tmp_path: Path) -> None:
    work = Work()
    async with running(tmp_path, prepare=whispers(work, **ONCE)) as kernel:
        command_id = await begin(kernel, work)
        newer = Leases(kernel.database)
        await newer.take_over()
        assert [(found[0], found[1]) for found in await leases(kernel)] == [(command_id, newer.number)]
        work.let_go.set()
        await asyncio.wait_for(kernel.database.broken.wait(), 5)
        assert (await trail(kernel))[-1] == "command.attempted"


async def test_every_start_takes_the_leases_of_those_before_it_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 0.01)
    for start, attempts in ((1, 1), (2, 2), (3, 3)):
        work = Work()
        async with running(tmp_path, prepare=whispers(work)) as kernel:
            if start == 1:
                await begin(kernel, work)
            await asyncio.wait_for(work.begun.wait(), 5)
            ((_, holder, attempt, _),) = await leases(kernel)
            assert (holder, attempt) == (start, attempts)
