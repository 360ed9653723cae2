"""What a mission is made of: its state, what may be proposed to it, what happens to it."""

from typing import Any

from msgspec import Struct

from cutroom_sdk.wire.missions import (
    Authority,
    BudgetName,
    Budgets,
    Decider,
    Failure,
    GateName,
    MissionStatus,
    MissionSummary,
    Priority,
    RunEnd,
    Used,
)
from engine.missions.board import Board
from engine.missions.items import Item as Item
from engine.missions.items import ItemSpec as ItemSpec

DURATION_TIMER = "duration"


class Mission(Struct, frozen=True, kw_only=True):
    """State of the stream `mission/{mission_id}`; `version` 0: it was never created.

    `running_since_ms` is None while time does not count: before the start, during a pause, after the end.
    """

    mission_id: str
    version: int = 0
    status: MissionStatus = "draft"
    title: str = ""
    goal: str = ""
    success_criteria: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    board: Board = Board()
    budgets: Budgets = Budgets()
    used: Used = Used()
    capabilities: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    template: str | None = None
    self_review: bool = False
    created_by: str = ""
    created_at_ms: int = 0
    started_at_ms: int | None = None
    running_since_ms: int | None = None
    finished_at_ms: int | None = None
    reason: str = ""
    failure: Failure | None = None
    summary: MissionSummary | None = None
    authority: Authority | None = None
    priority: Priority = "normal"

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self.status in ("succeeded", "failed", "canceled")

    def item(self, name: str) -> Item | None:
        """The item of this id, or None."""
        place = self.board.places.get(name)
        return None if place is None else self.items[place]

    def active_ms(self, now_ms: int) -> int:
        """How long it has been running until `now_ms`, pauses left out."""
        running = 0 if self.running_since_ms is None else now_ms - self.running_since_ms
        return self.used.active_ms + running


# Proposals: what somebody asks for.
class Create(Struct, frozen=True, kw_only=True, tag="create"):
    """Begin a mission's life; with `start` it runs at once."""

    title: str
    goal: str
    items: tuple[ItemSpec, ...]
    success_criteria: tuple[str, ...] = ()
    budgets: Budgets = Budgets()
    capabilities: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    template: str | None = None
    self_review: bool = False
    start: bool = False
    authority: Authority | None = None
    priority: Priority = "normal"


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """Run the draft."""


class Pause(Struct, frozen=True, kw_only=True, tag="pause"):
    """Start nothing new; runs that are alive go on, and gates may be decided."""

    reason: str = ""


class Resume(Struct, frozen=True, kw_only=True, tag="resume"):
    """Go on after a pause."""


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """End it for good, runs that are alive included."""

    reason: str = ""


class BeginRun(Struct, frozen=True, kw_only=True, tag="begin_run"):
    """The run has begun."""

    work_item_id: str
    run_id: str


class ObserveTool(Struct, frozen=True, kw_only=True, tag="observe_tool"):
    """A run is calling its tool. Counted for whichever run it was: the call has happened."""

    work_item_id: str
    run_id: str
    tool: str


class FinishRun(Struct, frozen=True, kw_only=True, tag="finish_run"):
    """The run has ended. `author` is who carried it out; `code` the error's when it failed."""

    work_item_id: str
    run_id: str
    status: RunEnd
    author: str
    refs: tuple[str, ...] = ()
    output: dict[str, Any] = {}
    notices: tuple[str, ...] = ()
    reused: bool = False
    reason: str = ""
    code: str = ""


class Grant(Struct, frozen=True, kw_only=True, tag="grant"):
    """An approval was given; the reviewer is who proposes it. `by_blanket`: along with others, at once."""

    work_item_id: str
    run_id: str
    gate: GateName
    approval_id: str
    by_blanket: bool = False


class Deny(Struct, frozen=True, kw_only=True, tag="deny"):
    """An approval was refused. `amend` is merged into the item's input for the next attempt."""

    work_item_id: str
    run_id: str
    gate: GateName
    approval_id: str
    reasons: tuple[str, ...] = ()
    amend: dict[str, Any] = {}


class NoteResource(Struct, frozen=True, kw_only=True, tag="note_resource"):
    """A resource has changed; it counts where it is among what somebody is asked about.

    `at_ms`: when it did, where the news may be late; None: just now.
    """

    key: str
    rev: int
    at_ms: int | None = None


class FireTimer(Struct, frozen=True, kw_only=True, tag="fire_timer"):
    """A timer that the mission asked for is due."""

    timer_id: str


# Events: what happened.
class Created(Struct, frozen=True, kw_only=True, tag="mission.created"):
    """It exists, as a draft."""

    title: str
    goal: str
    items: tuple[ItemSpec, ...]
    success_criteria: tuple[str, ...]
    budgets: Budgets
    capabilities: tuple[str, ...]
    metadata: dict[str, Any]
    template: str | None
    self_review: bool
    authority: Authority | None = None
    priority: Priority = "normal"


class Started(Struct, frozen=True, kw_only=True, tag="mission.started"):
    """It runs from now on."""


class Paused(Struct, frozen=True, kw_only=True, tag="mission.paused"):
    """It starts nothing new. `work_item_id`: the item whose run somebody canceled; None when a pause was asked for."""

    reason: str
    work_item_id: str | None = None


class Resumed(Struct, frozen=True, kw_only=True, tag="mission.resumed"):
    """It goes on."""


class Canceled(Struct, frozen=True, kw_only=True, tag="mission.canceled"):
    """Somebody ended it before it was done."""

    reason: str


class Succeeded(Struct, frozen=True, kw_only=True, tag="mission.succeeded"):
    """Every item is done."""


class Failed(Struct, frozen=True, kw_only=True, tag="mission.failed"):
    """A budget ran out, or a run failed for good (`budget` None); `work_item_id` is the item it happened to."""

    budget: BudgetName | None
    detail: str
    work_item_id: str | None = None


class RunRequested(Struct, frozen=True, kw_only=True, tag="item.run_requested"):
    """An item is to be carried out, for the `attempt`th time (from 1)."""

    work_item_id: str
    run_id: str
    attempt: int


class RunStarted(Struct, frozen=True, kw_only=True, tag="item.run_started"):
    """The item's run has begun."""

    work_item_id: str
    run_id: str


class ToolObserved(Struct, frozen=True, kw_only=True, tag="item.tool_observed"):
    """A run of the item has called its tool."""

    work_item_id: str
    run_id: str
    tool: str


class RunFinished(Struct, frozen=True, kw_only=True, tag="item.run_finished"):
    """The item's run has ended."""

    work_item_id: str
    run_id: str
    status: RunEnd
    author: str
    refs: tuple[str, ...]
    output: dict[str, Any]
    notices: tuple[str, ...]
    reused: bool
    reason: str
    code: str = ""


class GateOpened(Struct, frozen=True, kw_only=True, tag="gate.opened"):
    """Somebody is asked; `subject_hash` is what they are asked about."""

    work_item_id: str
    run_id: str
    gate: GateName
    approval_id: str
    decider: Decider
    subject_hash: str


class GateGranted(Struct, frozen=True, kw_only=True, tag="gate.granted"):
    """The item is past this gate."""

    work_item_id: str
    run_id: str
    gate: GateName
    approval_id: str
    reviewer: str
    by_blanket: bool = False


class GateDenied(Struct, frozen=True, kw_only=True, tag="gate.denied"):
    """The item goes back to be done again."""

    work_item_id: str
    run_id: str
    gate: GateName
    approval_id: str
    reviewer: str
    reasons: tuple[str, ...]
    amend: dict[str, Any]


class ResourceChanged(Struct, frozen=True, kw_only=True, tag="item.resource_changed"):
    """What the item's run has made is not what somebody was asked about: its gates begin anew."""

    work_item_id: str
    run_id: str
    key: str
    rev: int


Proposal = (
    Create
    | Start
    | Pause
    | Resume
    | Cancel
    | BeginRun
    | ObserveTool
    | FinishRun
    | Grant
    | Deny
    | NoteResource
    | FireTimer
)
Event = (
    Created
    | Started
    | Paused
    | Resumed
    | Canceled
    | Succeeded
    | Failed
    | RunRequested
    | RunStarted
    | ToolObserved
    | RunFinished
    | GateOpened
    | GateGranted
    | GateDenied
    | ResourceChanged
)
