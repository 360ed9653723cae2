"""Looking at a timeline over HTTP: one exact frame, and the plan, with real worker processes behind them."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image
from starlette.requests import ClientDisconnect, Request

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.media import CameraPath
from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Generator, Timeline, TimeRange, Track
from engine.editing.profiles import profile_named
from engine.editing.reducer import Create
from engine.media.analysis.backends import backend
from engine.media.cache import make_artifact
from engine.media.reducer import Record
from engine.rendering.previews import Looked, Previews
from engine.rendering.routes_previews import routes, while_wanted
from tests.clips import make_clip, read_number
from tests.render.studio import EDITOR, Studio, client_of, studio
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
HERE = "/v1/timelines/t1"
PROFILE = profile_named("source")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(make_clip(tmp_path_factory.mktemp("footage") / "clip.mp4", frames=100).path)


@asynccontextmanager
async def border(
    folder: Path, timeline: Timeline, *sources: Source
) -> AsyncIterator[tuple[Studio, httpx.AsyncClient]]:
    """The routes over a studio that keeps the timeline `t1`."""
    async with studio(folder) as room:
        for source in sources:
            await room.take_in(source)
        await room.kernel.dispatch.propose("timeline/t1", Create(timeline=timeline), EDITOR)
        async with client_of(room, routes, previews=room.renders.previews) as client:
            yield room, client


def number_in(answer: httpx.Response) -> int | None:
    assert answer.status_code == 200, answer.text
    return read_number(np.asarray(Image.open(io.BytesIO(answer.content)).convert("L")))


async def test_a_frame_is_asked_for_by_its_number_or_its_exact_time(tmp_path: Path, source: Source) -> None:
    clips = [span(source, 10, 30, rate=PAL), span(source, 50, 60, rate=PAL)]
    async with border(tmp_path, timeline_of(clips, rate=PAL), source) as (_, client):
        first = await client.get(f"{HERE}/frame", params={"frame": 20})
        assert (number_in(first), first.headers["content-type"]) == (50, "image/png")
        timed = await client.get(f"{HERE}/frame", params={"at": "199/250", "format": "jpeg"})
        assert (number_in(timed), timed.headers["content-type"]) == (29, "image/jpeg")
        assert timed.headers["Cutroom-Frame"] == "19"
        again = await client.get(
            f"{HERE}/frame", params={"frame": 20}, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert again.status_code == 304
        preferred = await client.get(f"{HERE}/frame", params={"frame": 0}, headers={"Accept": "image/jpeg"})
        assert preferred.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "at"),
        ({"at": "0", "frame": "1"}, "at"),
        ({"at": "1e9999999"}, "at"),
        ({"at": "2"}, "at"),
        ({"frame": "30"}, "frame"),
        ({"frame": "-1"}, "frame"),
        ({"frame": "0", "format": "gif"}, "format"),
        ({"frame": "0", "profile": "tiktak"}, "profile"),
    ],
)
async def test_what_cannot_be_shown_is_refused_by_name(
    tmp_path: Path, source: Source, asked: dict[str, str], field: str
) -> None:
    async with border(tmp_path, timeline_of([span(source, 0, 30, rate=PAL)], rate=PAL), source) as (
        _,
        client,
    ):
        answer = await client.get(f"{HERE}/frame", params=asked)
        assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_what_is_written_and_laid_above_is_in_the_picture(tmp_path: Path, source: Source) -> None:
    title = Clip(
        id="title", media=Generator(kind="title", parameters={"text": "Cut", "size": 300}),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(1)),
    )  # fmt: skip
    plain = timeline_of([span(source, 0, 25, rate=PAL)], rate=PAL)
    titled = replace(plain, tracks=(*plain.tracks, Track(kind="video", name="titles", items=(title,))))
    async with border(tmp_path, titled, source) as (_, client):
        answer = await client.get(f"{HERE}/frame", params={"frame": 12})
        assert answer.status_code == 200, answer.text
        picture = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))
        below = np.asarray(
            Image.open(io.BytesIO(await frame_alone(tmp_path / "b", plain, source))).convert("L")
        )
        assert (np.abs(picture.astype(int) - below) > 20).mean() > 0.01


async def frame_alone(folder: Path, timeline: Timeline, source: Source) -> bytes:
    async with border(folder, timeline, source) as (_, client):
        return (await client.get(f"{HERE}/frame", params={"frame": 12})).content


async def test_the_plan_tells_what_is_kept_and_what_was_decided(tmp_path: Path, source: Source) -> None:
    wide = Effect(name="slow_motion")
    slow = replace(span(source, 50, 60, rate=PAL, effects=[wide]), speed=Fraction(1, 2))
    timeline = timeline_of([span(source, 0, 30, rate=PAL), slow], rate=PAL)
    async with border(tmp_path, timeline, source) as (_, client):
        plan = (await client.get(f"{HERE}/plan")).json()
        assert [(one["first"], one["frames"], one["kept"]) for one in plan["segments"]] == [
            (0, 30, False),
            (30, 10, False),
        ]
        assert (plan["frames"], plan["to_render"], plan["version"], plan["profile"]) == (40, 40, 1, "source")
        assert plan["encoder"]["codec"] == "libx264"
        assert "slow motion" in plan["methods"][0]
        assert any("colours taken for" in one for one in plan["defaults"])
        (needs,) = plan["dependency_notices"]
        assert (needs["kind"], needs["found"], needs["backend"]) == ("frame_index", True, "packets")


async def test_a_plan_that_copies_says_what_is_copied_and_what_is_encoded(
    tmp_path: Path, source: Source
) -> None:
    """The clip's groups begin at multiples of 25."""
    blur = Effect(name="blur", parameters={"radius": 3.0})
    items = [span(source, 20, 60, rate=PAL), span(source, 60, 70, rate=PAL, effects=[blur])]
    async with border(tmp_path, timeline_of(items, rate=PAL), source) as (_, client):
        plan = (await client.get(f"{HERE}/plan", params={"profile": "cut"})).json()
        found = [(one["kind"], one["first"], one["frames"], bool(one["key"])) for one in plan["segments"]]
        copied = found[1][2]
        assert found[:2] == [("edge", 0, 5, True), ("copy", 5, copied, False)]
        assert found[-1] == ("render", 40, 10, True)
        assert any(f"{copied} of 50 frames are copied" in one for one in plan["notices"]), plan


async def test_what_is_missing_is_a_warning_in_a_plan_and_an_error_in_a_frame(
    tmp_path: Path, source: Source
) -> None:
    gone = Clip(
        id="gone", media=AssetReference(asset_id="f" * 32),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(1)),
    )  # fmt: skip
    async with border(tmp_path, timeline_of([span(source, 0, 25, rate=PAL), gone], rate=PAL), source) as (
        _,
        client,
    ):
        plan = (await client.get(f"{HERE}/plan")).json()
        assert plan["frames"] == 50
        assert any("gone" in one and "f" * 32 in one for one in plan["warnings"])
        assert (await client.get(f"{HERE}/frame", params={"frame": 0})).status_code == 404


async def test_stabilise_finds_its_path_among_the_analyses_and_says_what_to_run_where_there_is_none(
    tmp_path: Path, source: Source
) -> None:
    steady = timeline_of([span(source, 0, 25, rate=PAL, effects=[Effect(name="stabilise")])], rate=PAL)
    asset = source.asset
    async with border(tmp_path, steady, source) as (room, client):
        plan = (await client.get(f"{HERE}/plan")).json()
        ask = f'POST /v1/assets/{asset.asset_id}/analyses {{"kind": "camera"}}'
        assert any(ask in one for one in plan["warnings"])
        missing = next(one for one in plan["dependency_notices"] if one["kind"] == "camera")
        assert (missing["asset_id"], missing["found"]) == (asset.asset_id, False)
        refused = await client.get(f"{HERE}/frame", params={"frame": 9})
        assert (refused.status_code, ask in refused.json()["detail"]) == (400, True)
        still = CameraPath(width=320, height=180, rate=25.0, moves=(None, *[(0.0, 0.0, 0.0, 0.0)] * 99))
        maker = backend("camera")
        path = make_artifact(asset, maker, maker.params, encode(still), room.kernel.blobs)
        await room.kernel.dispatch.propose(f"artifact/{path.artifact_id}", Record(artifact=path), EDITOR)
        plan = (await client.get(f"{HERE}/plan")).json()
        assert (plan["warnings"], len(plan["methods"])) == ([], 1)
        there = next(one for one in plan["dependency_notices"] if one["kind"] == "camera")
        assert (there["found"], there["backend"], there["cache_key"]) == (True, maker.name, path.cache_key)
        assert number_in(await client.get(f"{HERE}/frame", params={"frame": 9})) == 9


async def test_who_no_longer_waits_for_a_frame_gives_the_turn_back(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    both, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_self: Previews, work: Any, _material: Any) -> bytes:
        begun.append(1)
        if len(begun) == 2:
            both.set()
        await go_on.wait()
        return b"x"

    monkeypatch.setattr(Previews, "_made", slow)
    async with border(tmp_path, timeline_of([span(source, 0, 25, rate=PAL)], rate=PAL), source) as (room, _):
        previews = room.renders.previews
        looked: Looked = await previews.look("t1", None, PROFILE, EDITOR, lenient=False)
        asked = [asyncio.create_task(previews.frame(looked, number, "png")) for number in range(10)]
        await both.wait()
        for task in asked[2:9]:
            task.cancel()
        go_on.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [one for one in answers if one == b"x"] == [b"x"] * 3
        assert len(begun) == 3


async def test_work_ends_when_the_client_goes() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        await while_wanted(Request({"type": "http"}, receive), work())
    await ended.wait()
