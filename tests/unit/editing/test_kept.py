"""Timelines over HTTP: kept, listed, read as they are and as they were."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.timeline import AssetReference, Clip, Gap, Timeline, TimeRange, Track
from cutroom_sdk.wire.timelines import StoredTimeline
from engine.editing.reducer import TIMELINE
from engine.editing.routes_timelines import routes
from engine.http.app import build_app
from engine.kernel.clock import SystemClock
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel

HOST = "127.0.0.1:7717"
RIGHTS = frozenset({"media:read", "media:write"})
CALLERS = {
    "ada": Context(actor="ada", capabilities=RIGHTS),
    "bob": Context(actor="bob", capabilities=RIGHTS),
    "eve": Context(actor="eve", capabilities=frozenset({"media:read"})),
}
CLIP = Clip(
    id="a",
    media=AssetReference(asset_id="f00"),
    source_range=TimeRange(start=Fraction(0), duration=Fraction(2)),
)
FILM = Timeline(
    name="film",
    rate=Fraction(25),
    width=1920,
    height=1080,
    sample_rate=48_000,
    tracks=(
        Track(kind="video", name="V1", items=(CLIP, Gap(duration=Fraction(1)))),
        Track(kind="audio", name="A1", items=()),
    ),
)


@asynccontextmanager
async def border(folder: Path) -> AsyncIterator[tuple[Kernel, httpx.AsyncClient]]:
    """The routes over a kernel without timelines; asked with ada's token."""
    kernel = await Kernel.open(folder, (TIMELINE,), SystemClock())
    app = build_app(
        kernel,
        features=routes,
        check_token=CALLERS.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    async with (
        kernel.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"http://{HOST}",
            headers={"Authorization": "Bearer ada"},
            trust_env=False,
        ) as client,
    ):
        yield kernel, client


async def keep(client: httpx.AsyncClient, timeline: Timeline = FILM) -> dict[str, Any]:
    """Keep a timeline and return the answer."""
    answer = await client.post("/v1/timelines", json={"timeline": to_builtins(timeline)})
    assert answer.status_code == 201, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


async def test_a_kept_timeline_is_listed_without_its_items_and_read_with_them(tmp_path: Path) -> None:
    async with border(tmp_path) as (kernel, client):
        kept = await keep(client)
        listed = (await client.get("/v1/timelines")).json()["items"]
        assert [(one["timeline_id"], one["version"], one["duration"]) for one in listed] == [
            (kept["timeline_id"], 1, "3")
        ]
        assert [(one["name"], one["items"]) for one in listed[0]["tracks"]] == [("V1", 2), ("A1", 0)]
        read = await client.get(f"/v1/timelines/{kept['timeline_id']}")
        assert convert(read.json(), StoredTimeline).timeline == FILM
        assert read.headers["ETag"] == '"1"'
        tag = {"If-None-Match": '"1"'}
        assert (await client.get(f"/v1/timelines/{kept['timeline_id']}", headers=tag)).status_code == 304
        part = await kernel.resources.record(f"timeline/{kept['timeline_id']}/track/1")
        assert part is not None


async def test_a_timeline_is_read_as_of_a_position_and_as_of_a_version(tmp_path: Path) -> None:
    async with border(tmp_path) as (kernel, client):
        before = kernel.dispatch.head
        kept = await keep(client)
        path = f"/v1/timelines/{kept['timeline_id']}"
        assert (await client.get(path, params={"at": kernel.dispatch.head})).json() == kept
        assert (await client.get(path, params={"version": 1})).json() == kept
        for query, status, code in (
            ({"at": before}, 404, "not_found"),
            ({"version": 2}, 404, "not_found"),
            ({"at": kernel.dispatch.head + 1}, 409, "position_ahead"),
            ({"at": 1, "version": 1}, 400, "invalid_request"),
        ):
            refused = await client.get(path, params=query)
            assert (refused.status_code, refused.json()["code"]) == (status, code), query
        missing = await client.get("/v1/timelines/none")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_what_does_not_hold_together_is_not_kept(tmp_path: Path) -> None:
    async with border(tmp_path) as (kernel, client):
        wrong = to_builtins(FILM) | {"width": 15}
        refused = await client.post("/v1/timelines", json={"timeline": wrong})
        assert (refused.status_code, refused.json()["field"]) == (400, "timeline.width")
        assert kernel.dispatch.head == 0


async def test_who_may_only_read_keeps_nothing(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        eve = {"Authorization": "Bearer eve"}
        assert (await client.get("/v1/timelines", headers=eve)).status_code == 200
        assert (await client.post("/v1/timelines", json={}, headers=eve)).status_code == 403
