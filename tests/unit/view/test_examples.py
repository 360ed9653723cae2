"""Resources in, rows out: the recorded examples that every screen's rows are held to."""

from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clients.view import find, rows
from clients.view.lists import list_rows, targets
from clients.view.report import as_json, edit_report
from clients.view.requests import binding_facts, notice_facts, request_facts
from clients.view.routines import routine_facts, run_rows
from clients.view.screens import screens
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.missions import Mission
from cutroom_sdk.wire.routines import WatchedFolder

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
    lists = {one.id: list_rows(shelf, one.id, now_ms) for one in screens()}
    listed = [row.key for rows in lists.values() for row in rows]
    parts = {
        "lists": lists,
        "targets": {key: targets(shelf, key) for key in listed},
        "requests": [request_facts(shelf, one, now_ms, UTC) for one in find.requests(shelf)],
        "bound": [binding_facts(one) for one in find.requests(shelf)],
        "notices": [notice_facts(shelf, one, UTC) for one in find.notices(shelf)],
        "routines": [
            routine_facts(one, UTC, shelf.value(f"watch/{one.routine_id}", WatchedFolder))
            for one in find.routines(shelf)
        ],
        "runs": [run_rows(find.runs_of(shelf, one.routine_id), UTC) for one in find.routines(shelf)],
    }
    found = find.missions(shelf)
    return msgspec.json.decode(
        encode({**parts, **(_mission_shown(shelf, found[0], now_ms) if found else {})})
    )


def _mission_shown(shelf: Shelf, mission: Mission, now_ms: int) -> dict[str, Any]:
    plan = find.plan(shelf, find.refs(mission))
    details = [find.detail(shelf, mission.mission_id, item.work_item_id) for item in mission.work_items]
    return {
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
    assert {path.stem for path in EXAMPLES} >= {"running", "review", "finished", "routines", "needs", "large"}


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


def test_a_call_that_nobody_knows_the_outcome_of_can_be_made_again_or_dropped_from_its_notice() -> None:
    shelf = shelf_of(example("needs"))
    assert targets(shelf, "notice/n4")["command"] == ("c0ffee", "unknown")
    assert "command" not in targets(shelf, "notice/n1")


def test_of_many_items_those_are_shown_that_are_at_work_and_what_comes_next() -> None:
    shelf = shelf_of(example("large"))
    mission = find.mission(shelf, "big")
    assert mission is not None
    shown, left_out = rows.shown_items(mission, 10)
    assert [item.status for item in shown] == ["in_progress"] * 2 + ["todo"] * 3 + ["blocked"] * 5
    assert (left_out, rows.shown_items(mission, 100)[1]) == (90, 0)
    assert [row.at for row in rows.mission_rows(shelf, 0)] == ["70 of 100 done"]


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
