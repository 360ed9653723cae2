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


async def edit(
    client: httpx.AsyncClient, path: str, *operations: dict[str, Any], at: int, who: str = "ada"
) -> httpx.Response:
    """Carry operations out at an expected version."""
    body = {"operations": list(operations), "expected_version": at}
    return await client.post(f"{path}/operations", json=body, headers=as_(who))


async def said(client: httpx.AsyncClient, path: str, what: str, who: str = "ada") -> httpx.Response:
    """Undo or redo."""
    return await client.post(f"{path}/{what}", json={}, headers=as_(who))


def as_(who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}"}


def name(to: str) -> dict[str, Any]:
    return {"type": "set_clip", "clip": "a", "name": to}


MARK = {"type": "add_marker", "marker": {"name": "here", "at": "1"}}
TRIM = {"type": "trim", "clip": "a", "tail": "1"}


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
        eve = as_("eve")
        assert (await client.get("/v1/timelines", headers=eve)).status_code == 200
        assert (await client.post("/v1/timelines", json={}, headers=eve)).status_code == 403


async def test_operations_are_carried_out_all_or_none_as_one_version(tmp_path: Path) -> None:
    async with border(tmp_path) as (kernel, client):
        path = f"/v1/timelines/{(await keep(client))['timeline_id']}"
        done = await edit(client, path, TRIM, MARK, at=1)
        assert (done.status_code, done.json()["version"], done.json()["tracks"][0]["duration"]) == (
            200,
            2,
            "3",
        )
        head = kernel.dispatch.head
        refused = await edit(client, path, name("x"), {"type": "remove", "clip": "z"}, at=2)
        assert (refused.status_code, refused.json()["reason"]) == (422, "unknown_clip")
        assert refused.json()["operation"] == 1
        assert kernel.dispatch.head == head
        same = await edit(client, path, {"type": "set_settings", "width": 1920}, at=2)
        assert (same.status_code, same.json()["version"]) == (200, 2), "what changes nothing is no edit"
        untouched = await kernel.resources.record(f"timeline/{done.json()['timeline_id']}/track/1")
        assert untouched is not None
        assert untouched.rev == 1


async def test_a_field_that_nobody_knows_is_named_wherever_it_stands(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        path = f"/v1/timelines/{(await keep(client))['timeline_id']}"
        clip = to_builtins(CLIP) | {"id": "n", "sped": "2"}
        refused = await edit(client, path, {"type": "insert", "track": 0, "item": clip}, at=1)
        assert (refused.status_code, refused.json()["field"]) == (400, "operations[0].item.sped")


async def test_who_is_late_is_told_which_operations_won(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        path = f"/v1/timelines/{(await keep(client))['timeline_id']}"
        await edit(client, path, TRIM, at=1, who="bob")
        late = (await edit(client, path, name("x"), at=1)).json()
        assert (late["status"], late["code"], late["actual"]) == (409, "version_conflict", 2)
        (won,) = late["operations"]
        assert (won["actor"], won["version"], won["operations"], won["clips"]) == ("bob", 2, ["trim"], ["a"])
        assert "trim by bob" in late["detail"]


async def test_each_undoes_and_redoes_their_own(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        path = f"/v1/timelines/{(await keep(client))['timeline_id']}"
        await edit(client, path, name("ada's"), at=1)
        await edit(client, path, MARK, at=2, who="bob")
        assert (await said(client, path, "undo")).json()["version"] == 4
        now = (await client.get(path)).json()["timeline"]
        assert (now["tracks"][0]["items"][0]["name"], len(now["markers"])) == ("", 1)
        nothing = await said(client, path, "undo")
        assert (nothing.status_code, nothing.json()["reason"]) == (422, "nothing_to_undo")
        assert (await said(client, path, "redo")).json()["version"] == 5
        assert (await client.get(path)).json()["timeline"]["tracks"][0]["items"][0]["name"] == "ada's"
        assert (await said(client, path, "redo")).json()["reason"] == "nothing_to_redo"
        assert (await client.get(path, params={"version": 4})).json()["timeline"] == now


async def test_an_undo_is_refused_with_the_names_of_later_edits_of_the_same(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        path = f"/v1/timelines/{(await keep(client))['timeline_id']}"
        await edit(client, path, name("ada's"), at=1)
        await edit(client, path, MARK, at=2, who="bob")
        await edit(client, path, TRIM, at=3, who="bob")
        refused = await said(client, path, "undo")
        assert (refused.status_code, refused.json()["code"]) == (409, "version_conflict")
        assert [(one["version"], one["operations"]) for one in refused.json()["operations"]] == [
            (4, ["trim"])
        ]
        stale = await client.post(f"{path}/undo", json={"expected_version": 2}, headers=as_("bob"))
        assert [one["version"] for one in stale.json()["operations"]] == [3, 4]
        assert (await said(client, path, "undo", "bob")).status_code == 200
        assert (await said(client, path, "undo")).status_code == 200, "nobody stands in the way any more"


async def test_what_a_compaction_took_cannot_be_undone(tmp_path: Path) -> None:
    async with border(tmp_path) as (kernel, client):
        path = f"/v1/timelines/{(await keep(client))['timeline_id']}"
        await edit(client, path, name("before"), at=1)
        keeper = Context(actor="keeper", capabilities=frozenset({"*"}))
        await edit(client, path, MARK, at=2, who="bob")
        await kernel.compactor.compact(kernel.dispatch.head, keeper)
        await edit(client, path, TRIM, at=3)
        assert (await said(client, path, "undo")).status_code == 200
        gone = await said(client, path, "undo")
        assert (gone.status_code, gone.json()["code"]) == (410, "compacted")
        old = await client.get(path, params={"version": 1})
        assert (old.status_code, old.json()["code"]) == (410, "compacted")
        assert (await client.get(path, params={"version": 3})).json()["timeline"]["markers"]


async def test_a_fork_begins_as_its_source_was_and_goes_its_own_way(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        kept = await keep(client)
        path = f"/v1/timelines/{kept['timeline_id']}"
        await edit(client, path, TRIM, at=1)
        forked = (await client.post(f"{path}/fork", json={"version": 1, "name": "other"})).json()
        assert forked["forked_from"] == {"timeline_id": kept["timeline_id"], "version": 1}
        assert forked["timeline"] == kept["timeline"] | {"name": "other"}
        newest = (await client.post(f"{path}/fork", json={})).json()
        assert newest["timeline"] == (await client.get(path)).json()["timeline"]
        await edit(client, f"/v1/timelines/{newest['timeline_id']}", name("x"), at=1)
        assert (await client.get(path)).json()["version"] == 2
        missing = await client.post(f"{path}/fork", json={"version": 9})
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
