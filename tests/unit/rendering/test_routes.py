"""Renders over HTTP: what there is, the file by ranges, and stopping one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cutroom_sdk.wire.renders import RenderOutput
from engine.http.app import build_app
from engine.kernel.clock import SystemClock
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.rendering.reducer import RENDER, Complete, Order, Queue, Start
from engine.rendering.reducer_segment import SEGMENT
from engine.rendering.routes import routes

HOST = "127.0.0.1:7717"
EDITOR = Context(actor="ada", capabilities=frozenset({"renders:read", "renders:write"}))
READER = Context(actor="bob", capabilities=frozenset({"renders:read"}))
ORDER = Order(profile="reels", plan_hash="p", input_hash="p", timeline="b", total_frames=30)
START = Start(plan_hash="p", total_frames=30, tries=1)


@asynccontextmanager
async def border(folder: Path) -> AsyncIterator[tuple[Kernel, httpx.AsyncClient]]:
    """The routes over a kernel with one running render, `r1`; asked with ada's token."""
    kernel = await Kernel.open(folder, (RENDER, SEGMENT), SystemClock())
    app = build_app(
        kernel,
        features=routes,
        check_token={"ada": EDITOR, "bob": READER}.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": "Bearer ada"}
    async with kernel.running():
        for proposal in (Queue(order=ORDER), START):
            await kernel.dispatch.propose("render/r1", proposal, EDITOR)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}", headers=headers, verify=False, trust_env=False
        ) as client:
            yield kernel, client


async def complete(kernel: Kernel, content: bytes) -> None:
    sha256 = kernel.blobs.put(content)
    output = RenderOutput(path=str(kernel.blobs.path(sha256)), sha256=sha256, bytes=len(content))
    await kernel.dispatch.propose("render/r1", Complete(output=output, checks=(), notices=()), EDITOR)


async def test_a_render_is_listed_and_read(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        listed = (await client.get("/v1/renders")).json()
        assert [one["render_id"] for one in listed["items"]] == ["r1"]
        answer = await client.get("/v1/renders/r1")
        assert answer.json()["state"] == "running"
        assert answer.headers["ETag"] == '"2"'
        missing = await client.get("/v1/renders/nothing")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_the_file_is_given_whole_or_by_ranges(tmp_path: Path) -> None:
    content = bytes(range(256)) * 40
    async with border(tmp_path) as (kernel, client):
        assert (await client.get("/v1/renders/r1/content")).status_code == 404
        await complete(kernel, content)
        whole = await client.get("/v1/renders/r1/content")
        assert (whole.status_code, whole.content) == (200, content)
        assert whole.headers["content-type"] == "video/mp4"
        assert whole.headers["accept-ranges"] == "bytes"
        part = await client.get("/v1/renders/r1/content", headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, content[100:200])
        tail = await client.get("/v1/renders/r1/content", headers={"Range": "bytes=-10"})
        assert tail.content == content[-10:]
        beyond = await client.get("/v1/renders/r1/content", headers={"Range": "bytes=999999-"})
        assert beyond.status_code == 416


async def test_only_who_may_cancels_and_only_what_runs(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        refused = await client.post("/v1/renders/r1/cancel", json={}, headers={"Authorization": "Bearer bob"})
        assert refused.status_code == 403
        canceled = await client.post("/v1/renders/r1/cancel", json={})
        assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
        again = await client.post("/v1/renders/r1/cancel", json={})
        assert (again.status_code, again.json()["code"]) == (422, "event_rejected")


async def test_a_render_is_paused_and_resumed(tmp_path: Path) -> None:
    async with border(tmp_path) as (_, client):
        paused = await client.post("/v1/renders/r1/pause", json={})
        assert (paused.status_code, paused.json()["state"]) == (200, "paused")
        resumed = await client.post("/v1/renders/r1/resume", json={})
        assert (resumed.status_code, resumed.json()["state"]) == (200, "queued")
        missing = await client.post("/v1/renders/r2/resume", json={})
        assert missing.status_code == 404
