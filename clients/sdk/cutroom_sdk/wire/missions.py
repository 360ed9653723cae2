"""Missions: work items with dependencies, gates and budgets, as clients ask for them and see them."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire

MissionStatus = Literal["draft", "running", "paused", "succeeded", "failed", "canceled"]
ItemStatus = Literal[
    "todo", "blocked", "in_progress", "review", "test", "rework", "done", "failed", "canceled"
]
GateName = Literal["review", "test"]
Decider = Literal["none", "auto", "agent", "human"]
GateState = Literal["waiting", "granted", "denied", "none"]
RunEnd = Literal["succeeded", "failed", "canceled"]
Priority = Literal["low", "normal", "high"]
BudgetName = Literal["max_steps", "max_tool_calls", "max_duration_ms", "max_attempts", "max_parallel"]
AtLeastOne = Annotated[int, Meta(ge=1)]
ItemId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]


class Budgets(Request, frozen=True, kw_only=True):
    """What a mission may use. None: no limit.

    `max_steps` counts runs, `max_tool_calls` calls of tools (a call repeated after a crash counts again),
    `max_duration_ms` the time from start to end without pauses, `max_attempts` the runs of one item,
    `max_parallel` the runs that are alive at once.
    """

    max_steps: AtLeastOne | None = None
    max_tool_calls: AtLeastOne | None = None
    max_duration_ms: AtLeastOne | None = None
    max_attempts: AtLeastOne = 3
    max_parallel: AtLeastOne = 2


class Used(Wire, frozen=True, kw_only=True):
    """What a mission has used so far. `active_ms` counts up to the last start, pause or end."""

    steps: int = 0
    tool_calls: int = 0
    active_ms: int = 0


class GatesRequest(Request, frozen=True, kw_only=True):
    """Who decides an item's gates. None: review human; test auto where the tool has checks, else human."""

    review: Decider | None = None
    test: Decider | None = None


class WorkItemRequest(Request, frozen=True, kw_only=True):
    """A piece of work. `kind` is the name of the tool that does it; `manual` is done and reported from outside."""

    title: str
    work_item_id: ItemId | None = None
    detail: str = ""
    role: str = ""
    depends_on: tuple[str, ...] = ()
    kind: str = "manual"
    input: dict[str, Any] = {}
    gates: GatesRequest = GatesRequest()


class MissionRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/missions`: either a `template` with its `args`, or a `title`, a `goal` and `work_items`.

    `capabilities` None: what the items' tools need, and no more. `metadata` is the caller's own and stays as it is.
    With `start` the mission begins in the same commit, else it is a draft until `mission.started` is posted. Where runs
    wait for each other, those of a mission of high `priority` go before the others', and nobody's wait for ever.
    """

    template: str | None = None
    args: dict[str, Any] = {}
    title: str | None = None
    goal: str | None = None
    success_criteria: tuple[str, ...] = ()
    work_items: tuple[WorkItemRequest, ...] = ()
    budgets: Budgets | None = None
    capabilities: tuple[str, ...] | None = None
    metadata: dict[str, Any] = {}
    self_review: bool = False
    start: bool = False
    priority: Priority = "normal"


class PreviewItem(Wire, frozen=True, kw_only=True):
    """One item of a mission that has not been made.

    `effect` is the tool's: `none` computes, `local` writes on this machine, `external` leaves it; `manual` work is a
    person's. `touches` says what the call would reach. `review` and `test` say who decides. `estimate_s` is the median of
    how long `estimated_from` earlier runs of the tool took; None where there were none, or where people do the work.
    """

    work_item_id: str
    title: str
    kind: str
    depends_on: tuple[str, ...]
    effect: Literal["none", "local", "external", "manual"]
    touches: tuple[str, ...]
    review: Decider
    test: Decider
    estimate_s: float | None
    estimated_from: int


class MissionPreview(Wire, frozen=True, kw_only=True):
    """`POST /v1/missions/preview`: what a mission would do, before it is made. Items are in the order they could start.

    `questions` are the gates that wait for somebody. `estimate_s` is how long it would take with as many runs at once as
    the budget allows, waiting for people left out; None when some item's time is not known.
    """

    title: str
    goal: str
    items: tuple[PreviewItem, ...]
    budgets: Budgets
    capabilities: tuple[str, ...]
    questions: int
    estimate_s: float | None
    priority: Priority = "normal"


class Gate(Wire, frozen=True, kw_only=True):
    """Where a gate stands. `waiting` without `approval_id`: nobody was asked yet. `none`: there is no gate."""

    decider: Decider
    state: GateState
    approval_id: str | None = None


class Gates(Wire, frozen=True, kw_only=True):
    """The two gates of an item: is it what was wanted, and does it hold."""

    review: Gate
    test: Gate


class WorkItem(Wire, frozen=True, kw_only=True):
    """An item as the mission's head shows it. `attempt` counts runs, 0 before the first.

    `refs` are what the current run made (resource keys); `reasons` what earlier attempts failed or were denied for.
    """

    work_item_id: str
    title: str
    kind: str
    status: ItemStatus
    depends_on: tuple[str, ...]
    attempt: int
    gates: Gates
    current_run_id: str | None = None
    refs: tuple[str, ...] = ()
    reused: bool = False
    reasons: tuple[str, ...] = ()


class Decision(Wire, frozen=True, kw_only=True):
    """What was decided at a gate and by whom. `by_blanket`: it was one of several that were granted at once."""

    gate: GateName
    decider: Decider
    granted: bool
    reviewer: str
    approval_id: str
    at_ms: int
    reasons: tuple[str, ...] = ()
    by_blanket: bool = False


class Attempt(Wire, frozen=True, kw_only=True):
    """One run of an item. `status` None: not finished. `author` is who carried it out.

    `reason` says why it failed, `code` is the error's stable code.
    """

    attempt: int
    run_id: str
    requested_at_ms: int
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    status: RunEnd | None = None
    author: str = ""
    reason: str = ""
    code: str = ""
    refs: tuple[str, ...] = ()
    output: dict[str, Any] = {}
    notices: tuple[str, ...] = ()
    reused: bool = False
    decisions: tuple[Decision, ...] = ()


class WorkItemDetail(Wire, frozen=True, kw_only=True):
    """Resource `mission/{mission_id}/item/{work_item_id}`: all there is to know about an item.

    `place` is where the item stands among the mission's, from 0.
    """

    mission_id: str
    item: WorkItem
    detail: str
    role: str
    input: dict[str, Any]
    attempts: tuple[Attempt, ...]
    place: int = 0


class ItemSummary(Wire, frozen=True, kw_only=True):
    """How one item came to be done: what it made and by whose leave."""

    work_item_id: str
    title: str
    kind: str
    attempts: int
    author: str
    refs: tuple[str, ...]
    reused: bool
    decisions: tuple[Decision, ...]


class SummaryFile(Wire, frozen=True, kw_only=True):
    """A file the mission left behind."""

    path: str
    sha256: str
    bytes: int


class MissionSummary(Wire, frozen=True, kw_only=True):
    """What was done, when, by whose leave, and the files with their hashes."""

    title: str
    goal: str
    started_at_ms: int
    finished_at_ms: int
    items: tuple[ItemSummary, ...]
    files: tuple[SummaryFile, ...]
    self_review: bool
    success_criteria: tuple[str, ...] = ()


class Failure(Wire, frozen=True, kw_only=True):
    """Why a mission failed: the budget that ran out, the item it ran out on, and the last reason given.

    `budget` None: none ran out; the item's run failed over what it was asked for, and trying again would not help.
    """

    budget: BudgetName | None
    detail: str
    work_item_id: str | None = None


class WorkItemCounts(Wire, frozen=True, kw_only=True):
    """How many items of a mission there are of each status."""

    todo: int = 0
    blocked: int = 0
    in_progress: int = 0
    review: int = 0
    test: int = 0
    rework: int = 0
    done: int = 0
    failed: int = 0
    canceled: int = 0


class Authority(Wire, frozen=True, kw_only=True):
    """What a mission that a routine began may do: looked at where it is done, at each call of a tool.

    `creator` made the routine. Results go beneath `output_targets`, folders and addresses, anywhere when there are none. Without
    `external_effects_allowed` no tool may leave this machine; with `requires_approval` one that does asks first.
    """

    routine_id: str
    routine_run_id: str
    creator: str
    allowed_tools: tuple[str, ...]
    output_targets: tuple[str, ...]
    external_effects_allowed: bool
    requires_approval: bool


class Mission(Wire, frozen=True, kw_only=True):
    """Resource `mission/{mission_id}`. `summary_artifact` is the key under which the summary is kept once it succeeded.

    `work_items` is empty in the resource of a mission of more than 64 items (`counts` tells how many there are): each is
    a resource of its own, `mission/{mission_id}/item/{work_item_id}`. Answers to requests about one mission hold them all.
    """

    mission_id: str
    version: int
    status: MissionStatus
    title: str
    goal: str
    success_criteria: tuple[str, ...]
    work_items: tuple[WorkItem, ...]
    budgets: Budgets
    used: Used
    capabilities: tuple[str, ...]
    metadata: dict[str, Any]
    template: str | None
    self_review: bool
    created_by: str
    created_at_ms: int
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    reason: str = ""
    failure: Failure | None = None
    summary: MissionSummary | None = None
    authority: Authority | None = None
    counts: WorkItemCounts = WorkItemCounts()
    summary_artifact: str | None = None
    priority: Priority = "normal"


class TemplateArgument(Wire, frozen=True, kw_only=True):
    """What a template takes under one name. `default` None: it must be given.

    `texts` is a list of at least one text; so is `footage`, of files, folders, for which their files are put in, and
    `asset/{id}`. A `choice` is one of the names of `choices` and stands for its value. `settings` are an object; its `default` is
    the JSON of one.
    """

    type: Literal["text", "texts", "footage", "choice", "settings"]
    help: str
    default: str | None = None
    choices: dict[str, str] = {}


class MissionTemplate(Wire, frozen=True, kw_only=True):
    """A ready-made mission: `POST /v1/missions {template, args}` makes one of it."""

    template: str
    title: str
    args: dict[str, TemplateArgument]
