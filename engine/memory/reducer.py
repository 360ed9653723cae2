"""Memories: what was learnt, moved between tiers, erased for good.

    stored --promoted, demoted--> stored --deleted--> deleted --erased--> erased

What a memory says is not here: `content_hash` names the ciphertext, whose key lies apart. A move encrypts anew, with a
key of its own, so that leave given for one content fits no other, and what was redacted is gone.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.memory import (
    CapsuleOutcome,
    Classification,
    LowerTier,
    MemoryKind,
    Redaction,
    Tier,
    UpperTier,
)
from cutroom_sdk.wire.memory import Memory as WireMemory
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "memory"
CAPABILITY: Final = "memory:read"
TIERS: Final[tuple[Tier, ...]] = ("session", "project", "team", "curated")
DEAD_ENDS: Final[frozenset[CapsuleOutcome]] = frozenset({"failed", "denied", "superseded"})


class About(Struct, frozen=True, kw_only=True):
    """What stays as it was put: whose it is and what kind of thing."""

    workspace: str
    project: str
    kind: MemoryKind
    classification: Classification
    outcome: CapsuleOutcome | None = None


class Memory(Struct, frozen=True, kw_only=True):
    """State of the stream `memory/{memory_id}`; `about` None: there was never one."""

    memory_id: str
    about: About | None = None
    status: Literal["stored", "deleted", "erased"] = "stored"
    tier: Tier = "session"
    content_hash: str = ""
    redactions: tuple[Redaction, ...] = ()
    approval_id: str | None = None
    created_at_ms: int = 0
    created_by: str = ""
    changed_at_ms: int = 0


# Proposals.
class Store(Struct, frozen=True, kw_only=True, tag="store"):
    about: About
    tier: Tier
    content_hash: str
    redactions: tuple[Redaction, ...] = ()


class Promote(Struct, frozen=True, kw_only=True, tag="promote"):
    """`from_hash` is the content that was looked at, `content_hash` the same encrypted anew, perhaps redacted."""

    to_tier: UpperTier
    from_hash: str
    content_hash: str
    redactions: tuple[Redaction, ...] = ()
    approval_id: str | None = None


class Demote(Struct, frozen=True, kw_only=True, tag="demote"):
    to_tier: LowerTier
    from_hash: str
    content_hash: str


class Delete(Struct, frozen=True, kw_only=True, tag="delete"):
    """Have it erased. Of what is deleted already it changes nothing."""


class NoteErased(Struct, frozen=True, kw_only=True, tag="note_erased"):
    """Its key and its place in the search are gone."""


# Events.
class Stored(Struct, frozen=True, kw_only=True, tag="memory.stored"):
    about: About
    tier: Tier
    content_hash: str
    redactions: tuple[Redaction, ...] = ()


class Promoted(Struct, frozen=True, kw_only=True, tag="memory.promoted"):
    from_tier: Tier
    tier: UpperTier
    from_hash: str
    content_hash: str
    redactions: tuple[Redaction, ...] = ()
    approval_id: str | None = None


class Demoted(Struct, frozen=True, kw_only=True, tag="memory.demoted"):
    from_tier: Tier
    tier: LowerTier
    from_hash: str
    content_hash: str


class Deleted(Struct, frozen=True, kw_only=True, tag="memory.deleted"):
    content_hash: str


class Erased(Struct, frozen=True, kw_only=True, tag="memory.erased"):
    pass


# Commands.
class ForgetContent(Struct, frozen=True, kw_only=True, tag="forget_memory_content"):
    """Destroy the key of a ciphertext, the ciphertext, and what the search knows of it.

    `whole`: it was the memory's last, so that it is erased then.
    """

    memory_id: str
    content_hash: str
    whole: bool


Proposal = Store | Promote | Demote | Delete | NoteErased
Event = Stored | Promoted | Demoted | Deleted | Erased


def init(memory_id: str) -> Memory:
    return Memory(memory_id=memory_id)


def above(tier: Tier, other: Tier) -> bool:
    """Tell whether a tier is above another one."""
    return TIERS.index(tier) > TIERS.index(other)


def standing_block(about: About, to_tier: Tier) -> str:
    """Return why such a memory never gets into a tier, as a stable word; empty when nothing stands in the way."""
    if about.outcome in DEAD_ENDS:
        return f"outcome_{about.outcome}"
    if about.classification == "restricted" and above(to_tier, "project"):
        return "restricted"
    return ""


def decide(memory: Memory, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: `memory_not_found`: there is none, or it is deleted.
        Rejected: `not_upward`, `not_downward`, `source_changed`, or what `standing_block` says.
    """
    match proposal:
        case Store():
            assert memory.about is None, "an id is used once"
            return (_stored(proposal),)
        case Promote(to_tier=to_tier):
            _movable(memory, proposal.from_hash)
            check_upward(memory, to_tier)
            block = standing_block(about_of(memory), to_tier)
            if block:
                raise Rejected(
                    block, f"{memory.memory_id} does not go to the tier {to_tier}", state=memory.tier
                )
            return (
                Promoted(
                    from_tier=memory.tier,
                    tier=to_tier,
                    from_hash=proposal.from_hash,
                    content_hash=proposal.content_hash,
                    redactions=proposal.redactions,
                    approval_id=proposal.approval_id,
                ),
            )
        case Demote(to_tier=to_tier):
            _movable(memory, proposal.from_hash)
            check_downward(memory, to_tier)
            return (
                Demoted(
                    from_tier=memory.tier,
                    tier=to_tier,
                    from_hash=proposal.from_hash,
                    content_hash=proposal.content_hash,
                ),
            )
        case Delete():
            if memory.about is None:
                raise missing(memory.memory_id)
            return (Deleted(content_hash=memory.content_hash),) if memory.status == "stored" else ()
        case NoteErased():
            return (Erased(),) if memory.status == "deleted" else ()
        case _:
            assert_never(proposal)


def _stored(asked: Store) -> Stored:
    return Stored(
        about=asked.about, tier=asked.tier, content_hash=asked.content_hash, redactions=asked.redactions
    )


def about_of(memory: Memory) -> About:
    """Return what a memory is.

    Raises:
        NotFound: there is none, or it is deleted.
    """
    if memory.about is None or memory.status != "stored":
        raise missing(memory.memory_id)
    return memory.about


def missing(memory_id: str) -> NotFound:
    """Return what is said of a memory that is not there."""
    return NotFound(f"there is no memory {memory_id}", code="memory_not_found", memory_id=memory_id)


def _movable(memory: Memory, from_hash: str) -> None:
    about_of(memory)
    if memory.content_hash != from_hash:
        raise Rejected(
            "source_changed", f"{memory.memory_id} was moved meanwhile: look again", state=memory.tier
        )


def check_upward(memory: Memory, to_tier: Tier) -> None:
    """Check that a tier is above the memory's own.

    Raises:
        Rejected: `not_upward`.
    """
    if not above(to_tier, memory.tier):
        raise Rejected(
            "not_upward",
            f"{memory.memory_id} is in the tier {memory.tier}; promotion goes up, demote it instead",
            state=memory.tier,
        )


def check_downward(memory: Memory, to_tier: Tier) -> None:
    """Check that a tier is below the memory's own.

    Raises:
        Rejected: `not_downward`.
    """
    if not above(memory.tier, to_tier):
        raise Rejected(
            "not_downward",
            f"{memory.memory_id} is in the tier {memory.tier}; demotion goes down, promote it instead",
            state=memory.tier,
        )


def on_event(memory: Memory, event: Event, envelope: Envelope) -> Step[Memory, Any]:
    """Fold one accepted event."""
    match event:
        case Stored():
            stored = replace(
                memory,
                about=event.about,
                tier=event.tier,
                content_hash=event.content_hash,
                redactions=event.redactions,
                created_at_ms=envelope.at_ms,
                created_by=envelope.actor,
                changed_at_ms=envelope.at_ms,
            )
            return Step(stored)
        case Promoted(tier=tier):
            promoted = replace(
                memory,
                tier=tier,
                content_hash=event.content_hash,
                redactions=_summed(memory.redactions, event.redactions),
                approval_id=event.approval_id,
                changed_at_ms=envelope.at_ms,
            )
            return Step(promoted, (_forget(memory, whole=False),))
        case Demoted(tier=below):
            demoted = replace(
                memory,
                tier=below,
                content_hash=event.content_hash,
                approval_id=None,
                changed_at_ms=envelope.at_ms,
            )
            return Step(demoted, (_forget(memory, whole=False),))
        case Deleted():
            return Step(replace(memory, status="deleted"), (_forget(memory, whole=True),))
        case Erased():
            return Step(replace(memory, status="erased"))
        case _:
            assert_never(event)


def _forget(memory: Memory, *, whole: bool) -> ForgetContent:
    return ForgetContent(memory_id=memory.memory_id, content_hash=memory.content_hash, whole=whole)


def _summed(before: tuple[Redaction, ...], more: tuple[Redaction, ...]) -> tuple[Redaction, ...]:
    counts: dict[str, int] = {}
    for one in (*before, *more):
        counts[one.kind] = counts.get(one.kind, 0) + one.count
    return tuple(Redaction(kind=kind, count=counts[kind]) for kind in sorted(counts))


def published(memory: Memory) -> WireMemory:
    """Return what others see of a memory that is there: everything but what it says."""
    about = about_of(memory)
    return WireMemory(
        memory_id=memory.memory_id,
        tier=memory.tier,
        kind=about.kind,
        workspace=about.workspace,
        project=about.project,
        classification=about.classification,
        content_hash=memory.content_hash,
        created_at_ms=memory.created_at_ms,
        created_by=memory.created_by,
        changed_at_ms=memory.changed_at_ms,
        outcome=about.outcome,
        redactions=memory.redactions,
        approval_id=memory.approval_id,
    )


def resources(memory_id: str, memory: Memory) -> Mapping[str, Struct | None]:
    """Return `memory/{id}` until it is deleted."""
    there = memory.about is not None and memory.status == "stored"
    return {f"{KIND}/{memory_id}": published(memory) if there else None}


MEMORY: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Memory,
    resources=resources,
    reads=CAPABILITY,
)
