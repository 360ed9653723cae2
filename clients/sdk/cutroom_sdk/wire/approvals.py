"""Approvals: somebody's leave, bound to one gate, one run and the hash of what was seen, good for one use."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.missions import GateName
from cutroom_sdk.wire.renders import Check

ApprovalState = Literal["pending", "granted", "denied", "spent", "expired", "void"]
ApprovalDecider = Literal["human", "agent", "auto"]


class ApprovalSubject(Wire, frozen=True, kw_only=True):
    """What is to be approved. For an item and for a call of a tool (`effect`) `id` is `MISSION/ITEM` and `run_id` is set.

    `gate` is an item's.
    """

    kind: Literal["work_item", "routine_run", "effect", "memory"]
    id: str
    run_id: str | None = None
    gate: GateName | None = None


class ApprovalEffect(Wire, frozen=True, kw_only=True):
    """The call of a tool that leave is asked for: with these arguments and no others.

    `targets` are the absolute paths and the addresses that it declares, `touches` the same in words. `rule` is the policy's
    that wants somebody to be asked; `place` is empty for the run's own call; `1`, `2`, `2.1` are those
    that its tool makes.
    """

    tool: str
    args: dict[str, Any]
    targets: tuple[str, ...]
    touches: tuple[str, ...]
    rule: str
    place: str = ""


class Approval(Wire, frozen=True, kw_only=True):
    """Resource `approval/{approval_id}`.

    `subject_hash` is the hash of what is approved: whoever sends it along with the decision decides on exactly that.
    The grant of an item's gate is spent in the commit that passes the gate, so it shows as `spent`. `checks` are the
    engine's, with decider `auto`. `amend` is what a denial wants changed in the item's input. `effect` is the call of a tool
    that it is about. `delegation_id`: who decided did so in somebody's place. `by_blanket`: it is one of several that were
    granted at once.
    """

    approval_id: str
    decider: ApprovalDecider
    subject: ApprovalSubject
    subject_hash: str
    summary: str
    artifact_refs: tuple[str, ...]
    state: ApprovalState
    requested_at_ms: int
    expires_at_ms: int
    decided_by: str | None = None
    decided_at_ms: int | None = None
    reason: str | None = None
    checks: tuple[Check, ...] = ()
    amend: dict[str, Any] = {}
    effect: ApprovalEffect | None = None
    delegation_id: str | None = None
    by_blanket: bool = False


DelegatedGate = Literal["review", "test", "effect"]


class DelegationRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/delegations`: the actor `to` may decide in the caller's place, before `until_ms`, a year from now at most.

    `missions` empty: of any. `gates` are those of items, and `effect` for calls of tools. `to` shows a token with
    `approvals:delegated`, a human one for what people decide; nobody decides about work of theirs, nor about the caller's.
    """

    to: str
    until_ms: int
    missions: tuple[str, ...] = ()
    gates: Annotated[tuple[DelegatedGate, ...], Meta(min_length=1, max_length=3)] = ("review", "test")
    reason: str = ""


class Delegation(Wire, frozen=True, kw_only=True):
    """Resource `delegation/{delegation_id}`: who decides in whose place. `used` counts decisions."""

    delegation_id: str
    by: str
    to: str
    until_ms: int
    missions: tuple[str, ...]
    gates: tuple[DelegatedGate, ...]
    reason: str
    created_at_ms: int
    revoked_at_ms: int | None = None
    revoked_by: str | None = None
    used: int = 0
    last_used_at_ms: int | None = None


class ApproveAllRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/missions/{id}/approve-all`. The reason is kept with each approval."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


class LeftApproval(Wire, frozen=True, kw_only=True):
    """A review that was not granted along with the others, and why."""

    approval_id: str
    work_item_id: str
    code: str
    detail: str


class ApproveAllAnswer(Wire, frozen=True, kw_only=True):
    """The approvals that were granted, each marked `by_blanket`, and those left."""

    approvals: tuple[Approval, ...]
    left: tuple[LeftApproval, ...]


class ApproveRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/approvals/{id}/approve`."""

    reason: str = ""
    subject_hash: str | None = None


class DenyRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/approvals/{id}/deny`. `amend` is merged into the item's input for the next attempt."""

    reason: str = ""
    subject_hash: str | None = None
    amend: dict[str, Any] = {}
