"""Routines and missions: a run is a mission of the same id, and what happens to the one is news for the other.

Here is also where a routine hears that its run has ended, where those that begin after others do so, and where leave that
a run needs is told to it.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from cutroom_sdk.wire.approvals import ApprovalSubject
from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.missions import Authority, GatesRequest, MissionRequest, WorkItemRequest
from cutroom_sdk.wire.routines import Entrypoint, MissionEnd
from cutroom_sdk.wire.routines import Routine as WireRoutine
from engine.approvals import reducer as approvals
from engine.kernel.context import Context, engine_context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Invalid, Rejected, StudioError, Unavailable
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.outbox import ATTEMPTS_MAX, Effect
from engine.missions import specs, templates
from engine.missions import types as missions
from engine.missions.items import MANUAL
from engine.routines import reducer_chain as chain
from engine.routines import reducer_run as runs
from engine.routines import reducer_watch as watch
from engine.routines import types as routines
from engine.routines.definitions import Needs, args_of
from engine.routines.due import routine_of

_log = logging.getLogger(__name__)
ENDS: Final[dict[MissionEnd, runs.End]] = {
    "succeeded": "completed",
    "failed": "failed",
    "canceled": "canceled",
}
BLOCKED: Final = "blocked_policy"


def mission_request(
    kernel: Kernel, name: str, entrypoint: Entrypoint, args: dict[str, Any]
) -> MissionRequest:
    """Return the mission that an entrypoint comes to: of its template, or of the one call of its tool.

    Raises:
        Invalid: there is no such tool.
    """
    if entrypoint.tool is None:
        return MissionRequest(template=entrypoint.mission, args=args, start=True)
    tool = kernel.tools.get(entrypoint.tool)
    item = WorkItemRequest(
        work_item_id="call",
        title=tool.title,
        kind=tool.name,
        input=args,
        gates=GatesRequest(review="none", test="auto" if tool.check else "none"),
    )
    return MissionRequest(title=name, goal=name, work_items=(item,), start=True)


def check(kernel: Kernel, name: str, entrypoint: Entrypoint, args: dict[str, Any], context: Context) -> Needs:
    """Return what an entrypoint uses; see `engine.routines.definitions.Check`."""
    try:
        mission = specs.read(mission_request(kernel, name, entrypoint, args), kernel.tools, context)
    except Invalid as error:
        field = str(error.extra.get("field", ""))
        where = {"template": "entrypoint.mission", "": "entrypoint"}.get(field, field)
        raise Invalid(error.detail, code=error.code, field=where) from error
    tools = tuple(dict.fromkeys(item.kind for item in mission.items if item.kind != MANUAL))
    return Needs(tools=tools, capabilities=mission.capabilities)


async def start_mission(kernel: Kernel, command: runs.StartMission, effect: Effect) -> None:
    """Make the mission of a run and say so to the run, in one commit; a run that cannot have one has failed.

    Raises:
        Unavailable: try again later.
    """
    run = f"routine-run/{command.run_id}"
    try:
        mission = await _create(kernel, command.run_id, command.work, effect.context)
        asked = Asked(f"mission/{command.run_id}", mission)
        begun = Asked(run, runs.Start(mission_id=command.run_id))
        await kernel.dispatch.propose_many((begun, asked), effect.context)
    except Rejected:
        raise  # it was canceled meanwhile, or has begun already
    except Unavailable as error:
        if effect.attempt < ATTEMPTS_MAX:
            raise
        await effect.propose(run, runs.Finish(status="failed", reason=error.detail))
    except StudioError as error:
        await effect.propose(run, runs.Finish(status="failed", reason=error.detail))


async def _create(kernel: Kernel, run_id: str, work: routines.Work, engine: Context) -> missions.Create:
    definition = work.definition
    # No more than whoever activated the routine could give, whatever templates and tools have come to since.
    granted = Context(
        actor=engine.actor, partition=engine.partition, capabilities=frozenset(work.capabilities)
    )
    request = mission_request(kernel, definition.name, definition.entrypoint, args_of(work))
    request = await templates.listed(request, kernel.tools, granted)
    mission = specs.read(request, kernel.tools, granted)
    return replace(mission, authority=_authority(run_id, work))


def _authority(run_id: str, work: routines.Work) -> Authority:
    definition = work.definition
    return Authority(
        routine_id=work.routine_id,
        routine_run_id=run_id,
        creator=work.creator,
        allowed_tools=definition.allowed_tools,
        output_targets=definition.output_targets,
        external_effects_allowed=definition.external_effects_allowed,
        requires_approval=definition.requires_approval,
    )


async def cancel_mission(command: runs.CancelMission, effect: Effect) -> None:
    """Cancel the mission of a run that is over; one that is over too is left alone."""
    await effect.propose(f"mission/{command.mission_id}", missions.Cancel(reason=command.reason))


def on_fired(event: routines.Fired, _recorded: Event) -> Sequence[Asked]:
    """Queue the run that a routine has fired."""
    return (Asked(f"routine-run/{event.run_id}", runs.Queue(work=event.work, held=event.held)),)


def on_run_ended(event: routines.RunEnded, _recorded: Event) -> Sequence[Asked]:
    """Let the run begin that waited for the one that has ended."""
    return (Asked(f"routine-run/{event.released}", runs.Release()),) if event.released else ()


def on_deleted(event: routines.Deleted, recorded: Event) -> Sequence[Asked]:
    """Cancel the runs that waited for a routine that is gone, and forget what its folder has shown."""
    routine_id = recorded.stream.removeprefix("routine/")
    canceled = runs.Finish(status="canceled", reason="its routine was deleted")
    waiting = [Asked(f"routine-run/{run_id}", canceled) for run_id in event.waiting]
    return (*waiting, Asked(f"watch/{routine_id}", watch.Forget()))


def on_finished(event: runs.Finished, recorded: Event) -> Sequence[Asked]:
    """Tell the routine that its run is over."""
    run_id = recorded.stream.removeprefix("routine-run/")
    return (Asked(f"routine/{event.routine_id}", routines.EndRun(run_id=run_id)),)


def on_mission_created(event: missions.Created, recorded: Event) -> Sequence[Asked]:
    """Note a mission of a template that some routine begins after."""
    if event.template is None:
        return ()
    return (Asked(chain.STREAM, chain.Begin(mission_id=_mission(recorded), template=event.template)),)


def on_mission_paused(_event: missions.Paused, recorded: Event) -> Sequence[Asked]:
    """Tell the run that its mission was paused."""
    return _to_run(recorded, runs.Halt(paused=True))


def on_mission_resumed(_event: missions.Resumed, recorded: Event) -> Sequence[Asked]:
    """Tell the run that its mission goes on."""
    return _to_run(recorded, runs.Halt(paused=False))


def on_item_started(_event: missions.RunStarted, recorded: Event) -> Sequence[Asked]:
    """Tell the run that what was approved is being done."""
    return _to_run(recorded, runs.GoOn())


def on_item_finished(event: missions.RunFinished, recorded: Event) -> Sequence[Asked]:
    """End the run whose tool call its routine does not cover."""
    if event.status != "failed" or event.code != BLOCKED:
        return ()
    return _to_run(recorded, runs.Finish(status="blocked_policy", reason=event.reason))


def on_mission_ended(
    status: MissionEnd, event: missions.Succeeded | missions.Failed | missions.Canceled, recorded: Event
) -> Sequence[Asked]:
    """Tell the run how its mission has ended, and begin what begins after it."""
    match event:
        case missions.Failed(detail=detail):
            reason = detail
        case missions.Canceled(reason=said):
            reason = said
        case _:
            reason = ""
    ended = chain.Ended(mission_id=_mission(recorded), status=status)
    finish = runs.Finish(status=ENDS[status], reason=reason)
    return (*_to_run(recorded, finish), Asked(chain.STREAM, ended))


def on_chain_passed(event: chain.Passed, _recorded: Event) -> Sequence[Asked]:
    """Begin the routines that waited for a mission."""
    trip = routines.Trip(trigger="chain", after_mission=event.mission_id)
    return tuple(Asked(f"routine/{routine_id}", trip) for routine_id in event.routine_ids)


def on_approval_requested(event: approvals.Requested, recorded: Event) -> Sequence[Asked]:
    """Tell a run that it waits for somebody's leave."""
    subject = event.asked.subject
    if subject.kind != "routine_run":
        return ()
    approval_id = recorded.stream.removeprefix("approval/")
    return (Asked(f"routine-run/{subject.id}", runs.Await(approval_id=approval_id)),)


def waiting(authority: Authority | None, approval_id: str) -> tuple[Asked, ...]:
    """Return what says to a routine's run that a call of a tool within it waits for leave."""
    if authority is None:
        return ()
    return (Asked(f"routine-run/{authority.routine_run_id}", runs.Await(approval_id=approval_id)),)


def going_on(authority: Authority | None) -> tuple[Asked, ...]:
    """Return what says to a routine's run that what was approved is being done."""
    return () if authority is None else (Asked(f"routine-run/{authority.routine_run_id}", runs.GoOn()),)


def decision_for_run(
    approval_id: str, subject: ApprovalSubject, grant: bool, reasons: tuple[str, ...]
) -> tuple[Asked, ...]:
    """Return what a decision means for the routine's run that it is about; nothing when there is none."""
    run_id = subject.id.partition("/")[0]
    if subject.kind == "work_item" or not routine_of(run_id):
        return ()
    settled = runs.Settle(approval_id=approval_id, grant=grant, reason="; ".join(reasons))
    return (Asked(f"routine-run/{run_id}", settled),)


def _mission(recorded: Event) -> str:
    return recorded.stream.removeprefix("mission/")


def _to_run(recorded: Event, proposal: runs.Proposal) -> tuple[Asked, ...]:
    """Return a proposal for the run whose mission this is; nothing when no routine began it."""
    mission_id = _mission(recorded)
    return (Asked(f"routine-run/{mission_id}", proposal),) if routine_of(mission_id) else ()


async def recover(kernel: Kernel) -> None:
    """End the runs whose missions are over without their knowing, and tell routines of runs that are.

    Commands and reactions are durable, so a crash alone leaves none; a reaction that failed may.
    """
    for partition, record in await kernel.resources.everything("routine"):
        routine = decode(record.value, WireRoutine)
        for run_id in routine.active_runs:
            for asked in await _overdue(kernel, partition, routine.routine_id, run_id):
                _log.warning("the routine run %s was left as if it went on", run_id)
                context = engine_context("routines", partition=partition)
                await kernel.dispatch.propose(asked.stream, asked.proposal, context)


async def _overdue(kernel: Kernel, partition: str, routine_id: str, run_id: str) -> Sequence[Asked]:
    """Return what a run that a routine holds for alive should have come to; nothing when it is alive."""
    run: runs.RoutineRun = (await kernel.dispatch.state(f"routine-run/{run_id}", partition))[0]
    if run.over:
        return (Asked(f"routine/{routine_id}", routines.EndRun(run_id=run_id)),)
    mission: missions.Mission = (await kernel.dispatch.state(f"mission/{run_id}", partition))[0]
    if run.mission_id is None or not mission.over:
        return ()
    reason = mission.failure.detail if mission.failure else mission.reason
    finish = runs.Finish(status=ENDS[_end_of(mission)], reason=reason)
    return (Asked(f"routine-run/{run_id}", finish),)


def _end_of(mission: missions.Mission) -> MissionEnd:
    match mission.status:
        case "succeeded" | "failed" | "canceled":
            return mission.status
        case _:
            raise AssertionError(f"{mission.mission_id} is not over")


def register(kernel: Kernel) -> None:
    """Carry out what routine runs ask of missions, and pass on the news of both."""
    kernel.outbox.handle(runs.StartMission, partial(start_mission, kernel))
    kernel.outbox.handle(runs.CancelMission, cancel_mission)
    on = kernel.reactions.on
    on(routines.Fired, "a routine's run is queued", on_fired)
    on(routines.RunEnded, "the next run of a routine begins", on_run_ended)
    on(routines.Deleted, "what waited for a deleted routine is canceled", on_deleted)
    on(runs.Finished, "a routine hears that its run is over", on_finished)
    on(missions.Created, "a mission is noted that routines begin after", on_mission_created)
    on(missions.Paused, "a routine run hears that its mission was paused", on_mission_paused)
    on(missions.Resumed, "a routine run hears that its mission goes on", on_mission_resumed)
    on(missions.RunStarted, "a routine run goes on after its approval", on_item_started)
    on(missions.RunFinished, "a routine run hears that it was refused", on_item_finished)
    on(missions.Succeeded, "a mission has succeeded", partial(on_mission_ended, "succeeded"))
    on(missions.Failed, "a mission has failed", partial(on_mission_ended, "failed"))
    on(missions.Canceled, "a mission was canceled", partial(on_mission_ended, "canceled"))
    on(chain.Passed, "routines begin after a mission", on_chain_passed)
    on(approvals.Requested, "a routine run hears that it waits for leave", on_approval_requested)
