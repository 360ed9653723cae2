"""What a routine is made of: its state, what may be proposed to it, what happens to it.

Its runs are streams of their own (`engine.routines.runs`); here they are known by id.
"""

from typing import Any, Literal

from msgspec import Struct

from cutroom_sdk.wire.routines import (
    Chain,
    Entrypoint,
    Misfire,
    Overlap,
    RoutineStatus,
    Schedule,
    Trigger,
    Watch,
)


class Definition(Struct, frozen=True, kw_only=True):
    """What was asked for, with nothing left open: `allowed_tools` holds what the entrypoint uses when nothing was named."""

    name: str
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


class Work(Struct, frozen=True, kw_only=True):
    """What one run is to do, as the routine was when it fired. `capabilities` are all that its mission may do."""

    routine_id: str
    creator: str
    definition: Definition
    capabilities: tuple[str, ...]
    trigger: Trigger
    due_at_ms: int
    reason: str = ""
    file: str | None = None
    after_mission: str | None = None


class Routine(Struct, frozen=True, kw_only=True):
    """State of the stream `routine/{routine_id}`; `definition` None: it was never made, or is deleted.

    `next_due_at_ms` is the first tick that is not decided: earlier ones were fired, skipped or missed, once and for all.
    `anchor_ms` is what `every_ms` counts from. `alive` are runs that go on, `waiting` those held back until these end.
    `capabilities` are what whoever activated it has given to its missions.
    """

    routine_id: str
    definition: Definition | None = None
    status: RoutineStatus = "draft"
    creator: str = ""
    created_at_ms: int = 0
    activated_by: str | None = None
    capabilities: tuple[str, ...] = ()
    anchor_ms: int = 0
    next_due_at_ms: int | None = None
    last_fired_at_ms: int | None = None
    fired: int = 0
    missed: int = 0
    alive: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


# Proposals: what somebody asks for. `capabilities` are those that the proposer has and the entrypoint's tools need.
class Create(Struct, frozen=True, kw_only=True, tag="create"):
    """Begin as a draft."""

    definition: Definition


class Change(Struct, frozen=True, kw_only=True, tag="change"):
    """Be defined so from now on."""

    definition: Definition
    capabilities: tuple[str, ...]


class Activate(Struct, frozen=True, kw_only=True, tag="activate"):
    """Have the draft fire by itself."""

    capabilities: tuple[str, ...]


class Pause(Struct, frozen=True, kw_only=True, tag="pause"):
    """Fire no more for now; what was due before still counts."""


class Resume(Struct, frozen=True, kw_only=True, tag="resume"):
    """Go on from now; what the pause covered is not made up for."""

    capabilities: tuple[str, ...]


class Delete(Struct, frozen=True, kw_only=True, tag="delete"):
    """Be done with it; runs that are alive go on."""


class Wake(Struct, frozen=True, kw_only=True, tag="wake"):
    """A tick may be due."""


class RunNow(Struct, frozen=True, kw_only=True, tag="run_now"):
    """Fire at once, so many times."""

    count: int = 1
    reason: str = ""


class Backfill(Struct, frozen=True, kw_only=True, tag="backfill"):
    """Fire the ticks of `[from_ms, to_ms)` that are over, but for those in `fired`."""

    from_ms: int
    to_ms: int
    fired: tuple[int, ...] = ()


class Trip(Struct, frozen=True, kw_only=True, tag="trip"):
    """A file is finished, or a mission has ended."""

    trigger: Literal["watch", "chain"]
    file: str | None = None
    after_mission: str | None = None


class EndRun(Struct, frozen=True, kw_only=True, tag="end_run"):
    """A run of the routine is over."""

    run_id: str


# Events: what happened.
class Created(Struct, frozen=True, kw_only=True, tag="routine.created"):
    """It exists, as a draft."""

    definition: Definition


class Changed(Struct, frozen=True, kw_only=True, tag="routine.changed"):
    """It is defined otherwise from now on."""

    definition: Definition
    capabilities: tuple[str, ...]
    next_due_at_ms: int | None
    anchor_ms: int


class Activated(Struct, frozen=True, kw_only=True, tag="routine.activated"):
    """A person has it fire by itself."""

    capabilities: tuple[str, ...]
    next_due_at_ms: int | None


class Paused(Struct, frozen=True, kw_only=True, tag="routine.paused"):
    """It fires no more for now."""


class Resumed(Struct, frozen=True, kw_only=True, tag="routine.resumed"):
    """It fires again, from now on."""

    capabilities: tuple[str, ...]
    next_due_at_ms: int | None


class Deleted(Struct, frozen=True, kw_only=True, tag="routine.deleted"):
    """It is gone; `waiting` are runs that had not begun."""

    waiting: tuple[str, ...]


class Fired(Struct, frozen=True, kw_only=True, tag="routine.fired"):
    """A run is to happen. `held`: not before those that are alive have ended. `next_due_at_ms` as it is afterwards."""

    run_id: str
    work: Work
    held: bool
    next_due_at_ms: int | None


class Skipped(Struct, frozen=True, kw_only=True, tag="routine.skipped"):
    """A tick came while a run was going on, and does not fire."""

    due_at_ms: int
    next_due_at_ms: int | None


class Misfired(Struct, frozen=True, kw_only=True, tag="routine.misfired"):
    """So many ticks, from the first to the last, were missed and do not fire."""

    count: int
    first_due_at_ms: int
    last_due_at_ms: int
    next_due_at_ms: int | None


class RunEnded(Struct, frozen=True, kw_only=True, tag="routine.run_ended"):
    """A run is over; `released` is the one that begins in its place."""

    run_id: str
    released: str | None


Proposal = Create | Change | Activate | Pause | Resume | Delete | Wake | RunNow | Backfill | Trip | EndRun
Event = Created | Changed | Activated | Paused | Resumed | Deleted | Fired | Skipped | Misfired | RunEnded
