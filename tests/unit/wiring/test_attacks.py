"""Ways to have something done that nobody gave leave for, one by one, over HTTP: none of them works."""

from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.approvals import Approval
from engine.kernel.tools import ToolContext, ToolResult
from tests.missions_kit import FakeTool, WorkInput, mission_is
from tests.policy_kit import URL, desk
from tests.routines_kit import HOUR
from tests.unit.wiring.test_delegations import begun, reviewed, waiting


def granted(asked: Approval, **changed: Any) -> dict[str, Any]:
    """The event with which a gate's approval is decided, with anything about it changed."""
    usual = {
        "type": "approval.granted",
        "work_item_id": asked.subject.id.partition("/")[2],
        "run_id": asked.subject.run_id,
        "approval_id": asked.approval_id,
        "gate": asked.subject.gate or "review",
    }
    return {"event": usual | changed}


async def test_reuse(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id = await at.mission("publish", {"text": "a"})
        asked = await at.asked(mission_id)
        await at.approves(asked)
        await mission_is(at.kernel, mission_id, "succeeded")
        path = f"/v1/approvals/{asked.approval_id}"
        assert await at.refused("ada", "POST", f"{path}/approve", {}) == (
            "approval_not_pending:approval_not_pending"
        )
        again = await at.mission("publish", {"text": "a"})
        fresh = await at.asked(again)
        assert (fresh.approval_id == asked.approval_id, fresh.subject_hash == asked.subject_hash) == (
            False,
            False,
        )
        assert at.tools.sent == [("publish", "a")], (
            "the same call of another run has leave of its own to wait for"
        )


async def test_another_gate(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id, (asked,) = await begun(at, "a")
        path = f"/v1/missions/{mission_id}/events"
        assert (await at.refused("ada", "POST", path, granted(asked, gate="test"))).startswith(
            "event_rejected"
        )
        effect = await at.asked(await at.mission("publish", {}))
        for_gate = granted(asked, approval_id=effect.approval_id)
        assert await at.refused("ada", "POST", path, for_gate) == "event_rejected:wrong_approval"
        assert (await at.approval(asked.approval_id)).state == "pending"
        assert (await at.approval(effect.approval_id)).state == "pending"


async def test_another_run(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id, (asked,) = await begun(at, "a")
        await at.denies(asked, reason="again")
        (second,) = await waiting(at, mission_id, 1)
        path = f"/v1/missions/{mission_id}/events"
        stale = granted(second, run_id=asked.subject.run_id)
        assert await at.refused("ada", "POST", path, stale) == "event_rejected:stale_run"
        other = granted(second, approval_id=asked.approval_id)
        assert await at.refused("ada", "POST", path, other) == "event_rejected:wrong_approval"
        assert (await at.approves(asked))[0] == 409
        assert (await at.approval(second.approval_id)).state == "pending"


async def test_changed_artifact(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        made = await at.has("bob", "/v1/missions", reviewed("film", kind="manual"))
        await at.asks("bob", "PUT", "/v1/resources/project/cut", {"value": "seen"})
        report = {
            "type": "run.finished",
            "work_item_id": "film",
            "run_id": made["work_items"][0]["current_run_id"],
            "status": "succeeded",
            "artifact_refs": ["project/cut"],
        }
        await at.has("bob", f"/v1/missions/{made['mission_id']}/events", {"event": report})
        (asked,) = await waiting(at, made["mission_id"], 1)
        await at.asks("bob", "PUT", "/v1/resources/project/cut", {"value": "swapped"})
        path = f"/v1/approvals/{asked.approval_id}/approve"
        assert await at.refused("ada", "POST", path, {}) == "event_rejected:subject_changed"
        await at.approval(asked.approval_id, "void")
        (anew,) = await waiting(at, made["mission_id"], 1)
        old_hash = {"subject_hash": asked.subject_hash}
        path = f"/v1/approvals/{anew.approval_id}/approve"
        assert await at.refused("ada", "POST", path, old_hash) == "event_rejected:subject_changed"


async def test_changed_arguments(tmp_path: Path) -> None:
    texts = ["harmless", "harmful", "harmful"]

    async def fickle(_: WorkInput, context: ToolContext) -> ToolResult:
        return await context.call_tool("publish", {"text": texts.pop(0)})

    async with desk(tmp_path, more=(FakeTool("fickle", call=fickle),)) as at:
        mission_id = await at.mission("fickle", {})
        asked = await at.asked(mission_id)
        await at.approves(asked)
        await at.approval(asked.approval_id, "void")
        assert at.tools.sent == []
        anew = await at.asked(mission_id)
        assert anew.effect is not None
        assert anew.effect.args["text"] == "harmful"
        await at.approves(anew)
        await mission_is(at.kernel, mission_id, "succeeded")
        assert at.tools.sent == [("publish", "harmful")], "what was seen in the end, and nothing else"


async def test_expired(tmp_path: Path) -> None:
    async with desk(tmp_path, approval_life_ms=HOUR) as at:
        mission_id = await at.mission("publish", {})
        asked = await at.asked(mission_id)
        assert asked.expires_at_ms == asked.requested_at_ms + HOUR
        at.clock.at_ms += HOUR
        path = f"/v1/approvals/{asked.approval_id}/approve"
        assert await at.refused("ada", "POST", path, {}) == "approval_not_pending:approval_not_pending"
        assert at.tools.sent == []


async def test_a_longer_life_set_afterwards(tmp_path: Path) -> None:
    async with desk(tmp_path, approval_life_ms=HOUR) as at:
        asked = await at.asked(await at.mission("publish", {}))
        now = at.clock.at_ms
    async with desk(tmp_path, approval_life_ms=1000 * HOUR, at_ms=now + HOUR) as at:
        assert (await at.approval(asked.approval_id)).expires_at_ms == asked.expires_at_ms
        assert (await at.approves(asked))[0] == 409
        assert at.tools.sent == []


async def test_an_agent_as_approver(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        asked = await at.asked(await at.mission("publish", {}, "bot"))
        for decide in ("approve", "deny"):
            path = f"/v1/approvals/{asked.approval_id}/{decide}"
            assert await at.refused("bot", "POST", path, {}) == "forbidden"
        unasked = {"capabilities": ["media:write", "effects:external"]}
        gates = {"review": "none", "test": "none"}
        item = {"title": "x", "kind": "publish", "input": {}, "gates": gates}
        made = {"title": "t", "goal": "g", "work_items": [item], "start": True}
        for capabilities in (unasked, {"capabilities": ["*"]}, {"capabilities": ["effects:*"]}):
            for who in ("bot", "robot"):
                assert await at.refused(who, "POST", "/v1/missions", made | capabilities) == "forbidden"
        given = {"to": "drone", "until_ms": asked.expires_at_ms, "gates": ["effect"]}
        assert await at.refused("robot", "POST", "/v1/delegations", given) == "forbidden"
        path = f"/v1/approvals/{asked.approval_id}/approve"
        assert await at.refused("robot", "POST", path, {}) == "forbidden"
        assert at.tools.sent == []


async def test_the_author_as_reviewer(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        made = await at.has("ada", "/v1/missions", reviewed("film", kind="manual"))
        run_id = made["work_items"][0]["current_run_id"]
        report = {"type": "run.finished", "work_item_id": "film", "run_id": run_id, "status": "succeeded"}
        path = f"/v1/missions/{made['mission_id']}/events"
        await at.has("ada", path, {"event": report})
        (asked,) = await waiting(at, made["mission_id"], 1)
        assert await at.refused("ada", "POST", path, granted(asked)) == "author_is_reviewer"
        approve = f"/v1/approvals/{asked.approval_id}/approve"
        assert await at.refused("ada", "POST", approve, {}) == "author_is_reviewer"


async def test_another_tenant(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        asked = await at.asked(await at.mission("publish", {}))
        for path in ("", "/approve", "/deny"):
            method = "POST" if path else "GET"
            body: dict[str, Any] | None = {} if path else None
            assert (
                await at.refused("eve", method, f"/v1/approvals/{asked.approval_id}{path}", body)
                == "not_found"
            )
        mission_id = asked.subject.id.partition("/")[0]
        everything = f"/v1/missions/{mission_id}/approve-all"
        assert await at.refused("eve", "POST", everything, {"reason": "mine"}) == "mission_not_found"
        assert (await at.approval(asked.approval_id)).state == "pending"
        assert at.tools.sent == []


@pytest.mark.parametrize(
    "name",
    ["Publish", "PUBLISH", " publish", "publish ", "./publish", "tools/publish", "publish\0", "ｐublish", ""],
)
async def test_another_name_of_the_tool(tmp_path: Path, name: str) -> None:
    async with desk(tmp_path) as at:
        item = {"title": "x", "kind": name, "input": {}}
        made = {"title": "t", "goal": "g", "work_items": [item], "start": True}
        assert await at.refused("ada", "POST", "/v1/missions", made) == "unknown_tool"
        calls = {"calls": [[name, {}]]}
        nested = await at.run(await at.mission("script", calls), "failed")
        assert nested.error is not None
        assert nested.error.code == "unknown_tool"
        run_id = await at.routine(
            "script",
            {"calls": [["publish", {}]]},
            allowed_tools=["script", name],
            external_effects_allowed=True,
            requires_approval=False,
        )
        run = await at.run(run_id, "failed")
        assert run.error is not None
        assert (run.error.code, run.error.extra["rule"]) == ("blocked_policy", "tool_not_allowed")
        assert at.tools.sent == []


async def test_a_nested_tool(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        given = {"calls": [["script", {"calls": [["publish", {"text": "deep"}]]}]]}
        mission_id = await at.mission("script", given)
        asked = await at.asked(mission_id)
        assert asked.effect is not None
        assert (asked.effect.tool, asked.effect.place) == ("publish", "1.1")
        assert at.tools.sent == []
        run_id = await at.routine("script", given, allowed_tools=["script", "publish"])
        run = await at.run(run_id, "failed")
        assert run.error is not None
        assert run.error.extra["rule"] == "external_not_allowed"
        await at.approves(asked)
        await mission_is(at.kernel, mission_id, "succeeded")
        assert at.tools.sent == [("publish", "deep")]


async def test_a_routine_of_another_creator(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine("publish", {"text": "ada's"}, external_effects_allowed=True)
        asked = await at.asked(run_id)
        mine = {
            "name": "r2",
            "routine_id": "r2",
            "entrypoint": {"tool": "publish"},
            "args": {"text": "ada's"},
        }
        mine["schedule"] = {"every_ms": 86_400_000}
        for forged in ({"creator": "ada"}, {"status": "active"}):
            assert await at.refused("bot", "POST", "/v1/routines", mine | forged) == "invalid_request"
        assert await at.refused("bot", "POST", "/v1/routines", mine | {"external_effects_allowed": True}) == (
            "forbidden"
        )
        await at.has("bot", "/v1/routines", mine)
        assert await at.refused("bot", "POST", "/v1/routines/r2/activate", {}) == "forbidden"
        assert (
            await at.refused("bot", "POST", "/v1/routines/r2/run-now", {})
            == "routine_not_active:routine_not_active"
        )
        # A person who activates it unread gives it no more than it asked for, and ada's leave is not its own.
        await at.has("ada", "/v1/routines/r2/activate", {})
        await at.approves(asked)
        blocked = await at.run(await at.fire("r2"), "failed")
        assert blocked.error is not None
        assert blocked.error.extra["rule"] == "external_not_allowed"
        await mission_is(at.kernel, run_id, "succeeded")
        assert at.tools.sent == [("publish", "ada's")]


async def test_the_routine_edited_after_approval(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine("publish", {"text": "seen"}, external_effects_allowed=True)
        asked = await at.asked(run_id)
        status, _ = await at.asks("ada", "PATCH", "/v1/routines/r1", {"args": {"text": "unseen"}})
        assert status == 200
        await at.approves(asked)
        await mission_is(at.kernel, run_id, "succeeded")
        assert at.tools.sent == [("publish", "seen")], "a run does what it was fired with"


async def test_the_routine_widened_after_approval(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine(
            "publish", {}, external_effects_allowed=True, output_targets=["https://other.example/"]
        )
        await at.run(run_id, "failed")
        second = await at.routine("publish", {}, "r2", external_effects_allowed=True, output_targets=[URL])
        asked = await at.asked(second)
        wide = {"output_targets": [], "requires_approval": False}
        assert (await at.asks("ada", "PATCH", "/v1/routines/r2", wide))[0] == 200
        await at.approves(asked)
        await at.approval(asked.approval_id, "void")
        anew = await at.asked(second)
        assert anew.subject_hash != asked.subject_hash, "its authority is another now, so it is asked anew"
        assert at.tools.sent == []


@pytest.mark.parametrize(
    "wider",
    [
        {"external_effects_allowed": True},
        {"requires_approval": False},
        {"allowed_tools": ["write", "publish"]},
        {"output_targets": []},
        {"args": {"url": "/elsewhere"}},
        {"entrypoint": {"tool": "publish"}},
    ],
)
async def test_an_agent_that_edits_an_active_routine(tmp_path: Path, wider: dict[str, Any]) -> None:
    async with desk(tmp_path) as at:
        await at.routine("write", {"url": "/out/a"}, output_targets=["/out"], allowed_tools=["write"])
        _, before = await at.asks("ada", "GET", "/v1/routines/r1")
        assert (await at.asks("bot", "PATCH", "/v1/routines/r1", wider))[0] in (400, 403)
        _, after = await at.asks("ada", "GET", "/v1/routines/r1")
        assert {name: after[name] for name in wider} == {name: before[name] for name in wider}


async def test_an_approval_granted_by_who_may_not_decide(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id, (asked,) = await begun(at, "a")
        path = f"/v1/missions/{mission_id}/events"
        assert await at.refused("eye", "POST", path, granted(asked)) == "forbidden"
        denied = granted(asked, type="approval.denied")
        assert await at.refused("eye", "POST", path, denied) == "forbidden"
        assert await at.refused("del", "POST", path, granted(asked)) == "forbidden"
        assert await at.refused("bot", "POST", path, granted(asked)) == "forbidden"
        forged = {"value": {"state": "granted"}}
        for key in (
            f"approval/{asked.approval_id}",
            "approval/new",
            "delegation/new",
            f"run/{asked.subject.run_id}",
        ):
            assert await at.refused("ada", "PUT", f"/v1/resources/{key}", forged) == "engine_owned"
        assert (await at.approval(asked.approval_id)).state == "pending"
