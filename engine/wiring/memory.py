"""Memory, approvals and runs: a promotion is reviewed by a person, and a run gets rights for as long as it is alive.

Leave is bound to one memory, to its content as it was looked at, and to one tier. It is spent in the commit that promotes.
"""

from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.approvals import ApprovalSubject
from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.memory import MemoryCapabilityRequest, UpperTier
from engine.approvals import reducer as approvals
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Forbidden, NotFound, Rejected
from engine.kernel.ids import derived_id
from engine.kernel.kernel import Kernel
from engine.memory.reducer import Memory
from engine.memory.rights import Rights, of_token
from engine.runs.types import Run

KIND: Final = "memory"
ENDED_BADLY: Final = frozenset(
    {"failed", "canceled", "denied", "superseded", "expired", "void", "blocked_policy"}
)


class Review(NamedTuple):
    """Where the review of a promotion stands.

    `spend` is to be proposed along with the promotion; `ask` asks a person; `block` says why it cannot go on.
    """

    approval_id: str | None = None
    spend: Asked | None = None
    ask: Asked | None = None
    block: str = ""


class _Ended(Struct, frozen=True, kw_only=True):
    """What of a resource says how it ended."""

    status: str = ""
    state: str = ""


def subject_hash(memory: Memory, to_tier: UpperTier) -> str:
    """Return the hash of what is approved: this memory, as it is, into that tier."""
    return digest({"memory": memory.memory_id, "content": memory.content_hash, "to_tier": to_tier})


async def review(
    kernel: Kernel,
    context: Context,
    rights: Rights,
    memory: Memory,
    to_tier: UpperTier,
    evidence: str | None,
    life_ms: int,
) -> Review:
    """Return where the review stands; evidence that is given is checked even where none is needed.

    A question that it leads to is open for `life_ms`.

    Raises:
        NotFound: the evidence is no approval.
        Rejected: `evidence_mismatch`, it is about something else; `evidence_spent`, or it is no leave any more.
        Forbidden: `author_is_reviewer`, whoever promotes has approved it.
    """
    if evidence is not None:
        return await _evidence(kernel, context, memory, to_tier, evidence)
    # What may be put there unseen may be moved there unseen.
    if not rights.require_review or to_tier in rights.write_tiers:
        return Review()
    return await _question(kernel, context, memory, to_tier, life_ms)


async def _evidence(
    kernel: Kernel, context: Context, memory: Memory, to_tier: UpperTier, approval_id: str
) -> Review:
    approval = await _approval(kernel, context, approval_id)
    asked, wanted = approval.asked, subject_hash(memory, to_tier)
    if asked is None:
        raise NotFound(f"there is no approval {approval_id}", approval_id=approval_id)
    if (asked.subject.kind, asked.subject.id, asked.subject_hash) != (KIND, memory.memory_id, wanted):
        raise Rejected(
            "evidence_mismatch",
            f"{approval_id} is not about {memory.memory_id} as it is now, to the tier {to_tier}; ask without it",
            state=approval.state,
        )
    match approval.state:
        case "pending":
            return Review(approval_id=approval_id, block="review_pending")
        case "denied":
            return Review(approval_id=approval_id, block="review_denied")
        case "granted":
            pass
        case "spent":
            raise Rejected("evidence_spent", f"{approval_id} was used already", state=approval.state)
        case _:
            raise Rejected("evidence_over", f"{approval_id} is {approval.state}", state=approval.state)
    if approval.decided_by == context.actor:
        raise Forbidden(
            f"{context.actor} has approved {approval_id}; somebody else promotes with it",
            code="author_is_reviewer",
        )
    spend = Asked(f"approval/{approval_id}", approvals.Spend(subject_hash=wanted))
    return Review(approval_id=approval_id, spend=spend)


async def _question(
    kernel: Kernel, context: Context, memory: Memory, to_tier: UpperTier, life_ms: int
) -> Review:
    """Return the question to a person; asked again while it is open, it is the same one."""
    wanted, turn = subject_hash(memory, to_tier), 0
    while True:
        approval_id = derived_id("memory", context.partition, wanted, turn)
        approval = await _approval(kernel, context, approval_id)
        if approval.asked is None and approval.state == "pending":
            break
        if approval.state in ("pending", "granted"):
            return Review(approval_id=approval_id, block="review_required")
        if approval.state == "denied":
            return Review(approval_id=approval_id, block="review_denied")
        turn += 1
    asked = approvals.Asked(
        decider="human",
        subject=ApprovalSubject(kind="memory", id=memory.memory_id),
        subject_hash=wanted,
        summary=f"keep the memory {memory.memory_id} in the tier {to_tier}, asked by {context.actor}",
        artifact_refs=(f"{KIND}/{memory.memory_id}",),
    )
    ask = Asked(f"approval/{approval_id}", approvals.Request(asked=asked, life_ms=life_ms))
    return Review(approval_id=approval_id, ask=ask, block="review_required")


async def _approval(kernel: Kernel, context: Context, approval_id: str) -> approvals.Approval:
    found: approvals.Approval = (await kernel.dispatch.state(f"approval/{approval_id}", context.partition))[0]
    return found


async def source_block(kernel: Kernel, context: Context, source: str | None) -> str:
    """Return why what a memory was learnt from does not carry it, as a stable word; empty when it does.

    What came of work that failed, was denied or was replaced is not taken up; neither is what nobody can look up.
    """
    if source is None:
        return ""
    record = await kernel.resources.record(source, context.partition)
    if record is None:
        return "source_gone"
    try:
        ended = msgspec.json.decode(record.value, type=_Ended)
    except msgspec.ValidationError:
        return ""  # a client's own record, of a shape of its own
    return "source_failed" if ENDED_BADLY & {ended.status, ended.state} else ""


async def granted(kernel: Kernel, context: Context, asked: MemoryCapabilityRequest) -> tuple[str, Rights]:
    """Return for whom a capability is, and its rights, none of which the caller lacks.

    Raises:
        Forbidden: it would be wider than the caller's own, or than what the run's mission was given.
        NotFound: there is no such run.
        Rejected: `run_over`.
    """
    wanted = Rights(
        read_tiers=frozenset(asked.read_tiers),
        write_tiers=frozenset(asked.write_tiers),
        promote_targets=frozenset(asked.promote_targets),
        require_review=asked.require_review,
        workspace=asked.workspace,
        project=asked.project,
        run_id=asked.run_id,
    )
    _check_within(wanted, of_token(context), f"the token of {context.actor}")
    if asked.run_id is None:
        return f"{context.actor}~memory", wanted
    run: Run = (await kernel.dispatch.state(f"run/{asked.run_id}", context.partition))[0]
    if run.work is None:
        raise NotFound(f"there is no run {asked.run_id}")
    if run.over:
        raise Rejected("run_over", f"the run {asked.run_id} is over", state=run.status)
    given = Context(actor=context.actor, human=context.human, capabilities=frozenset(run.work.capabilities))
    _check_within(wanted, of_token(given), f"the mission of {asked.run_id}")
    return f"run:{asked.run_id}", wanted


def _check_within(wanted: Rights, own: Rights, whose: str) -> None:
    for field in ("read_tiers", "write_tiers", "promote_targets"):
        lacking = sorted(getattr(wanted, field) - getattr(own, field))
        if lacking:
            raise Forbidden(f"{field}: {whose} does not have {', '.join(lacking)}", field=field)
    if own.require_review and not wanted.require_review:
        raise Forbidden("require_review: only a person can leave it out", field="require_review")
