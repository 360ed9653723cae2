"""Commands are carried out at least once, every attempt on record first, and what must not happen twice does not."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.kernel import commands, outbox, patience
from engine.kernel.commands import Command
from engine.kernel.context import Context
from engine.kernel.delivery import ATTEMPTS_MAX, PAUSE_FIRST_MS, PAUSE_MAX_MS, Effect, pause_ms
from engine.kernel.errors import Rejected, Unavailable
from engine.kernel.kernel import Kernel
from tests.kernel_kit import ADA, Add, FakeClock, Shout, Whisper, check_invariants, events_of, running, until
from tests.outbox_kit import Sink, settled, states, trail


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(outbox, "sleep_until", made.sleep_until)
    monkeypatch.setattr(patience, "sleep_until", made.sleep_until)
    return made


def shouts(sink: Any, **how: Any) -> Callable[[Kernel], None]:
    return lambda kernel: kernel.outbox.handle(Shout, sink, **how)


async def test_a_command_is_in_the_commit_of_its_event_and_carried_out_after_it(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, prepare=shouts(sink)) as kernel:
        accepted = await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        assert accepted.position == 2  # the addition and the command, together
        await settled(kernel)
        ((command, effect),) = sink.calls
        assert (command, effect.stream, effect.attempt) == (Shout(total=5), "counter/a", 1)
        assert await trail(kernel) == ["command.enqueued", "command.attempted", "command.completed"]
        assert await states(kernel) == []
        await check_invariants(kernel)


async def test_a_refused_proposal_asks_for_nothing(tmp_path: Path) -> None:
    sink = Sink()
    async with running(tmp_path, prepare=shouts(sink)) as kernel:
        with pytest.raises(Rejected):
            await kernel.dispatch.propose("counter/a", Add(by=(5, -1)), ADA)
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await settled(kernel)
        assert sink.calls == []


async def test_the_attempt_is_on_record_before_the_outside_is_touched(tmp_path: Path) -> None:
    seen: list[list[Command]] = []

    async def look(_command: Shout, _effect: Effect) -> None:
        seen.append(await states(kernel))

    async with running(tmp_path, prepare=shouts(look)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await settled(kernel)
    assert [(command.state, command.attempts) for command in seen[0]] == [("attempted", 1)]


async def test_what_a_handler_records_is_traced_to_what_led_to_it(tmp_path: Path) -> None:
    async def answer(_command: Shout, effect: Effect) -> None:
        await effect.propose("counter/echo", Add())

    context = Context(actor="ada", correlation_id="request-1")
    async with running(tmp_path, prepare=shouts(answer)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), context)
        await settled(kernel)
        (echo,) = await kernel.log.stream("local/dev", "counter/echo")
        assert (echo.actor, echo.correlation_id) == ("engine:outbox", "request-1")
        enqueued = next(event for event in await events_of(kernel) if event.type == "command.enqueued")
        assert echo.causation_id == enqueued.stream.removeprefix("outbox/")


async def test_unavailable_is_tried_again_with_growing_pauses_and_the_same_key(
    tmp_path: Path, clock: FakeClock
) -> None:
    sink = Sink(*(Unavailable("not now") for _ in range(3)))
    started = clock.at_ms
    async with running(tmp_path, clock=clock, prepare=shouts(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await settled(kernel)
        assert sink.attempts == [1, 2, 3, 4]
        assert len(sink.keys) == 1
        (key,) = sink.keys
        assert clock.at_ms - started == sum(pause_ms(key, tries) for tries in (1, 2, 3))
        assert (await trail(kernel)).count("command.failed") == 3
        assert await states(kernel) == []


async def test_after_the_last_attempt_it_is_among_the_dead_with_its_reason(
    tmp_path: Path, clock: FakeClock
) -> None:
    sink = Sink(*(Unavailable(f"not now {n}") for n in range(ATTEMPTS_MAX)))
    async with running(tmp_path, clock=clock, prepare=shouts(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await settled(kernel)
        (dead,) = await states(kernel)
        assert (dead.state, dead.attempts, dead.error) == (
            "dead",
            ATTEMPTS_MAX,
            f"not now {ATTEMPTS_MAX - 1}",
        )


def test_pauses_double_up_to_a_bound_and_are_up_to_half_of_it_shorter() -> None:
    for tries, longest in enumerate((1_000, 2_000, 4_000, 8_000), start=1):
        assert longest == PAUSE_FIRST_MS << (tries - 1)
        pauses = [pause_ms(f"command {number}", tries) for number in range(200)]
        assert longest / 2 <= min(pauses) < longest * 0.55
        assert longest * 0.95 < max(pauses) <= longest
        assert len(set(pauses)) > 150, "commands that failed together come back one by one"
    assert PAUSE_MAX_MS / 2 <= pause_ms("c", 40) <= PAUSE_MAX_MS


async def test_any_other_failure_is_the_end_and_a_person_can_have_it_redelivered(tmp_path: Path) -> None:
    sink = Sink(ValueError("no such mailbox"))
    async with running(tmp_path, prepare=shouts(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await settled(kernel)
        (dead,) = await states(kernel)
        assert (dead.state, dead.error) == ("dead", "ValueError: no such mailbox")
        await kernel.dispatch.propose(f"outbox/{dead.command_id}", commands.Redeliver(), ADA)
        await settled(kernel)
        assert (sink.attempts, len(sink.keys), await states(kernel)) == ([1, 2], 1, [])


async def test_a_refusal_met_by_a_handler_means_that_nothing_is_left_to_do(tmp_path: Path) -> None:
    sink = Sink(Rejected("gone", "the run was canceled"))
    async with running(tmp_path, prepare=shouts(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await settled(kernel)
        assert (sink.attempts, await states(kernel)) == ([1], [])


async def test_a_command_of_a_shape_nobody_understands_is_dead_and_stops_nobody(tmp_path: Path) -> None:
    class Other(Shout, frozen=True, kw_only=True, tag="shout"):
        needed: str

    sink = Sink()
    async with running(tmp_path, prepare=lambda kernel: kernel.outbox.handle(Other, sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(5,)), ADA)
        await settled(kernel)
        (dead,) = await states(kernel)
        assert dead.state == "dead"
        assert "needed" in dead.error


async def _interrupt(folder: Path, command: int, **how: Any) -> list[str]:
    """Crash in the middle of a handler's work; return the keys it was called with."""
    called, keys = asyncio.Event(), list[str]()

    async def hang(_command: Any, effect: Effect) -> None:
        keys.append(effect.key)
        called.set()
        await asyncio.Event().wait()

    def prepare(kernel: Kernel) -> None:
        kernel.outbox.handle(Shout if command == 5 else Whisper, hang, **how)

    async with running(folder, prepare=prepare) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(command,)), ADA)
        await asyncio.wait_for(called.wait(), 5)
        kernel.dispatch.stop()  # what comes from here on reaches the log no more
    return keys


async def test_idempotent_work_that_was_interrupted_is_done_again_with_the_same_key(tmp_path: Path) -> None:
    keys = await _interrupt(tmp_path, 5)
    sink = Sink()
    async with running(tmp_path, prepare=shouts(sink)) as kernel:
        await until(kernel, lambda: bool(sink.calls))
        await settled(kernel)
        assert (sink.attempts, sink.keys) == ([2], set(keys))
        await check_invariants(kernel)
    async with running(tmp_path, prepare=shouts(sink)) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        await settled(kernel)
        assert len(sink.calls) == 1


async def test_an_interrupted_effect_that_must_not_be_repeated_is_unknown_and_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 0.01)
    await _interrupt(tmp_path, 7, idempotent=False)
    sink = Sink()

    def prepare(kernel: Kernel) -> None:
        kernel.outbox.handle(Whisper, sink, idempotent=False)

    for _ in range(2):  # and no later start tries it either
        async with running(tmp_path, prepare=prepare) as kernel:
            await settled(kernel)
            (lost,) = await states(kernel)
            assert (lost.state, lost.attempts, sink.calls) == ("unknown", 1, [])


async def test_what_was_enqueued_and_never_attempted_is_carried_out_at_the_next_start(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:  # nobody handles it here
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
    sink = Sink()
    async with running(
        tmp_path, prepare=lambda kernel: kernel.outbox.handle(Whisper, sink, idempotent=False)
    ) as kernel:
        await until(kernel, lambda: bool(sink.calls))
        assert sink.attempts == [1]


async def test_a_command_heard_of_while_the_outbox_starts_is_carried_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first commit lands before the outbox has read what was left unfinished: it meets the command twice."""
    sink = Sink()

    async def slow_sink(command: Whisper, effect: Effect) -> None:
        await sink(command, effect)
        for _ in range(20):
            await asyncio.sleep(0)

    def prepare(kernel: Kernel) -> None:
        kernel.outbox.handle(Whisper, slow_sink, idempotent=False)
        read = kernel.resources.everything

        async def late(prefix: str) -> Any:
            await until(kernel, lambda: kernel.dispatch.head > 0)
            return await read(prefix)

        monkeypatch.setattr(kernel.resources, "everything", late)

    async with running(tmp_path, prepare=prepare) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
        await until(kernel, lambda: bool(sink.calls))
        await settled(kernel)
        await kernel.dispatch.propose("counter/b", Add(by=(7,)), ADA)
        await until(kernel, lambda: len(sink.calls) >= 2)
        await settled(kernel)
        assert (await trail(kernel)).count("command.attempted") == len(sink.calls) == 2


async def test_no_more_run_at_once_than_allowed_and_none_waits_for_one_that_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, now, most, done = FakeClock(), 0, 0, list[str]()
    paused = asyncio.Event()

    async def pause(_clock: Any, at_ms: int) -> None:
        if at_ms > clock.at_ms:
            paused.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(outbox, "sleep_until", pause)

    async def work(_command: Shout, effect: Effect) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        if effect.stream == "counter/0":
            raise Unavailable("not now")
        done.append(effect.stream)

    async with running(tmp_path, clock=clock, prepare=shouts(work, concurrency=1)) as kernel:
        await kernel.dispatch.propose("counter/0", Add(by=(5,)), ADA)
        await asyncio.wait_for(paused.wait(), 5)
        for number in range(1, 6):
            await kernel.dispatch.propose(f"counter/{number}", Add(by=(5,)), ADA)
        await until(kernel, lambda: len(done) == 5)
    assert most == 1


async def test_on_a_full_disk_the_outcome_is_held_until_it_can_be_written(
    tmp_path: Path, clock: FakeClock
) -> None:
    """The effect has happened; it must not happen again because its outcome found no room."""
    refused = 0

    async def work(command: Whisper, effect: Effect) -> None:
        await sink(command, effect)
        original = kernel.dispatch.propose_many

        async def full(*args: Any, **how: Any) -> Any:
            nonlocal refused
            refused += 1
            if refused > 3:
                kernel.dispatch.propose_many = original  # type: ignore[method-assign]
            raise Unavailable("the disk is full", code="insufficient_storage")

        kernel.dispatch.propose_many = full  # type: ignore[method-assign]

    sink = Sink()
    async with running(
        tmp_path, clock=clock, prepare=lambda made: made.outbox.handle(Whisper, work, idempotent=False)
    ) as kernel:
        await kernel.dispatch.propose("counter/a", Add(by=(7,)), ADA)
        await settled(kernel)
        assert (refused, len(sink.calls), await states(kernel)) == (4, 1, [])
