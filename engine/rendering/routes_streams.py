"""HTTP for streams: a timeline played while it is made."""

from fractions import Fraction
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cutroom_sdk.wire.codec import seconds_from
from engine.editing.profiles import profile_named
from engine.http.requests import caller, query_integer
from engine.kernel.errors import Invalid
from engine.rendering.jobs import Jobs
from engine.rendering.streaming.sending import stream

PROFILES: Final = ("draft", "preview")


async def stream_timeline(request: Request) -> Response:
    """`GET /v1/timelines/{id}/stream`: fragmented MP4 from `?from=` seconds on; it ends when the client goes."""
    context = caller(request, "renders:read")
    asked = request.query_params
    profile = asked.get("profile", PROFILES[0])
    if profile not in PROFILES:
        raise Invalid(
            f"profile is {profile[:40]!r}; a stream is made for {' or '.join(PROFILES)}", field="profile"
        )
    version = query_integer(request, "version", 1, least=1) if "version" in asked else None
    jobs: Jobs = request.app.state.render_jobs
    timeline, found = await jobs.read(request.path_params["id"], version, context)
    content = await stream(jobs, timeline, profile_named(profile), _begin(asked.get("from", "0")), context)
    headers = {"Cache-Control": "no-store", "Accept-Ranges": "none", "X-Timeline-Version": str(found)}
    return StreamingResponse(content, media_type="video/mp4", headers=headers)


def _begin(text: str) -> Fraction:
    try:
        begin = seconds_from(text)
    except ValueError as error:
        raise Invalid(f"from: {error}", field="from") from error
    if begin < 0:
        raise Invalid(f"from is {text}; 0 or more seconds are taken", field="from")
    return begin


routes: Final = [Route("/v1/timelines/{id}/stream", stream_timeline, methods=["GET"])]
