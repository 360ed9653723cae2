"""Killed after whatever event of a mission, it ends as it would have, and the outside saw nothing twice that it must not."""

import asyncio
import signal
from collections import Counter as Tally
from pathlib import Path
from typing import Any, Final

import pytest

from engine.kernel.clock import SystemClock
from engine.kernel.kernel import Kernel
from engine.missions import types as t
from tests.fault import invariants
from tests.fault.births import born
from tests.fault.mission_life import STREAM, Word, calls, live
from tests.missions_kit import ADA, AGGREGATES

PLACES: Final = ("dispatch.durable", "reactions.answered", "outbox.attempted", "outbox.called")
WORDS: Final[tuple[Word, ...]] = ("redeliver", "cancel")


def lived(folder: Path, word: Word = "", failpoint: str = "") -> str:
    """Run a life; return what it ended with, empty when it was killed."""
    with born(live, str(folder), word, failpoint=failpoint) as child:
        code = child.end()
    assert code in (0, -signal.SIGKILL), f"it ended with {code}"
    return "" if code else child.lines[-1]


async def the_mission(folder: Path) -> t.Mission:
    kernel = await Kernel.open(folder, AGGREGATES, SystemClock())
    try:
        mission: t.Mission = (await kernel.dispatch.state(STREAM, ADA.partition))[0]
        return mission
    finally:
        await kernel.database.close()


def outcome(mission: t.Mission) -> dict[str, Any]:
    """What a mission has come to; runs that somebody had canceled are left out."""
    attempts = {
        one.name: [
            (each.status, each.refs, each.output) for each in one.attempts if each.status != "canceled"
        ]
        for one in mission.items
    }
    return {"status": mission.status, "items": [one.status for one in mission.items], "attempts": attempts}


async def _killed(folder: Path, place: str, nth: int, whole: dict[str, Any]) -> bool:
    """Kill it there and see it through; False: it did not come by so often."""
    folder.mkdir()
    ended = await asyncio.to_thread(lived, folder, "", f"{place}:{nth}")
    if ended:
        return False
    await invariants.check_log(folder, AGGREGATES)
    ended = await asyncio.to_thread(lived, folder)
    sent = [key for tool, key in calls(folder) if tool == "send"]
    assert len(sent) == len(set(sent)), "sent twice, and nobody had said so"
    word: Word = ""
    if ended == "unknown":
        mission = await the_mission(folder)
        assert (mission.status, mission.items[1].status) == ("running", "in_progress"), "it waits"
        word = WORDS[nth % 2]
        ended = await asyncio.to_thread(lived, folder, word)
    assert ended == "over"
    await invariants.check_log(folder, AGGREGATES)
    mission = await the_mission(folder)
    assert outcome(mission) == whole
    seen = Tally(key for tool, key in calls(folder) if tool == "send")
    assert max(seen.values()) <= (2 if word == "redeliver" else 1)
    assert len(seen) <= (2 if word == "cancel" else 1), "another key only when a person has dropped the first"
    return True


async def _sweep(folder: Path, step: int) -> int:
    """Kill it at every `step`th time that it comes by each place; return how often that was."""
    whole_folder = folder / "whole"
    whole_folder.mkdir(parents=True)
    assert await asyncio.to_thread(lived, whole_folder) == "over"
    whole = outcome(await the_mission(whole_folder))
    assert whole["status"] == "succeeded"
    assert [tool for tool, _ in calls(whole_folder)] == ["look", "send", "tell", "tell"]
    kills = 0
    for place in PLACES:
        nth = 1 + len(place) % step  # not the same moments everywhere
        while await _killed(folder / f"{place}-{nth}", place, nth, whole):
            kills += 1
            nth += step
    return kills


@pytest.mark.timeout(240)
async def test_killed_after_whatever_event_a_mission_ends_as_it_would_have(tmp_path: Path) -> None:
    assert await _sweep(tmp_path / "some", 7) >= 8


@pytest.mark.deep
@pytest.mark.timeout(3600)
async def test_killed_after_every_single_event_a_mission_ends_as_it_would_have(tmp_path: Path) -> None:
    assert await _sweep(tmp_path / "all", 1) >= 60


@pytest.mark.parametrize("word", WORDS)
async def test_killed_when_the_outside_was_reached_it_waits_for_a_person(word: Word, tmp_path: Path) -> None:
    # The second call of a tool is that of `send`; it came back, and nobody was told.
    assert await asyncio.to_thread(lived, tmp_path, "", "runs.called:2") == ""
    assert await asyncio.to_thread(lived, tmp_path) == "unknown"
    assert await asyncio.to_thread(lived, tmp_path) == "unknown", "and goes on waiting"
    assert await asyncio.to_thread(lived, tmp_path, word) == "over"
    keys = [key for tool, key in calls(tmp_path) if tool == "send"]
    assert len(keys) == 2
    assert (keys[0] == keys[1]) == (word == "redeliver")
    mission = await the_mission(tmp_path)
    expected = ["succeeded"] if word == "redeliver" else ["canceled", "succeeded"]
    assert [one.status for one in mission.items[1].attempts] == expected
