"""Runs: one execution of a work item, by a tool, or by somebody outside who reports it.

queued --started--> running --finished--> succeeded | failed
   `------------------`-----canceled----> canceled
"""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.missions import Authority, Priority, RunEnd
from cutroom_sdk.wire.runs import Run as WireRun
from cutroom_sdk.wire.runs import RunError, RunStatus
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

ENGINE: Final = "engine"  # the author of what tools do


class Work(Struct, frozen=True, kw_only=True):
    """What a run is to do, for whom, and with what. `manual`: somebody outside does it, no tool is called.

    `refs` are the resource keys it is given; `capabilities` all that it may do. `authority` bounds its effects: that of
    the routine that began it, None when a person did. `priority` is its mission's.
    """

    mission_id: str
    work_item_id: str
    attempt: int
    tool: str
    manual: bool
    input: dict[str, Any]
    refs: tuple[str, ...]
    reasons: tuple[str, ...]
    capabilities: tuple[str, ...]
    authority: Authority | None = None
    priority: Priority = "normal"


class Run(Struct, frozen=True, kw_only=True):
    """State of the stream `run/{run_id}`; `work` None: it was never queued. `calls` counts calls of its tool."""

    run_id: str
    work: Work | None = None
    status: RunStatus = "queued"
    queued_at_ms: int = 0
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    calls: int = 0
    author: str = ""
    made: tuple[str, ...] = ()
    reused: bool = False
    notices: tuple[str, ...] = ()
    output: dict[str, Any] = {}
    error: RunError | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ("succeeded", "failed", "canceled")


# Proposals.
class Queue(Struct, frozen=True, kw_only=True, tag="queue"):
    work: Work


class Call(Struct, frozen=True, kw_only=True, tag="call"):
    """The tool is about to be called."""


class Finish(Struct, frozen=True, kw_only=True, tag="finish"):
    """The tool came back."""

    made: tuple[str, ...] = ()
    reused: bool = False
    notices: tuple[str, ...] = ()
    output: dict[str, Any] = {}


class Fail(Struct, frozen=True, kw_only=True, tag="fail"):
    """The tool failed."""

    error: RunError


class GiveUp(Struct, frozen=True, kw_only=True, tag="give_up"):
    """What the tool was doing was canceled by somebody who had nothing to do with the run."""

    reason: str


class ReportEnd(Struct, frozen=True, kw_only=True, tag="report_end"):
    """Somebody outside has done a manual run, or has not been able to. Who proposes it is its author."""

    status: RunEnd
    refs: tuple[str, ...] = ()
    reason: str = ""


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    reason: str


# Events.
class Queued(Struct, frozen=True, kw_only=True, tag="run.queued"):
    work: Work


class Started(Struct, frozen=True, kw_only=True, tag="run.started"):
    mission_id: str
    work_item_id: str


class ToolObserved(Struct, frozen=True, kw_only=True, tag="tool.observed"):
    """The tool is being called, the `call`th time (from 1): more than once when the daemon ended in between."""

    mission_id: str
    work_item_id: str
    tool: str
    call: int


class Finished(Struct, frozen=True, kw_only=True, tag="run.finished"):
    """It has ended. `reported`: by somebody outside, who told the mission in the same commit."""

    mission_id: str
    work_item_id: str
    status: RunEnd
    author: str
    artifact_refs: tuple[str, ...] = ()
    reused: bool = False
    notices: tuple[str, ...] = ()
    output: dict[str, Any] = {}
    error: RunError | None = None
    reported: bool = False


class Canceled(Struct, frozen=True, kw_only=True, tag="run.canceled"):
    """It was ended from outside, perhaps before it began."""

    reason: str


# Commands.
class CallTool(Struct, frozen=True, kw_only=True, tag="call_tool"):
    run_id: str


class StopTool(Struct, frozen=True, kw_only=True, tag="stop_tool"):
    """End the call of a canceled run's tool."""

    run_id: str


Proposal = Queue | Call | Finish | Fail | GiveUp | ReportEnd | Cancel
Event = Queued | Started | ToolObserved | Finished | Canceled
Command = CallTool | StopTool


def init(run_id: str) -> Run:
    return Run(run_id=run_id)


def decide(run: Run, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: it was never queued.
        Rejected: `run_over`, `not_called`, `not_manual` or `manual`.
    """
    match proposal:
        case Queue(work=work):
            return _queue(run, work)
        case Call():
            work = _alive(run)
            _demand(run, not work.manual, "manual")
            observed = ToolObserved(
                mission_id=work.mission_id,
                work_item_id=work.work_item_id,
                tool=work.tool,
                call=run.calls + 1,
            )
            return (observed,) if run.status == "running" else (_started(work), observed)
        case Finish(made=made, reused=reused, notices=notices, output=output):
            work = _alive(run)
            _demand(run, run.calls > 0, "not_called")
            finished = _finished(work, "succeeded", ENGINE)
            return (replace(finished, artifact_refs=made, reused=reused, notices=notices, output=output),)
        case Fail(error=error):
            return (replace(_finished(_alive(run), "failed", ENGINE), error=error),)
        case GiveUp(reason=reason):
            given_up = _finished(_alive(run), "canceled", ENGINE)
            return (replace(given_up, error=RunError(code="canceled", detail=reason)),)
        case ReportEnd():
            return (_reported(run, proposal, envelope),)
        case Cancel(reason=reason):
            # It may come before the run it is about, and must then keep it from beginning.
            return () if run.over else (Canceled(reason=reason),)
        case _:
            assert_never(proposal)


def on_event(run: Run, event: Event, envelope: Envelope) -> Step[Run, Command]:
    """Fold one accepted event."""
    now = envelope.at_ms
    match event:
        case Queued(work=work):
            queued = replace(run, work=work, queued_at_ms=now)
            return Step(queued, () if work.manual else (CallTool(run_id=run.run_id),))
        case Started():
            return Step(replace(run, status="running", started_at_ms=now))
        case ToolObserved(call=call):
            return Step(replace(run, calls=call))
        case Finished():
            return Step(
                replace(
                    run,
                    status=event.status,
                    finished_at_ms=now,
                    author=event.author,
                    made=event.artifact_refs,
                    reused=event.reused,
                    notices=event.notices,
                    output=event.output,
                    error=event.error,
                )
            )
        case Canceled(reason=reason):
            error = RunError(code="canceled", detail=reason)
            canceled = replace(run, status="canceled", finished_at_ms=now, error=error)
            called = run.work is not None and not run.work.manual
            return Step(canceled, (StopTool(run_id=run.run_id),) if called else ())
        case _:
            assert_never(event)


def resources(run_id: str, run: Run) -> Mapping[str, Struct | None]:
    """Return `run/{id}` once it was queued."""
    work = run.work
    if work is None:
        return {}
    published = WireRun(
        run_id=run_id,
        mission_id=work.mission_id,
        work_item_id=work.work_item_id,
        tool=work.tool,
        attempt=work.attempt,
        status=run.status,
        input=work.input,
        refs=work.refs,
        reasons=work.reasons,
        queued_at_ms=run.queued_at_ms,
        started_at_ms=run.started_at_ms,
        finished_at_ms=run.finished_at_ms,
        calls=run.calls,
        author=run.author,
        made=run.made,
        reused=run.reused,
        notices=run.notices,
        output=run.output,
        error=run.error,
    )
    return {f"run/{run_id}": published}


def _queue(run: Run, work: Work) -> tuple[Event, ...]:
    if run.work is not None or run.over:
        return ()
    queued = Queued(work=work)
    # What is done outside has begun as soon as it is asked for: nobody tells when.
    return (queued, _started(work)) if work.manual else (queued,)


def _started(work: Work) -> Started:
    return Started(mission_id=work.mission_id, work_item_id=work.work_item_id)


def _finished(work: Work, status: RunEnd, author: str) -> Finished:
    return Finished(mission_id=work.mission_id, work_item_id=work.work_item_id, status=status, author=author)


def _reported(run: Run, report: ReportEnd, envelope: Envelope) -> Finished:
    work = _alive(run)
    _demand(run, work.manual, "not_manual")
    error = None
    if report.status != "succeeded":
        error = RunError(code="work_failed", detail=report.reason or f"reported as {report.status}")
    finished = _finished(work, report.status, envelope.actor)
    return replace(finished, artifact_refs=report.refs, error=error, reported=True)


def _alive(run: Run) -> Work:
    if run.work is None and not run.over:
        raise NotFound(f"there is no run {run.run_id}")
    _demand(run, not run.over, "run_over")
    assert run.work is not None
    return run.work


_WORDS: Final = {
    "run_over": "it has ended",
    "not_called": "its tool was not called",
    "manual": "it has no tool",
    "not_manual": "its tool reports by itself",
}


def _demand(run: Run, holds: bool, reason: str) -> None:
    if not holds:
        detail = f"the run {run.run_id} is {run.status}: {_WORDS[reason]}"
        raise Rejected(reason, detail, state=run.status)


RUN: Final = Aggregate(
    kind="run",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Run,
    resources=resources,
    reads="missions:read",
)
