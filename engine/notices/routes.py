"""HTTP for notices: what there is, and that somebody has seen to it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.http.replies import committed
from engine.http.requests import answer, caller, listing
from engine.http.rights import needs
from engine.kernel.dispatch import Asked
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
    asked = [Asked(stream, Dismiss())]
    return await committed(request, context, asked, lambda accepted: answer(published(accepted[0].state)))


routes = [
    Route("/v1/notices", list_notices, methods=["GET"]),
    Route("/v1/notices/{id}/dismiss", dismiss, methods=["POST"]),
]
