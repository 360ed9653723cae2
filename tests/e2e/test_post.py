"""What is done with a cut, from the command line to the file: checked before anything begins, shown, rendered, on the receipt."""

from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutroom_sdk.wire.operations import Split
from cutroom_sdk.wire.problems import DONE, NOT_FOUND, USAGE
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, TimeRange, Track
from demo.footage import Script
from tests.daemons import Daemon
from tests.e2e.studio import cutroom, edit

SRT = "1\n00:00:00,500 --> 00:00:02,000\nHello there\n"


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=f"{tmp_path.parent.parent}:{tmp_path}") as running:
        yield running


async def test_settings_go_from_the_command_line_into_the_file_and_its_receipt(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    output, captions = tmp_path / "cut.mp4", tmp_path / "said.srt"
    captions.write_text(SRT)
    more = ("--transition", "dissolve:0.4", "--speed", "1.25", "--captions", captions, "--loudness", "-20")
    colour = '{"colour": [{"name": "exposure", "parameters": {"stops": 0.5}}]}'
    result = await cutroom(daemon, *edit(talk[0], output), *more, "--post", colour)
    assert result.code == DONE, result.talk
    document = result.json
    assert {check["status"] for check in document["checks"]} <= {"pass", "not_applicable"}
    assert abs(document["duration_s"] - 8) <= 0.5, "a goal's length is that of what is seen"
    assert abs(sum(cut["end_s"] - cut["start_s"] for cut in document["cuts"]) - 10) <= 1
    (loudness,) = [check for check in document["checks"] if check["name"] == "loudness"]
    assert "-20" in loudness["limit"]
    assert document["post"].keys() == {"transitions", "speed", "colour", "captions", "mastering"}
    receipt = msgspec.json.decode(Path(f"{output}.receipt.json").read_bytes())
    assert receipt["post"] == document["post"]
    shown = (await cutroom(daemon, "show", "last", "--json")).json
    assert shown["plan"]["post"] == document["post"]
    kinds = [track["kind"] for track in shown["plan"]["timeline"]["tracks"]]
    assert kinds == ["video", "audio", "caption"]
    assert any("captions are put onto the film" in notice for notice in document["notices"])


async def test_what_is_wrong_ends_the_command_before_anything_begins(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    for option, value, wrong in (
        ("--speed", "0", "post.speed is 0: 1/10 to 10"),
        ("--transition", "disolve", "did you mean dissolve"),
        ("--post", '{"sped": 2}', "sped"),
        ("--post", '{"colour": [{"name": "exposure", "parameters": {"stops": 7}}]}', "from -5 to 5 stops"),
    ):
        result = await cutroom(daemon, *edit(talk[0], tmp_path / "cut.mp4"), option, value)
        assert result.code == USAGE
        assert wrong in result.talk
    async with daemon.client() as client:
        assert await client.missions() == []


def film(name: str) -> Timeline:
    span = TimeRange(start=Fraction(0), duration=Fraction(2))
    clip = Clip(id="a", media=AssetReference(asset_id="f00"), source_range=span)
    size: dict[str, Any] = {"width": 640, "height": 360, "sample_rate": 48_000}
    return Timeline(
        name=name, rate=Fraction(25), tracks=(Track(kind="video", name="V1", items=(clip,)),), **size
    )


async def test_timelines_are_listed_shown_undone_redone_and_forked(daemon: Daemon) -> None:
    async with daemon.client() as client:
        kept = await client.create_timeline(film("film"))
        await client.edit_timeline(kept.timeline_id, [Split(clip="a", at=Fraction(1))], 1)
    (listed,) = (await cutroom(daemon, "timeline", "list", "--json")).json["items"]
    assert (listed["timeline_id"], listed["version"]) == (kept.timeline_id, 2)
    shown = await cutroom(daemon, "timeline", "show", "last")
    assert "a~2" in shown.out
    undone = await cutroom(daemon, "timeline", "undo", kept.timeline_id[:12], "--json")
    assert (undone.code, undone.json["version"]) == (DONE, 3)
    old = (await cutroom(daemon, "timeline", "show", "last", "--version", "2", "--json")).json
    assert len(old["timeline"]["tracks"][0]["items"]) == 2
    assert (await cutroom(daemon, "timeline", "redo", "last", "--json")).json["version"] == 4
    forked = (await cutroom(daemon, "timeline", "fork", kept.timeline_id, "--version", "1", "--json")).json
    assert forked["timeline"]["tracks"][0]["items"][0]["id"] == "a"
    missing = await cutroom(daemon, "timeline", "show", "zzz")
    assert (missing.code, "cutroom timeline list" in missing.talk) == (NOT_FOUND, True)


async def test_the_catalogue_is_shown_whole_and_by_name(daemon: Daemon) -> None:
    names = [one["name"] for one in (await cutroom(daemon, "effects", "--json")).json["items"]]
    assert {"exposure", "dissolve", "solid"} <= set(names)
    shown = await cutroom(daemon, "effects", "exposure")
    assert "a number from -5 to 5 stops" in " ".join(shown.out.split())
    assert (await cutroom(daemon, "effects", "exposur")).code == NOT_FOUND
