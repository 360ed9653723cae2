"""`cutroom render`: a timeline becomes a file in its place, whatever ends the command or the daemon in between."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgspec
import opentimelineio as otio
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.problems import CANCELED, CONFLICT, DONE, FAILED, NOT_FOUND, USAGE
from cutroom_sdk.wire.timeline import AssetReference, Clip, Generator, Timeline, TimeRange, Track
from tests.clips import Sound, make_clip, read_numbers
from tests.daemons import Daemon
from tests.e2e.studio import at_work, cutroom, said, spawn

PAL = Fraction(25)
Span = tuple[int, int]


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=f"{tmp_path.parent.parent}:{tmp_path}") as running:
        yield running


@pytest.fixture
async def asset(daemon: Daemon, tmp_path: Path) -> str:
    clip = make_clip(
        tmp_path / "clip.mp4", frames=300, audio=Sound(tone_hz=300, tone_peak=0.3, tick_every=None)
    )
    async with daemon.client() as client:
        return (await client.register(str(clip.path))).asset_id


def film(asset: str, *spans: Span, **more: Any) -> Timeline:
    """A timeline of these frames of a clip, with their sound."""
    tracks = []
    for kind in ("video", "audio"):
        clips = tuple(
            Clip(
                id=f"{kind}-{number}",
                media=AssetReference(asset_id=asset),
                source_range=TimeRange(start=start / PAL, duration=(end - start) / PAL),
            )
            for number, (start, end) in enumerate(spans)
        )
        tracks.append(Track(kind=kind, name=kind, items=clips))
    return Timeline(
        name="film", rate=PAL, width=320, height=180, sample_rate=48_000, tracks=tuple(tracks), **more
    )


async def kept(daemon: Daemon, timeline: Timeline) -> str:
    async with daemon.client() as client:
        return (await client.create_timeline(timeline)).timeline_id


async def test_a_kept_timeline_becomes_a_file_with_its_receipt(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    timeline_id = await kept(daemon, film(asset, (10, 60), (100, 130)))
    output = tmp_path / "out.mp4"
    done = await cutroom(daemon, "--json", "render", timeline_id, "--profile", "source", "-o", output)
    assert done.code == DONE, done.talk
    assert (done.json["state"], done.json["timeline_id"]) == ("completed", timeline_id)
    assert done.json["output"]["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert read_numbers(output) == [*range(10, 60), *range(100, 130)]
    assert "%" in done.talk
    receipt = msgspec.json.decode(Path(f"{output}.receipt.json").read_bytes())
    assert receipt["output"]["path"] == str(output)
    assert [one["asset_id"] for one in receipt["inputs"]] == [asset]
    assert receipt["render_id"] == done.json["render_id"]
    assert receipt["checks"]
    assert sorted(one.name for one in tmp_path.glob("*out.mp4*")) == ["out.mp4", "out.mp4.receipt.json"]
    again = await cutroom(daemon, "--json", "render", timeline_id, "--profile", "source", "-o", output)
    assert (again.code, again.json["render_id"]) == (DONE, done.json["render_id"])


def captioned(asset: str) -> Timeline:
    """Two seconds with one caption."""
    words = Generator(kind="caption", parameters={"text": "Good evening", "style": "box"})
    shown = Clip(id="said", media=words, source_range=TimeRange(start=Fraction(0), duration=Fraction(1)))
    plain = film(asset, (10, 60))
    return replace(plain, tracks=(*plain.tracks, Track(kind="caption", name="English", items=(shown,))))


async def test_captions_go_beside_the_film_and_replace_only_what_came_from_here(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    timeline_id = await kept(daemon, captioned(asset))
    output, beside = tmp_path / "out.mp4", tmp_path / "out.vtt"
    command = ("render", timeline_id, "--profile", "draft", "--captions", "vtt", "-o", output)
    done = await cutroom(daemon, *command)
    assert done.code == DONE, done.talk
    assert str(beside) in "".join(done.out.split())
    assert "not in the vtt" in done.talk
    assert "Good evening" in beside.read_text()
    receipt = msgspec.json.decode(Path(f"{output}.receipt.json").read_bytes())
    (named,) = receipt["sidecars"]
    assert named["path"] == str(beside)
    assert named["sha256"] == hashlib.sha256(beside.read_bytes()).hexdigest()
    assert (await cutroom(daemon, *command)).code == DONE
    beside.write_text("somebody's own")
    refused = await cutroom(daemon, *command)
    assert (refused.code, beside.read_text()) == (CONFLICT, "somebody's own")
    assert (await cutroom(daemon, *command, "--force")).code == DONE
    assert beside.read_text().startswith("WEBVTT")
    odd = await cutroom(daemon, "render", timeline_id, "--captions", "lrc")
    assert odd.code == USAGE
    assert "burn" in odd.talk
    assert [one.name for one in tmp_path.glob(".*part")] == []


async def test_a_plan_says_what_would_be_done_in_which_order_how_and_why(daemon: Daemon, asset: str) -> None:
    timeline_id = await kept(daemon, captioned(asset))
    told = await cutroom(daemon, "plan", timeline_id, "--profile", "youtube")
    assert told.code == DONE, told.talk
    said = " ".join(told.out.split())
    for words in (
        "1 render; 50 frames are not made yet",
        "libx264, 1920x1080 at 25: the profile youtube asks for h264; encoder libx264: on the processor",
        "preset veryfast",
        "to -14 LUFS below -1 dBTP; gain measured when it is mixed",
        "srt, beside the film: srt",
        "layer 1 from below, video track 'video' order sound track 'audio'",
        "brought to the film's loudness below its peak, and encoded once",
        "for frames by their time",
        "for the check words: not there",
    ):
        assert words in said, said


async def test_a_file_with_a_timeline_is_rendered_under_a_name(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    file = tmp_path / "film.json"
    file.write_bytes(encode(film(asset, (0, 20))))
    first = await cutroom(daemon, "--json", "render", file, "--job-id", "mine", "-o", tmp_path / "a.mp4")
    assert (first.code, first.json["render_id"]) == (DONE, "mine"), first.talk
    file.write_bytes(encode(film(asset, (0, 21))))
    other = await cutroom(daemon, "--json", "render", file, "--job-id", "mine", "-o", tmp_path / "b.mp4")
    assert other.code == CONFLICT
    assert not (tmp_path / "b.mp4").exists()


async def test_a_file_of_another_program_is_rendered_with_the_footage_that_it_names(
    daemon: Daemon, tmp_path: Path
) -> None:
    make_clip(tmp_path / "beside it.mp4", frames=100)
    written = otio.schema.Timeline("cut elsewhere")
    track = otio.schema.Track(kind=otio.schema.TrackKind.Video)
    for start, frames in ((10, 20), (70, 15)):
        track.append(
            otio.schema.Clip(
                media_reference=otio.schema.ExternalReference(target_url="beside%20it.mp4"),
                source_range=otio.opentime.TimeRange(
                    otio.opentime.RationalTime(start, 25), otio.opentime.RationalTime(frames, 25)
                ),
            )
        )
    written.tracks.append(track)
    file, output = tmp_path / "cut.otio", tmp_path / "out.mp4"
    file.write_text(otio.adapters.write_to_string(written, "otio_json"))
    done = await cutroom(daemon, "render", file, "-o", output)
    assert done.code == DONE, done.talk
    assert read_numbers(output) == [*range(10, 30), *range(70, 85)]


async def test_one_exact_frame_of_footage_is_shown(daemon: Daemon, tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4", frames=100, gop=40)
    done = await cutroom(
        daemon, "--json", "frame", tmp_path / "clip.mp4", "--frame", "63", "-o", tmp_path / "f.png"
    )
    assert done.code == DONE, done.talk
    assert read_numbers(tmp_path / "f.png") == [63]


async def test_bad_input_is_told_from_work_that_fails(daemon: Daemon, asset: str, tmp_path: Path) -> None:
    file, output = tmp_path / "film.json", tmp_path / "out.mp4"
    nothing = await cutroom(daemon, "render", "nothing", "-o", output)
    assert (nothing.code, "there is no timeline 'nothing'" in nothing.talk) == (NOT_FOUND, True)
    file.write_text("[]")
    assert (await cutroom(daemon, "render", file, "-o", output)).code == USAGE
    file.write_bytes(encode(film(asset, (0, 20))))
    unknown = await cutroom(daemon, "render", file, "--profile", "reel", "-o", output)
    assert (unknown.code, "reels" in unknown.talk) == (USAGE, True)
    (tmp_path / "theirs.mp4").write_bytes(b"somebody's")
    assert (await cutroom(daemon, "render", file, "-o", tmp_path / "theirs.mp4")).code == CONFLICT
    footage = tmp_path / "clip.mp4"
    content = bytearray(footage.read_bytes())
    hole = tmp_path / "hole.mp4"
    content[len(content) // 2 : len(content) // 2 + 9_000] = bytes(9_000)
    hole.write_bytes(content)
    async with daemon.client() as client:
        broken = (await client.register(str(hole))).asset_id
    file.write_bytes(encode(film(broken, (0, 299))))
    failed = await cutroom(daemon, "--json", "render", file, "-o", output)
    assert failed.code in (FAILED, USAGE)
    assert failed.json["error"]["asset"] == broken
    assert failed.json["error"]["segment"] is not None
    assert not output.exists()


async def test_ctrl_c_cancels_and_the_same_command_goes_on(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    file, output = tmp_path / "film.json", tmp_path / "out.mp4"
    file.write_bytes(encode(film(asset, *((n, n + 20) for n in range(0, 260, 20)))))
    process = await spawn(daemon, "--json", "render", file, "-o", output)
    await at_work(daemon)
    process.send_signal(signal.SIGINT)
    ended = await said(process)
    assert ended.code == CANCELED, ended.talk
    assert not output.exists()
    done = await cutroom(daemon, "--json", "render", file, "-o", output)
    assert done.code == DONE, done.talk
    assert done.json["segments"]["cached"] >= 1
    assert read_numbers(output) == list(range(260))


async def test_a_plan_and_a_frame_are_shown_without_rendering(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    timeline_id = await kept(daemon, film(asset, (10, 60), (100, 130)))
    planned = await cutroom(daemon, "--json", "plan", timeline_id, "--profile", "source")
    assert (planned.code, planned.json["frames"], planned.json["to_render"]) == (DONE, 80, 80), planned.talk
    still = tmp_path / "still.png"
    shown = await cutroom(daemon, "--json", "frame", timeline_id, "--at", "2.04", "-o", still)
    assert (shown.code, shown.json["frame"]) == (DONE, 51), shown.talk
    with av.open(str(still)) as picture:
        (frame,) = picture.decode(video=0)
        assert (frame.width, frame.height) == (320, 180)
    again = await cutroom(daemon, "frame", timeline_id, "--frame", "0", "-o", still)
    assert again.code == CONFLICT
    async with daemon.client() as client:
        assert await client.renders() == []


async def test_the_profiles_are_listed(daemon: Daemon) -> None:
    listed = await cutroom(daemon, "--json", "profiles")
    assert {"reels", "source"} <= {one["name"] for one in listed.json["items"]}
    assert "1080x1920" in (await cutroom(daemon, "profiles")).out


async def test_another_executor_than_the_daemon_has_is_said(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    timeline_id = await kept(daemon, film(asset, (10, 30)))
    refused = await cutroom(daemon, "render", timeline_id, "--executor", "dask://127.0.0.1:8786")
    assert refused.code == CONFLICT
    assert "made by local" in refused.talk


async def test_a_daemon_that_is_killed_is_started_again_by_the_render_that_waits(
    daemon: Daemon, asset: str, tmp_path: Path
) -> None:
    file, output = tmp_path / "film.json", tmp_path / "out.mp4"
    file.write_bytes(encode(film(asset, *((n, n + 20) for n in range(0, 260, 20)))))
    command = await spawn(daemon, "--json", "render", file, "-o", output)
    await at_work(daemon)
    daemon.kill()
    try:
        done = await said(command)
    finally:
        await asyncio.to_thread(daemon.stop_others)
    assert (done.code, "started again" in done.talk) == (DONE, True), done.talk
    assert read_numbers(output) == list(range(260))
