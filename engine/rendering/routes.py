"""HTTP for renders: asking for one, what there is, the file itself; canceling, pausing, resuming."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from cutroom_sdk.wire.renders import Render, RenderRequest
from engine.editing.interchange.formats import FORMS
from engine.editing.profiles import profile_named
from engine.editing.validate import check_timeline
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, kernel, listing, one
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Invalid, NotFound
from engine.rendering.jobs import Jobs
from engine.rendering.ordering import Wanted
from engine.rendering.receipts import receipt_of
from engine.rendering.reducer import KIND, Cancel, Pause, Queue, Resume, resources

TYPES: Final = {"mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/matroska", "webm": "video/webm"}


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
        media_type=TYPES[render.output.container],
        headers={
            "ETag": f'"{render.output.sha256}"',
            "Cache-Control": "private, immutable, max-age=31536000",
        },
    )


async def get_captions(request: Request) -> Response:
    """`GET /v1/renders/{render_id}/captions/{number}`: a file of captions that belongs beside the film, from 0."""
    render = await _render(request, caller(request, "renders:read"))
    asked, blobs = request.path_params["number"], kernel(request).blobs
    found = {str(number): one for number, one in enumerate(render.sidecars)}.get(asked)
    if found is None or not blobs.has(found.sha256):
        there = f"it has {len(render.sidecars)}, numbered from 0"
        raise NotFound(f"the render {render.render_id} has no file of captions {asked[:16]!r}: {there}")
    return FileResponse(
        blobs.path(found.sha256),
        media_type=FORMS[found.format].media_type,
        headers={"ETag": f'"{found.sha256}"', "Cache-Control": "private, immutable, max-age=31536000"},
    )


async def get_receipt(request: Request) -> Response:
    """`GET /v1/renders/{render_id}/receipt`: what went into the finished file, what was done and checked."""
    context = caller(request, "renders:read")
    return answer(await receipt_of(kernel(request), request.path_params["render_id"], context))


@needs("renders:write")
async def ask_render(request: Request) -> Response:
    """`POST /v1/renders`: put a timeline into the queue; 503 with `Retry-After` when too many wait."""
    context = caller(request, "renders:write")
    jobs: Jobs = request.app.state.render_jobs
    ordered = await jobs.order(await _wanted(await body(request, RenderRequest), jobs, context), context)
    with jobs.place(ordered, context):
        return await _asked(request, context, ordered.render_id, Queue(order=ordered.order), status=202)


@needs("renders:write")
async def cancel_render(request: Request) -> Response:
    """`POST /v1/renders/{render_id}/cancel`: end it; finished segments are kept for the next time."""
    return await _told(request, Cancel())


@needs("renders:write")
async def pause_render(request: Request) -> Response:
    """`POST /v1/renders/{render_id}/pause`: end its work until it is resumed; finished segments are kept."""
    return await _told(request, Pause())


@needs("renders:write")
async def resume_render(request: Request) -> Response:
    """`POST /v1/renders/{render_id}/resume`: put one that is paused, failed or canceled back into the queue."""
    return await _told(request, Resume())


async def _wanted(asked: RenderRequest, jobs: Jobs, context: Context) -> Wanted:
    profile = profile_named(asked.profile)
    timeline, version = asked.timeline, None
    if (timeline is None) == (asked.timeline_id is None):
        raise Invalid("name a timeline_id, or give a timeline, and not both", field="timeline_id")
    if timeline is None:
        assert asked.timeline_id is not None, "one of the two is there"
        timeline, version = await jobs.read(asked.timeline_id, asked.version, context)
    elif asked.version is not None:
        raise Invalid("version goes with timeline_id", field="version")
    else:
        # What is kept may be old, and is mended with a notice; what is asked for now has to be right.
        check_timeline(timeline)
    return Wanted(
        timeline=timeline,
        profile=profile,
        timeline_id=asked.timeline_id,
        timeline_version=version,
        job_id=asked.job_id,
        priority=asked.priority,
        captions=asked.captions,
    )


async def _told(request: Request, proposal: Any) -> Response:
    context = caller(request, "renders:write")
    render = await _render(request, context)
    return await _asked(request, context, render.render_id, proposal, status=200)


async def _asked(
    request: Request, context: Context, render_id: str, proposal: Any, *, status: int
) -> Response:
    stream = f"{KIND}/{render_id}"

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(resources(render_id, accepted[0].state)[stream], status=status)

    return await committed(request, context, [Asked(stream, proposal)], told)


async def _render(request: Request, context: Context) -> Render:
    render_id = request.path_params["render_id"]
    render = await kernel(request).resources.value(f"{KIND}/{render_id}", Render, context.partition)
    if render is None:
        raise _missing(render_id)
    return render


def _missing(render_id: str) -> NotFound:
    return NotFound(f"there is no render {render_id[:64]}", render_id=render_id[:64])


routes: Final = [
    Route("/v1/renders", ask_render, methods=["POST"]),
    Route("/v1/renders", list_renders, methods=["GET"]),
    Route("/v1/renders/{render_id}", get_render, methods=["GET"]),
    Route("/v1/renders/{render_id}/content", get_content, methods=["GET"]),
    Route("/v1/renders/{render_id}/captions/{number}", get_captions, methods=["GET"]),
    Route("/v1/renders/{render_id}/receipt", get_receipt, methods=["GET"]),
    Route("/v1/renders/{render_id}/cancel", cancel_render, methods=["POST"]),
    Route("/v1/renders/{render_id}/pause", pause_render, methods=["POST"]),
    Route("/v1/renders/{render_id}/resume", resume_render, methods=["POST"]),
]
