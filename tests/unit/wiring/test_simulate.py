"""`POST /v1/policy/simulate`: the gate's own verdict, and nothing happens."""

from pathlib import Path
from typing import Any

import pytest

from tests.kernel_kit import events_of
from tests.policy_kit import URL, Desk, desk


async def verdict(at: Desk, who: str = "ada", **asked: Any) -> tuple[str, str]:
    status, answer = await at.asks(who, "POST", "/v1/policy/simulate", asked)
    assert status == 200, answer
    assert answer["reason"]
    return answer["decision"], answer["rule"]


async def test_a_mission_of_ones_own_is_asked_about_by_default(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert await verdict(at, tool="write", args={"url": "/x"}) == ("run", "stays_here")
        assert await verdict(at, tool="publish") == ("pending_approval", "mission_requires_approval")
        unasked = ["media:write", "effects:external"]
        assert await verdict(at, tool="publish", capabilities=unasked) == ("run", "mission_allows")
        by_program = await verdict(at, "bot", tool="publish", capabilities=unasked)
        assert by_program == ("pending_approval", "mission_requires_approval"), (
            "a program gives no such thing"
        )
        assert await verdict(at, "eye", tool="publish") == ("blocked_policy", "capability_missing")
        events = await events_of(at.kernel)
        assert (events, at.tools.sent) == ([], [])


async def test_a_routine_is_asked_about_as_it_is(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        run_id = await at.routine("publish", {}, external_effects_allowed=True, output_targets=[URL])
        await at.asked(run_id)
        assert await verdict(at, tool="publish", routine_id="r1") == (
            "pending_approval",
            "routine_requires_approval",
        )
        elsewhere = {"url": "https://other.example/"}
        assert await verdict(at, tool="publish", args=elsewhere, routine_id="r1") == (
            "blocked_policy",
            "outside_targets",
        )
        assert await verdict(at, tool="fetch", mission_id=run_id) == ("blocked_policy", "tool_not_allowed")


async def test_another_actor_is_who_their_tokens_say(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        asked = {"tool": "publish", "actor": "ada"}
        assert await at.refused("bot", "POST", "/v1/policy/simulate", asked) == "forbidden"
        assert await at.refused("bob", "POST", "/v1/policy/simulate", asked) == "not_found"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"tool": "publish", "mission_id": "none"}, "mission_not_found"),
        ({"tool": "publish", "routine_id": "none"}, "routine_not_found"),
        ({"tool": "publish", "routine_id": "none", "mission_id": "none"}, "invalid_request"),
        ({"tool": "publish", "mission_id": "none", "capabilities": []}, "invalid_request"),
        ({"tool": "publish", "args": {"to": "me"}}, "invalid_request"),
        ({"tool": "publish", "human": True}, "invalid_request"),
        ({"tool": "Publish"}, "unknown_tool"),
    ],
)
async def test_what_is_asked_wrongly_is_named(tmp_path: Path, asked: dict[str, Any], code: str) -> None:
    async with desk(tmp_path) as at:
        assert await at.refused("ada", "POST", "/v1/policy/simulate", asked) == code
