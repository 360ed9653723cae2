"""HTTP for timelines: decode, propose, encode. Rules live in the reducer."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.timelines import StoredTimeline, TimelineRequest
from engine.editing.reading import current, read_timeline, timeline_at
from engine.editing.reducer import KIND, Create, Kept
from engine.editing.timeline import duration
from engine.http.replies import committed
from engine.http.requests import (
    answer,
    body,
    caller,
    etag,
    kernel,
    position_asked,
    query_integer,
    unchanged,
)
from engine.http.rights import needs
from engine.http.selection import selection
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Invalid
from engine.kernel.ids import new_id
from engine.kernel.resources import Record


@needs("media:write")
async def create_timeline(request: Request) -> Response:
    """`POST /v1/timelines`: keep a timeline; 201 with it, at version 1."""
    context = caller(request, "media:write")
    asked = await body(request, TimelineRequest)
    timeline_id = new_id(kernel(request).clock.now_ms())
    location = {"Location": f"/v1/timelines/{timeline_id}"}

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(whole(accepted[0].state), status=201, rev=1, headers=location)

    proposal = Create(timeline=asked.timeline)
    return await committed(request, context, [Asked(f"{KIND}/{timeline_id}", proposal)], told)


async def list_timelines(request: Request) -> Response:
    """`GET /v1/timelines`: heads, oldest first."""
    context = caller(request, "media:read")
    return await selection(request, KIND, context, wanted=_every, among=_is_head)


async def get_timeline(request: Request) -> Response:
    """`GET /v1/timelines/{id}`, whole; `?version=` or `?at=` (a position of the log) as it was."""
    context, timeline_id = caller(request, "media:read"), request.path_params["id"]
    studio, asked = kernel(request), request.query_params
    if "at" in asked and "version" in asked:
        raise Invalid("a timeline is asked for as of a position or as of a version, not both", field="at")
    if "at" in asked:
        position = position_asked(request)
        return answer(await timeline_at(studio.resources, timeline_id, context.partition, position))
    if "version" in asked:
        version = query_integer(request, "version", 1, least=1)
        return answer(
            await read_timeline(studio.resources, studio.log, timeline_id, context.partition, version=version)
        )
    found, record = await current(studio.resources, timeline_id, context.partition)
    if unchanged(request, record.rev):
        return Response(status_code=304, headers={"ETag": etag(record.rev)})
    return answer(found, rev=record.rev)


def whole(kept: Kept) -> StoredTimeline:
    """Return a kept timeline as it is answered."""
    assert kept.timeline is not None
    return StoredTimeline(
        timeline_id=kept.timeline_id,
        version=kept.version,
        timeline=kept.timeline,
        duration=duration(kept.timeline),
        created_by=kept.created_by,
        created_at_ms=kept.created_at_ms,
        edited_by=kept.edited_by,
        edited_at_ms=kept.edited_at_ms,
        forked_from=kept.forked_from,
    )


def _is_head(key: str) -> bool:
    return key.count("/") == 1


def _every(_record: Record) -> bool:
    return True


routes: Final = [
    Route("/v1/timelines", create_timeline, methods=["POST"]),
    Route("/v1/timelines", list_timelines, methods=["GET"]),
    Route("/v1/timelines/{id}", get_timeline, methods=["GET"]),
]
