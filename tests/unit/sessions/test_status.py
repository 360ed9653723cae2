"""The status index: what other programs report of their runs, in whatever order it arrives."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.sessions import SessionReport
from engine.kernel.errors import Invalid, Rejected
from engine.kernel.reducer import Envelope
from engine.sessions import reducer
from engine.sessions.reducer import CALLS_MAX, RESULT_MAX_BYTES, Report, SessionRun

NOW = Envelope(at_ms=1, actor="agent")
STARTED = {"type": "session.run.started", "run_id": "r1"}
FINISHED = {"type": "session.run.finished", "run_id": "r1", "result": "well"}


def part(kind: str, tool: str = "bash", **more: Any) -> dict[str, Any]:
    return {"type": "message.part.updated", "run_id": "r1", "part": {"type": kind, "tool": tool, **more}}


CALL, RESULT = part("tool_invocation"), part("tool_result", result={"exit": 0})


def told(run: SessionRun, event: dict[str, Any], session: str = "s1") -> SessionRun:
    """The run after a report."""
    report = Report(session_id=session, event=msgspec.convert(event, SessionReport))
    for happened in reducer.decide(run, report, NOW):
        run = reducer.on_event(run, happened, NOW).state
    return run


def after(*events: dict[str, Any]) -> SessionRun:
    run = reducer.init("r1")
    for event in events:
        run = told(run, event)
    return run


def status(*events: dict[str, Any]) -> Any:
    return to_builtins(reducer.published(after(*events)))


def test_a_run_is_running_then_at_a_tool_then_finished() -> None:
    base = {"session_id": "s1", "run_id": "r1"}
    running = {"state": "running", "phase": "run", "tool_active": False, "event_type": "session.run.started"}
    assert status(STARTED) == base | running
    at_tool = {"state": "running", "phase": "tool", "event_type": "message.part.updated", "tool": "bash"}
    assert status(STARTED, CALL) == base | at_tool | {"tool_active": True}
    assert status(STARTED, CALL, RESULT) == base | at_tool | {"tool_active": False, "result": {"exit": 0}}
    assert status(STARTED, CALL, RESULT, FINISHED) == base | {
        "state": "finished",
        "phase": "run",
        "tool_active": False,
        "event_type": "session.run.finished",
        "result": "well",
    }


def test_a_finished_run_never_goes_back_and_late_tools_change_nothing() -> None:
    finished = after(STARTED, CALL, FINISHED)
    late = {**FINISHED, "result": "otherwise"}
    for event in (STARTED, CALL, RESULT, late, part("tool_result", "never called")):
        assert told(finished, event) == finished


def test_a_run_that_nobody_saw_begin_is_known_by_its_tool_or_its_end() -> None:
    assert after(CALL).state == "running"
    assert after(RESULT).state == "running"
    assert after(FINISHED).state == "finished"


@pytest.mark.parametrize("event", [STARTED, CALL, RESULT])
def test_a_report_that_comes_twice_is_no_event(event: dict[str, Any]) -> None:
    report = Report(session_id="s1", event=msgspec.convert(event, SessionReport))
    assert reducer.decide(after(STARTED, event), report, NOW) == ()


def test_parts_that_are_no_tools_change_nothing() -> None:
    assert after(part("text", "", text="Let me see")) == reducer.init("r1")
    assert after(STARTED, part("reasoning")) == after(STARTED)


def test_a_tool_is_active_until_the_last_of_its_calls_has_answered() -> None:
    calls = [part("tool_invocation", call_id=name) for name in "ab"]
    answers = [part("tool_result", call_id=name) for name in "ab"]
    assert status(*calls, answers[0])["tool_active"] is True
    assert status(*calls, *answers)["tool_active"] is False


def test_another_session_cannot_report_the_run() -> None:
    run = after(STARTED)
    with pytest.raises(Rejected) as caught:
        told(run, FINISHED, session="s2")
    assert caught.value.reason == "other_session"


def test_reports_have_bounds() -> None:
    for event in (
        {**FINISHED, "result": "x" * RESULT_MAX_BYTES},
        part("tool_result", result="x" * RESULT_MAX_BYTES),
        part("tool_invocation", ""),
        part("tool_invocation", "x" * 201),
    ):
        with pytest.raises(Invalid):
            after(STARTED, event)
    many = after(*(part("tool_invocation", call_id=str(number)) for number in range(CALLS_MAX)))
    with pytest.raises(Rejected) as caught:
        told(many, part("tool_invocation", call_id="more"))
    assert caught.value.reason == "too_many_calls"


reports = st.sampled_from(
    [
        STARTED,
        FINISHED,
        CALL,
        RESULT,
        part("tool_invocation", "grep"),
        part("tool_result", "grep"),
        part("text"),
    ]
)


@given(st.lists(reports, max_size=8), st.lists(reports, max_size=8))
def test_whatever_comes_in_whatever_order_the_end_is_the_end(
    before: list[dict[str, Any]], behind: list[dict[str, Any]]
) -> None:
    run = after(*before)
    known = [event["type"] for event in before if event.get("part", {}).get("type") != "text"]
    assert (run.state is None) == (not known)
    assert (run.state == "finished") == ("session.run.finished" in known)
    assert run.state != "finished" or not run.active
    assert told(run, FINISHED) == after(*before, FINISHED, *behind)


def test_the_status_is_written_where_everybody_looks_for_it() -> None:
    published = reducer.resources("r1", after(STARTED))
    assert list(published) == ["run/r1/status"]
    assert reducer.resources("r1", reducer.init("r1")) == {}
