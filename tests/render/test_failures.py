"""A render that fails says where: stage, segment, clip, asset, frame, why, and what the process said last."""

import shutil
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.renders import Render
from cutroom_sdk.wire.timeline import Effect, Timeline, Track
from tests.clips import make_clip
from tests.render.studio import Studio, studio
from tests.render.test_jobs import border, until
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
GOP = 25
BROKEN_FROM = 75  # a keyframe, and nothing after it can be decoded


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(make_clip(tmp_path_factory.mktemp("footage") / "whole.mp4", frames=100, gop=GOP).path)


@pytest.fixture(scope="module")
def broken(whole: Source, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The same film, of whose pictures those from `BROKEN_FROM` on are zeroes; its index is whole."""
    import av

    path = tmp_path_factory.mktemp("footage") / "broken.mp4"
    shutil.copy(whole.path, path)
    with av.open(str(whole.path)) as container:
        spots = [
            (one.pos, one.size, one.pts * one.time_base)
            for one in container.demux(video=0)
            if one.pts is not None
        ]
    with path.open("r+b") as file:
        for at, size, shown in spots:
            if at is not None and shown >= BROKEN_FROM / PAL:
                file.seek(at)
                file.write(bytes(size))
    good = source_of(whole.path)
    taken = source_of(path)
    return replace_index(taken, good)


def replace_index(taken: Source, good: Source) -> Source:
    return Source(taken.path, taken.asset, good.index)


@pytest_asyncio.fixture(loop_scope="session")
async def room(tmp_path: Path, whole: Source, broken: Source) -> AsyncIterator[Studio]:
    async with studio(tmp_path / "state") as made:
        for one in (whole, broken):
            await made.take_in(one)
        yield made


async def failed(room: Studio, timeline: Timeline) -> Render:
    async with border(room) as client:
        asked = {"profile": "draft", "timeline": to_builtins(timeline)}
        answer = await client.post("/v1/renders", json=asked)
        assert answer.status_code == 202, answer.text
    return await until(room.kernel, answer.json()["render_id"], "completed", "failed")


async def test_a_frame_that_cannot_be_decoded_is_named_with_all_that_leads_to_it(
    room: Studio, whole: Source, broken: Source
) -> None:
    items = [span(whole, 0, 20, rate=PAL), span(broken, 60, 90, rate=PAL)]
    render = await failed(room, timeline_of(items, rate=PAL))
    error = render.error
    assert error is not None
    assert (error.stage, error.code) == ("decode", "media_unreadable")
    assert (error.segment, error.clip) == (1, "broken.mp4-60")
    assert (error.asset, error.frame) == (broken.asset.asset_id, BROKEN_FROM)
    assert f"frame {BROKEN_FROM} of 100 cannot be decoded" in error.cause
    assert "Traceback" in error.log_tail
    assert "frames.py" in error.log_tail
    assert render.output is None
    assert list((room.kernel.blobs.path("00").parent.parent / "staging").glob("*")) == []


async def test_of_several_layers_the_broken_one_is_named(room: Studio, whole: Source, broken: Source) -> None:
    below, above = span(whole, 0, 20, rate=PAL), span(broken, 75, 95, rate=PAL)
    small = Effect(name="picture_in_picture", parameters={})
    both = timeline_of([below], rate=PAL)
    upper = Track(kind="video", name="above", items=(replace(above, effects=(small,)),))
    error = (await failed(room, replace(both, tracks=(*both.tracks, upper)))).error
    assert error is not None
    assert (error.asset, error.clip) == (broken.asset.asset_id, "broken.mp4-75")
    assert (error.segment, error.frame) == (0, BROKEN_FROM)
