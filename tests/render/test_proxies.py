"""Proxies stand for their source frame by frame, whatever it is; drafts read them, and exports never do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from cutroom_sdk.wire.proxies import Proxy
from cutroom_sdk.wire.renders import Segment
from engine.editing.profiles import profile_named
from engine.editing.reducer import Create
from engine.http.app import build_app
from engine.kernel.errors import WorkFailed
from engine.media.index import FrameIndex
from engine.media.tasks import no_report
from engine.rendering import worker
from engine.rendering.capabilities import capabilities
from engine.rendering.proxies import ladder, tasks
from engine.rendering.proxies.work import JoinProxyWork
from engine.rendering.routes_previews import routes as preview_routes
from engine.rendering.routes_proxies import routes as proxy_routes
from engine.rendering.routes_streams import routes as stream_routes
from tests.clips import make_clip, read_numbers
from tests.render.studio import EDITOR, HOST, Studio, studio
from tests.render.test_preview_routes import number_in
from tests.render.workshop import Opened, Source, index_file, source_of, span, timeline_of

PAL = Fraction(25)
NTSC = Fraction(30000, 1001)
STEPS = (Fraction(1, 30), Fraction(1, 15), Fraction(1, 30), Fraction(1, 10))
VARYING = [sum((STEPS[place % 4] for place in range(number)), Fraction(0)) for number in range(40)]
MAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("clip.mp4", {}),
    "ntsc, open GOP": ("clip.mp4", {"rate": NTSC, "open_gop": True, "b_frames": 3}),
    "varying rate": ("clip.mp4", {"times": VARYING}),
    "varying rate in milliseconds": ("clip.mkv", {"times": VARYING}),
    "turned": ("clip.mp4", {"rotation": 90}),
    "a late start": ("clip.ts", {"start": Fraction(7, 5)}),
    "HEVC": ("clip.mp4", {"codec": "libx265"}),
    "VP9": ("clip.webm", {"codec": "libvpx-vp9", "b_frames": 0}),
}


def proxied(folder: Path, source: Source, size: int = 360) -> tuple[Path, FrameIndex]:
    """Make a proxy in this process; return its file and its frame index."""
    folder.mkdir(exist_ok=True)
    assert source.index is not None
    recipe = ladder.recipe_of(source.asset, source.index, "blob", size, capabilities())
    own = index_file(folder, source)
    parts = [folder / f"{number}.segment" for number in range(len(recipe.chunks))]
    for (_, work), part in zip(recipe.chunks, parts, strict=True):
        with Opened([source.path, own], [part]) as files:
            worker.render_segment(work, files, no_report)
    with Opened([own, *parts], [folder / "proxy.mp4", folder / "proxy.index"]) as files:
        tasks.join_proxy(JoinProxyWork(encoder=recipe.encoder), files, no_report)
    return folder / "proxy.mp4", FrameIndex.from_bytes((folder / "proxy.index").read_bytes())


@pytest.mark.parametrize("make", MAKES)
def test_every_frame_is_the_sources_and_begins_when_it_does(tmp_path: Path, make: str) -> None:
    name, options = MAKES[make]
    source = source_of(make_clip(tmp_path / name, frames=40, width=640, height=360, **options).path)
    assert source.index is not None
    path, index = proxied(tmp_path / "out", source)
    assert read_numbers(path) == list(range(40))
    times = [source.index.time_of(number) for number in range(40)]
    assert [index.time_of(number) for number in range(40)] == times
    assert [index.frame_at(at) for at in times] == list(range(40))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 360)
        assert not container.streams.audio


def test_pieces_that_lack_a_frame_make_no_proxy(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=40, width=640, height=360).path)
    proxied(tmp_path / "out", source)
    shorter = source_of(make_clip(tmp_path / "other.mp4", frames=41, width=640, height=360).path)
    own = index_file(tmp_path / "out", shorter)
    assert source.index is not None
    encoder = ladder.recipe_of(source.asset, source.index, "", 360, capabilities()).encoder
    with (
        Opened([own, tmp_path / "out" / "0.segment"], [tmp_path / "p.mp4", tmp_path / "p.index"]) as files,
        pytest.raises(WorkFailed, match="41 frames were wanted, the pieces hold 40"),
    ):
        tasks.join_proxy(JoinProxyWork(encoder=encoder), files, no_report)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    return source_of(make_clip(path, frames=60, width=1280, height=720, gop=20).path)


@asynccontextmanager
async def border(room: Studio, *sources: Source) -> AsyncIterator[httpx.AsyncClient]:
    """The routes over a studio that keeps the timeline `t1`: frames 10 to 50 of the first source."""
    for one in sources:
        await room.take_in(one)
    timeline = timeline_of([span(sources[0], 10, 50, rate=PAL)], rate=PAL, width=1280, height=720)
    await room.kernel.dispatch.propose("timeline/t1", Create(timeline=timeline), EDITOR)
    app = build_app(
        room.kernel,
        features=[*proxy_routes, *preview_routes, *stream_routes],
        check_token={"ada": EDITOR}.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    app.state.previews, app.state.render_jobs = room.renders.previews, room.renders.jobs
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://{HOST}",
        headers={"Authorization": "Bearer ada"},
        verify=False,
        trust_env=False,
    ) as client:
        yield client


async def until(room: Studio, proxy_id: str, *states: str) -> Proxy | None:
    """Wait until a proxy is in one of these states; "gone" is none."""
    while True:
        news = room.kernel.subscriptions.signal
        proxy: Proxy | None = await room.kernel.resources.value(f"proxy/{proxy_id}", Proxy)
        if ("gone" if proxy is None else proxy.state) in states:
            return proxy
        await news.wait()


def size_of(answer: httpx.Response, tmp_path: Path) -> tuple[int, int]:
    path = tmp_path / "still.png"
    path.write_bytes(answer.content)
    with av.open(str(path)) as picture:
        return picture.streams.video[0].width, picture.streams.video[0].height


async def test_a_draft_asks_for_a_proxy_and_then_reads_it(tmp_path: Path, source: Source) -> None:
    name = f"{source.asset.asset_id}-360"
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        frame: dict[str, Any] = {"frame": 13, "quality": "draft"}
        first = await client.get("/v1/timelines/t1/frame", params=frame)
        assert (number_in(first), first.headers["Cutroom-Proxies"]) == (23, "")
        assert (await until(room, name, "ready", "failed")).state == "ready"  # type: ignore[union-attr]
        draft = await client.get("/v1/timelines/t1/frame", params=frame)
        assert (number_in(draft), draft.headers["Cutroom-Proxies"]) == (23, name)
        assert size_of(draft, tmp_path) == (640, 360)
        plan = (await client.get("/v1/timelines/t1/plan", params={"profile": "draft"})).json()
        assert plan["proxies"] == [name]
        assert plan["preview_warnings"] == ["clip.mp4: pictures come from its proxy of 360 lines"]
        played = await client.get("/v1/timelines/t1/stream")
        (tmp_path / "stream.mp4").write_bytes(played.content)
        assert read_numbers(tmp_path / "stream.mp4") == list(range(10, 50))


async def test_exports_never_read_one(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        for size in (360, 720):
            asked = await client.post("/v1/proxies", json={"asset_id": source.asset.asset_id, "size": size})
            assert (asked.status_code, asked.json()["state"]) == (202, "queued")
            await until(room, asked.json()["proxy_id"], "ready")
        for profile in ("source", "preview", "reels"):
            plan = (await client.get("/v1/timelines/t1/plan", params={"profile": profile})).json()
            assert (plan["proxies"], plan["preview_warnings"]) == ([], [])
        exact = await client.get("/v1/timelines/t1/frame", params={"frame": 0})
        assert "Cutroom-Proxies" not in exact.headers
        assert size_of(exact, tmp_path) == (1280, 720)


async def test_a_plan_says_what_is_missing_and_asks_for_nothing(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        plan = (await client.get("/v1/timelines/t1/plan", params={"profile": "draft"})).json()
        assert plan["preview_warnings"] == [
            "clip.mp4: pictures come from the footage itself, for it has no proxy of 360 lines"
        ]
        assert (await client.get("/v1/proxies")).json()["items"] == []


async def test_one_that_was_canceled_is_not_made_behind_ones_back(tmp_path: Path, source: Source) -> None:
    name = f"{source.asset.asset_id}-360"
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        asked = {"asset_id": source.asset.asset_id, "size": 360}
        await client.post("/v1/proxies", json=asked)
        canceled = await client.post(f"/v1/proxies/{name}/cancel")
        assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
        await client.get("/v1/timelines/t1/frame", params={"frame": 0, "quality": "draft"})
        assert (await client.get(f"/v1/proxies/{name}")).json()["state"] == "canceled"
        again = await client.post("/v1/proxies", json=asked)
        assert again.json()["state"] == "queued"
        await until(room, name, "ready")


async def test_its_file_comes_in_ranges_and_goes_when_it_is_removed(tmp_path: Path, source: Source) -> None:
    name = f"{source.asset.asset_id}-360"
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        assert (await client.get(f"/v1/proxies/{name}/content")).status_code == 404
        await client.post("/v1/proxies", json={"asset_id": source.asset.asset_id, "size": 360})
        ready = await until(room, name, "ready")
        assert ready is not None
        assert ready.sha256 is not None
        whole = await client.get(f"/v1/proxies/{name}/content")
        assert len(whole.content) == ready.bytes
        part = await client.get(f"/v1/proxies/{name}/content", headers={"Range": "bytes=0-99"})
        assert (part.status_code, part.content) == (206, whole.content[:100])
        assert whole.content.index(b"moov") < whole.content.index(b"mdat")
        removed = await client.delete(f"/v1/proxies/{name}")
        assert (removed.status_code, removed.json()["proxy_id"]) == (200, name)
        while room.kernel.blobs.has(ready.sha256):
            news = room.kernel.subscriptions.signal
            if room.kernel.blobs.has(ready.sha256):
                await news.wait()
        assert (await client.get(f"/v1/proxies/{name}")).status_code == 404
        shown = await client.get("/v1/timelines/t1/frame", params={"frame": 5, "quality": "draft"})
        assert (number_in(shown), shown.headers["Cutroom-Proxies"]) == (15, "")


async def test_it_makes_room_with_the_segments_and_leaves_none_of_its_pieces(
    tmp_path: Path, source: Source
) -> None:
    name = f"{source.asset.asset_id}-360"
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        await client.post("/v1/proxies", json={"asset_id": source.asset.asset_id, "size": 360})
        await until(room, name, "ready")
        kept = await room.kernel.resources.values("segment", Segment)
        assert {one.kind for one in kept} == {"proxy", "index"}
        room.renders.jobs.cache.limit_bytes = 0
        assert await room.renders.jobs.cache.sweep() == 2
        assert await until(room, name, "gone") is None


async def test_what_a_crash_has_left_is_not_made_twice(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "CHUNK_FRAMES", 20)
    name = f"{source.asset.asset_id}-360"
    assert source.index is not None
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        await client.post("/v1/proxies", json={"asset_id": source.asset.asset_id, "size": 360})
        while not await room.kernel.resources.values("segment", Segment):
            await room.kernel.subscriptions.signal.wait()
    async with studio(tmp_path / "state") as room:
        await until(room, name, "ready")
        made = [one for one in await room.kernel.log.read(after=0) if one.type == "segment.rendered"]
        pieces = len(list(ladder.pieces(source.index)))
        assert (pieces, len(made)) == (3, pieces + 2)


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"size": 500}, "size"), ({"size": 1080}, "size"), ({"size": "small"}, "size")],
)
async def test_sizes_that_cannot_be_are_refused_by_name(
    tmp_path: Path, source: Source, asked: dict[str, Any], field: str
) -> None:
    async with studio(tmp_path / "state") as room, border(room, source) as client:
        refused = await client.post("/v1/proxies", json={"asset_id": source.asset.asset_id, **asked})
        assert (refused.status_code, refused.json()["field"]) == (400, field)
        assert (await client.post("/v1/proxies", json={"asset_id": "none"})).status_code == 404
        bad = await client.get("/v1/timelines/t1/frame", params={"frame": 0, "quality": "best"})
        assert (bad.status_code, bad.json()["field"]) == (400, "quality")


def test_drafts_alone_read_proxies() -> None:
    assert [one for one in ("draft", "preview", "source", "reels") if profile_named(one).proxies] == ["draft"]
