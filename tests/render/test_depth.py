"""Masters of footage with more than 8 bits have 10, where nothing touches the picture that has fewer."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from cutroom_sdk.wire.timeline import Effect
from engine.editing.profiles import profile_named
from engine.rendering.qa import check_film
from tests.render.workshop import PROFILE, Source, make_film, plan_of, source_of, span, timeline_of

PAL = Fraction(25)
SIZE = (256, 128)
FRAMES = 8
Deep = NDArray[np.uint16]


def ramp(frame: int) -> Deep:
    """Each column one of 1023 steps further than the one before, so that 8 bits have a fourth of them."""
    line = 200 + np.arange(SIZE[0]) + 3 * frame
    return np.repeat(line[None, :], SIZE[1], axis=0).astype("<u2")


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A ramp in 10 bits, colour at half width."""
    path = tmp_path_factory.mktemp("deep") / "ramp.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, options={"level": "3"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv422p10le"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        for number in range(FRAMES):
            frame = av.VideoFrame(*SIZE, "yuv422p10le")
            colour = np.full((SIZE[1], SIZE[0] // 2), 512, dtype="<u2")
            for plane, values in zip(frame.planes, (ramp(number), colour, colour), strict=True):
                padded = np.zeros((SIZE[1], plane.line_size // 2), dtype="<u2")
                padded[:, : values.shape[1]] = values
                plane.update(padded.tobytes())
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return source_of(path)


def lumas(path: Path) -> list[Deep]:
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.format.name == "yuv422p10le"
            plane = frame.planes[0]
            values = np.frombuffer(memoryview(plane), "<u2").reshape(-1, plane.line_size // 2)
            found.append(values[: frame.height, : frame.width].copy())
    return found


@pytest.mark.parametrize(("name", "steps"), [("master-ffv1", 0), ("master-prores", 4), ("master-dnxhr", 4)])
def test_a_master_of_10_bits_keeps_them(name: str, steps: int, deep: Source, tmp_path: Path) -> None:
    profile = profile_named(name)
    timeline = timeline_of([span(deep, 1, 7, rate=PAL)], rate=PAL, width=SIZE[0], height=SIZE[1])
    film = make_film(tmp_path, timeline, [deep], profile)
    found = lumas(film.path)
    assert len(found) == 6
    for number, seen in enumerate(found):
        wanted = ramp(number + 1)
        assert np.abs(seen.astype(int) - wanted).max() <= steps
        # In 8 bits every fourth step would be there.
        assert len(np.unique(seen[:, 8:-8])) > 80
    failed = [one for one in check_film(film.plan, profile, film.inspection, size=1) if one.status == "fail"]
    assert [one for one in failed if one.name != "duplicate_frames"] == []
    assert not any("8 bits" in one for one in film.plan.notices)
    assert "the film has 10 bits, yuv422p10le, as some of its footage has more than 8" in film.plan.defaults


def test_what_the_compositor_makes_is_told(deep: Source, tmp_path: Path) -> None:
    brighter: Any = Effect(name="exposure", parameters={"stops": 0.5})
    clips = [span(deep, 0, 3, rate=PAL), span(deep, 3, 7, rate=PAL, effects=[brighter])]
    timeline = timeline_of(clips, rate=PAL, width=SIZE[0], height=SIZE[1])
    plan = plan_of(timeline, [deep], profile_named("master-prores"))
    assert plan.notices[:1] == (
        "4 frames have 8 bits in a film of 10: effects, layers and transitions are made with 8;"
        " the first is frame 3, of the clip 'ramp.mkv-3'",
    )
    film = make_film(tmp_path, timeline, [deep], profile_named("master-prores"))
    assert len(lumas(film.path)) == 7


def test_a_film_of_8_bits_says_that_it_is_one(deep: Source) -> None:
    timeline = timeline_of([span(deep, 0, 7, rate=PAL)], rate=PAL, width=SIZE[0], height=SIZE[1])
    plan = plan_of(timeline, [deep], PROFILE)
    assert plan.encoder.pixel_format == "yuv420p"
    assert "footage with more than 8 bits is brought to 8: the film is yuv420p" in plan.defaults
