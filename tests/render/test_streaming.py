"""A stream of a timeline: the right frames from the position on, soon, and nothing left behind when nobody listens."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Timeline, Track
from engine.editing.profiles import profile_named
from engine.kernel.clock import monotonic_s
from engine.kernel.errors import Invalid
from engine.rendering.streaming.sending import stream
from tests.clips import Sound, make_clip, read_numbers
from tests.render.studio import EDITOR, Studio, studio
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
DRAFT = profile_named("draft")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    return source_of(
        make_clip(path, frames=400, audio=Sound(tone_hz=300, tone_peak=0.3, tick_every=None)).path
    )


def film(source: Source) -> Timeline:
    items = [span(source, 10, 110, rate=PAL), span(source, 200, 380, rate=PAL)]
    heard = tuple(replace(item, id=f"{item.id}-heard") for item in items)
    timeline = timeline_of(items, rate=PAL)
    return replace(timeline, tracks=(*timeline.tracks, Track(kind="audio", name="sound", items=heard)))


async def streamed(room: Studio, source: Source, begin: Fraction, path: Path) -> list[float]:
    """Write a stream to a file; return after how many seconds each block came."""
    began_s, came = monotonic_s(), []
    with path.open("wb") as file:
        async for block in await stream(room.renders.jobs, film(source), DRAFT, begin, EDITOR):
            came.append(monotonic_s() - began_s)
            file.write(block)
    return came


@pytest.mark.parametrize("first", [0, 37, 99, 100, 250])
async def test_it_begins_at_the_frame_on_screen_with_its_sound(
    tmp_path: Path, source: Source, first: int
) -> None:
    shown = [*range(10, 110), *range(200, 380)]
    async with studio(tmp_path / "state") as room:
        await room.take_in(source)
        path = tmp_path / "stream.mp4"
        await streamed(room, source, first / PAL + Fraction(1, 100), path)
        assert read_numbers(path) == shown[first:]
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.name == "h264"
            lasts = sum(frame.samples for frame in container.decode(audio=0)) / 48_000
        assert abs(lasts - (len(shown) - first) / 25) < 0.06
        assert list((tmp_path / "state" / "blobs" / "staging").iterdir()) == []


async def test_the_first_fragment_is_there_long_before_the_last(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        await room.take_in(source)
        await streamed(room, source, Fraction(10), tmp_path / "warm.mp4")
        came = await streamed(room, source, Fraction(0), tmp_path / "stream.mp4")
        assert len(came) > 5
        assert came[0] < came[-1] / 2


async def test_the_work_ends_with_who_listens(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        await room.take_in(source)
        content = await stream(room.renders.jobs, film(source), DRAFT, Fraction(0), EDITOR)
        assert await anext(content)
        await content.aclose()  # type: ignore[attr-defined]
        assert list((tmp_path / "state" / "blobs" / "staging").iterdir()) == []
        # The process is free again for somebody else.
        assert len(await streamed(room, source, Fraction(11), tmp_path / "stream.mp4")) > 0


async def test_a_position_beyond_the_end_is_refused(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room:
        await room.take_in(source)
        with pytest.raises(Invalid) as refused:
            await stream(room.renders.jobs, film(source), DRAFT, Fraction(280, 25), EDITOR)
        assert refused.value.extra["field"] == "from"
