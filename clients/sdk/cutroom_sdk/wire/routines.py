"""Routines: work that fires by itself, when its schedule comes due, a file is finished or a mission ends."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.missions import AtLeastOne

RoutineStatus = Literal["draft", "active", "paused"]
MisfirePolicy = Literal["skip", "run_once", "catch_up"]
Overlap = Literal["skip", "queue", "allow"]
Trigger = Literal["schedule", "run_now", "backfill", "watch", "chain"]
RoutineRunStatus = Literal[
    "queued",
    "pending_approval",
    "running",
    "paused",
    "blocked_policy",
    "denied",
    "completed",
    "failed",
    "canceled",
]
MissionEnd = Literal["succeeded", "failed", "canceled"]
RoutineId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
DelayMs = Annotated[int, Meta(ge=0, le=3_600_000)]


class Schedule(Request, frozen=True, kw_only=True):
    """When: `{cron, timezone}`, `{every_ms}` from its activation on, or once at `{at_ms}`; exactly one of them.

    `cron` has five fields, or is `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. `timezone` is an IANA name, `UTC`
    when it is left out. A local time that the clocks skip is the first instant after the gap; one that comes twice is its
    first.
    """

    cron: str | None = None
    timezone: str | None = None
    every_ms: int | None = None
    at_ms: int | None = None


class Misfire(Request, frozen=True, kw_only=True):
    """What becomes of ticks that nobody fired within `grace_ms` of their time: the machine slept, the daemon was off.

    `skip` drops them, `run_once` fires the newest, `catch_up` the newest `max_runs`, in order. Within `grace_ms` (at most
    an hour) a tick is on time and fires under every policy.
    """

    policy: MisfirePolicy = "skip"
    max_runs: Annotated[int, Meta(ge=1, le=100)] | None = None
    grace_ms: DelayMs = 60_000


class Watch(Request, frozen=True, kw_only=True):
    """A folder, beneath the media roots: each file in it that is finished fires once, by its content.

    `pattern` is a file name with `*`, `?`, `[...]`. A file is finished when neither its size nor its time has changed for
    `stable_ms`. Names that begin with a dot or `~`, or end as unfinished downloads and copies do, are left alone.
    """

    folder: str
    pattern: str = "*"
    stable_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] = 10_000


class Chain(Request, frozen=True, kw_only=True):
    """The end of another's work: of a run of `routine_id`, or of any mission made from `template`; exactly one."""

    routine_id: RoutineId | None = None
    template: str | None = None
    on: Annotated[tuple[MissionEnd, ...], Meta(min_length=1, max_length=3)] = ("succeeded",)


class Entrypoint(Request, frozen=True, kw_only=True):
    """What a run is: a mission from the template `mission`, or one call of `tool`; exactly one."""

    mission: str | None = None
    tool: str | None = None


class RoutineRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/routines`: a draft. It fires by `schedule`, `watch` or `chain`, at least one of them.

    In texts of `args`, `$date` is the tick's local date and `$file` the file that a watched folder had. `overlap` says what
    becomes of a tick while a run is going on. `jitter_ms` delays each tick by up to so much, always the same for the same
    tick. `allowed_tools` empty: those that the entrypoint uses. `output_targets` are the folders, and the
    addresses (`https://studio.example/path`), that results may go to; empty: anywhere that the tool itself allows. `external_effects_allowed` is a person's to grant.
    """

    name: Name
    entrypoint: Entrypoint
    routine_id: RoutineId | None = None
    args: dict[str, Any] = {}
    schedule: Schedule | None = None
    watch: Watch | None = None
    chain: Chain | None = None
    misfire: Misfire = Misfire()
    overlap: Overlap = "skip"
    jitter_ms: DelayMs = 0
    allowed_tools: tuple[str, ...] = ()
    output_targets: tuple[str, ...] = ()
    requires_approval: bool = True
    external_effects_allowed: bool = False


class Routine(Wire, frozen=True, kw_only=True):
    """Resource `routine/{routine_id}`.

    `next_fire_at_ms` is when the next tick fires, its jitter included; None while it is not active, and when nothing is to
    come. `runs` and `missed` count since it was made; `active_runs` are alive, `waiting_runs` wait for those to end.
    """

    routine_id: str
    name: str
    status: RoutineStatus
    entrypoint: Entrypoint
    args: dict[str, Any]
    schedule: Schedule | None
    watch: Watch | None
    chain: Chain | None
    misfire: Misfire
    overlap: Overlap
    jitter_ms: int
    allowed_tools: tuple[str, ...]
    output_targets: tuple[str, ...]
    requires_approval: bool
    external_effects_allowed: bool
    creator: str
    created_at_ms: int
    activated_by: str | None = None
    next_fire_at_ms: int | None = None
    last_fired_at_ms: int | None = None
    runs: int = 0
    missed: int = 0
    active_runs: tuple[str, ...] = ()
    waiting_runs: tuple[str, ...] = ()


class RoutineRun(Wire, frozen=True, kw_only=True):
    """Resource `routine-run/{run_id}`: one execution of a routine.

    `due_at_ms` is the tick that it stands for; without a schedule when it was asked for. `file` is what a watched folder
    had, `after_mission` the mission whose end began it.
    """

    run_id: str
    routine_id: str
    due_at_ms: int
    fired_at_ms: int
    trigger: Trigger
    status: RoutineRunStatus
    mission_id: str | None = None
    approval_id: str | None = None
    reason: str | None = None
    file: str | None = None
    after_mission: str | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None


class WatchedFolder(Wire, frozen=True, kw_only=True):
    """Resource `watch/{routine_id}`: how many files of a routine's folder have fired, and the last of them."""

    routine_id: str
    files: int
    last_path: str
    last_at_ms: int


class RunNowRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/routines/{id}/run-now`: so many runs, one after the other unless the routine's runs may overlap."""

    count: Annotated[int, Meta(ge=1, le=100)] = 1
    reason: str = ""


class BackfillRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/routines/{id}/backfill`: fire the ticks of `[from_ms, to_ms)` that are over and did not fire."""

    from_ms: AtLeastOne
    to_ms: AtLeastOne


class RoutineRuns(Wire, frozen=True, kw_only=True):
    """Answer to run-now and backfill: the runs that it came to, in the order in which they begin."""

    runs: tuple[RoutineRun, ...]


class RoutineTicks(Wire, frozen=True, kw_only=True):
    """Answer to `GET /v1/routines/{id}/next`: when it comes due next, without jitter. Of a draft, as if it ran now."""

    items: tuple[int, ...]
