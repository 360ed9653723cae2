"""HTTP for missions: decode, propose, encode. Rules live in the reducer.

What changes a mission together with its runs or approvals, `POST /v1/missions/{id}/events`, is in `engine.wiring`.
"""

import sys
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, get_args

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.codec import convert, decode, to_builtins
from cutroom_sdk.wire.missions import (
    Mission,
    MissionRequest,
    MissionStatus,
    MissionTemplate,
    TemplateArgument,
    WorkItemDetail,
)
from cutroom_sdk.wire.runs import Run
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, etag, kernel, unchanged
from engine.http.rights import needs
from engine.http.selection import selection
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Invalid, NotFound
from engine.kernel.ids import new_id
from engine.kernel.resources import Record
from engine.missions import specs, templates, views
from engine.missions.preview import preview
from engine.missions.templates import listed

PAST_MAX: Final = 5_000  # runs that times are taken from
ALL: Final = sys.maxsize  # in one read: a mission and its items are of one moment


@needs("missions:write")
async def create(request: Request) -> Response:
    """`POST /v1/missions`: 201 with the mission, a draft unless `start` was asked for."""
    context = caller(request, "missions:write")
    asked = await body(request, MissionRequest)
    studio = kernel(request)
    proposal = specs.read(await listed(asked, studio.tools, context), studio.tools, context)
    mission_id = new_id(studio.clock.now_ms())
    location = {"Location": f"/v1/missions/{mission_id}"}

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(views.head(accepted[0].state), status=201, rev=1, headers=location)

    return await committed(request, context, [Asked(f"mission/{mission_id}", proposal)], told)


@needs("missions:write")
async def preview_mission(request: Request) -> Response:
    """`POST /v1/missions/preview`: what `POST /v1/missions` with this body would make; nothing is made."""
    context = caller(request, "missions:write")
    asked = await body(request, MissionRequest)
    studio = kernel(request)
    proposal = specs.read(await listed(asked, studio.tools, context), studio.tools, context)
    past = await studio.resources.page(["run"], context.partition, limit=PAST_MAX, visible=_is_head)
    return answer(preview(proposal, studio.tools, [decode(record.value, Run) for record in past.items]))


async def list_missions(request: Request) -> Response:
    """`GET /v1/missions`: heads, oldest first. `?status=running,paused` leaves the others out; so does `?key=`.

    `key` is compared with the `key` of the missions' metadata: how a caller finds its own again.
    """
    context = caller(request, "missions:read")
    statuses, key = _statuses(request), request.query_params.get("key")

    def wanted(record: Record) -> bool:
        mission = decode(record.value, Mission)
        return mission.status in statuses and (key is None or mission.metadata.get("key") == key)

    # Under the same prefix lie the missions' items and what clients keep there: only heads are wanted.
    return await selection(request, "mission", context, wanted=wanted, among=_is_head)


async def get_mission(request: Request) -> Response:
    """`GET /v1/missions/{id}`, with its ETag and all of its items."""
    context, mission_id = caller(request, "missions:read"), request.path_params["id"]
    key = f"mission/{mission_id}"
    page = await kernel(request).resources.page([key], context.partition, limit=ALL)
    found = {record.key: record for record in page.items}
    record = found.pop(key, None)
    if record is None:
        raise NotFound(f"there is no mission {mission_id}", code="mission_not_found")
    if unchanged(request, record.rev):
        return Response(status_code=304, headers={"ETag": etag(record.rev)})
    mission = decode(record.value, Mission)
    if mission.work_items:
        return answer(msgspec.Raw(record.value), rev=record.rev)
    parts = [
        decode(one.value, WorkItemDetail) for name, one in found.items() if name.startswith(f"{key}/item/")
    ]
    items = tuple(part.item for part in sorted(parts, key=attrgetter("place")))
    return answer(replace(mission, work_items=items), rev=record.rev)


async def list_templates(request: Request) -> Response:
    """`GET /v1/mission-templates`: what can be made from a template, and the arguments each takes."""
    caller(request, "missions:read")
    items = []
    for name in templates.names():
        template = templates.load(name)
        args = {arg: convert(taken, TemplateArgument) for arg, taken in to_builtins(template.args).items()}
        items.append(MissionTemplate(template=name, title=template.title, args=args))
    return answer({"items": items, "next": None, "position": kernel(request).dispatch.head})


def _is_head(key: str) -> bool:
    return key.count("/") == 1


def _statuses(request: Request) -> frozenset[str]:
    every = get_args(MissionStatus)
    text = request.query_params.get("status")
    if text is None:
        return frozenset(every)
    asked = frozenset(text.split(","))
    if unknown := sorted(asked.difference(every)):
        raise Invalid(f"no mission is ever {unknown[0]!r}; there are {', '.join(every)}", field="status")
    return asked


routes = [
    Route("/v1/missions", create, methods=["POST"]),
    Route("/v1/missions", list_missions, methods=["GET"]),
    Route("/v1/missions/preview", preview_mission, methods=["POST"]),
    Route("/v1/missions/{id}", get_mission, methods=["GET"]),
    Route("/v1/mission-templates", list_templates, methods=["GET"]),
]
