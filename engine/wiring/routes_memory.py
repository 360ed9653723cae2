"""HTTP for what memory does with others: promoting, which somebody reviews, and rights for runs."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.memory import (
    MemoryCapability,
    MemoryCapabilityRequest,
    MemoryMoved,
    PromoteRequest,
    Redaction,
)
from engine.http.gate import mark_secret
from engine.http.replies import committed, withheld
from engine.http.requests import answer, body, identified, kernel
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Invalid
from engine.memory import reducer
from engine.memory.attempts import attempt_of, audited
from engine.memory.capabilities import LIFE_MAX_MS, Claims
from engine.memory.rights import SCOPED
from engine.memory.routes import move, rights_of, shelf_of, with_note
from engine.wiring import memory as wired

LIFE_MS = 3600 * 1000


@needs("memory:write", "memory:promote:team", "memory:promote:curated", SCOPED)
@audited("promote")
async def promote(request: Request) -> Response:
    """`POST /v1/memory/{id}/promote`: into a higher tier, after capability, target, review, source and scrubbing.

    What was redacted is stored redacted, the original is erased. `blocked` changes nothing.
    """
    context, rights, attempt = identified(request), await rights_of(request), attempt_of(request)
    asked = await body(request, PromoteRequest)
    attempt.to_tier, attempt.approval_id = asked.to_tier, asked.approval_id
    shelf, studio = shelf_of(request), kernel(request)
    memory = await shelf.state(context, request.path_params["id"])
    about = reducer.about_of(memory)
    attempt.found(memory)
    rights.check_target(asked.to_tier, about.workspace, about.project)
    reducer.check_upward(memory, asked.to_tier)
    if block := reducer.standing_block(about, asked.to_tier):
        return await _blocked(request, context, memory, block)
    review = await wired.review(
        studio, context, rights, memory, asked.to_tier, asked.approval_id, request.app.state.approval_life_ms
    )
    attempt.approval_id = review.approval_id
    if review.block:
        return await _blocked(request, context, memory, review.block, ask=review.ask)
    document = await shelf.open(context, memory)
    if block := await wired.source_block(studio, context, document.source):
        return await _blocked(request, context, memory, block)
    now = studio.clock.now_ms()
    noted = with_note(document, "promoted", asked.to_tier, context.actor, now, asked.reason)
    clean = await shelf.clean(context, noted, asked.to_tier)
    if clean.empty:
        return await _blocked(request, context, memory, "nothing_left", redactions=clean.redactions)
    content_hash = await shelf.sealer.seal(context.partition, memory.memory_id, clean.document)
    proposal = reducer.Promote(
        to_tier=asked.to_tier,
        from_hash=memory.content_hash,
        content_hash=content_hash,
        redactions=clean.redactions,
        approval_id=review.approval_id,
    )
    status: Literal["redacted", "passed"] = "redacted" if clean.redactions else "passed"
    moved = MemoryMoved(
        memory_id=memory.memory_id,
        tier=asked.to_tier,
        status=status,
        redactions=clean.redactions,
        approval_id=review.approval_id,
    )
    own = Asked(f"{reducer.KIND}/{memory.memory_id}", proposal)
    spend = () if review.spend is None else (review.spend,)
    return await move(
        request, context, (*spend, own, attempt.noted(status, "", clean.redactions)), content_hash, moved
    )


async def _blocked(
    request: Request,
    context: Context,
    memory: reducer.Memory,
    reason: str,
    *,
    ask: Asked | None = None,
    redactions: tuple[Redaction, ...] = (),
) -> Response:
    """Answer that it stays where it is, and put that on record, together with the question that it led to."""
    attempt = attempt_of(request)
    moved = MemoryMoved(
        memory_id=memory.memory_id,
        tier=memory.tier,
        status="blocked",
        redactions=redactions,
        reason=reason,
        approval_id=attempt.approval_id,
    )
    asks = (*((ask,) if ask else ()), attempt.noted("blocked", reason, redactions))
    return await committed(request, context, asks, lambda _: answer(moved))


@needs("memory:read", "memory:write", "memory:promote:team", "memory:promote:curated")
@audited("mint")
async def mint(request: Request) -> Response:
    """`POST /v1/memory/capabilities`: 201 with a signed token for a run or a helper, no wider than the caller's own."""
    context, attempt, studio = identified(request), attempt_of(request), kernel(request)
    asked = await body(request, MemoryCapabilityRequest)
    attempt.about(None, asked.workspace, asked.project)
    actor, rights = await wired.granted(studio, context, asked)
    now = studio.clock.now_ms()
    ends = now + LIFE_MS if asked.expires_at_ms is None else asked.expires_at_ms
    if not now < ends <= now + LIFE_MAX_MS:
        raise Invalid(
            f"expires_at_ms is {ends}; a time within a day from now, {now}, is taken", field="expires_at_ms"
        )
    ends = ends if context.expires_at_ms is None else min(ends, context.expires_at_ms)
    claims = Claims(
        actor=actor,
        partition=context.partition,
        token_id=context.token_id,
        expires_at_ms=ends,
        read_tiers=asked.read_tiers,
        write_tiers=asked.write_tiers,
        promote_targets=asked.promote_targets,
        require_review=rights.require_review,
        workspace=asked.workspace,
        project=asked.project,
        run_id=asked.run_id,
    )
    mark_secret(request)
    await studio.dispatch.propose_many([attempt.noted("done")], withheld(request, context))
    told = {name: getattr(claims, name) for name in MemoryCapability.__struct_fields__ if name != "token"}
    return answer(MemoryCapability(token=shelf_of(request).capabilities.mint(claims), **told), status=201)


routes = [
    Route("/v1/memory/capabilities", mint, methods=["POST"]),
    Route("/v1/memory/{id}/promote", promote, methods=["POST"]),
]
