"""Routines over HTTP: who may ask for what, what is answered, and what is said of a mistake."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.http.app import build_app
from engine.kernel.context import Context
from engine.routines import routes, routes_runs
from tests.missions_kit import FakeTool
from tests.routines_kit import HOUR, NOON, Studio, studio

TOKENS = {
    "ada": Context(actor="ada", human=True, capabilities=frozenset({"*"})),
    "bot": Context(actor="bot", capabilities=frozenset({"routines:*", "media:write"})),
    "writer": Context(actor="writer", human=True, capabilities=frozenset({"routines:write", "media:write"})),
    "eye": Context(actor="eye", human=True, capabilities=frozenset({"routines:read"})),
}
DRAFT = {
    "routine_id": "r1",
    "name": "hourly",
    "entrypoint": {"tool": "work"},
    "schedule": {"cron": "0 * * * *", "timezone": "Europe/Berlin"},
    "overlap": "allow",
}


class Asking:
    """Asks the border of routines as somebody; answers are `(status, JSON)`."""

    def __init__(self, http: httpx.AsyncClient, play: Studio) -> None:
        self._http = http
        self.play = play

    async def __call__(
        self, who: str, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        sent = {
            "Authorization": f"Bearer {who}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        response = await self._http.request(method, path, json=body, headers=sent)
        return response.status_code, response.json()


@contextlib.asynccontextmanager
async def border(folder: Path) -> AsyncIterator[Asking]:
    async with studio(folder, FakeTool("work"), roots=(folder,)) as play:
        app = build_app(
            play.kernel,
            features=[*routes.routes, *routes_runs.routes],
            check_token=TOKENS.get,
            hosts=lambda: frozenset({"studio"}),
            health=dict,
            readiness=dict,
        )
        app.state.routines = play.routines
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://studio") as http:
            yield Asking(http, play)


async def test_a_program_drafts_a_person_activates_and_it_runs(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        status, made = await ask("bot", "POST", "/v1/routines", DRAFT)
        assert (status, made["status"], made["creator"], made["allowed_tools"]) == (
            201,
            "draft",
            "bot",
            ["work"],
        )
        assert (await ask("bot", "POST", "/v1/routines/r1/activate"))[0] == 403
        assert (await ask("writer", "POST", "/v1/routines/r1/activate"))[0] == 403
        status, refused = await ask("bot", "POST", "/v1/routines/r1/run-now", {})
        assert (status, refused["code"]) == (409, "routine_not_active")
        status, active = await ask("ada", "POST", "/v1/routines/r1/activate")
        assert (status, active["activated_by"], active["next_fire_at_ms"]) == (200, "ada", NOON + HOUR)
        status, answer = await ask("bot", "POST", "/v1/routines/r1/run-now", {"count": 2, "reason": "try"})
        assert (status, len(answer["runs"])) == (202, 2)
        run_id = answer["runs"][0]["run_id"]
        status, run = await ask("eye", "GET", f"/v1/routine-runs/{run_id}")
        assert (status, run["trigger"], run["reason"]) == (200, "run_now", "try")


async def test_a_paused_routine_refuses_to_run_and_goes_on_where_it_is_told_to(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask("ada", "POST", "/v1/routines", DRAFT)
        await ask("ada", "POST", "/v1/routines/r1/activate")
        assert (await ask("bot", "POST", "/v1/routines/r1/pause"))[1]["status"] == "paused"
        status, refused = await ask("ada", "POST", "/v1/routines/r1/run-now", {})
        assert (status, refused["code"], refused["state"]) == (409, "routine_not_active", "paused")
        assert (await ask("bot", "POST", "/v1/routines/r1/resume"))[0] == 403
        assert (await ask("ada", "POST", "/v1/routines/r1/resume"))[1]["next_fire_at_ms"] == NOON + HOUR


async def test_what_an_active_one_may_do_takes_a_person_who_may_activate(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask("ada", "POST", "/v1/routines", DRAFT)
        assert (await ask("bot", "PATCH", "/v1/routines/r1", {"args": {"text": "a"}}))[0] == 200
        assert (await ask("bot", "PATCH", "/v1/routines/r1", {"external_effects_allowed": True}))[0] == 403
        await ask("ada", "POST", "/v1/routines/r1/activate")
        assert (await ask("bot", "PATCH", "/v1/routines/r1", {"args": {"text": "b"}}))[0] == 403
        assert (await ask("writer", "PATCH", "/v1/routines/r1", {"args": {"text": "b"}}))[0] == 403
        status, changed = await ask(
            "ada", "PATCH", "/v1/routines/r1", {"args": {"text": "b"}, "schedule": {"cron": "30 * * * *"}}
        )
        assert (status, changed["args"], changed["next_fire_at_ms"]) == (200, {"text": "b"}, NOON + HOUR // 2)
        assert changed["schedule"]["timezone"] == "Europe/Berlin", "a merge patch leaves the rest"


async def test_a_change_holds_to_the_rev_that_it_names(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask("ada", "POST", "/v1/routines", DRAFT)
        status, refused = await ask("ada", "PATCH", "/v1/routines/r1", {"name": "x"}, If_Match='"7"')
        assert (status, refused["code"], refused["actual"]) == (412, "revision_conflict", 1)
        assert (await ask("ada", "PATCH", "/v1/routines/r1", {"name": "x"}, If_Match='"1"'))[0] == 200
        assert (await ask("ada", "DELETE", "/v1/routines/r1", If_Match='"1"'))[0] == 412
        assert (await ask("ada", "DELETE", "/v1/routines/r1"))[1]["name"] == "x"
        status, gone = await ask("ada", "GET", "/v1/routines/r1")
        assert (status, gone["code"]) == (404, "routine_not_found")


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"schedule": {"cron": "0 25 * * *"}}, "schedule.cron", "the hour is '25'; 0 to 23"),
        (
            {"schedule": {"cron": "@daily", "timezone": "Mars"}},
            "schedule.timezone",
            "no time zone is called 'Mars'",
        ),
        ({"watch": {"folder": "in"}}, "watch.folder", "not an absolute path"),
        ({"misfire": {"policy": "catch_up"}}, "misfire.max_runs", "needs max_runs"),
        ({"agent": "x"}, "agent", "unknown field"),
        ({"routine_id": "../x"}, "routine_id", "matching regex"),
    ],
)
async def test_a_mistake_is_400_and_names_the_field(
    tmp_path: Path, change: dict[str, Any], field: str, said: str
) -> None:
    async with border(tmp_path) as ask:
        status, refused = await ask("ada", "POST", "/v1/routines", DRAFT | change)
        assert (status, refused["field"]) == (400, field)
        assert said in refused["detail"]


async def test_routines_in_a_circle_are_refused_and_nothing_is_made(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask("ada", "POST", "/v1/routines", DRAFT | {"chain": {"routine_id": "r2"}})
        second = DRAFT | {"routine_id": "r2", "schedule": None, "chain": {"routine_id": "r1"}}
        status, refused = await ask("ada", "POST", "/v1/routines", second)
        assert (status, refused["code"]) == (400, "routine_cycle")
        assert (await ask("ada", "GET", "/v1/routines/r2"))[0] == 404
        assert (await ask("ada", "POST", "/v1/routines", DRAFT))[1]["code"] == "routine_exists"


async def test_history_pages_newest_first_and_backfill_fires_each_tick_once(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask("ada", "POST", "/v1/routines", DRAFT)
        await ask("ada", "POST", "/v1/routines/r1/activate")
        for _ in range(3):
            await ask.play.turn(HOUR)
        await ask.play.runs("completed", count=3)
        window = {"from_ms": NOON - 2 * HOUR, "to_ms": NOON + 3 * HOUR}
        for fired in ([NOON - 2 * HOUR, NOON - HOUR, NOON], []):
            status, answer = await ask("ada", "POST", "/v1/routines/r1/backfill", window)
            assert (status, [run["due_at_ms"] for run in answer["runs"]]) == (202, fired)
        _, first = await ask("eye", "GET", "/v1/routines/r1/history?limit=4")
        _, rest = await ask("eye", "GET", f"/v1/routines/r1/history?limit=4&cursor={first['next']}")
        hours = [(run["due_at_ms"] - NOON) // HOUR for run in (*first["items"], *rest["items"])]
        assert hours == [3, 2, 1, 0, -1, -2]
        assert rest["next"] is None


async def test_the_next_times_of_a_draft_and_of_an_active_one(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask("ada", "POST", "/v1/routines", DRAFT)
        hours = [NOON + HOUR, NOON + 2 * HOUR]
        assert await ask("eye", "GET", "/v1/routines/r1/next?count=2") == (200, {"items": hours})
        await ask("ada", "POST", "/v1/routines/r1/activate")
        assert await ask("eye", "GET", "/v1/routines/r1/next?count=2") == (200, {"items": hours})
        assert (await ask("eye", "GET", "/v1/routines/r1/next?count=0"))[0] == 400


async def test_a_run_is_canceled_once(tmp_path: Path) -> None:
    async with border(tmp_path) as ask:
        await ask(
            "ada",
            "POST",
            "/v1/routines",
            DRAFT | {"entrypoint": {"mission": "generic"}, "args": {"title": "a"}},
        )
        await ask("ada", "POST", "/v1/routines/r1/activate")
        _, answer = await ask("ada", "POST", "/v1/routines/r1/run-now", {})
        path = f"/v1/routine-runs/{answer['runs'][0]['run_id']}/cancel"
        status, canceled = await ask("ada", "POST", path)
        assert (status, canceled["status"], canceled["reason"]) == (200, "canceled", "canceled by ada")
        assert (await ask("ada", "POST", path))[0] == 422
        assert (await ask("eye", "POST", path))[0] == 403
