"""Cuts play and seek in a browser: what is copied and what was encoded beside it, each frame the right one."""

import io
from collections.abc import AsyncIterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Page

from cutroom_sdk.wire.timeline import Clip, Effect, Gap
from engine.rendering.smartcopy.division import Stretch
from tests.clips import make_clip, read_number
from tests.e2e import browser
from tests.e2e.test_browser import WATCH
from tests.render.copying import make_copied, plan_copies
from tests.render.cutting import cut_of
from tests.render.test_smartcopy import FRAMES, MAKES, TICKS, rate_of, source, wanted
from tests.render.workshop import source_of, span, timeline_of

SHOW = """
async (time) => {
  const video = document.querySelector('video');
  const sought = new Promise((done) => video.addEventListener('seeked', done, {once: true}));
  video.currentTime = time;
  await sought;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""
KEPT = [(7, 66), (71, FRAMES - 4)]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with browser.opened() as page:
        yield page


@pytest.mark.parametrize(
    "name", ["closed.mp4", "pyramid.mkv", "ntsc.ts", "turned.mp4", "varying.mp4", "late.mp4"]
)
async def test_a_cut_plays_with_sound_and_shows_the_right_frame_wherever_it_is_sought(
    tmp_path: Path, page: Page, name: str
) -> None:
    clip, one = source(tmp_path, name, MAKES[name])
    rate = rate_of(MAKES[name])
    cut = cut_of(one, KEPT, tmp_path / "out", rate=rate)
    assert {stretch.kind for stretch in cut.stretches} == {"copy", "edge"}
    frames = wanted(KEPT)
    ends = [*clip.times, clip.duration]
    starts = [Fraction(0)]
    for number in frames:
        starts.append(starts[-1] + (1 / rate if rate else ends[number + 1] - ends[number]))
    await assert_shown(page, cut.path, frames, starts, cut.stretches, even=rate is not None)


async def test_a_film_of_which_a_part_is_copied_plays_as_well(tmp_path: Path, page: Page) -> None:
    """Two recordings of one camera, copied; a blur, a gap and the frames around cuts, encoded."""
    one, two = (
        source_of(make_clip(tmp_path / name, numbers=range(first, first + 120), gop=gop, audio=TICKS).path)
        for name, first, gop in (("one.mp4", 0, 20), ("two.mp4", 1000, 12))
    )
    rate = Fraction(25)
    blur = Effect(name="blur", parameters={"radius": 1.0})
    items: list[Clip | Gap] = [
        span(one, 7, 50, rate=rate), span(two, 24, 70, rate=rate), Gap(duration=Fraction(8, 25)),
        span(one, 60, 70, rate=rate, effects=[blur]), span(one, 75, 110, rate=rate),
    ]  # fmt: skip
    film = make_copied(
        tmp_path / "out", plan_copies(timeline_of(items, rate=rate, sound=True), [one, two]), [one, two]
    )
    assert film.kinds == {"copy", "edge", "render"}
    frames = [*range(7, 50), *range(1024, 1070), *[None] * 8, *range(60, 70), *range(75, 110)]
    starts = [place / rate for place in range(len(frames) + 1)]
    await assert_shown(page, film.path, frames, starts, film.splicing.stretches, even=True)


async def assert_shown(
    page: Page,
    path: Path,
    frames: Sequence[int | None],
    starts: Sequence[Fraction],
    stretches: Sequence[Stretch],
    *,
    even: bool,
) -> None:
    """Play a film, and look around every seam, back and forth; None is a frame without a number."""
    (path.parent / "watch.html").write_text(f"<!doctype html><video src='{path.name}'></video>")
    await page.goto((path.parent / "watch.html").as_uri())
    seen = await page.evaluate(WATCH)
    assert seen["audio"], "sound is decoded"
    assert seen["middle"] == pytest.approx(seen["duration"] / 2, abs=0.1)
    seams = [0]
    for stretch in stretches:
        seams.append(seams[-1] + stretch.count)
    places = sorted(
        {place for seam in seams for place in (seam - 1, seam, seam + 1) if 0 <= place < len(frames)}
    )
    for place in (*reversed(places), *places[::3]):
        # Chromium takes the distance of decoding times for how long a frame lasts, which varying frames belie.
        inside = (starts[place + 1] - starts[place]) / 2 if even else Fraction(1, 1000)
        await page.evaluate(SHOW, float(starts[place] + inside))
        shot = Image.open(io.BytesIO(await page.locator("video").screenshot()))
        gray = np.asarray(shot.convert("L"), dtype=np.uint8)
        assert read_number(gray) == frames[place], (place, stretches)
