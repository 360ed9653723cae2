"""The main job: footage and a goal in, a finished, checked cut out, through the command line and a real daemon."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.media import Artifact
from cutroom_sdk.wire.problems import CANCELED, DONE, USAGE
from cutroom_sdk.wire.resources import EventPage
from demo.footage import Script
from tests.clips import Clip, Sound, make_clip, make_sound, read_numbers, truncate
from tests.daemons import Daemon
from tests.e2e.studio import Said, cutroom, edit, said, spawn

EDGE_S = 0.08  # how far a detected edge of speech may be from the true one


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=f"{tmp_path.parent.parent}:{tmp_path}") as running:
        yield running


async def test_footage_becomes_a_finished_checked_cut(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    footage, script = talk
    output = tmp_path / "cut.mp4"
    result = await cutroom(daemon, *edit(footage, output))
    assert result.code == DONE, result.talk
    document = result.json
    assert document["status"] == "succeeded"
    assert abs(document["duration_s"] - 8) <= 0.5
    assert document["output"] == str(output)
    assert document["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert {check["status"] for check in document["checks"]} <= {"pass", "not_applicable"}
    assert all(cut["reasons"] for cut in document["cuts"])
    assert document["removed"]
    for place in (cut[edge] for cut in document["cuts"] for edge in ("start_s", "end_s")):
        for sentence in script.sentences:
            assert not sentence.start + EDGE_S < place < sentence.end - EDGE_S, (
                f"{sentence.text} is cut in half"
            )
    receipt = msgspec.json.decode(Path(f"{output}.receipt.json").read_bytes())
    assert receipt["plan_hash"] == document["plan_hash"]
    assert receipt["output"]["sha256"] == document["sha256"]
    assert [made["decider"] for made in receipt["approvals"]]


async def test_the_same_again_is_taken_from_earlier_work_and_says_so(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    first = await cutroom(daemon, *edit(talk[0], tmp_path / "one.mp4"))
    again = await cutroom(daemon, *edit(talk[0], tmp_path / "two.mp4"))
    assert first.code == again.code == DONE
    assert {"analyse", "plan_cut", "render"} <= set(again.json["reused"])
    assert not {"analyse", "plan_cut", "render"} & set(first.json["reused"])
    assert again.json["plan_hash"] == first.json["plan_hash"]
    assert again.json["sha256"] == first.json["sha256"]
    async with daemon.client() as client:
        artifacts = await client.every("/v1/artifacts", Artifact)
    assert [artifact.kind for artifact in artifacts].count("cut_plan") == 1


@dataclass(frozen=True)
class Shown:
    """A cut of a numbered clip: the frames that the plan keeps, and those that the file shows."""

    planned: list[int]
    shown: list[int | None]
    document: dict[str, Any]


async def cut_of_numbers(daemon: Daemon, clip: Clip, goal: str) -> Shown:
    output = clip.path.with_name("cut.mp4")
    result = await cutroom(daemon, *edit(clip.path, output, goal=goal, profile="source"))
    assert result.code == DONE, result.talk
    cuts = result.json["cuts"]
    planned = [number for cut in cuts for number in range(cut["start_frame"], cut["end_frame"])]
    assert planned
    return Shown(planned, read_numbers(output), result.json)


async def test_every_cut_is_exact_to_the_frame(daemon: Daemon, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "numbered.mp4", frames=200, rate=Fraction(30000, 1001), gop=48, b_frames=3)
    cut = await cut_of_numbers(daemon, clip, "3 seconds")
    assert cut.shown == cut.planned


async def test_a_kill_in_the_middle_of_the_render_costs_no_plan_and_no_event(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    command = await spawn(daemon, *edit(talk[0], tmp_path / "cut.mp4"))
    async with daemon.client() as client:
        replica = Replica(client.resource_stream)
        async with replica.following():
            await replica.until(lambda: _rendering(replica))
            before = await _log(daemon)
            daemon.kill()
            daemon.start()
            result = await said(command)
    assert result.code == DONE, result.talk
    after = await _log(daemon)
    assert after[: len(before)] == before, "what was acknowledged is there, unchanged"
    assert [event[0] for event in after] == list(range(1, len(after) + 1)), "no position is missing"
    plans = [event for event in after if event[2] == "artifact.recorded" and '"cut_plan"' in event[3]]
    assert len(plans) == 1
    asked = [event for event in after if event[2] == "item.run_requested"]
    assert len(asked) == 5, "one run an item: nothing was begun anew"


async def test_a_daemon_that_stays_dead_is_started_again_by_the_command_that_waits(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    command = await spawn(daemon, *edit(talk[0], tmp_path / "cut.mp4"))
    async with daemon.client() as client:
        replica = Replica(client.resource_stream)
        async with replica.following():
            await replica.until(lambda: _rendering(replica))
    daemon.kill()
    try:
        result = await said(command)
    finally:
        await asyncio.to_thread(daemon.stop_others)
    assert result.code == DONE, result.talk
    assert "started again" in result.talk


def _rendering(replica: Replica) -> bool | None:
    return (
        any("rendering" in report.note and report.done > 0 for report in replica.shelf.progress.values())
        or None
    )


async def _log(daemon: Daemon) -> list[tuple[int, str, str, str]]:
    events: list[tuple[int, str, str, str]] = []
    async with daemon.client() as client:
        while True:
            after = str(events[-1][0] if events else 0)
            page = await client.get("/v1/log", EventPage, {"after": after, "limit": "1000"})
            events += [
                (event.position, event.stream, event.type, bytes(event.data).decode()) for event in page.items
            ]
            if page.next is None:
                return events


async def test_ctrl_c_cancels_and_the_same_command_then_finishes(
    daemon: Daemon, talk: tuple[Path, Script], tmp_path: Path
) -> None:
    command = await spawn(daemon, *edit(talk[0], tmp_path / "cut.mp4"))
    async with daemon.client() as client:
        replica = Replica(client.resource_stream)
        async with replica.following():
            await replica.until(lambda: _rendering(replica))
            command.send_signal(signal.SIGINT)
            interrupted = await said(command)
            missions = await client.missions()
    assert interrupted.code == CANCELED
    assert [mission.status for mission in missions] == ["canceled"]
    assert not (tmp_path / "cut.mp4").exists()
    again = await cutroom(daemon, *edit(talk[0], tmp_path / "cut.mp4"))
    assert again.code == DONE, again.talk
    assert {"analyse", "plan_cut"} <= set(again.json["reused"])


async def _refused(daemon: Daemon, footage: Path, tmp_path: Path) -> Said:
    result = await cutroom(daemon, *edit(footage, tmp_path / "cut.mp4"))
    assert result.code == USAGE, result.talk
    assert "Traceback" not in result.talk
    assert footage.name in result.talk
    assert not (tmp_path / "cut.mp4").exists()
    return result


async def test_an_empty_file_is_refused_by_name(daemon: Daemon, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "empty" in (await _refused(daemon, empty, tmp_path)).talk


async def test_a_file_that_is_no_media_is_refused_by_name(daemon: Daemon, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("this is not footage\n" * 500)
    await _refused(daemon, text, tmp_path)


async def test_a_file_that_breaks_off_is_refused_by_name(daemon: Daemon, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "whole.mp4", frames=100)
    await _refused(daemon, truncate(clip.path, tmp_path / "broken.mp4", keep=0.5), tmp_path)


async def test_sound_alone_is_refused_with_what_would_be_right(daemon: Daemon, tmp_path: Path) -> None:
    sound = make_sound(tmp_path / "only.m4a", Sound(), duration=Fraction(12))
    result = await cutroom(daemon, *edit(sound, tmp_path / "cut.mp4"))
    assert result.code == USAGE
    assert "picture" in result.talk
    assert "3 times" not in result.talk, "what cannot be done is not tried again"
    assert not (tmp_path / "cut.mp4").exists()


async def test_turned_footage_comes_out_upright_and_exact(daemon: Daemon, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "turned.mp4", frames=150, rotation=90)
    cut = await cut_of_numbers(daemon, clip, "2 seconds")
    assert cut.shown == cut.planned


async def test_footage_of_a_varying_rate_shows_each_frame_at_its_time(daemon: Daemon, tmp_path: Path) -> None:
    steps = [Fraction(1, 30), Fraction(1, 15), Fraction(1, 30), Fraction(1, 10)]
    times = [sum((steps[i % 4] for i in range(number)), Fraction(0)) for number in range(90)]
    clip = make_clip(tmp_path / "varying.mp4", times=times)
    cut = await cut_of_numbers(daemon, clip, "2 seconds")
    assert cut.shown
    assert set(cut.shown) <= set(cut.planned)
    accuracy = [check["status"] for check in cut.document["checks"] if check["name"] == "cut_accuracy"]
    assert accuracy == ["pass"]
