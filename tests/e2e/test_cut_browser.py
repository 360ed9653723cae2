"""Cuts play and seek in a browser: what is copied and what was encoded beside it, each frame the right one."""

import io
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Page

from tests.clips import read_number
from tests.e2e import browser
from tests.e2e.test_browser import WATCH
from tests.render.cutting import cut_of
from tests.render.test_smartcopy import FRAMES, MAKES, rate_of, source, wanted

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
    folder = cut.path.parent
    (folder / "watch.html").write_text(f"<!doctype html><video src='{cut.path.name}'></video>")
    await page.goto((folder / "watch.html").as_uri())
    seen = await page.evaluate(WATCH)
    assert seen["audio"], "sound is decoded"
    assert seen["middle"] == pytest.approx(seen["duration"] / 2, abs=0.1)
    frames = wanted(KEPT)
    ends = [*clip.times, clip.duration]
    starts = [Fraction(0)]
    for number in frames:
        starts.append(starts[-1] + (1 / rate if rate else ends[number + 1] - ends[number]))
    # Around every seam, and back and forth.
    seams = [0]
    for stretch in cut.stretches:
        seams.append(seams[-1] + stretch.count)
    places = sorted(
        {place for seam in seams for place in (seam - 1, seam, seam + 1) if 0 <= place < len(frames)}
    )
    for place in (*reversed(places), *places[::3]):
        # Chromium takes the distance of decoding times for how long a frame lasts, which varying frames belie.
        inside = (starts[place + 1] - starts[place]) / 2 if rate else Fraction(1, 1000)
        await page.evaluate(SHOW, float(starts[place] + inside))
        shot = Image.open(io.BytesIO(await page.locator("video").screenshot()))
        gray = np.asarray(shot.convert("L"), dtype=np.uint8)
        assert read_number(gray) == frames[place], (name, place, cut.stretches)
