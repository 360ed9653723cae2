"""Who decides in whose place, and several reviews at once: over HTTP, each as its own approval."""

from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.approvals import Approval
from tests.missions_kit import mission_is, mission_until, until
from tests.policy_kit import Desk, desk
from tests.routines_kit import HOUR, NOON

REVIEWED = {"review": "human", "test": "none"}


def reviewed(*names: str, kind: str = "script", who: str = "human") -> dict[str, Any]:
    """A mission whose items are reviewed, all at once."""
    items = [
        {
            "work_item_id": name,
            "title": name,
            "kind": kind,
            "input": {"calls": []} if kind == "script" else {},
            "gates": {"review": who, "test": "none"},
        }
        for name in names
    ]
    return {"title": "Cut", "goal": "cut", "work_items": items, "start": True, "budgets": {"max_parallel": 9}}


async def waiting(at: Desk, mission_id: str, count: int) -> list[Approval]:
    """Wait until so many reviews of a mission wait for somebody."""
    found: list[Approval] = []

    async def there() -> bool:
        every = await at.kernel.resources.values("approval", Approval)
        found[:] = [one for one in every if one.subject.id.startswith(mission_id) and one.state == "pending"]
        return len(found) == count

    await until(at.kernel, there)
    return found


async def begun(at: Desk, *names: str, **more: Any) -> tuple[str, list[Approval]]:
    """Start a mission of reviewed items; return its id and the questions."""
    made = await at.has("ada", "/v1/missions", reviewed(*names, **more))
    return made["mission_id"], await waiting(at, made["mission_id"], len(names))


async def test_a_delegate_decides_what_was_handed_over_and_it_is_on_record(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id, (asked,) = await begun(at, "a")
        assert (await at.approves(asked, "del"))[0] == 403
        handed = {"to": "del", "until_ms": NOON + HOUR, "missions": [mission_id], "reason": "holiday"}
        given = await at.has("ada", "/v1/delegations", handed)
        status, granted = await at.approves(asked, "del", reason="fine")
        assert (status, granted["decided_by"], granted["delegation_id"]) == (
            200,
            "del",
            given["delegation_id"],
        )
        await mission_is(at.kernel, mission_id, "succeeded")
        _, listed = await at.asks("eye", "GET", "/v1/delegations")
        (one,) = listed["items"]
        assert (one["by"], one["to"], one["used"], one["reason"]) == ("ada", "del", 1, "holiday")


@pytest.mark.parametrize(
    "handed",
    [
        {"to": "bob"},
        {"missions": ["another"]},
        {"gates": ["test"]},
        {"gates": ["effect"]},
        {"until_ms": NOON + 1},
    ],
)
async def test_a_delegation_covers_what_it_says_and_no_more(tmp_path: Path, handed: dict[str, Any]) -> None:
    async with desk(tmp_path) as at:
        _, (asked,) = await begun(at, "a")
        await at.has("ada", "/v1/delegations", {"to": "del", "until_ms": NOON + HOUR} | handed)
        at.clock.at_ms += 1
        assert (await at.approves(asked, "del"))[0] == 403


async def test_a_revoked_delegation_is_good_for_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        _, (asked,) = await begun(at, "a")
        given = await at.has("ada", "/v1/delegations", {"to": "del", "until_ms": NOON + HOUR})
        status, revoked = await at.asks("bob", "DELETE", f"/v1/delegations/{given['delegation_id']}")
        assert (status, revoked["revoked_by"]) == (200, "bob")
        assert (await at.approves(asked, "del"))[0] == 403


async def test_a_program_decides_nothing_for_people_whoever_hands_it_over(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.has("ada", "/v1/delegations", {"to": "drone", "until_ms": NOON + HOUR})
        _, (asked,) = await begun(at, "a")
        assert (await at.approves(asked, "drone"))[0] == 403
        mission_id, (for_programs,) = await begun(at, "b", who="agent")
        assert (await at.approves(for_programs, "drone"))[0] == 200
        await mission_is(at.kernel, mission_id, "succeeded")


@pytest.mark.parametrize(
    ("who", "handed", "code"),
    [
        ("bot", {}, "forbidden"),
        ("eye", {}, "forbidden"),
        ("del", {}, "forbidden"),
        ("ada", {"to": "ada"}, "invalid_request"),
        ("ada", {"to": "no body"}, "invalid_request"),
        ("ada", {"until_ms": NOON}, "invalid_request"),
        ("ada", {"until_ms": NOON + 400 * 24 * HOUR}, "invalid_request"),
        ("ada", {"gates": []}, "invalid_request"),
    ],
)
async def test_who_may_not_hand_over_does_not(
    tmp_path: Path, who: str, handed: dict[str, Any], code: str
) -> None:
    async with desk(tmp_path) as at:
        asked = {"to": "del", "until_ms": NOON + HOUR} | handed
        assert await at.refused(who, "POST", "/v1/delegations", asked) == code


async def test_nobody_decides_in_the_place_of_the_author(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        made = await at.has("ada", "/v1/missions", reviewed("film", kind="manual"))
        run_id = made["work_items"][0]["current_run_id"]
        report = {"type": "run.finished", "work_item_id": "film", "run_id": run_id, "status": "succeeded"}
        await at.has("ada", f"/v1/missions/{made['mission_id']}/events", {"event": report})
        (asked,) = await waiting(at, made["mission_id"], 1)
        await at.has("ada", "/v1/delegations", {"to": "del", "until_ms": NOON + HOUR})
        status, refused = await at.approves(asked, "del")
        assert (status, refused["code"]) == (403, "author_is_reviewer")
        await at.has("bob", "/v1/delegations", {"to": "del", "until_ms": NOON + HOUR, "missions": ["other"]})
        assert (await at.approves(asked, "bob"))[0] == 200


async def test_all_reviews_that_wait_are_granted_at_once_each_by_itself(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id, _ = await begun(at, "a", "b", "c")
        answer = await at.has("bob", f"/v1/missions/{mission_id}/approve-all", {"reason": "seen them all"})
        assert len({one["approval_id"] for one in answer["approvals"]}) == 3
        for one in answer["approvals"]:
            assert (one["state"], one["by_blanket"], one["reason"]) == ("spent", True, "seen them all")
        mission = await mission_is(at.kernel, mission_id, "succeeded")
        assert mission.summary is not None
        assert all(item.decisions[0].by_blanket for item in mission.summary.items)
        again = await at.has("bob", f"/v1/missions/{mission_id}/approve-all", {"reason": "again"})
        assert again == {"approvals": [], "left": []}


async def test_what_comes_after_is_asked_about_by_itself(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        asked = reviewed("a", "b")
        asked["work_items"][1]["depends_on"] = ["a"]
        mission_id = (await at.has("ada", "/v1/missions", asked))["mission_id"]
        await waiting(at, mission_id, 1)
        await at.has("ada", f"/v1/missions/{mission_id}/approve-all", {"reason": "all"})
        (later,) = await waiting(at, mission_id, 1)
        assert later.subject.id.endswith("/b")


async def test_ones_own_work_is_left(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        made = await at.has("ada", "/v1/missions", reviewed("film", kind="manual"))
        run_id = made["work_items"][0]["current_run_id"]
        report = {"type": "run.finished", "work_item_id": "film", "run_id": run_id, "status": "succeeded"}
        await at.has("ada", f"/v1/missions/{made['mission_id']}/events", {"event": report})
        answer = await at.has("ada", f"/v1/missions/{made['mission_id']}/approve-all", {"reason": "mine"})
        assert answer["approvals"] == []
        assert [(one["work_item_id"], one["code"]) for one in answer["left"]] == [
            ("film", "author_is_reviewer")
        ]


@pytest.mark.parametrize(("who", "code"), [("bot", "forbidden"), ("eye", "forbidden"), ("del", "forbidden")])
async def test_only_a_person_who_may_decide_approves_all(tmp_path: Path, who: str, code: str) -> None:
    async with desk(tmp_path) as at:
        mission_id, (asked,) = await begun(at, "a")
        path, body = f"/v1/missions/{mission_id}/approve-all", {"reason": "all"}
        assert await at.refused(who, "POST", path, body) == code
        assert await at.refused("ada", "POST", path, {"reason": ""}) == "invalid_request"
        assert (await at.approval(asked.approval_id)).state == "pending"


async def test_the_summary_says_what_is_approved_and_a_no_reaches_the_next_attempt(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        mission_id, (asked,) = await begun(at, "a")
        assert asked.summary.startswith("Cut: a (review). script (script). ")
        assert "attempt 1 of 3" in asked.summary
        await at.denies(asked, reason="too long")
        mission = await mission_until(at.kernel, mission_id, lambda one: len(one.items[0].attempts) == 2)
        assert mission.items[0].reasons == ("too long",)
