"""A recorded mission replays to the same resources, byte for byte, and today's rules tell its story the same way.

When the first test fails, histories that users have would read differently: that needs an upcast, not a new recording.
When the second fails the rules have changed: `python -m tests.replay.record` records them anew.
"""

import os
import subprocess
import sys

import pytest

from cutroom_sdk.wire.codec import decode
from tests.replay import record


def test_a_recorded_history_replays_byte_for_byte() -> None:
    recorded = record.from_lines(record.EVENTS.read_bytes())
    assert record.replay(recorded) == record.RESOURCES.read_bytes()


def test_todays_rules_tell_the_recorded_story() -> None:
    assert record.as_lines(record.tell()) == record.EVENTS.read_bytes()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_story_does_not_hang_on_how_python_orders_its_sets(seed: str) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.replay import record; print(record.as_lines(record.tell()).decode(), end='')",
        ],
        env=os.environ | {"PYTHONHASHSEED": seed},
        cwd=record.FOLDER.parents[1],
        capture_output=True,
        check=True,
    )
    assert told.stdout == record.EVENTS.read_bytes()


def test_the_recorded_story_is_a_whole_one() -> None:
    recorded = record.from_lines(record.EVENTS.read_bytes())
    assert recorded[-1].type == "mission.succeeded"
    lines = [decode(line, dict) for line in record.RESOURCES.read_bytes().splitlines()]
    published = {line["key"]: line["value"] for line in lines}
    attempts = {item["work_item_id"]: item["attempt"] for item in published["mission/m1"]["work_items"]}
    assert attempts == {"ingest": 1, "analyse": 1, "plan_cut": 2, "render": 2, "deliver": 1}
    assert published["mission/m1"]["summary"]["files"] == [record.FILE]
