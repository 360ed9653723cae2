"""HTTP for events posted to a mission: they may change its runs and its approvals along with it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire import mission_events as wire
from cutroom_sdk.wire.approvals import ApprovalSubject
from cutroom_sdk.wire.codec import decode, to_builtins
from engine.approvals import reducer as approvals
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, kernel
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Envelope
from engine.kernel.tools import Tools
from engine.missions import fold, views
from engine.missions import types as missions
from engine.missions.commands import Command
from engine.missions.items import MANUAL
from engine.runs import types as runs
from engine.wiring import decisions, flow, freshness, plain

CAPABILITIES: Final[dict[type, str]] = {
    wire.PostStarted: "missions:write",
    wire.PostPaused: "missions:write",
    wire.PostResumed: "missions:write",
    wire.PostCanceled: "missions:write",
    wire.PostRunStarted: "missions:report",
    wire.PostToolObserved: "missions:report",
    wire.PostRunFinished: "missions:report",
    wire.PostGranted: "approvals:decide",
    wire.PostDenied: "approvals:decide",
    wire.PostResourceChanged: "missions:report",
}
TRIES_MAX: Final = 20
Build = Callable[[missions.Mission], Sequence[Asked]]


@needs("missions:write", "missions:report", "approvals:decide")
async def post_event(request: Request) -> Response:
    """`POST /v1/missions/{id}/events`: what happened to a mission from outside; 200 `{mission, commands}`."""
    asked = await body(request, wire.MissionEventRequest)
    context = caller(request, CAPABILITIES[type(asked.event)])
    studio, mission_id, event = kernel(request), request.path_params["id"], asked.event
    if isinstance(event, wire.PostDenied) and event.amend:
        denied = Asked(f"mission/{mission_id}", _deny(event))
        await decisions.check_amended(studio, context, denied, event.amend)

    def build(mission: missions.Mission) -> Sequence[Asked]:
        return _proposals(mission, event, context, studio.tools)

    seen = await _still_seen(studio, context, mission_id, event)
    return await _change(request, context, mission_id, asked.expected_version, build, seen)


async def _still_seen(
    studio: Kernel, context: Context, mission_id: str, event: wire.PostedEvent
) -> tuple[Asked, ...]:
    """Return what makes a decision count only while what it is about is as it was."""
    if not isinstance(event, wire.PostGranted | wire.PostDenied):
        return ()
    mission: missions.Mission = (await studio.dispatch.state(f"mission/{mission_id}", context.partition))[0]
    item = mission.item(event.work_item_id)
    if item is None or not item.attempts:
        return ()
    subject = ApprovalSubject(kind="work_item", id=f"{mission_id}/{item.name}")
    return await freshness.check(studio, context, event.approval_id, subject, item.attempts[-1].refs)


def _proposals(
    mission: missions.Mission, event: wire.PostedEvent, context: Context, tools: Tools
) -> Sequence[Asked]:
    """Return what a posted event comes to, the mission's own part last."""
    stream = f"mission/{mission.mission_id}"
    match event:
        case wire.PostStarted():
            return (Asked(stream, missions.Start()),)
        case wire.PostPaused(reason=reason):
            return (Asked(stream, missions.Pause(reason=reason)),)
        case wire.PostResumed():
            return (Asked(stream, missions.Resume()),)
        case wire.PostCanceled(reason=reason):
            return (Asked(stream, missions.Cancel(reason=reason)),)
        case wire.PostRunStarted(work_item_id=name, run_id=run_id):
            _check_manual(mission, name, run_id)
            return (Asked(stream, missions.BeginRun(work_item_id=name, run_id=run_id)),)
        case wire.PostToolObserved(work_item_id=name, run_id=run_id, tool=tool):
            _check_manual(mission, name, run_id)
            return (Asked(stream, missions.ObserveTool(work_item_id=name, run_id=run_id, tool=tool)),)
        case wire.PostRunFinished():
            return _report(mission, event, context)
        case wire.PostGranted():
            granted = missions.Grant(
                work_item_id=event.work_item_id,
                run_id=event.run_id,
                gate=event.gate,
                approval_id=event.approval_id,
            )
            return (*_decision(mission, event, approvals.Decide(grant=True), tools), Asked(stream, granted))
        case wire.PostDenied(reason=reason, amend=amend):
            decision = approvals.Decide(grant=False, reason=reason, amend=amend)
            return (*_decision(mission, event, decision, tools), Asked(stream, _deny(event)))
        case wire.PostResourceChanged(key=key, rev=rev):
            return (Asked(stream, missions.NoteResource(key=key, rev=rev)),)
        case _:
            assert_never(event)


def _deny(event: wire.PostDenied) -> missions.Deny:
    return missions.Deny(
        work_item_id=event.work_item_id,
        run_id=event.run_id,
        gate=event.gate,
        approval_id=event.approval_id,
        reasons=(event.reason,) if event.reason else (),
        amend=event.amend,
    )


def _decision(
    mission: missions.Mission,
    event: wire.PostGranted | wire.PostDenied,
    decision: approvals.Decide,
    tools: Tools,
) -> Sequence[Asked]:
    """Return the approval's part of a decision.

    The question itself is asked along with it: the mission may have opened the gate a moment ago, and the command that
    asks may still be on its way. A decision on another gate or run than the mission's own fails in the mission's part.
    """
    item = mission.item(event.work_item_id)
    if item is None or item.gate(event.gate).approval_id != event.approval_id:
        raise Rejected(
            "wrong_approval",
            f"{event.approval_id} is not the approval that {event.work_item_id} waits for",
            state=mission.status,
        )
    summary = plain.of_gate(mission, item, event.gate, tools)
    asked = decisions.request(fold.request_approval(mission, item, event.gate), summary)
    return (asked, Asked(asked.stream, decision))


def _report(mission: missions.Mission, event: wire.PostRunFinished, context: Context) -> Sequence[Asked]:
    """Return the report of a manual run, for the run and for the mission.

    Raises:
        Forbidden: the item is not manual; the engine alone reports what its tools have done.
    """
    item = mission.item(event.work_item_id)
    finished = missions.FinishRun(
        work_item_id=event.work_item_id,
        run_id=event.run_id,
        status=event.status,
        author=context.actor,
        refs=event.artifact_refs,
        reason=event.reason,
        code="" if event.status == "succeeded" else "work_failed",
    )
    own = Asked(f"mission/{mission.mission_id}", finished)
    if item is None or item.run_id != event.run_id:
        return (own,)  # the mission says what is wrong with it
    _check_manual(mission, item.name, event.run_id)
    ended = runs.ReportEnd(status=event.status, refs=event.artifact_refs, reason=event.reason)
    # Queued along with it, in case the command that does so is still on its way.
    return (flow.queue(fold.start_run(mission, item)), Asked(f"run/{event.run_id}", ended), own)


def _check_manual(mission: missions.Mission, name: str, run_id: str) -> None:
    """Check that people report on an item; of one that is not there, or another run, the mission says what is wrong.

    Raises:
        Forbidden: a tool does it.
    """
    item = mission.item(name)
    if item is not None and item.run_id == run_id and item.spec.kind != MANUAL:
        raise Forbidden(
            f"{name} is done by the tool {item.spec.kind}, and the engine alone reports on it",
            work_item_id=name,
        )


async def _change(
    request: Request,
    context: Context,
    mission_id: str,
    expected_version: int | None,
    build: Build,
    seen: tuple[Asked, ...],
) -> Response:
    """Propose what `build` makes of the mission, with `seen` to hold; answer with it and what it asks the outside for.

    Without an expected version, somebody else's change in between only means to look again.
    """
    stream, tries = f"mission/{mission_id}", 0
    while True:
        mission, version = await kernel(request).dispatch.state(stream, context.partition)
        if version == 0:
            raise NotFound(f"there is no mission {mission_id}", code="mission_not_found")
        *others, own = build(mission)
        pinned = Asked(own.stream, own.proposal, version if expected_version is None else expected_version)
        try:
            asks = (*seen, *others, pinned)
            return await committed(request, context, asks, partial(_changed, mission))
        except Conflict as conflict:
            tries += 1
            if expected_version is not None or conflict.code != "version_conflict" or tries == TRIES_MAX:
                raise


def _changed(before: missions.Mission, accepted: Sequence[Accepted]) -> Response:
    own = accepted[-1]
    commands = tuple(to_builtins(command) for command in _commands(before, own))
    return answer(wire.MissionEventAnswer(mission=views.head(own.state), commands=commands))


def _commands(mission: missions.Mission, accepted: Accepted) -> list[Command]:
    commands: list[Command] = []
    for recorded in accepted.events:
        envelope = Envelope(at_ms=recorded.at_ms, actor=recorded.actor)
        step = fold.on_event(mission, decode(bytes(recorded.data), missions.Event), envelope)  # type: ignore[arg-type]
        mission = step.state
        commands.extend(step.commands)
    return commands


routes = [
    Route("/v1/missions/{id}/events", post_event, methods=["POST"]),
]
