"""What a run is made of: its state, what may be proposed to it, what happens to it, what it asks for."""

from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.missions import Authority, Priority, RunEnd
from cutroom_sdk.wire.runs import RunError, RunStatus
from engine.kernel.tools import ToolResult

ENGINE: Final = "engine"  # the author of what tools do


class Work(Struct, frozen=True, kw_only=True):
    """What a run is to do, for whom, and with what. `manual`: somebody outside does it, no tool is called.

    `refs` are the resource keys it is given; `capabilities` all that it may do. `authority` bounds its effects: that of
    the routine that began it, None when a person did. `priority` is its mission's, `role` says as what the item is done.
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
    role: str = ""


class Held(Struct, frozen=True, kw_only=True):
    """A call that needs leave: of the run's tool (`place` empty) or by it (`1`, `2`, `2.1`, ...), and what leave for it is bound to.

    `spent`: the call was made, with this leave.
    """

    place: str
    tool: str
    subject_hash: str
    approval_id: str
    expires_at_ms: int
    granted: bool = False
    spent: bool = False


class Nested(Struct, frozen=True, kw_only=True):
    """A call that the run's tool made of another. `input_hash` is that of its arguments; `result` None: none came back."""

    tool: str
    input_hash: str
    calls: int
    result: ToolResult | None = None


class Run(Struct, frozen=True, kw_only=True):
    """State of the stream `run/{run_id}`; `work` None: it was never queued. `calls` counts calls of its tool.

    `held` are the calls that need leave, `nested` those of other tools, by their places.
    """

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
    held: dict[str, Held] = {}
    nested: dict[str, Nested] = {}

    def leave(self, approval_id: str) -> Held | None:
        """The call that this leave is for."""
        return next((one for one in self.held.values() if one.approval_id == approval_id), None)

    @property
    def waits_for(self) -> str | None:
        """The leave that it waits for."""
        return next((one.approval_id for one in self.held.values() if not one.granted), None)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ("succeeded", "failed", "canceled")


# Proposals.
class Queue(Struct, frozen=True, kw_only=True, tag="queue"):
    """There is something to do."""

    work: Work


class Call(Struct, frozen=True, kw_only=True, tag="call"):
    """The tool is about to be called, with the leave `approval_id` where that is needed."""

    approval_id: str = ""


class CallNested(Struct, frozen=True, kw_only=True, tag="call_nested"):
    """The run's tool is about to call another."""

    place: str
    tool: str
    input_hash: str
    approval_id: str = ""


class ReturnNested(Struct, frozen=True, kw_only=True, tag="return_nested"):
    """What the other tool gave."""

    place: str
    result: ToolResult


class Hold(Struct, frozen=True, kw_only=True, tag="hold"):
    """A call needs leave; what was asked for at the same place before is for something else."""

    held: Held


class Permit(Struct, frozen=True, kw_only=True, tag="permit"):
    """Leave was given."""

    approval_id: str


class Refuse(Struct, frozen=True, kw_only=True, tag="refuse"):
    """Leave was not given."""

    approval_id: str
    reason: str


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
    """End it, whether or not it has begun."""

    reason: str


# Events.
class Queued(Struct, frozen=True, kw_only=True, tag="run.queued"):
    """It is to be carried out."""

    work: Work


class Started(Struct, frozen=True, kw_only=True, tag="run.started"):
    """It is being carried out."""

    mission_id: str
    work_item_id: str


class ToolObserved(Struct, frozen=True, kw_only=True, tag="tool.observed"):
    """A tool is being called, the `call`th time (from 1): more than once when the daemon ended in between.

    `place` is empty for the run's own; `1`, `2`, `2.1` are those that it calls. `approval_id` is the leave that is used for it.
    """

    mission_id: str
    work_item_id: str
    tool: str
    call: int
    place: str = ""
    input_hash: str = ""
    approval_id: str = ""


class ToolReturned(Struct, frozen=True, kw_only=True, tag="tool.returned"):
    """A tool that the run's tool called has come back."""

    place: str
    result: ToolResult


class CallHeld(Struct, frozen=True, kw_only=True, tag="run.held"):
    """A call of a tool needs leave, and the run waits for it."""

    held: Held


class Permitted(Struct, frozen=True, kw_only=True, tag="run.permitted"):
    """The leave was given, and the run goes on."""

    approval_id: str


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
    """Carry the run out."""

    run_id: str


class StopTool(Struct, frozen=True, kw_only=True, tag="stop_tool"):
    """End the call of a canceled run's tool."""

    run_id: str


class VoidLeave(Struct, frozen=True, kw_only=True, tag="void_leave"):
    """Nobody needs to give leave any more."""

    approval_id: str
    reason: str


Proposal = (
    Queue
    | Call
    | CallNested
    | ReturnNested
    | Hold
    | Permit
    | Refuse
    | Finish
    | Fail
    | GiveUp
    | ReportEnd
    | Cancel
)
Event = Queued | Started | ToolObserved | ToolReturned | CallHeld | Permitted | Finished | Canceled
Command = CallTool | StopTool | VoidLeave
