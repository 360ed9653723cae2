"""`cutroom timeline import|export`: files of other programs in and out, with what was lost, whole or not at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cutroom_sdk.wire.problems import CONFLICT, DONE, NOT_FOUND, USAGE
from tests.clips import make_clip
from tests.daemons import Daemon
from tests.e2e.studio import cutroom

EDL = """TITLE: From elsewhere
FCM: NON-DROP FRAME

001  CLIP     V     C        00:00:00:10 00:00:02:10 01:00:00:00 01:00:02:00
* FROM CLIP NAME: clip.mp4
002  GONE     V     C        00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00
* FROM CLIP NAME: gone.mp4
"""


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=f"{tmp_path.parent.parent}:{tmp_path}") as running:
        yield running


async def test_an_edit_list_comes_in_and_goes_out_in_every_format(daemon: Daemon, tmp_path: Path) -> None:
    async with daemon.client() as client:
        asset = await client.register(str(make_clip(tmp_path / "clip.mp4", frames=100).path))
    (tmp_path / "cut.edl").write_text(EDL)
    brought = await cutroom(daemon, "--json", "timeline", "import", tmp_path / "cut.edl", "--rate", "25")
    assert brought.code == DONE, brought.talk
    assert [loss["what"] for loss in brought.json["losses"]] == ["the reel 'GONE' (gone.mp4)"]
    async with daemon.client() as client:
        kept = (await client.timeline(brought.json["timeline_id"])).timeline
    assert [type(item).__name__ for item in kept.tracks[0].items] == ["Clip", "Gap"]
    assert asset.asset_id in str(kept.tracks[0].items[0])
    for end in ("otio", "edl", "fcpxml", "srt", "vtt", "ass"):
        out = await cutroom(daemon, "--json", "timeline", "export", "last", "-o", tmp_path / f"out.{end}")
        assert out.code == DONE, out.talk
        assert (tmp_path / f"out.{end}").stat().st_size == out.json["bytes"]
        assert bool(out.json["losses"]) == (end in ("srt", "vtt", "ass"))
    again = await cutroom(daemon, "--json", "timeline", "import", tmp_path / "out.otio")
    assert again.json["losses"] == []
    async with daemon.client() as client:
        assert (await client.timeline(again.json["timeline_id"])).timeline == kept


async def test_what_was_lost_is_told_to_people_and_nothing_is_overwritten(
    daemon: Daemon, tmp_path: Path
) -> None:
    (tmp_path / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,000 X1:5\nHello\n")
    brought = await cutroom(daemon, "timeline", "import", tmp_path / "talk.srt", "--size", "1280x720")
    assert brought.code == DONE, brought.talk
    assert "the place 'X1:5'" in brought.talk
    file = tmp_path / "talk.vtt"
    file.write_text("mine")
    refused = await cutroom(daemon, "timeline", "export", "last", "-o", file)
    assert (refused.code, file.read_text()) == (CONFLICT, "mine")
    assert (await cutroom(daemon, "timeline", "export", "last", "-o", file, "--force")).code == DONE
    assert file.read_text().startswith("WEBVTT")
    aaf = await cutroom(daemon, "timeline", "export", "last", "-o", tmp_path / "talk.aaf")
    assert (aaf.code, "use fcpxml" in aaf.talk) == (USAGE, True)
    gone = await cutroom(daemon, "timeline", "import", tmp_path / "none.edl")
    assert gone.code == NOT_FOUND
    (tmp_path / "bad.fcpxml").write_text("<fcpxml")
    bad = await cutroom(daemon, "timeline", "import", tmp_path / "bad.fcpxml")
    assert (bad.code, "not XML" in bad.talk) == (USAGE, True)
