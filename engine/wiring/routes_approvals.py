"""HTTP for decisions of approvals: each also changes what it is about, in the same commit."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.approvals import (
    Approval,
    ApproveAllAnswer,
    ApproveAllRequest,
    ApproveRequest,
    DenyRequest,
    LeftApproval,
)
from cutroom_sdk.wire.codec import convert, to_builtins
from engine.approvals import reducer as approvals
from engine.approvals.reducer_delegation import CAPABILITY
from engine.http.replies import committed, replying
from engine.http.requests import answer, body, caller, identified, kernel
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from engine.kernel.kernel import Kernel
from engine.missions import fold
from engine.missions import types as missions
from engine.wiring import decisions, freshness, plain

TRIES_MAX: Final = 5
DECIDE: Final = "approvals:decide"


class _Reviews(NamedTuple):
    """What a decision about all of a mission's reviews comes to. `own` are the places of the decisions in `asks`."""

    asks: list[Asked]
    own: list[int]
    left: list[LeftApproval]


@needs(DECIDE, CAPABILITY)
async def approve(request: Request) -> Response:
    """`POST /v1/approvals/{id}/approve`: 200 with the approval."""
    asked = await body(request, ApproveRequest)
    decision = approvals.Decide(grant=True, reason=asked.reason, subject_hash=asked.subject_hash)
    return await _decide(request, decision)


@needs(DECIDE, CAPABILITY)
async def deny(request: Request) -> Response:
    """`POST /v1/approvals/{id}/deny`: 200 with the approval."""
    asked = await body(request, DenyRequest)
    decision = approvals.Decide(
        grant=False, reason=asked.reason, subject_hash=asked.subject_hash, amend=asked.amend
    )
    return await _decide(request, decision)


async def _decide(request: Request, decision: approvals.Decide) -> Response:
    context, approval_id = identified(request), request.path_params["id"]
    request.state.capability = DECIDE
    if not context.may(DECIDE):
        delegation_id = await decisions.delegation_for(kernel(request), context, approval_id)
        decision = replace(decision, delegation_id=delegation_id)

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(approvals.resources(approval_id, accepted[0].state)[f"approval/{approval_id}"])

    return told(
        await decisions.decide(kernel(request), replying(request, context, told), approval_id, decision)
    )


@needs(DECIDE)
async def approve_all(request: Request) -> Response:
    """`POST /v1/missions/{id}/approve-all`: grant the reviews that wait now; 200 with them, and with those left and why.

    Each is an approval of its own, granted for what it shows. Reviews that the mission comes to later are asked about then.
    """
    context, mission_id = caller(request, DECIDE), request.path_params["id"]
    if not context.human:
        raise Forbidden(
            "only a person, with a token that is marked human, approves several at once", decider="human"
        )
    asked, studio = await body(request, ApproveAllRequest), kernel(request)
    for tries in range(TRIES_MAX):
        found = await _reviews(studio, context, mission_id, asked.reason)

        def told(accepted: Sequence[Accepted], found: _Reviews = found) -> Response:
            granted = tuple(_view(accepted[place]) for place in found.own)
            return answer(ApproveAllAnswer(approvals=granted, left=tuple(found.left)))

        if not found.asks:
            return told(())
        try:
            return await committed(request, context, found.asks, told)
        except (Rejected, Conflict):
            # Somebody decided one of them a moment ago.
            if tries == TRIES_MAX - 1:
                raise
    raise AssertionError("the last try answers or raises")


async def _reviews(studio: Kernel, context: Context, mission_id: str, reason: str) -> _Reviews:
    mission: missions.Mission
    mission, version = await studio.dispatch.state(f"mission/{mission_id}", context.partition)
    if version == 0:
        raise NotFound(f"there is no mission {mission_id}", code="mission_not_found")
    found = _Reviews([], [], [])
    for item in mission.items:
        gate = item.gates.review
        if item.status != "review" or gate.approval_id is None or gate.decider not in ("human", "agent"):
            continue
        if item.attempts[-1].author == context.actor and not mission.self_review:
            detail = f"{context.actor} did the work of {item.name} and cannot decide about it"
            found.left.append(_left(gate.approval_id, item, "author_is_reviewer", detail))
            continue
        question = decisions.request(
            fold.request_approval(mission, item, "review"),
            plain.of_gate(mission, item, "review", studio.tools),
        )
        subject, refs = decisions.subject_of(mission, item, "review"), item.attempts[-1].refs
        try:
            seen = await freshness.check(studio, context, gate.approval_id, subject, refs)
        except Rejected as changed:
            found.left.append(_left(gate.approval_id, item, changed.reason, changed.detail))
            continue
        decision = approvals.Decide(grant=True, reason=reason, by_blanket=True)
        # The question is asked along with it: the command that asks may still be on its way.
        found.own.append(len(found.asks) + 1)
        told = decisions.told_of(gate.approval_id, subject, decision, ())
        found.asks.extend((question, Asked(f"approval/{gate.approval_id}", decision), *told, *seen))
    return found


def _left(approval_id: str, item: missions.Item, code: str, detail: str) -> LeftApproval:
    return LeftApproval(approval_id=approval_id, work_item_id=item.name, code=code, detail=detail)


def _view(accepted: Accepted) -> Approval:
    approval_id = accepted.stream.partition("/")[2]
    published = approvals.resources(approval_id, accepted.state)[accepted.stream]
    return convert(to_builtins(published), Approval)


routes = [
    Route("/v1/missions/{id}/approve-all", approve_all, methods=["POST"]),
    Route("/v1/approvals/{id}/approve", approve, methods=["POST"]),
    Route("/v1/approvals/{id}/deny", deny, methods=["POST"]),
]
