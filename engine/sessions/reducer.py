"""Runs of other programs, as they report them: the status index, `run/{run_id}/status`.

(unheard of) --started, a tool's part--> running --finished--> finished
     `----------------finished---------------------------------^

Reports may come twice, late, or not at all. A finished run never goes back, and what comes after it changes nothing.
"""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.sessions import (
    MessagePart,
    ReportPartUpdated,
    ReportRunFinished,
    ReportRunStarted,
    SessionPhase,
    SessionReport,
    SessionRunStatus,
    SessionState,
)
from engine.kernel.errors import Invalid
from engine.kernel.json_patch import same
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

RESULT_MAX_BYTES: Final = 64 << 10
NAME_MAX: Final = 200
CALLS_MAX: Final = 256


class SessionRun(Struct, frozen=True, kw_only=True):
    """State of the stream `session-run/{run_id}`; `state` None: nothing that counts was reported.

    `active` are the calls that have not answered: their ids, or the tools' names where no id was given.
    """

    run_id: str
    session_id: str = ""
    state: SessionState | None = None
    phase: SessionPhase = "run"
    event_type: str = ""
    active: tuple[str, ...] = ()
    tool: str | None = None
    result: Any = None


class Report(Struct, frozen=True, kw_only=True, tag="report"):
    """Proposal: a session tells what happened in a run of its own."""

    session_id: str
    event: SessionReport


# Events.
class RunStarted(Struct, frozen=True, kw_only=True, tag="session.run_started"):
    session_id: str


class RunFinished(Struct, frozen=True, kw_only=True, tag="session.run_finished"):
    session_id: str
    result: Any = None


class ToolCalled(Struct, frozen=True, kw_only=True, tag="session.tool_called"):
    session_id: str
    tool: str
    call: str


class ToolAnswered(Struct, frozen=True, kw_only=True, tag="session.tool_answered"):
    session_id: str
    tool: str
    call: str
    result: Any = None


Event = RunStarted | RunFinished | ToolCalled | ToolAnswered


def init(run_id: str) -> SessionRun:
    return SessionRun(run_id=run_id)


def decide(run: SessionRun, proposal: Report, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a report with what it tells that was not known; an empty tuple when that is nothing.

    Raises:
        Rejected: `other_session`, the run belongs to another one; or `too_many_calls` at once.
        Invalid: a result that is too large, or a tool without a name.
    """
    session_id, event = proposal.session_id, proposal.event
    if run.session_id not in ("", session_id):
        raise Rejected("other_session", f"the run {run.run_id} belongs to another session", state=run.state)
    if run.state == "finished":
        return ()
    match event:
        case ReportRunStarted():
            return (RunStarted(session_id=session_id),) if run.state is None else ()
        case ReportRunFinished(result=result):
            _check_size(result, "event.result")
            return (RunFinished(session_id=session_id, result=result),)
        case ReportPartUpdated(part=part):
            return _part(run, session_id, part)
        case _:
            assert_never(event)


def _part(run: SessionRun, session_id: str, part: MessagePart) -> tuple[Event, ...]:
    if part.type not in ("tool_invocation", "tool_result"):
        return ()
    call = part.call_id or part.tool
    if not (part.tool and len(part.tool) <= NAME_MAX and len(call) <= NAME_MAX):
        raise Invalid(
            f"a tool and its call have names of 1 to {NAME_MAX} characters", field="event.part.tool"
        )
    if part.type == "tool_invocation":
        if call in run.active:
            return ()  # a part is told again as it grows
        if len(run.active) == CALLS_MAX:
            detail = f"the run {run.run_id} has {CALLS_MAX} calls without an answer"
            raise Rejected("too_many_calls", detail, state=run.state)
        return (ToolCalled(session_id=session_id, tool=part.tool, call=call),)
    _check_size(part.result, "event.part.result")
    answered = ToolAnswered(session_id=session_id, tool=part.tool, call=call, result=part.result)
    known = run.phase == "tool" and run.tool == part.tool and same(run.result, part.result)
    return () if known and call not in run.active else (answered,)


def _check_size(result: Any, field: str) -> None:
    size = len(encode(result))
    if size > RESULT_MAX_BYTES:
        raise Invalid(f"the result has {size} bytes; {RESULT_MAX_BYTES} are the most", field=field)


def on_event(run: SessionRun, event: Event, _envelope: Envelope) -> Step[SessionRun, Any]:
    """Fold one accepted event."""
    running = replace(run, session_id=event.session_id, state="running")
    match event:
        case RunStarted():
            return Step(replace(running, event_type="session.run.started"))
        case RunFinished(result=result):
            return Step(
                replace(
                    running,
                    state="finished",
                    phase="run",
                    event_type="session.run.finished",
                    active=(),
                    tool=None,
                    result=result,
                )
            )
        case ToolCalled(tool=tool, call=call):
            return Step(_at_tool(running, tool, (*run.active, call), None))
        case ToolAnswered(tool=tool, call=call, result=result):
            return Step(_at_tool(running, tool, tuple(one for one in run.active if one != call), result))
        case _:
            assert_never(event)


def _at_tool(run: SessionRun, tool: str, active: tuple[str, ...], result: Any) -> SessionRun:
    return replace(
        run, phase="tool", event_type="message.part.updated", active=active, tool=tool, result=result
    )


def published(run: SessionRun) -> SessionRunStatus | None:
    """Return what others see of a run, None while nothing that counts was reported."""
    if run.state is None:
        return None
    return SessionRunStatus(
        state=run.state,
        phase=run.phase,
        tool_active=bool(run.active),
        session_id=run.session_id,
        run_id=run.run_id,
        event_type=run.event_type,
        tool=run.tool,
        result=run.result,
    )


def resources(run_id: str, run: SessionRun) -> Mapping[str, Struct | None]:
    """Return `run/{id}/status` once something was reported."""
    status = published(run)
    return {} if status is None else {f"run/{run_id}/status": status}


SESSION_RUN: Final = Aggregate(
    kind="session-run",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=SessionRun,
    resources=resources,
    reads="missions:read",
)
