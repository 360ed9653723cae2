"""Texts from the timeline to the file: asked for over HTTP, drawn by the workers, decoded back."""

from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.renders import Render
from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Parameter, Timeline, TimeRange, Track, Word
from engine.editing.captions import caption_track, captions_of, rules
from tests.clips import make_clip
from tests.render.studio import Studio, studio
from tests.render.test_jobs import border, until
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
SAID = [
    Word(text=text, start=Fraction(number, 2) + 1, end=Fraction(number, 2) + Fraction(3, 2))
    for number, text in enumerate("HHH HHH HHH".split())
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(
        make_clip(tmp_path_factory.mktemp("footage") / "clip.mp4", frames=100, width=640, height=360).path
    )


@pytest_asyncio.fixture(loop_scope="session")
async def room(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as opened:
        yield opened


def _timeline(source: Source, *tracks: Track) -> Timeline:
    plain = timeline_of([span(source, 0, 100, rate=PAL)], rate=PAL)
    return Timeline(
        name=plain.name, rate=PAL, width=640, height=360, sample_rate=48000, tracks=(*plain.tracks, *tracks)
    )


def _title(start: Fraction, lasts: Fraction, **parameters: Parameter) -> Track:
    clip = Clip(
        id="title",
        media=Generator(kind="title", parameters=parameters),
        source_range=TimeRange(start=Fraction(0), duration=lasts),
    )
    return Track(kind="video", name="titles", items=(Gap(duration=start), clip))


async def rendered(
    room: Studio, source: Source, timeline: Timeline, **more: str
) -> tuple[Render, list[NDArray[np.uint8]]]:
    """Have a timeline rendered; return the job and the frames of its file."""
    async with border(room) as client:
        await room.take_in(source)
        answer = await client.post(
            "/v1/renders", json={"profile": "source", "timeline": to_builtins(timeline), **more}
        )
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        render = await until(room.kernel, answer.json()["render_id"], "completed", "failed")
    assert render.output is not None, render.error
    with av.open(str(room.kernel.blobs.path(render.output.sha256))) as film:
        return render, [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in film.decode(video=0)
        ]


def _yellow(frame: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = (frame[:, :, one].astype(int) for one in range(3))
    return np.asarray((red > 180) & (green > 150) & (blue < 110))


async def test_captions_are_burnt_in_with_the_word_that_is_being_said(room: Studio, source: Source) -> None:
    captions = captions_of(SAID, PAL, rules()["english"])
    track = caption_track(captions, look={"style": "highlight", "highlight_colour": "#ffff00", "shadow": 0.0})
    render, frames = await rendered(room, source, _timeline(source, track))
    assert len(frames) == 100
    assert not render.notices or all("font" not in one for one in render.notices)
    first = int(captions[0].start * PAL)
    assert not _yellow(frames[first - 1])[270:].any()
    places = []
    for number in range(3):
        seen = _yellow(frames[first + 5 + round(number * PAL / 2)])[270:]
        assert seen.any(), number
        places.append(float(np.flatnonzero(seen.any(axis=0)).mean()))
    assert places == sorted(places)
    assert not _yellow(frames[int(captions[-1].end * PAL)])[270:].any()


async def test_a_title_comes_and_goes_and_the_picture_below_stays(room: Studio, source: Source) -> None:
    plain = (await rendered(room, source, _timeline(source)))[1]
    titled = (
        await rendered(
            room,
            source,
            _timeline(source, _title(Fraction(1), Fraction(1), text="HHH", colour="#ffff00", shadow=0.0)),
        )
    )[1]
    for number in (0, 24, 50, 99):
        assert np.abs(plain[number].astype(int) - titled[number]).mean() < 2, number
    for number in (25, 37, 49):
        assert _yellow(titled[number])[120:240, 200:440].sum() > 800, number


async def test_a_font_that_is_not_there_is_told(room: Studio, source: Source) -> None:
    render, _ = await rendered(
        room, source, _timeline(source, _title(Fraction(1), Fraction(1), text="Hi", font="No Such Family"))
    )
    assert any("No Such Family" in one for one in render.notices)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"colour": "red"}, "#1e90ff"), ({"animate_in": "spin"}, "slide_up"), ({"txt": "x"}, "text")],
)
async def test_what_cannot_be_drawn_is_refused_before_anything_is_made(
    room: Studio, source: Source, parameters: dict[str, Parameter], said: str
) -> None:
    timeline = _timeline(source, _title(Fraction(1), Fraction(1), **parameters))
    async with border(room) as client:
        await room.take_in(source)
        answer = await client.post(
            "/v1/renders", json={"profile": "source", "timeline": to_builtins(timeline)}
        )
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert said in answer.json()["detail"]
