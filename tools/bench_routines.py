"""Measures routines: what many that wait cost, and how late ticks fire among them.

The whole daemon's kernel runs, on a real disk: 10 000 active routines whose next tick is far away; then some that come due
one after the other, each with its run and its mission. Late is what lies between a tick's time and the commit that says it
fired.
"""

import asyncio
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.codec import Request, decode
from cutroom_sdk.wire.routines import Entrypoint, RoutineRequest, Schedule
from engine import wiring
from engine.features import AGGREGATES
from engine.kernel.clock import SystemClock, monotonic_s
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked, Told
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.routines import types as t
from engine.routines.effects import Routines, register
from tools.markdown import table

WAITING: Final = 10_000
FIRING: Final = 400
SPREAD_MS: Final = 25  # between one tick and the next: forty a second
LEAD_MS: Final = 2_000
BATCH: Final = 500
CAPABILITIES: Final = ("media:read",)
BENCH: Final = Context(actor="bench", human=True, capabilities=frozenset({"*"}))


class _Nothing(Request, frozen=True, kw_only=True):
    """Input of the tool that does nothing."""


async def _nothing(_asked: _Nothing, _context: ToolContext) -> ToolResult:
    return ToolResult()


def measure(space: Path, idle_s: float) -> str:
    """Return a table: the share of a core that waiting takes, and how late ticks fire."""
    return asyncio.run(_measure(space, idle_s))


async def _measure(space: Path, idle_s: float) -> str:
    with tempfile.TemporaryDirectory(dir=space) as folder:
        kernel = await Kernel.open(Path(folder), AGGREGATES, SystemClock())
        kernel.tools.add(
            Tool(
                name="nothing",
                title="Nothing",
                input=_Nothing,
                call=_nothing,
                effect="none",
                capability=CAPABILITIES[0],
                limit_s=60,
            )
        )
        wiring.register(kernel)
        routines = register(kernel, roots=[], check=partial(wiring.check_entrypoint, kernel))
        async with kernel.running(), routines.running():
            schedules = [Schedule(cron=f"{n % 60} {n // 60 % 24} 1 1 *") for n in range(WAITING)]
            began_s = monotonic_s()
            await _activate(kernel, routines, "waits", schedules)
            made_s = monotonic_s() - began_s
            share = await _share_of_a_core(idle_s)
            late = await _lateness(kernel, routines)
    cuts = statistics.quantiles(late, n=100)
    rows = [
        (f"{WAITING} active, none due: share of a core over {idle_s:g} s", f"{share:.2%}"),
        (f"{FIRING} ticks, one each {SPREAD_MS} ms: late, p50", f"{cuts[49]:.1f} ms"),
        ("late, p99", f"{cuts[98]:.1f} ms"),
        ("late, at most", f"{max(late):.1f} ms"),
        (f"{WAITING} made and activated", f"{made_s:.1f} s"),
    ]
    return table(("routines", ""), rows)


async def _share_of_a_core(idle_s: float) -> float:
    await asyncio.sleep(2)  # what making them has left behind: the anchor, the checkpointer
    busy_s, began_s = time.process_time(), monotonic_s()
    await asyncio.sleep(idle_s)
    return (time.process_time() - busy_s) / (monotonic_s() - began_s)


async def _activate(kernel: Kernel, routines: Routines, name: str, schedules: list[Schedule]) -> None:
    for first in range(0, len(schedules), BATCH):
        asked = []
        for number, schedule in enumerate(schedules[first : first + BATCH], first):
            stream = f"routine/{name}-{number}"
            request = RoutineRequest(name=name, entrypoint=Entrypoint(tool="nothing"), schedule=schedule)
            definition, _ = routines.read(request, BENCH)
            asked += [
                Asked(stream, t.Create(definition=definition)),
                Asked(stream, t.Activate(capabilities=CAPABILITIES)),
            ]
        await kernel.dispatch.propose_many(asked, BENCH)


async def _lateness(kernel: Kernel, routines: Routines) -> list[float]:
    """Return how late each of some ticks fired, in milliseconds."""
    late: list[float] = []
    done = asyncio.Event()

    def hear(told: Told) -> None:
        now_ms = kernel.clock.now_ms()
        fired = [event for event in told.events if event.type == "routine.fired"]
        late.extend(now_ms - decode(bytes(event.data), t.Fired).work.due_at_ms for event in fired)
        if len(late) >= FIRING:
            done.set()

    kernel.dispatch.listen(hear)
    begin_ms = kernel.clock.now_ms() + LEAD_MS
    schedules = [Schedule(at_ms=begin_ms + number * SPREAD_MS) for number in range(FIRING)]
    await _activate(kernel, routines, "fires", schedules)
    async with asyncio.timeout(120):
        await done.wait()
    return late
