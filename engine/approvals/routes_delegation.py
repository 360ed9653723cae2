"""HTTP for delegations: who decides in whose place."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.approvals import DelegationRequest
from engine.approvals import reducer_delegation as delegations
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, kernel, listing, one
from engine.http.rights import needs
from engine.kernel.dispatch import Asked
from engine.kernel.errors import NotFound
from engine.kernel.ids import new_id


@needs("approvals:decide")
async def give(request: Request) -> Response:
    """`POST /v1/delegations`: 201 with the delegation; a person's token gives it."""
    context = caller(request, "approvals:decide")
    asked = await body(request, DelegationRequest)
    delegation_id = new_id(kernel(request).clock.now_ms())
    proposal = Asked(f"{delegations.KIND}/{delegation_id}", delegations.Give(asked=asked))
    location = {"Location": f"/v1/delegations/{delegation_id}"}
    return await committed(
        request,
        context,
        [proposal],
        lambda accepted: answer(delegations.view(accepted[0].state), status=201, rev=1, headers=location),
    )


async def list_delegations(request: Request) -> Response:
    """`GET /v1/delegations`: all that were ever given, oldest first."""
    return await listing(request, delegations.KIND, caller(request, "approvals:read"))


async def get_delegation(request: Request) -> Response:
    """`GET /v1/delegations/{id}`, with its ETag."""
    context, delegation_id = caller(request, "approvals:read"), request.path_params["id"]
    missing = NotFound(f"there is no delegation {delegation_id}")
    return await one(request, f"{delegations.KIND}/{delegation_id}", context, missing=missing)


@needs("approvals:decide")
async def revoke(request: Request) -> Response:
    """`DELETE /v1/delegations/{id}`: 200 with the delegation, by which nobody decides any more."""
    context, delegation_id = caller(request, "approvals:decide"), request.path_params["id"]
    proposal = Asked(f"{delegations.KIND}/{delegation_id}", delegations.Revoke())
    return await committed(
        request, context, [proposal], lambda accepted: answer(delegations.view(accepted[0].state))
    )


routes = [
    Route("/v1/delegations", give, methods=["POST"]),
    Route("/v1/delegations", list_delegations, methods=["GET"]),
    Route("/v1/delegations/{id}", get_delegation, methods=["GET"]),
    Route("/v1/delegations/{id}", revoke, methods=["DELETE"]),
]
