"""`cutroom proxies`: made with their progress, listed, read by drafts, removed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cutroom_sdk.wire.problems import DONE, NOT_FOUND, USAGE
from tests.clips import make_clip, read_numbers
from tests.daemons import Daemon
from tests.e2e.studio import cutroom


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=f"{tmp_path.parent.parent}:{tmp_path}") as running:
        yield running


async def test_proxies_are_made_listed_read_and_removed(daemon: Daemon, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=60, width=1280, height=720).path
    made = await cutroom(daemon, "--json", "proxies", clip, "--size", "360")
    assert made.code == DONE, made.talk
    (proxy,) = made.json["items"]
    assert (proxy["state"], proxy["width"], proxy["height"], proxy["frames"]) == ("ready", 640, 360, 60)
    assert "%" in made.talk
    listed = await cutroom(daemon, "proxies")
    assert (proxy["proxy_id"] in listed.out, "640x360" in listed.out, "ready" in listed.out) == (
        True,
        True,
        True,
    )
    still = tmp_path / "still.png"
    shown = await cutroom(daemon, "frame", clip, "--frame", "41", "--draft", "-o", still)
    assert (shown.code, read_numbers(still)) == (DONE, [41]), shown.talk
    removed = await cutroom(daemon, "--json", "proxies", proxy["asset_id"][:8], "--remove")
    assert (removed.code, [one["proxy_id"] for one in removed.json["items"]]) == (DONE, [proxy["proxy_id"]])
    assert (await cutroom(daemon, "--json", "proxies", "--status")).json == {"items": []}


async def test_what_can_have_no_proxy_is_said(daemon: Daemon, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "small.mp4", frames=10).path
    small = await cutroom(daemon, "proxies", clip, "--size", "360")
    assert (small.code, "320x180" in small.talk) == (USAGE, True)
    assert (await cutroom(daemon, "proxies", tmp_path / "none.mp4")).code == NOT_FOUND
    assert (await cutroom(daemon, "proxies", "--remove")).code == USAGE
