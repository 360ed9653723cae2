"""Approvals: somebody's leave, asked for once, given or refused once, used once.

    pending --granted--> granted --spent--> spent
       |----denied-----> denied |
       |----expired----> expired <--- its time is up
       `----voided-----> void <------ what it was for has changed

The grant of a work item's gate is spent in the same breath: `engine.wiring` commits it together with the gate that it
opens. Those of other subjects wait, granted, for what they were given for, as long as their time lasts.
"""

from collections.abc import Mapping
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.approvals import Approval as WireApproval
from cutroom_sdk.wire.approvals import ApprovalDecider, ApprovalEffect, ApprovalState, ApprovalSubject
from cutroom_sdk.wire.renders import Check
from engine.kernel.errors import Forbidden, NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

LIFE_MS: Final = (
    7 * 24 * 3600 * 1000
)  # a week: long enough for a holiday, short enough to be about the same thing


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked, of whom, and about what; `effect` is the call of a tool that it is about."""

    decider: ApprovalDecider
    subject: ApprovalSubject
    subject_hash: str
    summary: str
    artifact_refs: tuple[str, ...]
    effect: ApprovalEffect | None = None


class Approval(Struct, frozen=True, kw_only=True):
    """State of the stream `approval/{approval_id}`; `asked` None: nobody has asked for it (yet)."""

    approval_id: str
    asked: Asked | None = None
    state: ApprovalState = "pending"
    requested_at_ms: int = 0
    expires_at_ms: int = 0
    decided_by: str | None = None
    decided_at_ms: int | None = None
    reason: str | None = None
    checks: tuple[Check, ...] = ()
    amend: dict[str, Any] = {}
    delegation_id: str | None = None
    by_blanket: bool = False


# Proposals.
class Request(Struct, frozen=True, kw_only=True, tag="request"):
    """Ask. `expires_at_ms` None: `life_ms` from now."""

    asked: Asked
    life_ms: int = LIFE_MS
    expires_at_ms: int | None = None


class Decide(Struct, frozen=True, kw_only=True, tag="decide"):
    """Somebody's decision. `subject_hash`: what they have seen; None when they do not say.

    `delegation_id`: they decide in somebody's place, and `engine.wiring` proposes the use of it along with this.
    `by_blanket`: it is one of several that were decided at once.
    """

    grant: bool
    reason: str = ""
    subject_hash: str | None = None
    amend: dict[str, Any] = {}
    delegation_id: str | None = None
    by_blanket: bool = False


class Settle(Struct, frozen=True, kw_only=True, tag="settle"):
    """The decision of the engine's checks; proposed by `engine.wiring` alone.

    It is a grant when nothing failed. `error`: the checks could not be made, which is no grant either.
    """

    checks: tuple[Check, ...]
    error: str = ""


class Spend(Struct, frozen=True, kw_only=True, tag="spend"):
    """Use the grant for what it was given for."""

    subject_hash: str


class Expire(Struct, frozen=True, kw_only=True, tag="expire"):
    """Its time may be up."""


class Void(Struct, frozen=True, kw_only=True, tag="void"):
    """Nobody needs to decide any more."""

    reason: str


# Events.
class Requested(Struct, frozen=True, kw_only=True, tag="approval.requested"):
    asked: Asked
    expires_at_ms: int


class Granted(Struct, frozen=True, kw_only=True, tag="approval.granted"):
    by: str
    reason: str
    checks: tuple[Check, ...] = ()
    delegation_id: str | None = None
    by_blanket: bool = False


class Denied(Struct, frozen=True, kw_only=True, tag="approval.denied"):
    by: str
    reason: str
    checks: tuple[Check, ...] = ()
    amend: dict[str, Any] = {}
    delegation_id: str | None = None


class Spent(Struct, frozen=True, kw_only=True, tag="approval.spent"):
    pass


class Expired(Struct, frozen=True, kw_only=True, tag="approval.expired"):
    pass


class Voided(Struct, frozen=True, kw_only=True, tag="approval.voided"):
    reason: str


# Commands.
class EvaluateGate(Struct, frozen=True, kw_only=True, tag="evaluate_gate"):
    """Let the engine's checks decide."""

    approval_id: str


class ScheduleExpiry(Struct, frozen=True, kw_only=True, tag="schedule_expiry"):
    """Propose `Expire` when it is due."""

    approval_id: str
    due_at_ms: int


Proposal = Request | Decide | Settle | Spend | Expire | Void
Event = Requested | Granted | Denied | Spent | Expired | Voided
Command = EvaluateGate | ScheduleExpiry


def init(approval_id: str) -> Approval:
    return Approval(approval_id=approval_id)


def decide(approval: Approval, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: nobody has asked for it.
        Forbidden: a human's decision, and no human decides; or the engine's checks', and they are not the decider.
        Rejected: `approval_not_pending`, `subject_changed`, or `not_granted` when it is to be spent.
    """
    match proposal:
        case Request(asked=asked, life_ms=life, expires_at_ms=expires):
            # Asked twice, or asked after it was void: a command that came again, or late.
            if approval.asked is not None or approval.state != "pending":
                return ()
            return (Requested(asked=asked, expires_at_ms=expires or envelope.at_ms + life),)
        case Decide():
            return _decide(approval, proposal, envelope)
        case Settle(checks=checks, error=error):
            return _settle(approval, checks, error, envelope)
        case Spend(subject_hash=subject_hash):
            asked = _asked(approval)
            if approval.state != "granted" or envelope.at_ms >= approval.expires_at_ms:
                raise _rejected(approval, "not_granted")
            _same_subject(approval, asked, subject_hash)
            return (Spent(),)
        case Expire():
            due = approval.asked is not None and approval.state in ("pending", "granted")
            return (Expired(),) if due and envelope.at_ms >= approval.expires_at_ms else ()
        case Void(reason=reason):
            return (Voided(reason=reason),) if approval.state in ("pending", "granted") else ()
        case _:
            assert_never(proposal)


def on_event(approval: Approval, event: Event, envelope: Envelope) -> Step[Approval, Command]:
    """Fold one accepted event."""
    match event:
        case Requested(asked=asked, expires_at_ms=expires):
            pending = replace(approval, asked=asked, requested_at_ms=envelope.at_ms, expires_at_ms=expires)
            if asked.decider == "auto":
                return Step(pending, (EvaluateGate(approval_id=approval.approval_id),))
            return Step(pending, (ScheduleExpiry(approval_id=approval.approval_id, due_at_ms=expires),))
        case Granted(delegation_id=delegation_id, by_blanket=by_blanket):
            granted = _decided(approval, "granted", event, envelope)
            return Step(replace(granted, delegation_id=delegation_id, by_blanket=by_blanket))
        case Denied(delegation_id=delegation_id, amend=amend):
            denied = _decided(approval, "denied", event, envelope)
            return Step(replace(denied, delegation_id=delegation_id, amend=amend))
        case Spent():
            return Step(replace(approval, state="spent"))
        case Expired():
            return Step(replace(approval, state="expired"))
        case Voided(reason=reason):
            return Step(replace(approval, state="void", reason=reason))
        case _:
            assert_never(event)


def failing(checks: tuple[Check, ...]) -> tuple[str, ...]:
    """Return one line for each check that failed: what was found, what was asked, how to mend it."""
    return tuple(
        f"{check.name}: {check.value}"
        + (f", wanted {check.limit}" if check.limit else "")
        + (f" ({check.fix})" if check.fix else "")
        for check in checks
        if check.status == "fail"
    )


def resources(approval_id: str, approval: Approval) -> Mapping[str, Struct | None]:
    """Return `approval/{id}` once it was asked for."""
    asked = approval.asked
    if asked is None:
        return {}
    published = WireApproval(
        approval_id=approval_id,
        decider=asked.decider,
        subject=asked.subject,
        subject_hash=asked.subject_hash,
        summary=asked.summary,
        artifact_refs=asked.artifact_refs,
        state=approval.state,
        requested_at_ms=approval.requested_at_ms,
        expires_at_ms=approval.expires_at_ms,
        decided_by=approval.decided_by,
        decided_at_ms=approval.decided_at_ms,
        reason=approval.reason,
        checks=approval.checks,
        amend=approval.amend,
        effect=asked.effect,
        delegation_id=approval.delegation_id,
        by_blanket=approval.by_blanket,
    )
    return {f"approval/{approval_id}": published}


def _decide(approval: Approval, proposal: Decide, envelope: Envelope) -> tuple[Event, ...]:
    asked = _pending(approval, envelope)
    if asked.decider == "auto":
        raise Forbidden(f"the engine's checks decide {approval.approval_id}, and nobody else", decider="auto")
    if asked.decider == "human" and not envelope.human:
        raise Forbidden(
            f"a person has to decide {approval.approval_id}, with a token that is marked human",
            decider="human",
        )
    if proposal.subject_hash is not None:
        _same_subject(approval, asked, proposal.subject_hash)
    if not proposal.grant:
        denied = Denied(
            by=envelope.actor,
            reason=proposal.reason,
            amend=proposal.amend,
            delegation_id=proposal.delegation_id,
        )
        return (denied,)
    granted = Granted(
        by=envelope.actor,
        reason=proposal.reason,
        delegation_id=proposal.delegation_id,
        by_blanket=proposal.by_blanket,
    )
    return _granted(asked, granted)


def _settle(
    approval: Approval, checks: tuple[Check, ...], error: str, envelope: Envelope
) -> tuple[Event, ...]:
    asked = _pending(approval, envelope)
    if asked.decider != "auto":
        raise Forbidden(f"the engine's checks do not decide {approval.approval_id}", decider=asked.decider)
    reasons = (error,) if error else failing(checks)
    if reasons:
        return (Denied(by=envelope.actor, reason="; ".join(reasons), checks=checks),)
    return _granted(asked, Granted(by=envelope.actor, reason="the checks pass", checks=checks))


def _granted(asked: Asked, granted: Granted) -> tuple[Event, ...]:
    return (granted, Spent()) if asked.subject.kind == "work_item" else (granted,)


def _asked(approval: Approval) -> Asked:
    if approval.asked is None:
        raise NotFound(f"there is no approval {approval.approval_id}")
    return approval.asked


def _pending(approval: Approval, envelope: Envelope) -> Asked:
    """Return what was asked, if it can still be decided: the timer may be behind the time it stands for."""
    asked = _asked(approval)
    if approval.state != "pending" or (asked.decider != "auto" and envelope.at_ms >= approval.expires_at_ms):
        raise _rejected(approval, "approval_not_pending")
    return asked


def _rejected(approval: Approval, reason: str) -> Rejected:
    code = "approval_not_pending" if reason == "approval_not_pending" else None
    late = approval.state == ("pending" if reason == "approval_not_pending" else "granted")
    state = "expired" if late else approval.state
    return Rejected(reason, f"the approval {approval.approval_id} is {state}", code=code, state=state)


def _same_subject(approval: Approval, asked: Asked, subject_hash: str) -> None:
    if subject_hash != asked.subject_hash:
        raise Rejected(
            "subject_changed",
            f"{approval.approval_id} is about {asked.subject_hash}, not {subject_hash}: look again",
            state=approval.state,
        )


def _decided(
    approval: Approval, state: ApprovalState, event: Granted | Denied, envelope: Envelope
) -> Approval:
    return replace(
        approval,
        state=state,
        decided_by=event.by,
        decided_at_ms=envelope.at_ms,
        reason=event.reason,
        checks=event.checks,
    )


APPROVAL: Final = Aggregate(
    kind="approval",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Approval,
    resources=resources,
    reads="approvals:read",
)
