"""Render jobs: asked for over HTTP, carried out by the outbox, paused, resumed, canceled; each piece of work done once."""

import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.renders import Render
from cutroom_sdk.wire.timeline import Clip, Nested, TimelineReference, TimeRange, Track
from engine.editing.reducer import Create
from engine.kernel.kernel import Kernel
from engine.rendering import making
from engine.rendering.reducer import Queue
from engine.rendering.routes import routes
from engine.rendering.sources import resolved
from tests.clips import Sound, make_clip, read_numbers
from tests.render.studio import EDITOR, Studio, client_of, studio
from tests.render.test_render_tool import damage
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
Span = tuple[int, int]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    return source_of(
        make_clip(path, frames=400, audio=Sound(tone_hz=300, tone_peak=0.3, tick_every=None)).path
    )


@asynccontextmanager
async def border(room: Studio) -> AsyncIterator[httpx.AsyncClient]:
    """The routes over a studio."""
    async with client_of(room, routes, render_jobs=room.renders.jobs) as client:
        yield client


def wanted(source: Source, *spans: Span, **more: Any) -> dict[str, Any]:
    """A request for these frames of the source."""
    items = [span(source, *one, rate=PAL) for one in spans]
    timeline = timeline_of(items, rate=PAL)
    heard = tuple(replace(item, id=f"{item.id}-heard") for item in items)
    tracks = (*timeline.tracks, Track(kind="audio", name="sound", items=heard))
    return {"profile": "source", "timeline": to_builtins(replace(timeline, tracks=tracks)), **more}


async def until(kernel: Kernel, render_id: str, *states: str) -> Render:
    """Wait until a render is in one of these states."""
    while True:
        news = kernel.subscriptions.signal
        render = await kernel.resources.value(f"render/{render_id}", Render)
        if render is not None and render.state in states:
            return render
        await news.wait()


async def test_a_timeline_is_asked_for_and_becomes_a_file(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        asked = await client.post("/v1/renders", json=wanted(source, (10, 60), (200, 230)))
        assert asked.status_code == 202, asked.text
        assert asked.json()["state"] == "queued"
        assert asked.json()["progress"]["total_frames"] == 80
        render = await until(room.kernel, asked.json()["render_id"], "completed", "failed")
        assert render.output is not None, render.error
        assert read_numbers(Path(render.output.path)) == [*range(10, 60), *range(200, 230)]
        assert {check.name for check in render.checks if check.status == "fail"} == set()
        again = await client.post("/v1/renders", json=wanted(source, (10, 60), (200, 230)))
        assert (again.json()["render_id"], again.json()["state"]) == (render.render_id, "completed")
        assert room.renders.jobs.busy() is False


async def test_a_job_id_is_one_job(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        first = await client.post("/v1/renders", json=wanted(source, (0, 20), job_id="mine"))
        second = await client.post("/v1/renders", json=wanted(source, (0, 20), job_id="mine"))
        assert (first.json()["render_id"], second.status_code) == ("mine", 202)
        other = await client.post("/v1/renders", json=wanted(source, (0, 21), job_id="mine"))
        assert (other.status_code, other.json()["code"]) == (409, "job_conflict")
        assert (await until(room.kernel, "mine", "completed")).progress.total_frames == 20
        mistaken = await client.post("/v1/renders", json=wanted(source, (0, 20), job_id="a/b"))
        assert (mistaken.status_code, mistaken.json()["field"]) == (400, "job_id")


async def test_segments_that_wait_for_a_process_hold_no_file_open(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film of more segments than this process may have files is made all the same."""
    monkeypatch.setattr(making, "PARTS_MAX", 8)
    items = [span(source, place, place + 1, rate=PAL) for place in range(0, 160, 2)]
    film = to_builtins(timeline_of(items, rate=PAL))
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + len(items) // 2, hard))
        try:
            asked = await client.post("/v1/renders", json={"profile": "source", "timeline": film})
            render = await until(room.kernel, asked.json()["render_id"], "completed", "failed")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert render.error is None
        assert render.segments.rendered == len(items)


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"profile": "reel"}, 400, "reels"),
        ({"timeline_id": "t1"}, 400, "not both"),
        ({"timeline": None, "timeline_id": "t1"}, 404, "t1"),
        ({"timeline": None}, 400, "timeline_id"),
        ({"version": 3}, 400, "version"),
    ],
)
async def test_a_mistake_is_told_at_once(
    tmp_path: Path, source: Source, change: dict[str, Any], status: int, told: str
) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        refused = await client.post("/v1/renders", json=wanted(source, (0, 20)) | change)
        assert refused.status_code == status
        assert told in refused.json()["detail"]
        assert await room.kernel.resources.values("render", Render) == []


async def test_an_asset_that_is_not_there_is_named_with_its_clip(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        refused = await client.post("/v1/renders", json=wanted(source, (0, 20)))
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert refused.json()["clip"] == "clip.mp4-0"
        assert source.asset.asset_id in refused.json()["detail"]


async def test_what_changes_while_it_waits_fails_the_job_and_says_where(
    tmp_path: Path, source: Source
) -> None:
    copy = Source(tmp_path / "clip.mp4", source.asset, source.index)
    copy.path.write_bytes(source.path.read_bytes())
    async with studio(tmp_path / "state") as room:
        await room.take_in(copy)
        ordered = await order(room, source, (0, 20))
        damage(copy.path)
        await room.kernel.dispatch.propose(ordered.stream, Queue(order=ordered.order), EDITOR)
        failed = await until(room.kernel, ordered.render_id, "failed")
        assert failed.error is not None
        assert (failed.error.stage, failed.error.clip) == ("probe", "clip.mp4-0")
        assert failed.error.asset == source.asset.asset_id
        assert "changed" in failed.error.cause


async def order(room: Studio, source: Source, *spans: Span) -> Any:
    from engine.editing.profiles import profile_named
    from engine.rendering.ordering import Wanted

    items = [span(source, *one, rate=PAL) for one in spans]
    asked = Wanted(timeline=timeline_of(items, rate=PAL), profile=profile_named("source"))
    return await room.renders.jobs.order(asked, EDITOR)


async def test_a_pause_ends_the_work_and_resuming_does_what_is_missing(
    tmp_path: Path, source: Source
) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        asked = await client.post("/v1/renders", json=wanted(source, (0, 20), (20, 40), (100, 390)))
        render_id = asked.json()["render_id"]
        kept = await room.segments()
        paused = await client.post(f"/v1/renders/{render_id}/pause", json={})
        assert paused.json()["state"] == "paused"
        await room.renders.jobs.rest(EDITOR.partition, render_id)
        assert list((tmp_path / "state" / "blobs" / "staging").iterdir()) == []
        resumed = await client.post(f"/v1/renders/{render_id}/resume", json={})
        assert resumed.json()["state"] == "queued"
        render = await until(room.kernel, render_id, "completed", "failed")
        assert render.segments.cached >= len(kept)
        assert render.output is not None
        assert read_numbers(Path(render.output.path)) == [*range(40), *range(100, 390)]


async def test_a_job_is_taken_up_by_the_next_daemon(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        asked = await client.post(
            "/v1/renders", json=wanted(source, (0, 20), (20, 40), (100, 390), job_id="j")
        )
        assert asked.status_code == 202
        await room.segments()
    async with studio(tmp_path / "state") as room:
        render = await until(room.kernel, "j", "completed", "failed")
        assert render.segments.cached >= 1
        assert render.output is not None


async def test_a_full_queue_says_when_to_come_back(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        room.renders.jobs.queue_most = 0
        refused = await client.post("/v1/renders", json=wanted(source, (0, 20)))
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["Retry-After"] == "10"
        room.renders.jobs.queue_most = 1
        taken = await client.post("/v1/renders", json=wanted(source, (0, 20)))
        assert taken.status_code == 202
        await until(room.kernel, taken.json()["render_id"], "completed")
        # What is there already needs no place.
        room.renders.jobs.queue_most = 0
        assert (await client.post("/v1/renders", json=wanted(source, (0, 20)))).status_code == 202


async def test_a_kept_timeline_is_rendered_as_it_was_at_its_version(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        film = timeline_of([span(source, 5, 25, rate=PAL)], rate=PAL)
        await room.kernel.dispatch.propose("timeline/t1", Create(timeline=film), EDITOR)
        whole = TimeRange(start=Fraction(0), duration=Fraction(20) / PAL)
        outer = [Clip(id="nested", media=TimelineReference(timeline_id="t1"), source_range=whole)]
        await room.kernel.dispatch.propose(
            "timeline/t2", Create(timeline=timeline_of(outer, rate=PAL)), EDITOR
        )
        asked = await client.post("/v1/renders", json={"timeline_id": "t1", "profile": "source"})
        assert (asked.json()["timeline_id"], asked.json()["timeline_version"]) == ("t1", 1), asked.text
        render = await until(room.kernel, asked.json()["render_id"], "completed", "failed")
        assert render.output is not None
        assert read_numbers(Path(render.output.path)) == [*range(5, 25)]
        later = await client.post(
            "/v1/renders", json={"timeline_id": "t1", "version": 2, "profile": "source"}
        )
        assert later.status_code == 404
        found, _ = await room.renders.jobs.read("t2", None, EDITOR)
        alone = await resolved(found, room.renders.jobs.read, EDITOR, ("t2",))
        (nested,) = alone.tracks[0].items
        assert isinstance(nested, Clip)
        assert nested.media == Nested(timeline=film)


async def test_timelines_that_hold_each_other_are_refused(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        whole = TimeRange(start=Fraction(0), duration=Fraction(1))
        for one, other in (("t1", "t2"), ("t2", "t1")):
            clip = Clip(id="other", media=TimelineReference(timeline_id=other), source_range=whole)
            made = Create(timeline=timeline_of([clip], rate=PAL))
            await room.kernel.dispatch.propose(f"timeline/{one}", made, EDITOR)
        refused = await client.post("/v1/renders", json={"timeline_id": "t1", "profile": "source"})
        assert (refused.status_code, refused.json()["field"]) == (400, "timeline")
        assert "part of itself" in refused.json()["detail"]


async def test_an_encoder_is_chosen_by_opening_it_and_the_choice_is_on_record(
    tmp_path: Path, source: Source
) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        room.renders.jobs.encoders.named = "auto"
        asked = await client.post("/v1/renders", json=wanted(source, (0, 20)))
        (told,) = [notice for notice in asked.json()["notices"] if notice.startswith("encoder ")]
        assert told.startswith("encoder libx264: no hardware") or "the first of this machine" in told
        if told.startswith("encoder libx264"):
            room.renders.jobs.encoders.named = "h264_nvenc"
            refused = await client.post("/v1/renders", json=wanted(source, (0, 20)))
            assert (refused.status_code, refused.json()["field"]) == (400, "encoder")
            assert "cannot be used" in refused.json()["detail"]
