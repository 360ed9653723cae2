"""What comes out plays where people will watch it: in a browser, with sound, and from any place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from cutroom_sdk.wire.problems import DONE
from demo.footage import Script
from tests.daemons import Daemon
from tests.e2e import browser
from tests.e2e.studio import cutroom, edit

WATCH = """
async () => {
  const video = document.querySelector('video');
  const until = (name) => new Promise((done, fail) => {
    video.addEventListener(name, done, {once: true});
    video.addEventListener('error', () => fail(new Error(video.error.message)), {once: true});
  });
  if (video.readyState < 1) await until('loadedmetadata');
  const seen = {duration: video.duration, width: video.videoWidth, height: video.videoHeight};
  const playing = until('timeupdate');
  await video.play();
  await playing;
  video.pause();
  seen.audio = video.webkitAudioDecodedByteCount > 0;
  const sought = until('seeked');
  video.currentTime = video.duration / 2;
  await sought;
  seen.middle = video.currentTime;
  seen.frames = video.getVideoPlaybackQuality().totalVideoFrames;
  return seen;
}
"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with browser.opened() as page:
        yield page


async def test_a_cut_plays_in_chromium_with_sound_and_seeks(
    state_dir: Path, talk: tuple[Path, Script], tmp_path: Path, page: Page
) -> None:
    output = tmp_path / "cut.mp4"
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(talk[0].parent)) as daemon:
        result = await cutroom(daemon, *edit(talk[0], output))
    assert result.code == DONE, result.talk
    (tmp_path / "watch.html").write_text(f"<!doctype html><video src='{output.name}'></video>")
    await page.goto((tmp_path / "watch.html").as_uri())
    seen = await page.evaluate(WATCH)
    assert seen["duration"] == pytest.approx(result.json["duration_s"], abs=0.05)
    assert (seen["width"], seen["height"]) == (1080, 1080)
    assert seen["audio"], "sound is decoded"
    assert seen["frames"] > 0
    assert seen["middle"] == pytest.approx(seen["duration"] / 2, abs=0.1)
