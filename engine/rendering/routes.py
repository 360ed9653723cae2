"""HTTP for renders: what there is, the file itself, and stopping one."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from cutroom_sdk.wire.renders import Render
from engine.http.replies import committed
from engine.http.requests import answer, caller, kernel, listing, one
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import NotFound
from engine.rendering.reducer import KIND, Cancel, resources


async def list_renders(request: Request) -> Response:
    """`GET /v1/renders`."""
    return await listing(request, KIND, caller(request, "renders:read"))


async def get_render(request: Request) -> Response:
    """`GET /v1/renders/{render_id}`."""
    context = caller(request, "renders:read")
    render_id = request.path_params["render_id"]
    return await one(request, f"{KIND}/{render_id}", context, missing=_missing(render_id))


async def get_content(request: Request) -> Response:
    """`GET /v1/renders/{render_id}/content`: the finished file, whole or the byte ranges asked for (RFC 9110, 14)."""
    render = await _render(request, caller(request, "renders:read"))
    blobs = kernel(request).blobs
    if render.output is None or not blobs.has(render.output.sha256):
        raise NotFound(f"the render {render.render_id} has no file (it is {render.state})")
    return FileResponse(
        blobs.path(render.output.sha256),
        media_type="video/mp4",
        headers={
            "ETag": f'"{render.output.sha256}"',
            "Cache-Control": "private, immutable, max-age=31536000",
        },
    )


@needs("renders:write")
async def cancel_render(request: Request) -> Response:
    """`POST /v1/renders/{render_id}/cancel`: end it; finished segments are kept for the next time."""
    context = caller(request, "renders:write")
    render = await _render(request, context)
    stream = f"{KIND}/{render.render_id}"

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(resources(render.render_id, accepted[0].state)[stream])

    return await committed(request, context, [Asked(stream, Cancel())], told)


async def _render(request: Request, context: Context) -> Render:
    render_id = request.path_params["render_id"]
    render = await kernel(request).resources.value(f"{KIND}/{render_id}", Render, context.partition)
    if render is None:
        raise _missing(render_id)
    return render


def _missing(render_id: str) -> NotFound:
    return NotFound(f"there is no render {render_id[:64]}", render_id=render_id[:64])


routes: Final = [
    Route("/v1/renders", list_renders, methods=["GET"]),
    Route("/v1/renders/{render_id}", get_render, methods=["GET"]),
    Route("/v1/renders/{render_id}/content", get_content, methods=["GET"]),
    Route("/v1/renders/{render_id}/cancel", cancel_render, methods=["POST"]),
]
