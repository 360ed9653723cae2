"""Missions, approvals and runs over HTTP, on a real kernel with fake tools."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cutroom_sdk.wire.approvals import Approval
from engine.approvals import routes as approval_routes
from engine.http.app import build_app
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.missions import routes as mission_routes
from engine.runs import routes as run_routes
from engine.wiring import routes as wiring_routes
from engine.wiring import routes_approvals
from tests.missions_kit import FakeTool, mission_is, mission_until, pending, studio, until

TOKENS = {
    "ada": Context(actor="ada", human=True, capabilities=frozenset({"*"})),
    "bob": Context(actor="bob", human=True, capabilities=frozenset({"*"})),
    "bot": Context(actor="bot", capabilities=frozenset({"missions:*", "media:*", "approvals:decide"})),
    "eye": Context(actor="eye", human=True, capabilities=frozenset({"missions:read", "approvals:read"})),
}


class Client:
    """A client with one token; answers are `(status, JSON)`."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._token = token

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        response = await self._http.request(method, path, json=body, headers=headers)
        return response.status_code, response.json()


@contextlib.asynccontextmanager
async def daemon(folder: Path, *tools: FakeTool) -> AsyncIterator[tuple[Kernel, httpx.AsyncClient]]:
    """The routes of missions, approvals and runs, in front of a kernel."""
    async with studio(folder, *tools) as kernel:
        app = build_app(
            kernel,
            features=[
                *mission_routes.routes,
                *approval_routes.routes,
                *run_routes.routes,
                *wiring_routes.routes,
                *routes_approvals.routes,
            ],
            check_token=TOKENS.get,
            hosts=lambda: frozenset({"studio"}),
            health=dict,
            readiness=dict,
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://studio") as http:
            yield kernel, http


MANUAL = {
    "title": "Shoot",
    "goal": "footage",
    "work_items": [{"work_item_id": "film", "title": "Film it", "gates": {"test": "none"}}],
    "start": True,
}
PLANNED = {
    "title": "Cut",
    "goal": "a cut",
    "work_items": [{"work_item_id": "plan", "title": "Plan", "kind": "plan_cut", "gates": {"test": "none"}}],
    "start": True,
}


async def test_a_mission_is_made_as_a_draft_and_started_by_an_event(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (_, http):
        ada = Client(http, "ada")
        status, made = await ada("POST", "/v1/missions", MANUAL | {"start": False, "metadata": {"key": "k"}})
        assert (status, made["status"], made["metadata"]) == (201, "draft", {"key": "k"})
        at = f"/v1/missions/{made['mission_id']}"
        status, told = await ada(
            "POST", f"{at}/events", {"event": {"type": "mission.started"}, "expected_version": 1}
        )
        assert (status, told["mission"]["status"]) == (200, "running")
        (command,) = told["commands"]
        assert (command["type"], command["work_item_id"]) == ("start_run", "film")
        assert (await ada("GET", at))[1] == told["mission"]
        status, late = await ada(
            "POST", f"{at}/events", {"event": {"type": "mission.paused"}, "expected_version": 1}
        )
        assert (status, late["code"], late["expected"]) == (409, "version_conflict", 1)


async def test_who_does_a_manual_item_reports_its_tool_calls_and_they_count(tmp_path: Path) -> None:
    async with daemon(tmp_path, FakeTool("plan_cut")) as (_, http):
        ada = Client(http, "ada")
        _, made = await ada(
            "POST", "/v1/missions", MANUAL | {"budgets": {"max_tool_calls": 1}, "success_criteria": ["sharp"]}
        )
        at = f"/v1/missions/{made['mission_id']}/events"
        about = {"work_item_id": "film", "run_id": made["work_items"][0]["current_run_id"]}
        begun = {"type": "run.started", **about}
        assert (await ada("POST", at, {"event": begun}))[0] == 200
        assert (await ada("POST", at, {"event": begun}))[0] == 200, "it has begun, and that is all"
        called = {"type": "tool.observed", "tool": "camera", **about}
        status, told = await ada("POST", at, {"event": called})
        assert (status, told["mission"]["used"]["tool_calls"]) == (200, 1)
        status, told = await ada("POST", at, {"event": called})
        assert (told["mission"]["status"], told["mission"]["failure"]["budget"]) == (
            "failed",
            "max_tool_calls",
        )
        status, late = await ada("POST", at, {"event": called})
        assert (status, late["code"], late["reason"]) == (422, "event_rejected", "mission_over")

        _, other = await ada("POST", "/v1/missions", PLANNED)
        item = other["work_items"][0]
        called |= {"work_item_id": "plan", "run_id": item["current_run_id"]}
        status, refused = await ada("POST", f"/v1/missions/{other['mission_id']}/events", {"event": called})
        assert (status, refused["code"]) == (403, "forbidden")


async def test_a_manual_item_is_reported_and_somebody_else_reviews_it(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (kernel, http):
        ada, bob, eye = Client(http, "ada"), Client(http, "bob"), Client(http, "eye")
        _, made = await ada("POST", "/v1/missions", MANUAL)
        at = f"/v1/missions/{made['mission_id']}/events"
        run_id = made["work_items"][0]["current_run_id"]
        report = {
            "type": "run.finished",
            "work_item_id": "film",
            "run_id": run_id,
            "status": "succeeded",
            "artifact_refs": ["asset/a"],
        }
        assert (await eye("POST", at, {"event": report}))[0] == 403
        status, told = await ada("POST", at, {"event": report})
        assert (status, told["mission"]["work_items"][0]["status"]) == (200, "review")
        approval_id = told["mission"]["work_items"][0]["gates"]["review"]["approval_id"]
        granted = {
            "type": "approval.granted",
            "work_item_id": "film",
            "run_id": run_id,
            "approval_id": approval_id,
            "gate": "review",
        }
        status, own = await ada("POST", at, {"event": granted})
        assert (status, own["code"]) == (403, "author_is_reviewer")
        status, told = await bob("POST", at, {"event": granted})
        assert (status, told["mission"]["status"]) == (200, "succeeded")
        assert told["mission"]["summary"]["items"][0]["author"] == "ada"
        status, again = await bob("POST", f"/v1/approvals/{approval_id}/approve", {})
        assert (status, again["code"]) == (409, "approval_not_pending")
        status, run = await eye("GET", f"/v1/runs/{run_id}")
        assert (status, run["status"], run["author"], run["made"]) == (200, "succeeded", "ada", ["asset/a"])
        await mission_is(kernel, made["mission_id"], "succeeded")


async def test_only_the_engine_reports_what_its_tools_have_done(tmp_path: Path) -> None:
    async with daemon(tmp_path, FakeTool("plan_cut")) as (kernel, http):
        ada = Client(http, "ada")
        _, made = await ada("POST", "/v1/missions", PLANNED)
        run_id = made["work_items"][0]["current_run_id"]
        report = {"type": "run.finished", "work_item_id": "plan", "run_id": run_id, "status": "succeeded"}
        status, refused = await ada("POST", f"/v1/missions/{made['mission_id']}/events", {"event": report})
        assert (status, refused["code"]) == (403, "forbidden")
        await mission_until(kernel, made["mission_id"], lambda m: m.items[0].status == "review")


async def test_approvals_are_listed_and_decided_by_people(tmp_path: Path) -> None:
    async with daemon(tmp_path, FakeTool("plan_cut")) as (kernel, http):
        ada, bot, eye = Client(http, "ada"), Client(http, "bot"), Client(http, "eye")
        _, made = await bot("POST", "/v1/missions", PLANNED)
        mission_id = made["mission_id"]
        approval_id = (await pending(kernel)).approval_id
        at = f"/v1/approvals/{approval_id}"
        assert (await eye("POST", f"{at}/approve", {}))[0] == 403
        status, refused = await bot("POST", f"{at}/approve", {})
        assert (status, refused["code"]) == (403, "forbidden")
        assert "a person has to decide" in refused["detail"]
        _, listed = await eye("GET", "/v1/approvals?state=pending")
        assert [one["approval_id"] for one in listed["items"]] == [approval_id]
        seen = listed["items"][0]
        status, refused = await ada("POST", f"{at}/approve", {"subject_hash": "0"})
        assert (status, refused["code"], refused["reason"]) == (422, "event_rejected", "subject_changed")
        status, refused = await ada("POST", f"{at}/deny", {"amend": {"nonsense": 1}})
        assert (status, refused["code"]) == (400, "invalid_request")
        status, denied = await ada("POST", f"{at}/deny", {"reason": "mine", "amend": {"keep": [1]}})
        assert (status, denied["state"], denied["decided_by"]) == (200, "denied", "ada")
        second = (await pending(kernel)).approval_id
        status, _ = await ada(
            "POST", f"/v1/approvals/{second}/approve", {"subject_hash": seen["subject_hash"]}
        )
        assert status == 422
        assert (await ada("POST", f"/v1/approvals/{second}/approve", {}))[1]["state"] == "spent"
        assert (await mission_is(kernel, mission_id, "succeeded")).items[0].input == {"keep": [1]}
        assert (await eye("GET", "/v1/approvals?state=pending"))[1]["items"] == []
        assert (await eye("GET", at))[1]["state"] == "denied"


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        ({"type": "mission.resumed"}, 422, "event_rejected"),
        ({"type": "mission.exploded"}, 400, "invalid_request"),
        ({"type": "mission.paused", "why": "x"}, 400, "invalid_request"),
    ],
)
async def test_an_event_that_the_state_or_the_contract_does_not_allow_is_refused(
    tmp_path: Path, event: dict[str, Any], status: int, code: str
) -> None:
    async with daemon(tmp_path) as (_, http):
        ada = Client(http, "ada")
        _, made = await ada("POST", "/v1/missions", MANUAL)
        answered, refused = await ada("POST", f"/v1/missions/{made['mission_id']}/events", {"event": event})
        assert (answered, refused["code"]) == (status, code)


async def test_a_mission_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (_, http):
        ada = Client(http, "ada")
        for method, path, body in (
            ("GET", "/v1/missions/none", None),
            ("POST", "/v1/missions/none/events", {"event": {"type": "mission.started"}}),
        ):
            status, refused = await ada(method, path, body)
            assert (status, refused["code"]) == (404, "mission_not_found")
        assert (await ada("GET", "/v1/approvals/none"))[0] == 404
        assert (await ada("POST", "/v1/approvals/none/approve", {}))[0] == 404
        assert (await ada("GET", "/v1/runs/none"))[0] == 404


async def test_missions_are_found_again_by_status_and_by_key(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (_, http):
        ada = Client(http, "ada")
        made = [
            (await ada("POST", "/v1/missions", MANUAL | {"metadata": {"key": key}}))[1]["mission_id"]
            for key in ("x", "y", "x")
        ]
        await ada("POST", f"/v1/missions/{made[0]}/events", {"event": {"type": "mission.canceled"}})

        async def found(query: str) -> list[str]:
            status, listed = await ada("GET", f"/v1/missions{query}")
            assert status == 200
            return [one["mission_id"] for one in listed["items"]]

        assert sorted(await found("")) == sorted(made)
        assert await found("?status=running,paused&key=x") == [made[2]]
        assert await found("?status=canceled") == [made[0]]
        assert await found("?key=z") == []
        _, first = await ada("GET", "/v1/missions?limit=2")
        _, rest = await ada("GET", f"/v1/missions?limit=2&cursor={first['next']}")
        assert [one["mission_id"] for one in (*first["items"], *rest["items"])] == sorted(made)
        assert (len(first["items"]), rest["next"]) == (2, None)
        assert (await ada("GET", "/v1/missions?status=lost"))[0] == 400


async def test_a_mission_is_made_from_a_template_or_its_mistake_is_named(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (_, http):
        ada = Client(http, "ada")
        status, made = await ada(
            "POST", "/v1/missions", {"template": "generic", "args": {"title": "Film it"}}
        )
        assert (status, made["title"], made["template"]) == (201, "Film it", "generic")
        status, refused = await ada("POST", "/v1/missions", {"template": "tsak"})
        assert (status, refused["code"], refused["field"]) == (400, "unknown_template", "template")
        _, listed = await ada("GET", "/v1/mission-templates")
        assert [one["template"] for one in listed["items"]] == [
            "batch_of_footage",
            "footage_edit",
            "generic",
            "weekly_highlights",
        ]
        assert listed["items"][0]["args"]["approve"]["choices"] == {"ask": "human", "auto": "auto"}


async def test_a_mission_of_a_thousand_items_is_told_whole_and_its_head_stays_small(tmp_path: Path) -> None:
    many = [{"work_item_id": f"shot-{number}", "title": "Shoot"} for number in range(1000)]
    async with daemon(tmp_path) as (kernel, http):
        ada = Client(http, "ada")
        asked = {"title": "Film", "goal": "a film", "work_items": many, "start": True}
        status, made = await ada("POST", "/v1/missions", asked)
        assert (status, len(made["work_items"])) == (201, 1000)
        _, told = await ada("GET", f"/v1/missions/{made['mission_id']}")
        assert [item["work_item_id"] for item in told["work_items"]] == [one["work_item_id"] for one in many]
        assert told["counts"]["in_progress"] == 2
        head = await kernel.resources.record(f"mission/{made['mission_id']}")
        assert head is not None
        assert len(head.value) < 2048


async def _is_pending(kernel: Kernel, approval_id: str | None) -> bool:
    found = await kernel.resources.value(f"approval/{approval_id}", Approval)
    return found is not None and found.state == "pending"


async def test_a_decision_on_what_has_changed_since_it_was_asked_is_refused_and_asked_anew(
    tmp_path: Path,
) -> None:
    async with daemon(tmp_path) as (kernel, http):
        ada, bob = Client(http, "ada"), Client(http, "bob")
        await ada("PUT", "/v1/resources/project/film/script", {"value": {"text": "one"}})
        _, made = await ada("POST", "/v1/missions", MANUAL)
        at = f"/v1/missions/{made['mission_id']}/events"
        report = {
            "type": "run.finished",
            "work_item_id": "film",
            "run_id": made["work_items"][0]["current_run_id"],
            "status": "succeeded",
            "artifact_refs": ["project/film/script"],
        }
        await ada("POST", at, {"event": report})
        question = await pending(kernel)
        await ada("PUT", "/v1/resources/project/film/script", {"value": {"text": "two"}})
        status, problem = await bob("POST", f"/v1/approvals/{question.approval_id}/approve", {})
        assert (status, problem["reason"]) == (422, "subject_changed")
        mission = await mission_until(kernel, made["mission_id"], lambda one: bool(one.items[0].changed))
        anew = mission.items[0].gates.review.approval_id
        assert anew != question.approval_id
        await until(kernel, lambda: _is_pending(kernel, anew))
        assert (await bob("POST", f"/v1/approvals/{anew}/approve", {}))[0] == 200
        await mission_is(kernel, made["mission_id"], "succeeded")


async def test_what_a_client_changes_under_a_missions_own_key_is_heard_by_the_mission(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (kernel, http):
        ada = Client(http, "ada")
        _, made = await ada("POST", "/v1/missions", MANUAL)
        mission_id = made["mission_id"]
        key = f"mission/{mission_id}/script"
        await ada("PUT", f"/v1/resources/{key}", {"value": 1})
        report = {
            "type": "run.finished",
            "work_item_id": "film",
            "run_id": made["work_items"][0]["current_run_id"],
            "status": "succeeded",
            "artifact_refs": [key],
        }
        await ada("POST", f"/v1/missions/{mission_id}/events", {"event": report})
        await pending(kernel)
        await ada("PUT", f"/v1/resources/{key}", {"value": 2})
        mission = await mission_until(kernel, mission_id, lambda one: bool(one.items[0].changed))
        assert mission.items[0].changed == {key: 2}
