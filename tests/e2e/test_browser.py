"""What comes out plays where people will watch it: in a browser, with sound, and from any place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from cutroom_sdk.discovery import find
from cutroom_sdk.wire.problems import DONE
from demo.footage import Script
from tests.clips import Sound, make_clip
from tests.daemons import Daemon
from tests.e2e import browser
from tests.e2e.studio import cutroom, edit
from tests.e2e.test_render import film

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


STREAMED = """
async ([ticket, source]) => {
  const entered = await fetch('/v1/enter', {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({ticket}),
  });
  if (!entered.ok) throw new Error(await entered.text());
  const video = document.createElement('video');
  document.body.append(video);
  const until = (name) => new Promise((done, fail) => {
    video.addEventListener(name, done, {once: true});
    video.addEventListener('error', () => fail(new Error(video.error.message)), {once: true});
  });
  const ready = until('canplay');
  video.src = source;
  await ready;
  await video.play();
  while (video.currentTime < 1) await until('timeupdate');
  const seen = {width: video.videoWidth, audio: video.webkitAudioDecodedByteCount > 0, at: video.currentTime};
  video.removeAttribute('src');
  video.load();
  return seen;
}
"""


async def test_a_timeline_plays_in_chromium_while_it_is_made(state_dir: Path, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=200, audio=Sound(tone_hz=300, tone_peak=0.3))
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path)) as daemon:
        async with daemon.client() as client, browser.opened(bypass_csp=True) as page:
            asset = (await client.register(str(clip.path))).asset_id
            timeline = await client.create_timeline(film(asset, (0, 100), (120, 200)))
            ticket, address = await client.ticket(), find(daemon.folder)
            assert address is not None
            await page.goto(f"{address.url}/health")
            source = f"/v1/timelines/{timeline.timeline_id}/stream?from=1"
            seen = await page.evaluate(STREAMED, [ticket.ticket, source])
    assert seen["width"] == 320
    assert seen["audio"], "sound is decoded"
    assert seen["at"] >= 1
