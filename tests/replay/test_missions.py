"""Recorded missions and timelines replay to the same resources, byte for byte, and today's rules tell their stories the same way.

When the first test fails, histories that users have would read differently: that needs an upcast, not a new recording.
When the second fails the rules have changed: `python -m tests.replay.record` records them anew.
"""

import os
import subprocess
import sys
from typing import Any, get_args

import pytest

from cutroom_sdk.wire.codec import decode
from engine.editing import reducer as editing
from engine.kernel.reducer import tag_of
from engine.missions import types as missions
from tests.replay import record
from tests.replay.story import as_lines, from_lines, replay

NAMES = sorted(record.HISTORIES)
# Recorded by rules of their day, which nobody tells any more.
OLDER = ("timeline_before_pages",)
ENDS = {
    "budget_end": ("failed", "max_tool_calls"),
    "cancel": ("canceled", None),
    "canceled_run": ("succeeded", None),
    "changed_since": ("succeeded", None),
    "denial": ("failed", "max_attempts"),
    "footage_edit": ("succeeded", None),
    "pause_resume": ("succeeded", None),
    "rework": ("succeeded", None),
    "time_up": ("failed", "max_duration_ms"),
}


@pytest.mark.parametrize("name", [*NAMES, *OLDER])
def test_a_recorded_history_replays_byte_for_byte(name: str) -> None:
    recorded = from_lines(record.events_file(name).read_bytes())
    assert replay(recorded) == record.resources_file(name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_todays_rules_tell_the_recorded_story(name: str) -> None:
    assert as_lines(record.HISTORIES[name]()) == record.events_file(name).read_bytes()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_no_story_and_no_state_hangs_on_how_python_orders_its_sets(seed: str) -> None:
    program = (
        "import sys; from tests.replay import record; from tests.replay.story import as_lines, from_lines, replay\n"
        "for name in sorted(record.HISTORIES):\n"
        "    sys.stdout.buffer.write(as_lines(record.HISTORIES[name]()))\n"
        "    sys.stdout.buffer.write(replay(from_lines(record.events_file(name).read_bytes())))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": seed},
        cwd=record.FOLDER.parents[1],
        capture_output=True,
        check=True,
    )
    files = [file for name in NAMES for file in (record.events_file(name), record.resources_file(name))]
    assert told.stdout == b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize("name", sorted(ENDS))
def test_a_recorded_story_goes_to_its_end(name: str) -> None:
    mission = published(name)["mission/m1"]
    failure = mission["failure"]
    assert (mission["status"], failure and failure["budget"]) == ENDS[name]


def published(name: str) -> dict[str, Any]:
    lines = [decode(line, dict) for line in record.resources_file(name).read_bytes().splitlines()]
    return {line["key"]: line["value"] for line in lines}


def test_the_recorded_edit_is_a_whole_one() -> None:
    mission = published("footage_edit")["mission/m1"]
    attempts = {item["work_item_id"]: item["attempt"] for item in mission["work_items"]}
    assert attempts == {"ingest": 1, "analyse": 1, "plan_cut": 2, "render": 2, "deliver": 1}
    assert mission["summary"]["files"] == [record.FILE]


@pytest.mark.parametrize(("kind", "events"), [("mission", missions.Event), ("timeline", editing.Event)])
def test_the_stories_hold_every_event_that_there_is(kind: str, events: Any) -> None:
    told = {
        event.type
        for name in NAMES
        for event in from_lines(record.events_file(name).read_bytes())
        if event.stream.startswith(f"{kind}/")
    }
    assert told == {tag_of(one) for one in get_args(events)}


def test_the_recorded_timeline_is_as_its_two_editors_left_it() -> None:
    left = published("timeline")
    film = left["timeline/film"]
    assert (film["version"], film["name"], film["edited_by"]) == (11, "Film", "bob")
    assert [track["items"] for track in film["tracks"]] == [5, 3, 0]
    assert left["timeline/fork"]["forked_from"] == {"timeline_id": "film", "version": 11}
    assert left["timeline/fork/track/0"]["track"] == left["timeline/film/track/0"]["track"]
