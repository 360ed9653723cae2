"""The gate at the call: what may leave this machine does so once, with leave where that is needed, and never else."""

from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.outbox import OutboxCommand
from cutroom_sdk.wire.routines import RoutineRun
from engine.kernel.errors import Unavailable
from tests.kernel_kit import check_invariants, events_of
from tests.missions_kit import mission_is, until
from tests.policy_kit import URL, Desk, desk

DAY_MS = 24 * 3600 * 1000


async def routine_run(at: Desk, run_id: str, status: str) -> RoutineRun:
    found: list[RoutineRun] = []

    async def there() -> bool:
        every = await at.kernel.resources.values("routine-run", RoutineRun)
        found[:] = [one for one in every if one.run_id == run_id and one.status == status]
        return bool(found)

    await until(at.kernel, there)
    return found[0]


async def test_what_leaves_the_machine_waits_for_a_person_and_happens_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("publish", {"text": "hello"})
        asked = await at.asked(mission_id)
        assert (asked.decider, asked.subject.kind, asked.state) == ("human", "effect", "pending")
        assert asked.effect is not None
        assert (asked.effect.tool, asked.effect.args) == ("publish", {"url": URL, "text": "hello"})
        assert (asked.effect.targets, asked.effect.rule) == ((URL,), "mission_requires_approval")
        assert at.tools.sent == []
        status, granted = await at.approves(asked, reason="do")
        assert (status, granted["state"]) == (200, "granted")
        await mission_is(at.kernel, mission_id, "succeeded")
        assert at.tools.sent == [("publish", "hello")]
        assert (await at.approval(asked.approval_id, "spent")).decided_by == "ada"
        await at.quiet()
        await check_invariants(at.kernel)


async def test_the_leave_is_spent_in_the_commit_that_records_the_call(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("publish", {})
        asked = await at.asked(mission_id)
        await at.approves(asked)
        await mission_is(at.kernel, mission_id, "succeeded")
        events = await events_of(at.kernel)
        (observed,) = [one for one in events if one.type == "tool.observed"]
        (spent,) = [one for one in events if one.type == "approval.spent"]
        assert asked.approval_id.encode() in bytes(observed.data)
        assert abs(observed.position - spent.position) <= 2
        held = [one.position for one in events if one.type in ("run.held", "approval.requested")]
        assert max(held) < min(observed.position, spent.position)


async def test_a_no_fails_the_run_with_its_reason_and_nothing_is_sent(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("publish", {})
        status, _ = await at.denies(await at.asked(mission_id), reason="not on a Sunday")
        assert status == 200
        run = await at.run(mission_id, "failed")
        assert run.error is not None
        assert (run.error.code, run.error.detail, run.calls) == ("approval_denied", "not on a Sunday", 0)
        mission = await mission_is(at.kernel, mission_id, "failed")
        assert len(mission.items[0].attempts) == 1
        assert at.tools.sent == []


async def test_leave_that_nobody_gives_in_time_is_none(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("publish", {})
        asked = await at.asked(mission_id)
        at.clock.at_ms = asked.expires_at_ms
        assert await at.refused("ada", "POST", f"/v1/approvals/{asked.approval_id}/approve", {}) == (
            "approval_not_pending:approval_not_pending"
        )
        assert at.tools.sent == []


async def test_a_canceled_mission_takes_its_question_with_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("publish", {})
        asked = await at.asked(mission_id)
        await at.has("ada", f"/v1/missions/{mission_id}/events", {"event": {"type": "mission.canceled"}})
        await at.approval(asked.approval_id, "void")
        assert (await at.approves(asked))[0] == 409
        assert at.tools.sent == []


async def test_what_a_person_lets_a_mission_do_unasked_it_does(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        capabilities = ["media:write", "effects:external"]
        mission_id = await at.mission("publish", {}, capabilities=capabilities)
        await mission_is(at.kernel, mission_id, "succeeded")
        assert at.tools.sent == [("publish", "")]


@pytest.mark.parametrize(
    ("tool", "given", "routine", "rule"),
    [
        ("publish", {}, {}, "external_not_allowed"),
        ("write", {"url": "/elsewhere/a"}, {"output_targets": ["/out"]}, "outside_targets"),
        ("write", {"url": "/out/../elsewhere/a"}, {"output_targets": ["/out"]}, "outside_targets"),
        ("write", {"url": "/outer/a"}, {"output_targets": ["/out"]}, "outside_targets"),
        ("vague", {"url": "/out/a"}, {"output_targets": ["/out"]}, "outside_targets"),
        (
            "publish",
            {"url": "https://evil-hooks.example/cut"},
            {"output_targets": [URL], "external_effects_allowed": True},
            "outside_targets",
        ),
        ("script", {"calls": [["write", {"url": "/out/a"}]]}, {}, "tool_not_allowed"),
    ],
)
async def test_what_a_routine_does_not_cover_is_blocked(
    tmp_path: Path, tool: str, given: dict[str, Any], routine: dict[str, Any], rule: str
) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine(tool, given, **routine)
        await routine_run(at, run_id, "blocked_policy")
        run = await at.run(run_id, "failed")
        assert run.error is not None
        assert (run.error.code, run.error.extra["rule"]) == ("blocked_policy", rule)
        assert at.tools.sent == []


async def test_links_are_followed_before_targets_are_compared(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "secret")
    async with desk(tmp_path / "state") as at:
        given, targets = {"url": str(tmp_path / "out" / "link" / "a")}, [str(tmp_path / "out")]
        run_id = await at.routine("write", given, output_targets=targets)
        blocked = await routine_run(at, run_id, "blocked_policy")
        assert str(tmp_path / "secret") in str(blocked.reason)
        fine = {"url": str(tmp_path / "out" / "a")}
        run_id = await at.routine("write", fine, "r2", output_targets=targets)
        await routine_run(at, run_id, "completed")


async def test_a_routine_that_asks_waits_and_goes_on_or_is_denied(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine("publish", {}, external_effects_allowed=True, overlap="allow")
        waiting = await routine_run(at, run_id, "pending_approval")
        asked = await at.asked(run_id)
        assert waiting.approval_id == asked.approval_id
        await at.approves(asked)
        await routine_run(at, run_id, "completed")
        at.clock.at_ms += 1
        second = await at.fire()
        await at.denies(await at.asked(second), reason="enough")
        assert (await routine_run(at, second, "denied")).reason == "enough"
        assert at.tools.sent == [("publish", "")]


async def test_a_routine_that_need_not_ask_does_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine("publish", {}, external_effects_allowed=True, requires_approval=False)
        await routine_run(at, run_id, "completed")
        assert at.tools.sent == [("publish", "")]


async def test_a_tool_that_calls_others_passes_the_same_gate_and_repeats_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        calls = [["publish", {"text": "a"}], ["write", {"url": "/x"}], ["publish", {"text": "b"}]]
        mission_id = await at.mission("script", {"calls": calls})
        first = await at.asked(mission_id)
        assert first.effect is not None
        assert (first.effect.tool, first.effect.place) == ("publish", "1")
        await at.approves(first)
        await at.approval(first.approval_id, "spent")
        second = await at.asked(mission_id)
        assert second.effect is not None
        assert (second.effect.args["text"], second.effect.place) == ("b", "3")
        assert at.tools.sent == [("publish", "a")]
        await at.approves(second)
        run = await at.run(mission_id, "succeeded")
        assert run.output == {"got": [{"sent": 1}, {"by": "write"}, {"sent": 2}]}
        assert at.tools.sent == [("publish", "a"), ("publish", "b")]
        await at.quiet()
        await check_invariants(at.kernel)


async def test_a_tool_that_goes_on_whatever_happens_gets_no_further(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        calls = [["publish", {"text": "a"}], ["fetch", {"text": "b"}]]
        mission_id = await at.mission("script", {"calls": calls, "brave": True})
        asked = await at.asked(mission_id)
        assert at.tools.sent == []
        await at.denies(asked, reason="no")
        assert (await at.run(mission_id, "failed")).calls == 1
        assert at.tools.sent == []


async def test_what_must_not_be_called_twice_does_not_wait_in_the_middle(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("once", {"calls": [["publish", {}]]})
        run = await at.run(mission_id, "failed")
        assert run.error is not None
        assert run.error.code == "blocked_policy"
        assert at.tools.sent == []


async def test_a_routine_that_was_narrowed_bounds_the_run_that_waits(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine("publish", {}, external_effects_allowed=True)
        asked = await at.asked(run_id)
        status, _ = await at.asks("ada", "PATCH", "/v1/routines/r1", {"external_effects_allowed": False})
        assert status == 200
        await at.approves(asked)
        await routine_run(at, run_id, "blocked_policy")
        assert at.tools.sent == []
        await at.approval(asked.approval_id, "void")


async def test_leave_that_runs_out_before_the_call_is_repeated_is_asked_for_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        answers = [Unavailable("not now"), None]

        def fail_once() -> None:
            error = answers.pop(0)
            if error is not None:
                at.clock.at_ms += 8 * DAY_MS
                raise error

        at.tools.before = fail_once
        mission_id = await at.mission("fetch", {"text": "a"})
        first = await at.asked(mission_id)
        await at.approves(first)
        await at.approval(first.approval_id, "spent")

        async def waits() -> bool:
            left = await at.kernel.resources.values("outbox", OutboxCommand)
            return any(one.type == "call_tool" and one.not_before_ms for one in left)

        await until(at.kernel, waits)
        at.clock.at_ms += 10_000
        second = await at.asked(mission_id)
        assert second.approval_id != first.approval_id
        assert second.subject_hash != first.subject_hash
        assert at.tools.sent == []
        await at.approves(second)
        await mission_is(at.kernel, mission_id, "succeeded")
        assert at.tools.sent == [("fetch", "a")]


async def test_what_may_have_been_sent_is_sent_again_with_leave_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        crashes = [True]

        def crash_once() -> None:
            if crashes and crashes.pop():
                raise ConnectionResetError("nobody knows")

        at.tools.before = crash_once
        mission_id = await at.mission("publish", {"text": "a"})
        first = await at.asked(mission_id)
        await at.approves(first)
        unknown: list[str] = []

        async def is_unknown() -> bool:
            left = await at.kernel.resources.values("outbox", OutboxCommand)
            unknown[:] = [one.command_id for one in left if one.state == "unknown"]
            return bool(unknown)

        await until(at.kernel, is_unknown)
        assert at.tools.sent == []
        await at.has("ada", f"/v1/outbox/{unknown[0]}/redeliver", None)
        second = await at.asked(mission_id)
        assert (second.approval_id == first.approval_id, at.tools.sent) == (False, [])
        await at.approves(second)
        await mission_is(at.kernel, mission_id, "succeeded")
        assert at.tools.sent == [("publish", "a")]
