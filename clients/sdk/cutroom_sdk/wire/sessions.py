"""Sessions of third parties: what they report of their own runs, and the status that is derived from it."""

from typing import Any, Literal

from cutroom_sdk.wire.codec import Request, Wire

SessionState = Literal["running", "finished"]
SessionPhase = Literal["run", "tool"]


class ReportRunStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="session.run.started"):
    """A run of the session has begun. Like all reports it may carry more fields; they are skipped."""

    run_id: str


class ReportRunFinished(Wire, frozen=True, kw_only=True, tag_field="type", tag="session.run.finished"):
    """A run of the session has ended, with this result."""

    run_id: str
    result: Any = None


class MessagePart(Wire, frozen=True, kw_only=True):
    """A part of a message. `tool_invocation` and `tool_result` count; parts of other types (text) change nothing.

    `call_id` tells calls of the same tool apart that run at once.
    """

    type: str
    tool: str = ""
    call_id: str = ""
    result: Any = None


class ReportPartUpdated(Wire, frozen=True, kw_only=True, tag_field="type", tag="message.part.updated"):
    """A part of a message was written, or written anew."""

    run_id: str
    part: MessagePart


SessionReport = ReportRunStarted | ReportRunFinished | ReportPartUpdated


class SessionEventRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/sessions/{id}/events`."""

    event: SessionReport


class SessionRunStatus(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """Resource `run/{run_id}/status`: what was reported of a run.

    `phase` says what the last report that counted was about, the run or a tool, and `event_type` which it was;
    `tool_active`: a tool was called and has not answered. `tool` and `result` are the last tool's, until the run is
    finished: then `result` is the run's.
    """

    state: SessionState
    phase: SessionPhase
    tool_active: bool
    session_id: str
    run_id: str
    event_type: str
    tool: str | None = None
    result: Any = None


class SessionEventAnswer(Wire, frozen=True, kw_only=True):
    """The run's status after the report; None while nothing that counts was reported."""

    status: SessionRunStatus | None
