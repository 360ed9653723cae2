"""`cutroom cut` as a person uses it: exact spans in every form of time, fast ones, and what is refused without a trace."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import pytest

from cutroom_sdk.wire.problems import CONFLICT, DONE, NOT_FOUND, USAGE
from tests.clips import Sound, make_clip, make_sound, read_numbers
from tests.daemons import Daemon
from tests.e2e.studio import at_work, cutroom, spawn
from tests.e2e.studio import said as ended


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=f"{tmp_path.parent.parent}:{tmp_path}") as running:
        yield running


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """200 frames of 25 a second in closed groups of 20."""
    return make_clip(tmp_path / "clip.mp4", frames=200, gop=20, audio=Sound()).path


def numbers(*spans: tuple[int, int]) -> list[int]:
    return [number for start, end in spans for number in range(start, end)]


async def test_spans_come_out_exactly_and_the_document_says_what_was_done(
    daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    said = await cutroom(daemon, "cut", clip, "--keep", "0.5-3,4-00:00:05:10", "-o", output, "--json")
    assert said.code == DONE, said.talk
    found = said.json
    assert found["spans"] == [{"start_frame": 12, "end_frame": 75}, {"start_frame": 100, "end_frame": 135}]
    assert read_numbers(output) == numbers((12, 75), (100, 135))
    assert found["frames"] == 98
    assert found["duration_s"] == 98 / 25
    assert found["segments"]["copy"] == 2
    assert found["segments"]["edge"] >= 1
    assert found["segments"]["render"] == 0
    assert found["output"] == str(output)
    assert found["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert set(found) == {"output", "sha256", "frames", "duration_s", "spans", "segments", "plan_hash"}
    assert Path(f"{output}.receipt.json").is_file()
    again = await cutroom(
        daemon, "cut", clip, "--keep", "12f-75f,100f-120f,120f-135f", "-o", tmp_path / "two.mp4", "--json"
    )
    assert (again.json["sha256"], again.json["plan_hash"]) == (found["sha256"], found["plan_hash"])


async def test_a_fast_cut_says_what_it_kept(daemon: Daemon, clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    said = await cutroom(daemon, "cut", clip, "--keep", "1.1-2.4", "-o", output, "--fast", "--json")
    assert said.code == DONE, said.talk
    (kept,) = said.json["spans"]
    assert kept["start_frame"] == 20
    assert 60 <= kept["end_frame"] <= 63
    assert said.json["segments"] == {"copy": 1, "edge": 0, "render": 0}
    assert read_numbers(output) == numbers((kept["start_frame"], kept["end_frame"]))


async def test_varying_footage_is_cut_by_its_own_frames(daemon: Daemon, tmp_path: Path) -> None:
    times = [Fraction(number * number * 40 + number * 2000, 90_000) for number in range(100)]
    clip = make_clip(tmp_path / "clip.mp4", times=times, gop=20).path
    said = await cutroom(daemon, "cut", clip, "--keep", "7f-66f", "-o", tmp_path / "out.mp4", "--json")
    assert said.code == DONE, said.talk
    assert read_numbers(tmp_path / "out.mp4") == numbers((7, 66))
    assert said.json["duration_s"] == pytest.approx(float(times[66] - times[7]), abs=1e-5)


async def test_what_cannot_be_copied_is_encoded_and_fast_is_refused(daemon: Daemon, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.webm", frames=50, codec="libvpx-vp9", b_frames=0).path
    said = await cutroom(daemon, "cut", clip, "--keep", "5f-40f", "-o", tmp_path / "out.mp4", "--json")
    assert said.code == DONE, said.talk
    assert "nothing was copied" in said.talk
    assert "its picture is vp9" in said.talk
    assert read_numbers(tmp_path / "out.mp4") == numbers((5, 40))
    assert said.json["segments"]["copy"] == 0
    fast = await cutroom(daemon, "cut", clip, "--keep", "5f-40f", "-o", tmp_path / "fast.mp4", "--fast")
    assert fast.code == USAGE
    assert "nothing can be copied" in fast.talk


BAD_SPANS: Final = {
    "3-1": "3-1 is reversed",
    "1-1": "1-1 keeps nothing",
    "1-3,2-4": "2-4 begins before 1-3 ends",
    "7-9": "9 lies beyond the end: clip.mp4 has 200 frames, 8.000 s",
    "190f-201f": "201f lies beyond the end",
    "now-then": "'now' is no time",
    "00:00:01:25-3": "frame 25 of a second that has 25",
}


async def test_bad_spans_are_refused_by_name(daemon: Daemon, clip: Path, tmp_path: Path) -> None:
    for keep, said in BAD_SPANS.items():
        result = await cutroom(daemon, "cut", clip, "--keep", keep, "-o", tmp_path / "out.mp4")
        assert result.code == USAGE
        assert said in " ".join(result.talk.split())
    assert [one.name for one in tmp_path.glob("*.mp4*")] == ["clip.mp4"]


async def test_bad_places_are_refused_before_anything_is_done(
    daemon: Daemon, clip: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "taken.mp4"
    taken.write_bytes(b"mine")
    sound = make_sound(tmp_path / "sound.wav")
    for source, output, code, said in (
        (clip, taken, CONFLICT, "--force overwrites it"),
        (clip, tmp_path / "none" / "out.mp4", USAGE, "there is no folder"),
        (clip, clip, USAGE, "footage is never overwritten"),
        (clip, tmp_path / "out.avi", USAGE, "would be no MP4"),
        (tmp_path / "gone.mp4", tmp_path / "out.mp4", NOT_FOUND, "there is no file"),
        (sound, tmp_path / "out.mp4", USAGE, "has no picture"),
    ):
        result = await cutroom(daemon, "cut", source, "--keep", "1-2", "-o", output)
        assert result.code == code, result.talk
        assert said in " ".join(result.talk.split())
    assert taken.read_bytes() == b"mine"
    forced = await cutroom(daemon, "cut", clip, "--keep", "1-2", "-o", taken, "--force")
    assert forced.code == DONE, forced.talk
    assert read_numbers(taken) == numbers((25, 50))


async def test_a_killed_command_leaves_no_part_of_a_file_under_the_name(
    daemon: Daemon, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=300, gop=100, audio=Sound()).path
    output = tmp_path / "out.mp4"
    process = await spawn(daemon, "cut", clip, "--keep", "0.1-11", "-o", output)
    assert process.stderr is not None
    await process.stderr.readline()  # it has begun to tell how far it is
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert not output.exists() or len(read_numbers(output)) == 273
    said = await cutroom(daemon, "cut", clip, "--keep", "0.1-11", "-o", output)
    assert said.code == DONE, said.talk
    assert read_numbers(output) == numbers((2, 275))
    with av.open(str(output)) as container:
        assert container.streams.video[0].frames == 273


async def test_a_daemon_that_is_killed_is_started_again_by_the_cut_that_waits(
    daemon: Daemon, tmp_path: Path
) -> None:
    # What cannot be copied takes its time.
    clip = make_clip(tmp_path / "old.avi", frames=400, codec="mpeg4", b_frames=0).path
    output = tmp_path / "out.mp4"
    command = await spawn(daemon, "cut", clip, "--keep", "10f-380f", "-o", output, "--json")
    await at_work(daemon)
    daemon.kill()
    try:
        done = await ended(command)
    finally:
        await asyncio.to_thread(daemon.stop_others)
    assert (done.code, "started again" in done.talk) == (DONE, True), done.talk
    assert read_numbers(output) == numbers((10, 380))
