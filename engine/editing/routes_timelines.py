"""HTTP for timelines: decode, propose, encode. Rules live in the reducer."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.timelines import (
    ForkRequest,
    OperationsRequest,
    StoredTimeline,
    TimelineOrigin,
    TimelineRequest,
    UndoRequest,
)
from engine.editing.pages import KIND
from engine.editing.reading import current, history_of, read_timeline, timeline_at
from engine.editing.reducer import Create, Edit, Kept, TakeBack, head
from engine.editing.timeline import duration
from engine.editing.undo import in_the_way, nothing_left, overtaken, redoing, undoing
from engine.http.replies import committed
from engine.http.requests import (
    answer,
    body,
    body_of_known,
    caller,
    etag,
    kernel,
    position_asked,
    query_integer,
    unchanged,
)
from engine.http.rights import needs
from engine.http.selection import selection
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Conflict, Invalid
from engine.kernel.ids import new_id
from engine.kernel.resources import Record


@needs("media:write")
async def create_timeline(request: Request) -> Response:
    """`POST /v1/timelines`: keep a timeline; 201 with it, at version 1."""
    context = caller(request, "media:write")
    asked = await body_of_known(request, TimelineRequest)
    return await _kept(request, context, Create(timeline=asked.timeline))


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


@needs("media:write")
async def edit_timeline(request: Request) -> Response:
    """`POST /v1/timelines/{id}/operations`: carry operations out, all of them or none; 200 with the head.

    Another version than the expected one is 409 `version_conflict`; `operations` are the edits made since.
    """
    context, timeline_id = caller(request, "media:write"), request.path_params["id"]
    asked = await body_of_known(request, OperationsRequest)
    edit = Asked(f"{KIND}/{timeline_id}", Edit(operations=asked.operations), asked.expected_version)
    try:
        return await committed(request, context, [edit], _told)
    except Conflict as conflict:
        history, _ = await history_of(kernel(request).log, timeline_id, context.partition)
        raise overtaken(conflict, history, asked.expected_version) from conflict


@needs("media:write")
async def undo_timeline(request: Request) -> Response:
    """`POST /v1/timelines/{id}/undo`: take back the caller's newest edit that stands; 200 with the head.

    409 `version_conflict` names later edits that touched the same; 410 `compacted` when the log no longer has it.
    """
    return await _take_back(request, caller(request, "media:write"), "undo")


@needs("media:write")
async def redo_timeline(request: Request) -> Response:
    """`POST /v1/timelines/{id}/redo`: do again what the caller undid last; 200 with the head. Refused as undo is."""
    return await _take_back(request, caller(request, "media:write"), "redo")


async def _take_back(request: Request, context: Context, what: Literal["undo", "redo"]) -> Response:
    timeline_id, studio = request.path_params["id"], kernel(request)
    asked = await body(request, UndoRequest)
    while True:
        history, before = await history_of(studio.log, timeline_id, context.partition)
        version = history[-1].version if history else before
        if asked.expected_version not in (None, version):
            stale = Conflict(
                f"timeline/{timeline_id} is at version {version}, not {asked.expected_version}",
                expected=asked.expected_version or 0,
                actual=version,
            )
            raise overtaken(stale, history, asked.expected_version or 0)
        found = (undoing if what == "undo" else redoing)(history, context.actor)
        if found is None:
            raise nothing_left(what, context.actor, before)
        proposal = TakeBack(what=what, of=found.of, changes=found.changes)
        try:
            return await committed(
                request, context, [Asked(f"{KIND}/{timeline_id}", proposal, version)], _told
            )
        except Invalid as unfit:
            # Nothing touched the same piece, and yet what stands beside it now does not go with it.
            raise in_the_way(history, found.of) from unfit
        except Conflict:
            continue  # somebody was faster: look again at what is there now


@needs("media:write")
async def fork_timeline(request: Request) -> Response:
    """`POST /v1/timelines/{id}/fork`: a new timeline that begins as this one was at a version; 201 with it."""
    context, origin = caller(request, "media:write"), request.path_params["id"]
    asked, studio = await body(request, ForkRequest), kernel(request)
    found = await read_timeline(
        studio.resources, studio.log, origin, context.partition, version=asked.version
    )
    timeline = found.timeline if asked.name is None else replace(found.timeline, name=asked.name)
    source = TimelineOrigin(timeline_id=origin, version=found.version)
    return await _kept(request, context, Create(timeline=timeline, forked_from=source))


async def _kept(request: Request, context: Context, proposal: Create) -> Response:
    timeline_id = new_id(kernel(request).clock.now_ms())
    location = {"Location": f"/v1/timelines/{timeline_id}"}

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(whole(accepted[0].state), status=201, rev=1, headers=location)

    return await committed(request, context, [Asked(f"{KIND}/{timeline_id}", proposal)], told)


def _told(accepted: Sequence[Accepted]) -> Response:
    kept: Kept = accepted[0].state
    assert kept.timeline is not None
    return answer(head(kept, kept.timeline))


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
    Route("/v1/timelines/{id}/operations", edit_timeline, methods=["POST"]),
    Route("/v1/timelines/{id}/undo", undo_timeline, methods=["POST"]),
    Route("/v1/timelines/{id}/redo", redo_timeline, methods=["POST"]),
    Route("/v1/timelines/{id}/fork", fork_timeline, methods=["POST"]),
]
