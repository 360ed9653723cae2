"""Routines, their runs and their missions on a real kernel, with a clock that is turned by hand."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.approvals import ApprovalSubject
from cutroom_sdk.wire.missions import Authority
from cutroom_sdk.wire.routines import Chain, Entrypoint, Misfire, RoutineRun, Schedule
from engine.approvals import reducer as approvals
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid, Rejected
from engine.kernel.tools import ToolContext, ToolResult
from engine.missions import types as missions
from engine.routines import reducer_chain as chain
from engine.routines import reducer_run as runs
from engine.routines import types as t
from engine.wiring import decisions
from tests.kernel_kit import FakeClock, check_invariants, events_of
from tests.missions_kit import ADA, FakeTool, WorkInput, item, mission_is, mission_until, until
from tests.routines_kit import DAY, HOUR, NOON, Studio, studio


async def test_a_tick_becomes_a_run_and_the_run_a_mission_with_the_routines_authority(tmp_path: Path) -> None:
    work = FakeTool("work")
    async with studio(tmp_path, work) as play:
        await play.active(output_targets=("/out",), args={"text": "$date"})
        await play.turn(HOUR)
        (run,) = await play.runs("completed")
        assert (run.trigger, run.due_at_ms, run.mission_id) == ("schedule", NOON + HOUR, run.run_id)
        mission: missions.Mission = (
            await play.kernel.dispatch.state(f"mission/{run.run_id}", ADA.partition)
        )[0]
        assert mission.authority == Authority(
            routine_id="r1",
            routine_run_id=run.run_id,
            creator="ada",
            allowed_tools=("work",),
            output_targets=("/out",),
            external_effects_allowed=False,
            requires_approval=True,
        )
        assert mission.capabilities == ("media:write",)
        ((given, _),) = work.seen
        assert given.text == "2026-01-05"
        await play.idle()
        await check_invariants(play.kernel)


async def test_a_tool_of_a_run_is_called_with_its_authority_on_record(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active()
        await play.turn(HOUR)
        await play.runs("completed")
        queued = [event for event in await events_of(play.kernel) if event.type == "run.queued"]
        assert b'"routine_id":"r1"' in bytes(queued[0].data)


@pytest.mark.parametrize(
    ("misfire", "fired"),
    [(Misfire(), 0), (Misfire(policy="run_once"), 1), (Misfire(policy="catch_up", max_runs=4), 4)],
)
async def test_a_daemon_that_was_off_for_a_week_does_what_the_policy_says_once(
    tmp_path: Path, misfire: Misfire, fired: int
) -> None:
    clock = FakeClock(NOON)
    async with studio(tmp_path, FakeTool("work"), clock=clock) as play:
        await play.active(misfire=misfire)
    clock.at_ms += 7 * DAY + HOUR // 2
    for _ in range(2):
        async with studio(tmp_path, FakeTool("work"), clock=clock) as play:
            await play.turn(0)
            await play.runs("completed", count=fired)
    async with studio(tmp_path, FakeTool("work"), clock=clock) as play:
        decided = [event.type for event in await events_of(play.kernel)]
        assert decided.count("routine.fired") == fired
        assert decided.count("routine.misfired") == 1
        await check_invariants(play.kernel)


async def test_a_clock_that_jumps_forth_and_back_fires_each_tick_once(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active(misfire=Misfire(policy="catch_up", max_runs=10))
        for by_ms in (3 * HOUR, -2 * HOUR, HOUR, 2 * HOUR, -4 * HOUR, 5 * HOUR):
            await play.turn(by_ms)
        found = await play.runs("completed", count=5)
        assert [run.due_at_ms - NOON for run in found] == [hour * HOUR for hour in (5, 4, 3, 2, 1)]


async def test_the_scheduler_waits_for_the_next_tick_and_no_longer(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active()
        await play.active("r2", schedule=Schedule(every_ms=5 * HOUR))
        assert play.routines.busy(), "a daemon with these does not end by itself"
        task = asyncio.create_task(play.routines.scheduler.run())
        try:
            assert await play.routines.scheduler.look() == NOON + HOUR
            play.clock.at_ms += HOUR
            play.routines.scheduler.turn()
            await play.runs("completed")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_runs_that_wait_begin_when_those_before_them_have_ended(tmp_path: Path) -> None:
    going: asyncio.Queue[None] = asyncio.Queue()

    async def slow(_: WorkInput, __: ToolContext) -> ToolResult:
        await going.get()
        return ToolResult()

    work = FakeTool("work", call=slow)
    async with studio(tmp_path, work) as play:
        await play.active(overlap="queue")
        await play.tell(t.RunNow(count=3))
        for done in range(1, 4):
            going.put_nowait(None)

            async def ended(done: int = done) -> bool:
                found = await play.kernel.resources.values("routine-run", RoutineRun)
                return [run.status for run in found].count("completed") == done

            await until(play.kernel, ended)
            assert len(work.seen) <= done + 1


async def test_a_run_whose_tool_call_is_refused_ends_as_blocked(tmp_path: Path) -> None:
    async def refuse(_: WorkInput, __: ToolContext) -> ToolResult:
        raise Forbidden("publish leaves this machine, and the routine may not", code="blocked_policy")

    async with studio(tmp_path, FakeTool("work", call=refuse)) as play:
        await play.active()
        await play.turn(HOUR)
        (run,) = await play.runs("blocked_policy")
        assert run.reason == "publish leaves this machine, and the routine may not"
        mission = await mission_is(play.kernel, run.run_id, "failed", "canceled")
        assert len(mission.items[0].attempts) == 1, "what may not be done is not tried again"


async def test_a_run_that_cannot_have_its_mission_fails_and_says_why(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active()
        await play.tell(t.Change(definition=_other_tool(await play.routine()), capabilities=("media:write",)))
        await play.turn(HOUR)
        (run,) = await play.runs("failed")
        assert run.reason is not None
        assert "no tool is called 'gone'" in run.reason
        await play.idle()


def _other_tool(routine: t.Routine) -> t.Definition:
    assert routine.definition is not None
    return replace(routine.definition, entrypoint=Entrypoint(tool="gone"))


async def test_a_missions_pause_and_its_end_are_its_runs(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active(entrypoint=Entrypoint(mission="generic"), args={"title": "Look"})
        await play.turn(HOUR)
        (run,) = await play.runs("running")
        stream = f"mission/{run.run_id}"
        await play.kernel.dispatch.propose(stream, missions.Pause(), ADA)
        await play.runs("paused")
        await play.kernel.dispatch.propose(stream, missions.Resume(), ADA)
        await play.runs("running")
        await play.kernel.dispatch.propose(stream, missions.Cancel(reason="enough"), ADA)
        (ended,) = await play.runs("canceled")
        assert ended.reason == "enough"


async def test_a_canceled_run_takes_its_mission_with_it(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active(entrypoint=Entrypoint(mission="generic"), args={"title": "Look"})
        await play.turn(HOUR)
        (run,) = await play.runs("running")
        await play.kernel.dispatch.propose(f"routine-run/{run.run_id}", runs.Cancel(reason="no"), ADA)
        await mission_is(play.kernel, run.run_id, "canceled")
        with pytest.raises(Rejected):
            await play.kernel.dispatch.propose(f"routine-run/{run.run_id}", runs.Cancel(), ADA)


@pytest.mark.parametrize(("grant", "status"), [(True, "queued"), (False, "denied")])
async def test_a_run_waits_for_leave_and_goes_on_or_not(tmp_path: Path, grant: bool, status: str) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active(entrypoint=Entrypoint(mission="generic"), args={"title": "Look"})
        await play.turn(HOUR)
        (run,) = await play.runs("running")
        # Its item has begun: what begins later than the leave is what the leave was for.
        await mission_until(
            play.kernel, run.run_id, lambda one: one.items[0].attempts[-1].started_at_ms is not None
        )
        subject = ApprovalSubject(kind="routine_run", id=run.run_id)
        asked = approvals.Asked(
            decider="human", subject=subject, subject_hash="0f", summary="publish", artifact_refs=()
        )
        await play.kernel.dispatch.propose("approval/a1", approvals.Request(asked=asked), ADA)
        (waiting,) = await play.runs("pending_approval")
        assert waiting.approval_id == "a1"
        await decisions.decide(play.kernel, ADA, "a1", approvals.Decide(grant=grant, reason="because"))
        (settled,) = await play.runs(status)
        if not grant:
            assert settled.reason == "because"
            await mission_is(play.kernel, run.run_id, "canceled")


async def test_a_missions_end_begins_what_is_chained_to_it_once(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active()
        await play.active("after", schedule=None, chain=Chain(routine_id="r1"))
        await play.active("other", schedule=None, chain=Chain(routine_id="r1", on=("failed",)))
        await _tie(play, "after", Chain(routine_id="r1"))
        await _tie(play, "other", Chain(routine_id="r1", on=("failed",)))
        await play.turn(HOUR)
        found = await play.runs("completed", count=2)
        (chained,) = [run for run in found if run.trigger == "chain"]
        assert (chained.routine_id, chained.after_mission) == ("after", f"{_of('r1', found)}")


def _of(routine_id: str, found: list[RoutineRun]) -> str:
    return next(run.run_id for run in found if run.routine_id == routine_id)


async def _tie(play: Studio, routine_id: str, link: Chain, template: str | None = None) -> None:
    tie = chain.Tie(link=chain.Link(routine_id=routine_id, template=template, chain=link))
    await play.kernel.dispatch.propose(chain.STREAM, tie, ADA)


async def test_any_mission_of_a_template_begins_what_is_chained_to_it(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work")) as play:
        await play.active("after", schedule=None, chain=Chain(template="task", on=("canceled",)))
        await _tie(play, "after", Chain(template="task", on=("canceled",)))
        for mission_id, template in (("m1", "task"), ("m2", None)):
            asked = missions.Create(
                title="", goal="", items=(item("one", kind="manual"),), template=template, start=True
            )
            await play.kernel.dispatch.propose(f"mission/{mission_id}", asked, ADA)
            await mission_until(play.kernel, mission_id, lambda mission: mission.status == "running")
            await play.kernel.dispatch.propose(f"mission/{mission_id}", missions.Cancel(), ADA)
        (run,) = await play.runs("completed")
        assert run.after_mission == "m1"


@pytest.mark.parametrize(
    "links",
    [
        [("a", None, Chain(routine_id="a"))],
        [("a", None, Chain(routine_id="b")), ("b", None, Chain(routine_id="a"))],
        [
            ("a", "cut", Chain(routine_id="c")),
            ("b", "post", Chain(template="cut")),
            ("c", None, Chain(template="post")),
        ],
    ],
)
async def test_routines_that_begin_each_other_in_a_circle_are_refused(
    tmp_path: Path, links: list[tuple[str, str | None, Chain]]
) -> None:
    async with studio(tmp_path) as play:
        for routine_id, template, link in links[:-1]:
            await _tie(play, routine_id, link, template)
        routine_id, template, link = links[-1]
        with pytest.raises(Invalid, match="begin each other: ") as circle:
            await _tie(play, routine_id, link, template)
        assert circle.value.code == "routine_cycle"


async def test_a_run_left_over_is_found_at_the_next_start(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    async with studio(tmp_path, FakeTool("work"), clock=clock) as play:
        await play.active(entrypoint=Entrypoint(mission="generic"), args={"title": "Look"})
        await play.turn(HOUR)
        (run,) = await play.runs("running")
        # The news of its end is lost, as if the reaction had failed.
        play.kernel.reactions._by_type.pop("mission.canceled")
        await play.kernel.dispatch.propose(f"mission/{run.run_id}", missions.Cancel(reason="gone"), ADA)
        await mission_is(play.kernel, run.run_id, "canceled")
        await _reacted(play)
    async with studio(tmp_path, FakeTool("work"), clock=clock) as play:
        _, ended = await play.runs("running", "canceled", count=2)
        assert (ended.status, ended.reason) == ("canceled", "gone")


async def _reacted(play: Studio) -> None:
    """Wait until all that has happened was reacted to: another tick has gone all the way."""
    await play.turn(HOUR)

    async def there() -> bool:
        found = await play.kernel.resources.values("routine-run", RoutineRun)
        return len(found) == 2 and {run.status for run in found} == {"running"}

    await until(play.kernel, there)


async def test_a_routine_gives_no_more_than_who_activates_it_has(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work", capability="renders:write")) as play:
        narrow = Context(actor="eve", human=True, capabilities=frozenset({"routines:*", "media:*"}))
        with pytest.raises(Forbidden, match="renders:write"):
            await play.draft(context=narrow)


async def test_what_does_not_fit_is_refused_when_it_is_made_and_named(tmp_path: Path) -> None:
    async with studio(tmp_path, FakeTool("work"), roots=(tmp_path,)) as play:
        for asked, field in (
            ({"schedule": None}, "schedule"),
            ({"misfire": Misfire(policy="catch_up")}, "misfire.max_runs"),
            ({"misfire": Misfire(max_runs=3)}, "misfire.max_runs"),
            ({"entrypoint": Entrypoint()}, "entrypoint"),
            ({"entrypoint": Entrypoint(tool="no_such")}, "entrypoint"),
            ({"entrypoint": Entrypoint(mission="no_such")}, "entrypoint.mission"),
            ({"args": {"text": "$file"}}, "args"),
            ({"chain": Chain()}, "chain"),
            ({"output_targets": ("out",)}, "output_targets[0]"),
            ({"allowed_tools": ("other",)}, "allowed_tools"),
        ):
            with pytest.raises(Invalid) as wrong:
                await play.draft(**asked)
            assert wrong.value.extra["field"] == field, asked
