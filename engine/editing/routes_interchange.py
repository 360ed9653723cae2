"""HTTP for timelines as files of other programs: decode, convert, propose, encode."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.interchange import Loss, TimelineExport, TimelineImport, TimelineImportRequest
from cutroom_sdk.wire.media import Asset
from engine.editing.interchange.captions_into import CAPTIONS, fitting, laid_on
from engine.editing.interchange.formats import Form, form_named, form_of
from engine.editing.interchange.losses import Imported
from engine.editing.interchange.settings import Asked as Wanted
from engine.editing.interchange.shelf import Shelf
from engine.editing.pages import KIND
from engine.editing.reading import read_timeline
from engine.editing.reducer import Create, Edit
from engine.http.replies import committed
from engine.http.requests import (
    answer,
    caller,
    check_content_type,
    kernel,
    query_integer,
    raw_body,
    read_json,
)
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Conflict, Invalid
from engine.kernel.ids import new_id

# A feature film's FCPXML has some megabytes; reading one is the work of seconds.
IMPORT_MAX: Final = 12 << 20


async def export_timeline(request: Request) -> Response:
    """`GET /v1/timelines/{id}/export?format=`: the timeline as a file's text, and what the file does not say.

    `?version=` takes it as it was at that version.
    """
    context, timeline_id = caller(request, "media:read"), request.path_params["id"]
    version = query_integer(request, "version", 0, least=0) or None
    studio = kernel(request)
    found = await read_timeline(studio.resources, studio.log, timeline_id, context.partition, version=version)
    # Last: whether there is such a timeline is told first.
    form = form_named(request.query_params.get("format", ""))
    shelf = Shelf(await _assets(request, context))
    made = await asyncio.to_thread(form.write, found.timeline, shelf)
    stem = re.sub(r"[^\w. -]+", "_", found.timeline.name).strip(". ")[:80] or timeline_id
    return answer(
        TimelineExport(
            format=form.name,
            file_name=f"{stem}{form.suffixes[0]}",
            media_type=form.media_type,
            text=made.data.decode(),
            losses=made.losses,
        )
    )


@needs("media:write")
async def import_timeline(request: Request) -> Response:
    """`POST /v1/timelines/import`: keep what a file says as a new timeline; 201 with its id and what was not understood.

    With `into` captions are put on a timeline that is kept already, as an edit of it: 200 with its new version.
    """
    context = caller(request, "media:write")
    check_content_type(request)
    asked = read_json(await raw_body(request, most=IMPORT_MAX), TimelineImportRequest)
    form = form_named(asked.format) if asked.format is not None else form_of(asked.file_name, asked.text)
    if asked.into is not None:
        return await _captions_into(request, context, form, asked, asked.into)
    shelf = Shelf(await _assets(request, context), asked.assets)
    read = await asyncio.to_thread(_read, form, asked, shelf)
    timeline_id = new_id(kernel(request).clock.now_ms())
    location = {"Location": f"/v1/timelines/{timeline_id}"}

    def told(_: Sequence[Accepted]) -> Response:
        made = TimelineImport(timeline_id=timeline_id, version=1, format=form.name, losses=read.losses)
        return answer(made, status=201, headers=location)

    return await committed(
        request, context, [Asked(f"{KIND}/{timeline_id}", Create(timeline=read.timeline))], told
    )


async def _captions_into(
    request: Request, context: Context, form: Form, asked: TimelineImportRequest, timeline_id: str
) -> Response:
    given = [name for name in ("rate", "width", "height", "sample_rate") if getattr(asked, name) is not None]
    if given:
        raise Invalid(f"{given[0]} is the timeline's that takes the captions; leave it out", field=given[0])
    if form.name not in CAPTIONS:
        raise Invalid(
            f"into takes captions, a file of {', '.join(CAPTIONS)}; {form.name} makes a timeline of its own",
            field="into",
        )
    studio = kernel(request)
    while True:
        found = await read_timeline(studio.resources, studio.log, timeline_id, context.partition)
        read = await asyncio.to_thread(_read, form, fitting(asked, found.timeline), Shelf())
        edit = Edit(operations=laid_on(found.timeline, read.timeline.tracks, name=asked.name))

        def told(accepted: Sequence[Accepted], losses: tuple[Loss, ...] = read.losses) -> Response:
            version = accepted[0].state.version
            return answer(
                TimelineImport(timeline_id=timeline_id, version=version, format=form.name, losses=losses)
            )

        try:
            return await committed(
                request, context, [Asked(f"{KIND}/{timeline_id}", edit, found.version)], told
            )
        except Conflict:
            continue  # somebody was faster: the tracks are put on top of what is there now


def _read(form: Form, asked: TimelineImportRequest, shelf: Shelf) -> Imported:
    wanted = Wanted(
        name=asked.name,
        rate=asked.rate,
        width=asked.width,
        height=asked.height,
        sample_rate=asked.sample_rate,
    )
    return form.read(asked.text.encode("utf-8", "surrogatepass"), wanted, shelf)


async def _assets(request: Request, context: Context) -> list[Asset]:
    return await kernel(request).resources.values("asset", Asset, context.partition)


routes: Final = [
    Route("/v1/timelines/import", import_timeline, methods=["POST"]),
    Route("/v1/timelines/{id}/export", export_timeline, methods=["GET"]),
]
