"""Delegations: a person names who may decide in their place, until when and about what; recorded at each use.

given --used, used, ...--> given --revoked--> revoked
                             `-- its time is up: it is good for nothing any more
"""

import re
from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.approvals import ApprovalSubject, DelegatedGate, DelegationRequest
from cutroom_sdk.wire.approvals import Delegation as WireDelegation
from engine.kernel.errors import Forbidden, Invalid, NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "delegation"
CAPABILITY: Final = "approvals:delegated"
LONGEST_MS: Final = 366 * 24 * 3600 * 1000
_ACTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}")


class Delegation(Struct, frozen=True, kw_only=True):
    """State of the stream `delegation/{delegation_id}`; `asked` None: nobody has given it."""

    delegation_id: str
    asked: DelegationRequest | None = None
    by: str = ""
    created_at_ms: int = 0
    revoked_at_ms: int | None = None
    revoked_by: str | None = None
    used: int = 0
    last_used_at_ms: int | None = None


# Proposals.
class Give(Struct, frozen=True, kw_only=True, tag="give"):
    """Let somebody decide in the proposer's place."""

    asked: DelegationRequest


class Use(Struct, frozen=True, kw_only=True, tag="use"):
    """Decide in somebody's place; proposed along with the decision."""

    approval_id: str
    subject: ApprovalSubject


class Revoke(Struct, frozen=True, kw_only=True, tag="revoke"):
    """Be done with it."""


# Events.
class Given(Struct, frozen=True, kw_only=True, tag="delegation.given"):
    """A person has named who may decide in their place."""

    asked: DelegationRequest


class Used(Struct, frozen=True, kw_only=True, tag="delegation.used"):
    """Somebody has decided an approval in a person's place, in the same commit."""

    approval_id: str


class Revoked(Struct, frozen=True, kw_only=True, tag="delegation.revoked"):
    """Nobody decides by it any more."""


Proposal = Give | Use | Revoke
Event = Given | Used | Revoked


def init(delegation_id: str) -> Delegation:
    """Return a delegation that nobody has given."""
    return Delegation(delegation_id=delegation_id)


def decide(delegation: Delegation, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: nobody has given it.
        Invalid: it names nobody, oneself, or a time that is over or too far away.
        Forbidden: a program gives it; or it does not cover what is to be decided.
        Rejected: `already_given`.
    """
    match proposal:
        case Give(asked=asked):
            if delegation.asked is not None:
                raise Rejected("already_given", f"{delegation.delegation_id} is given already")
            _check(asked, envelope)
            return (Given(asked=asked),)
        case Use(approval_id=approval_id, subject=subject):
            why = refusal(view(delegation), envelope.actor, subject, envelope.at_ms)
            if why is not None:
                raise Forbidden(why, delegation_id=delegation.delegation_id)
            return (Used(approval_id=approval_id),)
        case Revoke():
            _given(delegation)
            return () if delegation.revoked_at_ms is not None else (Revoked(),)
        case _:
            assert_never(proposal)


def on_event(delegation: Delegation, event: Event, envelope: Envelope) -> Step[Delegation, Struct]:
    """Fold one accepted event."""
    now = envelope.at_ms
    match event:
        case Given(asked=asked):
            return Step(replace(delegation, asked=asked, by=envelope.actor, created_at_ms=now))
        case Used():
            return Step(replace(delegation, used=delegation.used + 1, last_used_at_ms=now))
        case Revoked():
            return Step(replace(delegation, revoked_at_ms=now, revoked_by=envelope.actor))
        case _:
            assert_never(event)


def refusal(given: WireDelegation, actor: str, subject: ApprovalSubject, now_ms: int) -> str | None:
    """Return why somebody may not decide this by a delegation; None: they may."""
    name = given.delegation_id
    if given.to != actor:
        return f"{name} is for {given.to}, not for {actor}"
    if given.revoked_at_ms is not None:
        return f"{name} was revoked"
    if now_ms >= given.until_ms:
        return f"the time of {name} is up"
    mission_id = subject.id.partition("/")[0]
    if given.missions and mission_id not in given.missions:
        return f"{name} does not cover the mission {mission_id}"
    gate = gate_of(subject)
    if gate not in given.gates:
        return f"{name} covers {', '.join(given.gates)}, not {gate or subject.kind}"
    return None


def gate_of(subject: ApprovalSubject) -> DelegatedGate | None:
    """Return what an approval is about, in the words of delegations."""
    return "effect" if subject.kind == "effect" else subject.gate


def resources(delegation_id: str, delegation: Delegation) -> Mapping[str, Struct | None]:
    """Return `delegation/{id}` once it was given; it stays, revoked or not: it is on record."""
    if delegation.asked is None:
        return {}
    return {f"{KIND}/{delegation_id}": view(delegation)}


def view(delegation: Delegation) -> WireDelegation:
    """Return a delegation as it is published."""
    asked = _given(delegation)
    return WireDelegation(
        delegation_id=delegation.delegation_id,
        by=delegation.by,
        to=asked.to,
        until_ms=asked.until_ms,
        missions=asked.missions,
        gates=asked.gates,
        reason=asked.reason,
        created_at_ms=delegation.created_at_ms,
        revoked_at_ms=delegation.revoked_at_ms,
        revoked_by=delegation.revoked_by,
        used=delegation.used,
        last_used_at_ms=delegation.last_used_at_ms,
    )


def _given(delegation: Delegation) -> DelegationRequest:
    if delegation.asked is None:
        raise NotFound(f"there is no delegation {delegation.delegation_id}")
    return delegation.asked


def _check(asked: DelegationRequest, envelope: Envelope) -> None:
    if not envelope.human:
        raise Forbidden("only a person has somebody decide in their place", decider="human")
    if not _ACTOR.fullmatch(asked.to):
        raise Invalid(f"{asked.to[:64]!r} is no actor: 1 to 64 letters, digits and . _ : @ -", field="to")
    if asked.to == envelope.actor:
        raise Invalid("nobody needs leave to decide in their own place; name another", field="to")
    if not envelope.at_ms < asked.until_ms <= envelope.at_ms + LONGEST_MS:
        raise Invalid(
            f"until_ms is {asked.until_ms}; it is {envelope.at_ms} now, and a year is the most",
            field="until_ms",
        )


DELEGATION: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Delegation,
    resources=resources,
    reads="approvals:read",
)
