"""Calls of tools within a run: on record before they are made, held where they need leave, each leave used once."""

from typing import Final, assert_never

from msgspec.structs import replace

from cutroom_sdk.wire.runs import RunError
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Rejected, Step
from engine.runs.types import (
    ENGINE,
    Call,
    CallHeld,
    CallNested,
    CallTool,
    Command,
    Event,
    Finished,
    Held,
    Hold,
    Nested,
    Permit,
    Permitted,
    Refuse,
    ReturnNested,
    Run,
    Started,
    ToolObserved,
    ToolReturned,
    VoidLeave,
    Work,
)

CallProposal = Call | CallNested | ReturnNested | Hold | Permit | Refuse
CallEvent = ToolObserved | ToolReturned | CallHeld | Permitted


def decide_call(run: Run, proposal: CallProposal) -> tuple[Event, ...]:
    """Answer what is proposed about a call; see `engine.runs.reducer.decide`."""
    match proposal:
        case Call(approval_id=approval_id):
            work = alive(run)
            demand(run, not work.manual, "manual")
            demand(run, _may_be_called(run, "", approval_id), "not_permitted")
            observed = _observed(work, work.tool, run.calls + 1, "", "", approval_id)
            return (observed,) if run.status == "running" else (_started(work), observed)
        case CallNested(place=place, tool=tool, input_hash=input_hash, approval_id=approval_id):
            work = alive(run)
            demand(run, run.calls > 0, "not_called")
            demand(run, _may_be_called(run, place, approval_id), "not_permitted")
            calls = run.nested[place].calls if place in run.nested else 0
            return (_observed(work, tool, calls + 1, place, input_hash, approval_id),)
        case ReturnNested(place=place, result=result):
            alive(run)
            demand(run, place in run.nested, "not_called")
            return (ToolReturned(place=place, result=result),)
        case Hold(held=held):
            alive(run)
            return () if run.held.get(held.place) == held else (CallHeld(held=held),)
        case Permit(approval_id=approval_id):
            waits = _waits_for(run, approval_id)
            return (Permitted(approval_id=approval_id),) if waits else ()
        case Refuse(approval_id=approval_id, reason=reason):
            if run.work is None or not _waits_for(run, approval_id):
                return ()
            error = RunError(code="approval_denied", detail=reason, extra={"approval_id": approval_id})
            work = run.work
            refused = Finished(
                mission_id=work.mission_id,
                work_item_id=work.work_item_id,
                status="failed",
                author=ENGINE,
                error=error,
            )
            return (refused,)
        case _:
            assert_never(proposal)


def fold_call(run: Run, event: CallEvent) -> Step[Run, Command]:
    """Fold what happened to a call."""
    match event:
        case ToolObserved(place="", call=call, approval_id=approval_id):
            return Step(_spent(replace(run, calls=call), approval_id))
        case ToolObserved(place=place, call=call, approval_id=approval_id):
            called = Nested(tool=event.tool, input_hash=event.input_hash, calls=call)
            return Step(_spent(replace(run, nested={**run.nested, place: called}), approval_id))
        case ToolReturned(place=place, result=result):
            back = replace(run.nested[place], result=result)
            held = {one: leave for one, leave in run.held.items() if one != place}
            return Step(replace(run, nested={**run.nested, place: back}, held=held))
        case CallHeld(held=held):
            before = run.held.get(held.place)
            changed = replace(run, held={**run.held, held.place: held})
            return Step(
                changed, () if before is None else _void(before, "the call that it was for has changed")
            )
        case Permitted(approval_id=approval_id):
            leave = run.leave(approval_id)
            assert leave is not None, "it was held"
            permitted = replace(run, held={**run.held, leave.place: replace(leave, granted=True)})
            return Step(permitted, (CallTool(run_id=run.run_id),))
        case _:
            assert_never(event)


def unneeded(run: Run, reason: str) -> tuple[Command, ...]:
    """Return what becomes of leave that was asked for, or given, and will not be used."""
    return tuple(command for leave in run.held.values() for command in _void(leave, reason))


def _void(leave: Held, reason: str) -> tuple[Command, ...]:
    return () if leave.spent else (VoidLeave(approval_id=leave.approval_id, reason=reason),)


def alive(run: Run) -> Work:
    """Return what a run is to do that has not ended.

    Raises:
        NotFound: it was never queued.
        Rejected: `run_over`.
    """
    if run.work is None and not run.over:
        raise NotFound(f"there is no run {run.run_id}")
    demand(run, not run.over, "run_over")
    assert run.work is not None
    return run.work


def _may_be_called(run: Run, place: str, approval_id: str) -> bool:
    """Tell whether a call may be made: one that is held only with the leave that was given for it."""
    held = run.held.get(place)
    if held is None:
        return not approval_id
    return held.granted and held.approval_id == approval_id


def _waits_for(run: Run, approval_id: str) -> bool:
    leave = run.leave(approval_id)
    return not run.over and leave is not None and not leave.granted


def _spent(run: Run, approval_id: str) -> Run:
    leave = run.leave(approval_id) if approval_id else None
    if leave is None:
        return run
    return replace(run, held={**run.held, leave.place: replace(leave, spent=True)})


def _observed(
    work: Work, tool: str, call: int, place: str, input_hash: str, approval_id: str
) -> ToolObserved:
    return ToolObserved(
        mission_id=work.mission_id,
        work_item_id=work.work_item_id,
        tool=tool,
        call=call,
        place=place,
        input_hash=input_hash,
        approval_id=approval_id,
    )


def _started(work: Work) -> Started:
    return Started(mission_id=work.mission_id, work_item_id=work.work_item_id)


_WORDS: Final = {
    "run_over": "it has ended",
    "not_called": "its tool was not called",
    "manual": "it has no tool",
    "not_manual": "its tool reports by itself",
    "not_permitted": "the call needs leave that was not given",
}


def demand(run: Run, holds: bool, reason: str) -> None:
    """Insist on something.

    Raises:
        Rejected: with this reason, when it does not hold.
    """
    if not holds:
        detail = f"the run {run.run_id} is {run.status}: {_WORDS[reason]}"
        raise Rejected(reason, detail, state=run.status)
