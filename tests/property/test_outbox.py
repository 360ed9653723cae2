"""Whatever handlers do, whenever the daemon dies or ends, whatever people ask for: I4 holds, and in the end all is done that may be."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernel import commands, delivery, outbox, patience
from engine.kernel.delivery import Effect, Live
from engine.kernel.errors import Rejected, Unavailable, WorkFailed
from engine.kernel.kernel import Kernel
from tests.kernel_kit import ADA, Add, FakeClock, Shout, Whisper, check_invariants, running
from tests.outbox_kit import Call, check_effects, reached, states

does = st.sampled_from(["works", "later", "no", "breaks", "hangs", "hangs", "clings"])
steps = st.one_of(
    st.sampled_from(["shout", "whisper", "whisper", "time out", "let go", "crash", "end", "end"]),
    st.tuples(st.sampled_from(["redeliver", "cancel"]), st.integers(0, 3)),
)


@dataclass
class Outside:
    """Does as the script says, and works when that is over; what hangs is let go, or clings to its work when cancelled."""

    script: Iterator[str]
    clock: FakeClock
    kernel: Kernel | None = None

    def __post_init__(self) -> None:
        self.calls: list[Call] = []
        self.hanging: dict[str, asyncio.Event] = {}
        self.too_late = asyncio.Event()

    async def __call__(self, _command: Any, effect: Effect) -> None:
        call = Call(effect.key, effect.attempt, next(self.script, "works"))
        self.calls.append(call)
        assert self.kernel is not None
        trail = await self.kernel.log.stream(ADA.partition, f"outbox/{effect.key}")
        assert [event.type for event in trail].count("command.attempted") == effect.attempt, "not on record"
        match call.does:
            case "later":
                raise Unavailable("not now")
            case "no":
                raise WorkFailed("never")
            case "breaks":
                raise ConnectionResetError("gone")
            case "hangs" | "clings":
                await self._hang(call)

    async def _hang(self, call: Call) -> None:
        assert self.kernel is not None
        go = self.hanging[call.key] = asyncio.Event()
        try:
            await self.kernel.dispatch.propose("counter/news", Add(), ADA)  # for who waits to hear of it
            await go.wait()
        except asyncio.CancelledError:
            if call.does == "clings":
                await go.wait()
            raise
        finally:
            if self.hanging.get(call.key) is go:
                del self.hanging[call.key]

    def prepare(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.too_late = asyncio.Event()
        kernel.outbox.handle(Shout, self)
        kernel.outbox.handle(Whisper, self, idempotent=False)

    async def quiet(self) -> list[commands.Command]:
        """Wait until nothing goes on but what hangs; return the commands that are not finished."""
        assert self.kernel is not None
        return await reached(
            self.kernel,
            lambda found: all(
                one.state in ("dead", "unknown")
                or (one.state == "attempted" and one.command_id in self.hanging)
                for one in found
            ),
        )

    def let_go(self) -> None:
        for go in list(self.hanging.values()):
            go.set()


async def _take(step: Any, outside: Outside, kernel: Kernel) -> None:
    match step:
        case "shout" | "whisper":
            await kernel.dispatch.propose("counter/a", Add(by=(5 if step == "shout" else 7,)), ADA)
        case "time out":
            outside.too_late.set()
            outside.too_late = asyncio.Event()
        case "let go":
            outside.let_go()
        case (what, number):
            found = await states(kernel)
            if found:
                command = found[number % len(found)]
                asked = commands.Redeliver() if what == "redeliver" else commands.Cancel()
                with contextlib.suppress(Rejected):  # it is elsewhere in its life
                    await kernel.dispatch.propose(f"outbox/{command.command_id}", asked, ADA)
    await outside.quiet()


async def _live_through(folder: Path, outside: Outside, plan: list[Any]) -> None:
    lives: list[list[Any]] = [[]]
    for step in plan:
        lives[-1].append(step)
        if step in ("crash", "end"):
            lives.append([])
    for life in lives:
        async with (
            asyncio.timeout(20),
            running(folder, clock=outside.clock, prepare=outside.prepare) as kernel,
        ):
            await outside.quiet()
            for step in life:
                if step == "crash":
                    kernel.dispatch.stop()  # nothing of what comes now reaches the log
                elif step != "end":
                    await _take(step, outside, kernel)
        outside.let_go()
    async with asyncio.timeout(20), running(folder, clock=outside.clock, prepare=outside.prepare) as kernel:
        left = await outside.quiet()
        while any(one.state == "attempted" for one in left):
            outside.let_go()
            left = await outside.quiet()
        assert {(one.type, one.state) for one in left} <= {
            ("shout", "dead"),
            ("whisper", "dead"),
            ("whisper", "unknown"),
        }
        check_effects(await check_invariants(kernel), outside.calls, once="whisper")


async def _wait(outside: Outside, live: Live, handler: "asyncio.Future[None]") -> None:
    """Stand in for an attempt's waiting: its time is up when the test says so."""
    late = asyncio.ensure_future(outside.too_late.wait())
    await asyncio.wait((handler, live._end, late), return_when=asyncio.FIRST_COMPLETED)
    late.cancel()


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(does, max_size=20), st.lists(steps, max_size=14))
def test_the_outside_is_touched_as_the_log_says_and_never_twice_where_it_must_not(
    script: list[str], plan: list[Any]
) -> None:
    clock = FakeClock()
    outside = Outside(iter(script), clock)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(outbox, "sleep_until", clock.sleep_until)
        patched.setattr(patience, "sleep_until", clock.sleep_until)
        patched.setattr(outbox, "GRACE_S", 0.005)
        patched.setattr(delivery, "LET_GO_S", 0.005)
        patched.setattr(delivery, "LET_GO_AT_END_S", 0.005)
        patched.setattr(Live, "wait", lambda live, handler, _limit_s: _wait(outside, live, handler))
        asyncio.run(_live_through(Path(folder), outside, plan))
