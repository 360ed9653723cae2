"""Runs: one execution of a work item, by a tool, or by somebody outside who reports it.

queued --started--> running --finished--> succeeded | failed
   `------------------`-----canceled----> canceled

A call of a tool that needs somebody's leave is held: the run waits, is permitted and called again, or refused and has
failed. Calls that the run's tool makes of others are its places `1`, `2`, and those that these make `2.1`, ...; what came back is
kept, so that a tool that is called again from the beginning does nothing twice.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.missions import RunEnd
from cutroom_sdk.wire.runs import Run as WireRun
from cutroom_sdk.wire.runs import RunError
from engine.kernel.reducer import Aggregate, Envelope, Step
from engine.runs.calls import alive, decide_call, demand, fold_call, unneeded
from engine.runs.types import (
    ENGINE,
    Call,
    CallHeld,
    CallNested,
    CallTool,
    Cancel,
    Canceled,
    Command,
    Event,
    Fail,
    Finish,
    Finished,
    GiveUp,
    Hold,
    Permit,
    Permitted,
    Proposal,
    Queue,
    Queued,
    Refuse,
    ReportEnd,
    ReturnNested,
    Run,
    Started,
    StopTool,
    ToolObserved,
    ToolReturned,
    Work,
)


def init(run_id: str) -> Run:
    return Run(run_id=run_id)


def decide(run: Run, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: it was never queued.
        Rejected: `run_over`, `not_called`, `not_manual`, `manual` or `not_permitted`.
    """
    match proposal:
        case Queue(work=work):
            return _queue(run, work)
        case Call() | CallNested() | ReturnNested() | Hold() | Permit() | Refuse():
            return decide_call(run, proposal)
        case Finish(made=made, reused=reused, notices=notices, output=output):
            work = alive(run)
            demand(run, run.calls > 0, "not_called")
            finished = _finished(work, "succeeded", ENGINE)
            return (replace(finished, artifact_refs=made, reused=reused, notices=notices, output=output),)
        case Fail(error=error):
            return (replace(_finished(alive(run), "failed", ENGINE), error=error),)
        case GiveUp(reason=reason):
            given_up = _finished(alive(run), "canceled", ENGINE)
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
        case ToolObserved() | ToolReturned() | CallHeld() | Permitted():
            return fold_call(run, event)
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
                ),
                unneeded(run, f"the run has {event.status}"),
            )
        case Canceled(reason=reason):
            error = RunError(code="canceled", detail=reason)
            canceled = replace(run, status="canceled", finished_at_ms=now, error=error)
            called = run.work is not None and not run.work.manual
            stop = (StopTool(run_id=run.run_id),) if called else ()
            return Step(canceled, (*stop, *unneeded(run, reason)))
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
        approval_id=run.waits_for,
        role=work.role,
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
    work = alive(run)
    demand(run, work.manual, "not_manual")
    error = None
    if report.status != "succeeded":
        error = RunError(code="work_failed", detail=report.reason or f"reported as {report.status}")
    finished = _finished(work, report.status, envelope.actor)
    return replace(finished, artifact_refs=report.refs, error=error, reported=True)


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
