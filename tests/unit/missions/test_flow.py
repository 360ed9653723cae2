"""Missions on a real kernel: runs are carried out by (fake) tools, gates ask and decide, and nothing is lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import Wire
from cutroom_sdk.wire.missions import Budgets, MissionRequest
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.runs import Run
from engine.approvals.reducer import Decide
from engine.kernel.errors import Forbidden, Invalid, Rejected, Unavailable
from engine.kernel.kernel import Kernel
from engine.kernel.tools import ToolContext, ToolResult
from engine.missions import specs
from engine.missions import types as t
from engine.wiring import decisions
from tests.missions_kit import (
    ADA,
    BOT,
    FakeTool,
    WorkInput,
    item,
    mission_is,
    mission_until,
    pending,
    studio,
    until,
)


async def create(kernel: Kernel, *items: t.ItemSpec, **more: Any) -> str:
    """Create and start a mission."""
    more = {"capabilities": ("media:write",)} | more
    proposal = t.Create(title="Cut it", goal="a cut", items=items, start=True, **more)
    await kernel.dispatch.propose("mission/m1", proposal, ADA)
    return "m1"


class Anything(Wire, frozen=True, kw_only=True):
    """Takes whatever the template gives."""


def footage_tools() -> list[FakeTool]:
    """Fake tools of the default flow; those with checks pass them."""

    async def good(result: ToolResult, _context: ToolContext) -> tuple[Check, ...]:
        return (Check(name="refs", status="pass", value=",".join(result.refs)),)

    names = ("ingest", "analyse", "plan_cut", "render", "deliver_folder")
    tools = {name: FakeTool(name, input=Anything) for name in names}
    tools["plan_cut"].check = tools["render"].check = good
    return list(tools.values())


async def test_the_default_flow_runs_from_footage_to_file_with_one_question(tmp_path: Path) -> None:
    tools = footage_tools()
    async with studio(tmp_path, *tools) as kernel:
        request = MissionRequest(
            template="footage_edit",
            args={"asset_ids": ["a"], "goal": "a 20 second highlight", "output": "/out.mp4"},
            start=True,
        )
        proposal = specs.read(request, kernel.tools, ADA)
        await kernel.dispatch.propose("mission/m1", proposal, ADA)
        asked = await pending(kernel)
        assert (asked.subject.id, asked.subject.gate, asked.decider) == ("m1/plan_cut", "review", "human")
        await decisions.decide(
            kernel, ADA, asked.approval_id, Decide(grant=True, subject_hash=asked.subject_hash)
        )
        mission = await mission_is(kernel, "m1", "succeeded")
        assert [one.status for one in mission.items] == ["done"] * 5
        assert mission.used.tool_calls == 5
        seen = {tool.name: tool.seen[0][1] for tool in tools}
        assert seen["plan_cut"].refs == ("artifact/ingest-1", "artifact/analyse-1")
        assert seen["deliver_folder"].refs == ("artifact/render-1",)
        assert mission.summary is not None
        deciders = [(d.gate, d.decider, d.reviewer) for i in mission.summary.items for d in i.decisions]
        assert deciders == [("review", "human", "ada"), ("test", "auto", "engine:checks")]
        checks = [one for one in await kernel.resources.values("approval", Approval) if one.checks]
        assert [(one.state, one.checks[0].value) for one in checks] == [("spent", "artifact/render-1")]


async def test_a_failing_check_sends_the_item_back_with_the_reason(tmp_path: Path) -> None:
    async def check(_result: ToolResult, context: ToolContext) -> tuple[Check, ...]:
        good = context.attempt > 1
        return (
            Check(
                name="duration",
                status="pass" if good else "fail",
                value=f"try {context.attempt}",
                limit="20 s",
            ),
        )

    render = FakeTool("render", check=check)
    async with studio(tmp_path, render) as kernel:
        await create(kernel, item("render", kind="render", test="auto"))
        mission = await mission_is(kernel, "m1", "succeeded")
        assert [context.reasons for _, context in render.seen] == [(), ("duration: try 1, wanted 20 s",)]
        assert len(mission.items[0].attempts) == 2


async def test_checks_that_crash_are_a_denial_and_not_a_crash(tmp_path: Path) -> None:
    async def check(_result: ToolResult, _context: ToolContext) -> tuple[Check, ...]:
        raise ZeroDivisionError("by zero")

    async with studio(tmp_path, FakeTool("render", check=check)) as kernel:
        await create(kernel, item("render", kind="render", test="auto"), budgets=Budgets(max_attempts=1))
        mission = await mission_is(kernel, "m1", "failed")
        assert mission.failure is not None
        assert "the checks could not be made: ZeroDivisionError: by zero" in mission.failure.detail


async def test_a_reviewers_changes_travel_into_the_next_attempt(tmp_path: Path) -> None:
    plan = FakeTool("plan_cut")
    async with studio(tmp_path, plan) as kernel:
        await create(kernel, item("plan", kind="plan_cut", review="human", given={"text": "short"}))
        asked = await pending(kernel)
        with pytest.raises(Invalid, match="plan_cut"):
            await decisions.decide(kernel, ADA, asked.approval_id, Decide(grant=False, amend={"keeep": [1]}))
        await decisions.decide(
            kernel, ADA, asked.approval_id, Decide(grant=False, reason="mine", amend={"keep": [1, 2]})
        )
        again = await pending(kernel)
        assert again.approval_id != asked.approval_id
        given, context = plan.seen[1]
        assert (given, context.reasons) == (WorkInput(text="short", keep=(1, 2)), ("mine",))


async def test_a_decision_and_its_gate_change_together_or_not_at_all(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("plan_cut")) as kernel:
        await create(kernel, item("plan", kind="plan_cut", review="human"))
        asked = await pending(kernel)
        with pytest.raises(Forbidden):
            await decisions.decide(kernel, BOT, asked.approval_id, Decide(grant=True))
        with pytest.raises(Rejected):
            await decisions.decide(kernel, ADA, asked.approval_id, Decide(grant=True, subject_hash="another"))
        assert (await pending(kernel)).approval_id == asked.approval_id
        own, gate = await decisions.decide(kernel, ADA, asked.approval_id, Decide(grant=True))
        assert own.position == gate.position
        with pytest.raises(Rejected) as refused:
            await decisions.decide(kernel, ADA, asked.approval_id, Decide(grant=True))
        assert refused.value.code == "approval_not_pending"


async def test_a_tool_that_crashes_fails_its_run_and_nothing_else(tmp_path: Path) -> None:
    async def crash(_given: WorkInput, context: ToolContext) -> ToolResult:
        if context.attempt == 1:
            raise RuntimeError("out of luck")
        return ToolResult()

    async with studio(tmp_path, FakeTool("work", call=crash)) as kernel:
        await create(kernel, item("take"))
        mission = await mission_is(kernel, "m1", "succeeded")
        assert mission.items[0].reasons == ("RuntimeError: out of luck",)
        assert mission.items[0].attempts[0].code == "work_failed"
        first = await kernel.resources.value(f"run/{mission.items[0].attempts[0].run_id}", Run)
        assert first is not None
        assert first.error is not None
        assert (first.status, first.error.code) == ("failed", "work_failed")


async def test_a_tool_that_takes_too_long_is_ended_and_its_run_fails(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def hang(_given: WorkInput, _context: ToolContext) -> ToolResult:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        raise AssertionError

    async with studio(tmp_path, FakeTool("work", call=hang, limit_s=0.05)) as kernel:
        await create(kernel, item("take"), budgets=Budgets(max_attempts=1))
        mission = await mission_is(kernel, "m1", "failed")
        assert mission.items[0].reasons == ("work took longer than 0.05 s and was ended",)
        assert ended.is_set()


async def test_canceling_a_mission_ends_the_tool_that_is_at_work(tmp_path: Path) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def work(_given: WorkInput, context: ToolContext) -> ToolResult:
        context.report(1, 10, "at it")
        began.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        raise AssertionError

    async with studio(tmp_path, FakeTool("work", call=work)) as kernel:
        await create(kernel, item("take"), item("cut", "take"))
        async with asyncio.timeout(5):
            await began.wait()
            assert len(kernel.progress.standings(ADA.partition)) == 1
            await kernel.dispatch.propose("mission/m1", t.Cancel(reason="enough"), ADA)
            await ended.wait()
        mission = await mission_is(kernel, "m1", "canceled")
        key = f"run/{mission.items[0].run_id}"

        async def is_gone() -> bool:
            run = await kernel.resources.value(key, Run)
            return run is not None and run.status == "canceled"

        await until(kernel, is_gone)


async def test_a_killed_daemon_takes_its_runs_up_again_with_the_same_id(tmp_path: Path) -> None:
    began = asyncio.Event()

    async def hang(_given: WorkInput, _context: ToolContext) -> ToolResult:
        began.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    first = FakeTool("work", call=hang)
    async with studio(tmp_path, first) as kernel:
        await create(kernel, item("take"), item("cut", "take"))
        async with asyncio.timeout(5):
            await began.wait()
    second = FakeTool("work")
    async with studio(tmp_path, second) as kernel:
        mission = await mission_is(kernel, "m1", "succeeded")
    assert second.seen[0][1].run_id == first.seen[0][1].run_id
    assert [one.status for one in mission.items] == ["done", "done"]
    assert [len(one.attempts) for one in mission.items] == [1, 1]
    assert mission.used.tool_calls == 3


async def test_a_tool_that_must_not_be_repeated_is_not_even_when_it_says_later(tmp_path: Path) -> None:
    async def later(_given: WorkInput, _context: ToolContext) -> ToolResult:
        raise Unavailable("the platform is down")

    work = FakeTool("work", call=later, idempotent=False)
    async with studio(tmp_path, work) as kernel:
        await create(kernel, item("take"), budgets=Budgets(max_attempts=1))
        mission = await mission_is(kernel, "m1", "failed")
    assert len(work.seen) == 1
    assert mission.items[0].reasons == ("the platform is down",)


async def test_a_run_knows_as_what_it_is_done(tmp_path: Path) -> None:
    work = FakeTool("work")
    async with studio(tmp_path, work) as kernel:
        await create(kernel, replace(item("take"), role="editor"), success_criteria=("sharp",))
        mission = await mission_is(kernel, "m1", "succeeded")
        run = await kernel.resources.value(f"run/{mission.items[0].run_id}", Run)
        assert run is not None
    assert (work.seen[0][1].role, run.role) == ("editor", "editor")
    assert mission.summary is not None
    assert mission.summary.success_criteria == ("sharp",)


async def test_a_run_may_do_what_its_mission_was_given_and_no_more(tmp_path: Path) -> None:
    work = FakeTool("work", capability="renders:write")
    async with studio(tmp_path, work) as kernel:
        await create(kernel, item("take"), budgets=Budgets(max_attempts=1))
        mission = await mission_is(kernel, "m1", "failed")
        assert mission.items[0].reasons == ("work needs renders:write, which the mission was not given",)
        assert work.seen == []


async def test_an_output_that_is_too_large_fails_the_run_and_says_so(tmp_path: Path) -> None:
    async def talk(_given: WorkInput, _context: ToolContext) -> ToolResult:
        return ToolResult(output={"text": "x" * 20_000})

    async with studio(tmp_path, FakeTool("work", call=talk)) as kernel:
        await create(kernel, item("take"), budgets=Budgets(max_attempts=1))
        mission = await mission_is(kernel, "m1", "failed")
        assert "16384 is the most" in mission.items[0].reasons[0]


async def test_a_tool_proposes_in_its_runs_name_with_its_missions_rights(tmp_path: Path) -> None:
    async with studio(tmp_path, work := FakeTool("work")) as kernel:
        await create(kernel, item("take"))
        await mission_is(kernel, "m1", "succeeded")
        _, context = work.seen[0]
        assert context.context.actor == f"engine:run:{context.run_id}"
        assert context.context.capabilities == {"media:write"}
        assert (context.mission_id, context.attempt) == ("m1", 1)


async def test_time_that_is_up_ends_the_mission_and_its_tool(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def hang(_given: WorkInput, _context: ToolContext) -> ToolResult:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        raise AssertionError

    async with studio(tmp_path, FakeTool("work", call=hang)) as kernel:
        await create(kernel, item("take"), budgets=Budgets(max_duration_ms=50))
        mission = await mission_until(kernel, "m1", lambda mission: mission.over)
        assert mission.failure is not None
        assert mission.failure.budget == "max_duration_ms"
        async with asyncio.timeout(5):
            await ended.wait()


async def test_an_approval_that_expires_sends_its_item_back(tmp_path: Path) -> None:
    class Later:
        """A clock that can be set."""

        ahead_ms = 0

        def now_ms(self) -> int:
            return 1_000_000 + self.ahead_ms

    clock = Later()
    async with studio(tmp_path, FakeTool("plan_cut"), clock=clock) as kernel:
        await create(kernel, item("plan", kind="plan_cut", review="human"))
        asked = await pending(kernel)
        clock.ahead_ms = asked.expires_at_ms
        await decisions.expire(kernel, ADA, asked.approval_id)
        mission = await mission_until(kernel, "m1", lambda mission: bool(mission.items[0].reasons))
        assert mission.items[0].reasons == ("nobody decided before the approval expired",)
        shown = await kernel.resources.value(f"approval/{asked.approval_id}", Approval)
        assert shown is not None
        assert shown.state == "expired"
