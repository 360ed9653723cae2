"""Missions that want the same few workers: the urgent one goes before what waits, and everybody's turn comes."""

import asyncio
from pathlib import Path

import pytest

from cutroom_sdk.wire.missions import Budgets, MissionRequest, Priority
from engine.kernel.commands import Command
from engine.kernel.kernel import Kernel
from engine.kernel.tools import ToolContext, ToolResult, Tools
from engine.media.pool import Pool
from engine.missions import specs
from engine.missions import types as t
from engine.runs import effects
from tests.missions_kit import ADA, FakeTool, WorkInput, item, mission_is, mission_until, studio, until
from tests.unit.media.pool_tasks import Answer, Ask

TASKS = "tests.unit.media.pool_tasks"
WIDE = Budgets(max_parallel=4)


class Bench:
    """A tool whose calls are held up, each until it is let go; `begun` are their missions in order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gate = asyncio.Event()
        self.tool = FakeTool("work", call=self._call)

    async def _call(self, _given: WorkInput, context: ToolContext) -> ToolResult:
        self.begun.append(context.mission_id)
        await self.gate.wait()
        return ToolResult()


async def create(kernel: Kernel, mission_id: str, count: int, priority: Priority) -> None:
    items = tuple(item(f"{mission_id}-{number}") for number in range(count))
    proposal = t.Create(
        title="x",
        goal="x",
        items=items,
        start=True,
        budgets=WIDE,
        capabilities=("media:write",),
        priority=priority,
    )
    await kernel.dispatch.propose(f"mission/{mission_id}", proposal, ADA)


async def test_an_urgent_mission_overtakes_the_runs_that_wait_and_the_others_still_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "CONCURRENCY", 1)
    bench = Bench()
    async with studio(tmp_path, bench.tool) as kernel:
        await create(kernel, "slow", 4, "low")

        async def begun() -> bool:
            return bool(bench.begun)

        await until(kernel, begun)
        await create(kernel, "urgent", 4, "high")
        # All that may be alive is alive before the first is let go.
        await mission_until(kernel, "urgent", lambda one: one.board.alive.bit_count() == 4)

        async def claimed() -> bool:
            commands = await kernel.resources.values("outbox", Command)
            return sum(one.type == "call_tool" and one.state == "attempted" for one in commands) == 8

        await until(kernel, claimed)
        await asyncio.sleep(0)
        bench.gate.set()
        for name in ("urgent", "slow"):
            assert (await mission_is(kernel, name, "succeeded")).priority in ("high", "low")
    assert bench.begun == ["slow", *["urgent"] * 4, *["slow"] * 3]


async def test_the_worker_processes_take_the_urgent_missions_jobs_first(tmp_path: Path) -> None:
    order: list[str] = []
    began = asyncio.Event()
    hold = asyncio.Event()
    async with Pool(modules=(TASKS,), workers=1, sandbox="none") as pool:

        async def call(_given: WorkInput, context: ToolContext) -> ToolResult:
            began.set()
            await hold.wait()
            for _ in range(3):
                await pool.run(f"{TASKS}:pid", Ask(), Answer, report=None)
                order.append(context.mission_id)
            return ToolResult()

        async with studio(tmp_path, FakeTool("work", call=call)) as kernel:
            await create(kernel, "slow", 2, "low")
            await create(kernel, "urgent", 2, "high")
            await mission_until(kernel, "urgent", lambda one: all(each.observed for each in one.items))
            await mission_until(kernel, "slow", lambda one: all(each.observed for each in one.items))
            hold.set()
            for name in ("urgent", "slow"):
                await mission_is(kernel, name, "succeeded")
    assert order.index("urgent") <= 2
    assert [name for name in order if name == "slow"][-1] == order[-1]
    assert order[:-4].count("urgent") == 6, "the urgent one is through when the slow one has hardly begun"


def test_priority_is_asked_for_with_a_template_as_without() -> None:
    request = MissionRequest(template="generic", args={"title": "x"}, priority="high")
    assert specs.read(request, Tools(), ADA).priority == "high"
    assert (
        specs.read(MissionRequest(template="generic", args={"title": "x"}), Tools(), ADA).priority == "normal"
    )
