"""The rules of a run, one by one."""

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.runs import Run as WireRun
from cutroom_sdk.wire.runs import RunError
from engine.kernel.errors import NotFound, Rejected
from engine.kernel.reducer import Envelope
from engine.runs import reducer
from engine.runs import types as runs

WORK = runs.Work(
    mission_id="m1",
    work_item_id="cut",
    attempt=1,
    tool="plan_cut",
    manual=False,
    input={"goal": "short"},
    refs=("asset/a",),
    reasons=(),
    capabilities=("media:write",),
)


class Play:
    """A run driven by hand."""

    def __init__(self, work: runs.Work | None = WORK) -> None:
        self.run = reducer.init("r1")
        self.commands: list[runs.Command] = []
        if work is not None:
            self.ask(runs.Queue(work=work))

    def ask(self, proposal: runs.Proposal, *, by: str = "engine:outbox") -> tuple[runs.Event, ...]:
        envelope = Envelope(at_ms=7, actor=by)
        events = reducer.decide(self.run, proposal, envelope)
        for event in events:
            step = reducer.on_event(self.run, event, envelope)
            self.run = step.state
            self.commands.extend(step.commands)
        return events


def test_a_queued_run_asks_for_its_tool_once() -> None:
    play = Play()
    assert play.ask(runs.Queue(work=WORK)) == ()
    assert play.commands == [runs.CallTool(run_id="r1")]


def test_a_call_is_on_record_before_the_tool_is_called_and_the_first_begins_the_run() -> None:
    play = Play()
    assert [type(event) for event in play.ask(runs.Call())] == [runs.Started, runs.ToolObserved]
    again = play.ask(runs.Call())
    assert [type(event) for event in again] == [runs.ToolObserved]
    assert (play.run.status, play.run.calls) == ("running", 2)


def test_a_run_ends_with_what_it_made() -> None:
    play = Play()
    play.ask(runs.Call())
    play.ask(runs.Finish(made=("artifact/p",), reused=True, output={"cuts": 3}))
    shown = reducer.resources("r1", play.run)["run/r1"]
    assert isinstance(shown, WireRun)
    assert (shown.status, shown.made, shown.reused, shown.author) == (
        "succeeded",
        ("artifact/p",),
        True,
        "engine",
    )


def test_a_run_that_was_not_called_cannot_have_succeeded() -> None:
    play = Play()
    with pytest.raises(Rejected, match="its tool was not called"):
        play.ask(runs.Finish())


def test_a_run_can_fail_before_its_tool_is_called() -> None:
    play = Play()
    play.ask(runs.Fail(error=RunError(code="unknown_tool", detail="no such tool")))
    assert play.run.status == "failed"


def test_a_canceled_run_has_its_tool_stopped_and_takes_no_result() -> None:
    play = Play()
    play.ask(runs.Call())
    play.ask(runs.Cancel(reason="enough"))
    assert play.commands[-1] == runs.StopTool(run_id="r1")
    for late in (runs.Finish(), runs.Call(), runs.Fail(error=RunError(code="internal", detail="x"))):
        with pytest.raises(Rejected) as refused:
            play.ask(late)
        assert refused.value.reason == "run_over"
    assert play.ask(runs.Cancel(reason="again")) == ()


def test_a_cancellation_that_comes_first_keeps_the_run_from_beginning() -> None:
    play = Play(work=None)
    play.ask(runs.Cancel(reason="enough"))
    assert play.ask(runs.Queue(work=WORK)) == ()
    assert play.commands == []
    assert reducer.resources("r1", play.run) == {}


def test_a_manual_run_is_begun_by_asking_and_ended_by_a_report() -> None:
    play = Play(replace(WORK, manual=True, tool="manual"))
    assert (play.run.status, play.commands) == ("running", [])
    play.ask(runs.ReportEnd(status="succeeded", refs=("artifact/x",)), by="ada")
    assert (play.run.status, play.run.author, play.run.made) == ("succeeded", "ada", ("artifact/x",))


def test_a_report_of_failure_keeps_its_reason() -> None:
    play = Play(replace(WORK, manual=True))
    (finished,) = play.ask(runs.ReportEnd(status="failed", reason="no light"), by="ada")
    assert isinstance(finished, runs.Finished)
    assert finished.reported
    assert finished.error == RunError(code="work_failed", detail="no light")


def test_a_tools_run_is_not_reported_and_a_manual_one_is_not_called() -> None:
    with pytest.raises(Rejected, match="its tool reports by itself"):
        Play().ask(runs.ReportEnd(status="succeeded"))
    with pytest.raises(Rejected, match="it has no tool"):
        Play(replace(WORK, manual=True)).ask(runs.Call())


def test_a_run_that_was_never_queued_is_not_there() -> None:
    with pytest.raises(NotFound):
        Play(work=None).ask(runs.Call())
