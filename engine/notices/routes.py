"""HTTP for notices: what there is, and that somebody has seen to it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.http.requests import answer, caller, kernel, listing
from engine.http.rights import needs
from engine.notices.reducer import KIND, Dismiss, published


@needs("missions:read")
async def list_notices(request: Request) -> Response:
    """`GET /v1/notices`: those that nobody has dismissed."""
    return await listing(request, KIND, caller(request, "missions:read"))


@needs("missions:write")
async def dismiss(request: Request) -> Response:
    """`POST /v1/notices/{id}/dismiss`: 200 with the notice, which is then gone from the list."""
    context = caller(request, "missions:write")
    stream = f"{KIND}/{request.path_params['id']}"
    accepted = await kernel(request).dispatch.propose(stream, Dismiss(), context)
    return answer(published(accepted.state))


routes = [
    Route("/v1/notices", list_notices, methods=["GET"]),
    Route("/v1/notices/{id}/dismiss", dismiss, methods=["POST"]),
]
