"""HTTP for approvals: reading them. A decision also changes what it is about, so deciding is in `engine.wiring`."""

from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.approvals import Approval, ApprovalState
from cutroom_sdk.wire.codec import decode
from engine.http.requests import caller, one
from engine.http.selection import selection
from engine.kernel.errors import Invalid, NotFound


async def list_approvals(request: Request) -> Response:
    """`GET /v1/approvals`, sorted by id; `?state=pending` leaves the others out."""
    context = caller(request, "approvals:read")
    state = request.query_params.get("state")
    if state is not None and state not in get_args(ApprovalState):
        raise Invalid(
            f"no approval is ever {state!r}; there are {', '.join(get_args(ApprovalState))}", field="state"
        )
    return await selection(
        request,
        "approval",
        context,
        wanted=lambda record: state is None or decode(record.value, Approval).state == state,
    )


async def get_approval(request: Request) -> Response:
    """`GET /v1/approvals/{id}`, with its ETag."""
    context, approval_id = caller(request, "approvals:read"), request.path_params["id"]
    missing = NotFound(f"there is no approval {approval_id}")
    return await one(request, f"approval/{approval_id}", context, missing=missing)


routes = [
    Route("/v1/approvals", list_approvals, methods=["GET"]),
    Route("/v1/approvals/{id}", get_approval, methods=["GET"]),
]
