"""Routine runs: one execution of a routine, carried out by a mission of the same id.

    queued --started--> running <--> paused --finished--> completed | failed | canceled | blocked_policy
      ^                    |                                    ^
      `-approved- pending_approval -denied---------> denied     |
      `------------------------------- canceled ----------------'

A run that is held waits in `queued` until the routine lets it go. It ends once; what comes after is late news.
"""

from collections.abc import Mapping
from typing import Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.routines import RoutineRun as WireRun
from cutroom_sdk.wire.routines import RoutineRunStatus
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step
from engine.routines.types import Work

End = Literal["completed", "failed", "canceled", "blocked_policy", "denied"]
OVER: Final = ("completed", "failed", "canceled", "blocked_policy", "denied")


class RoutineRun(Struct, frozen=True, kw_only=True):
    """State of the stream `routine-run/{run_id}`; `work` None: nothing has fired it."""

    run_id: str
    work: Work | None = None
    status: RoutineRunStatus = "queued"
    fired_at_ms: int = 0
    mission_id: str | None = None
    approval_id: str | None = None
    reason: str | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in OVER


# Proposals.
class Queue(Struct, frozen=True, kw_only=True, tag="queue"):
    work: Work
    held: bool


class Release(Struct, frozen=True, kw_only=True, tag="release"):
    """The runs that it waited for have ended."""


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """Its mission begins, in the same commit."""

    mission_id: str


class Halt(Struct, frozen=True, kw_only=True, tag="halt"):
    """Its mission was paused (`paused`), or goes on."""

    paused: bool


class Await(Struct, frozen=True, kw_only=True, tag="await"):
    """Something that it is about to do needs somebody's leave."""

    approval_id: str


class Settle(Struct, frozen=True, kw_only=True, tag="settle"):
    """The leave was given, or was not."""

    approval_id: str
    grant: bool
    reason: str = ""


class GoOn(Struct, frozen=True, kw_only=True, tag="go_on"):
    """What was approved is being done."""


class Finish(Struct, frozen=True, kw_only=True, tag="finish"):
    status: End
    reason: str = ""


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    reason: str = ""


# Events.
class Queued(Struct, frozen=True, kw_only=True, tag="routine.run_queued"):
    work: Work
    held: bool


class Released(Struct, frozen=True, kw_only=True, tag="routine.run_released"):
    pass


class Started(Struct, frozen=True, kw_only=True, tag="routine.run_started"):
    mission_id: str


class Halted(Struct, frozen=True, kw_only=True, tag="routine.run_halted"):
    paused: bool


class Held(Struct, frozen=True, kw_only=True, tag="routine.run_held"):
    approval_id: str


class Approved(Struct, frozen=True, kw_only=True, tag="routine.run_approved"):
    approval_id: str


class WentOn(Struct, frozen=True, kw_only=True, tag="routine.run_went_on"):
    pass


class Finished(Struct, frozen=True, kw_only=True, tag="routine.run_finished"):
    routine_id: str
    status: End
    reason: str


# Commands.
class StartMission(Struct, frozen=True, kw_only=True, tag="start_mission"):
    """Make the mission of a run and have it begin."""

    run_id: str
    work: Work


class CancelMission(Struct, frozen=True, kw_only=True, tag="cancel_mission"):
    """End the mission of a run that is over before it."""

    mission_id: str
    reason: str


Proposal = Queue | Release | Start | Halt | Await | Settle | GoOn | Finish | Cancel
Event = Queued | Released | Started | Halted | Held | Approved | WentOn | Finished
Command = StartMission | CancelMission


def init(run_id: str) -> RoutineRun:
    return RoutineRun(run_id=run_id)


def decide(run: RoutineRun, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: nothing has fired it.
        Rejected: `run_over`, when a mission is to be started or somebody cancels.
    """
    if isinstance(proposal, Queue):
        return () if run.work is not None else (Queued(work=proposal.work, held=proposal.held),)
    if run.work is None:
        raise NotFound(f"there is no routine run {run.run_id}")
    if run.over:
        if isinstance(proposal, Start | Cancel):
            raise Rejected("run_over", f"the routine run {run.run_id} is {run.status}", state=run.status)
        return ()
    return _answer(run, run.work, proposal)


def _answer(run: RoutineRun, work: Work, proposal: Proposal) -> tuple[Event, ...]:
    match proposal:
        case Release():
            return (Released(),) if run.mission_id is None else ()
        case Start(mission_id=mission_id):
            return (Started(mission_id=mission_id),) if run.mission_id is None else ()
        case Halt(paused=paused):
            fits = run.status == ("running" if paused else "paused")
            return (Halted(paused=paused),) if fits else ()
        case Await(approval_id=approval_id):
            return (Held(approval_id=approval_id),) if run.approval_id != approval_id else ()
        case Settle(approval_id=approval_id, grant=grant, reason=reason):
            if run.status != "pending_approval" or run.approval_id != approval_id:
                return ()
            if grant:
                return (Approved(approval_id=approval_id),)
            return (_finished(work, "denied", reason or "denied without a reason"),)
        case GoOn():
            return (WentOn(),) if run.status == "queued" and run.mission_id is not None else ()
        case Finish(status=status, reason=reason):
            return (_finished(work, status, reason),)
        case Cancel(reason=reason):
            return (_finished(work, "canceled", reason or "canceled"),)
        case Queue():
            raise AssertionError("answered before")
        case _:
            assert_never(proposal)


def _finished(work: Work, status: End, reason: str) -> Finished:
    return Finished(routine_id=work.routine_id, status=status, reason=reason)


def on_event(run: RoutineRun, event: Event, envelope: Envelope) -> Step[RoutineRun, Command]:
    """Fold one accepted event."""
    match event:
        case Queued(work=work, held=held):
            queued = replace(run, work=work, fired_at_ms=envelope.at_ms)
            return Step(queued, () if held else (StartMission(run_id=run.run_id, work=work),))
        case Released():
            assert run.work is not None, "it was queued"
            return Step(run, (StartMission(run_id=run.run_id, work=run.work),))
        case Started(mission_id=mission_id):
            return Step(replace(run, status="running", mission_id=mission_id, started_at_ms=envelope.at_ms))
        case Halted(paused=paused):
            return Step(replace(run, status="paused" if paused else "running"))
        case Held(approval_id=approval_id):
            return Step(replace(run, status="pending_approval", approval_id=approval_id))
        case Approved():
            return Step(replace(run, status="queued"))
        case WentOn():
            return Step(replace(run, status="running"))
        case Finished(status=status, reason=reason):
            ended = replace(run, status=status, reason=reason or None, finished_at_ms=envelope.at_ms)
            if run.mission_id is None or status == "completed":
                return Step(ended)
            return Step(ended, (CancelMission(mission_id=run.mission_id, reason=reason),))
        case _:
            assert_never(event)


def resources(run_id: str, run: RoutineRun) -> Mapping[str, Struct | None]:
    """Return `routine-run/{id}` once something has fired it."""
    published = view(run)
    return {} if published is None else {f"routine-run/{run_id}": published}


def view(run: RoutineRun) -> WireRun | None:
    """Return what others see of a run, None when nothing has fired it."""
    work = run.work
    if work is None:
        return None
    return WireRun(
        run_id=run.run_id,
        routine_id=work.routine_id,
        due_at_ms=work.due_at_ms,
        fired_at_ms=run.fired_at_ms,
        trigger=work.trigger,
        status=run.status,
        mission_id=run.mission_id,
        approval_id=run.approval_id,
        reason=run.reason or work.reason or None,
        file=work.file,
        after_mission=work.after_mission,
        started_at_ms=run.started_at_ms,
        finished_at_ms=run.finished_at_ms,
    )


ROUTINE_RUN: Final = Aggregate(
    kind="routine-run",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=RoutineRun,
    resources=resources,
    reads="routines:read",
)
