"""Resources in, rows out: the recorded examples that every screen's rows are held to."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from clients.view import find, rows
from clients.view.report import as_json, edit_report
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.wire.codec import encode

EXAMPLES = sorted((Path(__file__).parents[3] / "clients/view/examples").glob("*.json"))


def shelf_of(example: dict[str, Any]) -> Shelf:
    shelf = Shelf()
    shelf.begin(snapshot=True)
    for key, value in sorted(example["resources"].items()):
        shelf.feed(SseMessage("resource.updated", encode({"key": key, "rev": 1, "value": value}), None))
    for report in example["progress"]:
        shelf.feed(SseMessage("progress", encode(report), None))
    shelf.feed(SseMessage("ready", b'{"position":1}', "1"))
    return shelf


def shown(example: dict[str, Any]) -> Any:
    shelf, now_ms = shelf_of(example), example["now_ms"]
    mission = find.missions(shelf)[0]
    plan = find.plan(shelf, find.refs(mission))
    details = [find.detail(shelf, mission.mission_id, item.work_item_id) for item in mission.work_items]
    shown = encode(
        {
            "missions": rows.mission_rows(shelf, now_ms),
            "items": rows.item_rows(shelf, mission),
            "attempts": [rows.attempt_lines(detail) for detail in details if detail],
            "approvals": rows.approval_rows(shelf, now_ms),
            "plan": rows.plan_line(plan) if plan else "",
            "cuts": rows.cut_rows(plan) if plan else [],
            "removed": rows.removed_rows(plan) if plan else [],
            "checks": rows.check_rows(find.checks(shelf, mission)),
            "report": as_json(edit_report(shelf, mission, plan, elapsed_s=12.5)),
        }
    )
    return msgspec.json.decode(shown)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_rows_are_those_of_the_example(path: Path, request: pytest.FixtureRequest) -> None:
    example = msgspec.json.decode(path.read_bytes())
    found = shown(example)
    if request.config.getoption("--snap"):
        path.write_bytes(
            msgspec.json.format(msgspec.json.encode(example | {"rows": found}), indent=1) + b"\n"
        )
    else:
        assert found == example["rows"]


def test_there_are_examples_of_work_a_question_and_an_end() -> None:
    assert {path.stem for path in EXAMPLES} >= {"running", "review", "finished"}


def example(name: str) -> dict[str, Any]:
    path = next(path for path in EXAMPLES if path.stem == name)
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found


def test_what_needs_somebody_is_said_so_and_comes_first() -> None:
    review, finished = example("review"), example("finished")
    later = {
        key.replace("1m7z", "9zzz"): msgspec.json.decode(encode(value).replace(b"1m7z", b"9zzz"))
        for key, value in finished["resources"].items()
        if key.startswith("mission/")
    }
    both = {**review, "resources": {**later, **review["resources"]}}
    listed = rows.mission_rows(shelf_of(both), review["now_ms"])
    assert [row.needs_you for row in listed] == [True, False]
    assert listed[0].state == "needs you"


def test_what_runs_shows_how_far_it_is_and_how_long_it_takes() -> None:
    running = example("running")
    busy = next(
        row
        for row in rows.item_rows(shelf_of(running), find.missions(shelf_of(running))[0])
        if row.tone == "busy"
    )
    assert (busy.fraction, busy.eta, busy.note) == (0.4155, "4 s left", "rendering: 150 of 361 frames")


def test_failed_checks_come_first_with_what_mends_them() -> None:
    finished = example("finished")
    ref = next(key for key in finished["resources"] if key.startswith("render/"))
    finished["resources"][ref]["checks"][3] |= {"status": "fail", "fix": "render again"}
    shelf = shelf_of(finished)
    first = rows.check_rows(find.checks(shelf, find.missions(shelf)[0]))[0]
    assert (first.tone, first.fix) == ("bad", "render again")


def test_the_report_names_the_file_and_not_its_receipt() -> None:
    shelf = shelf_of(example("finished"))
    report = edit_report(shelf, find.missions(shelf)[0], None, elapsed_s=1)
    assert report.output == "/home/ada/sq.mp4"
    assert "error" not in as_json(report)
