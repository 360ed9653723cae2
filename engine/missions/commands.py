"""What a mission asks the outside to do.

Commands name things of other rooms (runs, approvals, timers) only by id; `engine.wiring` carries them there.
"""

from typing import Any

from msgspec import Struct

from cutroom_sdk.wire.missions import Authority, Decider, GateName, Priority


class StartRun(Struct, frozen=True, kw_only=True, tag="start_run"):
    """Carry out an item. `refs` are what the items it depends on have made."""

    mission_id: str
    work_item_id: str
    run_id: str
    attempt: int
    role: str
    kind: str
    input: dict[str, Any]
    refs: tuple[str, ...]
    reasons: tuple[str, ...]
    capabilities: tuple[str, ...]
    authority: Authority | None = None
    priority: Priority = "normal"


class CancelRun(Struct, frozen=True, kw_only=True, tag="cancel_run"):
    """End a run that is alive."""

    run_id: str
    reason: str


class RequestApproval(Struct, frozen=True, kw_only=True, tag="request_approval"):
    """Ask the decider about what a run has made."""

    mission_id: str
    work_item_id: str
    run_id: str
    gate: GateName
    approval_id: str
    decider: Decider
    subject_hash: str
    summary: str
    artifact_refs: tuple[str, ...]


class VoidApproval(Struct, frozen=True, kw_only=True, tag="void_approval"):
    """Nobody needs to decide this any more."""

    approval_id: str
    reason: str


class ScheduleTimer(Struct, frozen=True, kw_only=True, tag="schedule_timer"):
    """Propose `FireTimer` when it is due."""

    mission_id: str
    timer_id: str
    due_at_ms: int


class PersistArtifact(Struct, frozen=True, kw_only=True, tag="persist_artifact"):
    """Keep the mission's summary as an artifact; it is final and lies in the mission's state."""

    mission_id: str
    kind: str


class EmitNotice(Struct, frozen=True, kw_only=True, tag="emit_notice"):
    """Tell people something that they would want to know; `notice` says of what kind."""

    notice: str
    properties: dict[str, Any]


Command = StartRun | CancelRun | RequestApproval | VoidApproval | ScheduleTimer | PersistArtifact | EmitNotice
