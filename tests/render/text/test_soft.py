"""Captions that a player shows: text tracks in the film, nothing on the picture."""

from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio

from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Timeline, TimeRange, Track
from engine.rendering.subtitles import Cue, Subtitles, ended, taken_out, timed_text
from tests.clips import make_clip
from tests.render.studio import Studio, studio
from tests.render.text.test_film import rendered
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(make_clip(tmp_path_factory.mktemp("footage") / "clip.mp4", frames=75).path)


@pytest_asyncio.fixture(loop_scope="session")
async def room(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as opened:
        yield opened


def _track(name: str, *said: tuple[str, str, str], style: str = "soft") -> Track:
    items: list[Clip | Gap] = []
    at = Fraction(0)
    for start, end, text in said:
        if Fraction(start) > at:
            items.append(Gap(duration=Fraction(start) - at))
        items.append(
            Clip(
                id=f"{name}-{start}",
                media=Generator(kind="caption", parameters={"style": style, "text": text}),
                source_range=TimeRange(start=Fraction(0), duration=Fraction(end) - Fraction(start)),
            )
        )
        at = Fraction(end)
    return Track(kind="caption", name=name, items=tuple(items))


def _timeline(source: Source, *tracks: Track) -> Timeline:
    plain = timeline_of([span(source, 0, 75, rate=PAL)], rate=PAL)
    return Timeline(
        name="soft", rate=PAL, width=320, height=180, sample_rate=48000, tracks=(*plain.tracks, *tracks)
    )


async def test_soft_captions_are_text_tracks_of_the_film(room: Studio, source: Source) -> None:
    german = _track("Deutsch", ("1/5", "1", "Schöne Grüße"), ("27/25", "2", "zwei\nZeilen"))
    arabic = _track("العربية", ("12/25", "12/5", "مرحبا"))
    plain = (await rendered(room, source, _timeline(source)))[1]
    render, frames = await rendered(room, source, _timeline(source, german, arabic))
    assert render.output is not None
    assert all(one.status != "fail" for one in render.checks), render.checks
    assert all(np.array_equal(one, other) for one, other in zip(plain, frames, strict=True))
    with av.open(str(room.kernel.blobs.path(render.output.sha256))) as film:
        assert [(one.type, one.name) for one in film.streams][-2:] == [("subtitle", "mov_text")] * 2
        assert [one.metadata["handler_name"] for one in film.streams.subtitles] == ["Deutsch", "العربية"]
        seen = [
            [(packet.pts, packet.duration, bytes(packet)[2:].decode()) for packet in _texts(film, number)]
            for number in (0, 1)
        ]
    assert seen[0] == [(200, 800, "Schöne Grüße"), (1080, 920, "zwei\nZeilen")]
    assert seen[1] == [(480, 1920, "مرحبا")]


def _texts(film: av.container.InputContainer, number: int) -> list[Any]:
    film.seek(0)
    return [packet for packet in film.demux(subtitles=number) if packet.size > 2]


async def test_a_film_with_text_is_the_same_bytes_every_time(room: Studio, source: Source) -> None:
    timeline = _timeline(source, _track("C", ("0", "1", "Hello")))
    first, _ = await rendered(room, source, timeline)
    again, _ = await rendered(room, source, timeline, job_id="another")
    assert first.output is not None
    assert again.output is not None
    assert first.output.sha256 == again.output.sha256


def test_captions_that_are_drawn_stay_on_the_timeline(source: Source) -> None:
    mixed = _track("C", ("0", "1", "drawn"), style="box")
    soft = _track("S", ("1", "2", "soft"))
    both = Track(kind="caption", name="both", items=(*mixed.items, *soft.items))
    timeline, subtitles = taken_out(_timeline(source, both))
    drawn = timeline.tracks[-1]
    assert [type(item) for item in drawn.items] == [Clip, Gap, Gap]
    assert subtitles == (Subtitles(name="both", cues=(Cue(start=2000, end=3000, text="soft"),)),)


def test_a_text_ends_with_the_film_and_fits_into_its_sample() -> None:
    cues = (
        Cue(start=0, end=900, text="a"),
        Cue(start=900, end=2000, text="b"),
        Cue(start=1000, end=2000, text="c"),
    )
    (left,) = ended((Subtitles(name="s", cues=cues),), Fraction(1))
    assert [(one.start, one.end) for one in left.cues] == [(0, 900), (900, 1000)]
    assert ended((Subtitles(name="s", cues=cues[2:]),), Fraction(1)) == ()
    long = timed_text(Cue(start=0, end=1, text="é" * 40_000))
    assert len(long) == 2 + 0xFFFE
    assert long[2:].decode() == "é" * (0xFFFE // 2)
