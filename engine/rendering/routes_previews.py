"""HTTP for looking at a timeline before it is rendered: one exact frame, and the plan."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.codec import seconds_from
from engine.editing.profiles import profile_named
from engine.http.requests import answer, caller, query_integer
from engine.kernel.errors import Invalid
from engine.media.timecode import frame_floor
from engine.rendering.previews import Looked, Previews, frame_of, proxies_of
from engine.rendering.proxies.drafting import drafted
from engine.rendering.stills import StillFormat

T = TypeVar("T")

USUAL_PROFILE: Final = "source"
QUALITIES: Final = ("exact", "draft")
TYPES: Final[dict[StillFormat, str]] = {"png": "image/png", "jpeg": "image/jpeg"}


async def get_frame(request: Request) -> Response:
    """`GET /v1/timelines/{id}/frame?at=` (exact seconds) or `?frame=`: the picture that an export has there.

    A PNG, or a JPEG by `format=jpeg` or `Accept`. `profile` and `version` as for the plan. With `quality=draft` the same frame
    comes no larger than a draft, from proxies; `Cutroom-Proxies` names those that it was made from. The ETag stays the same
    for as long as the picture does, whatever else is edited.
    """
    previews: Previews = request.app.state.previews
    kind = _format(request)
    # What an export copies is what the source shows: a frame of it is made all the same.
    looked = await _looked(request, lenient=False, copies=False)
    number = _number(request, looked)
    _, name = frame_of(looked.plan, number)
    headers = {
        "ETag": f'"{name}.{kind}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept",
        "Cutroom-Frame": str(number),
    }
    if looked.profile.proxies:
        headers["Cutroom-Proxies"] = ",".join(proxies_of(looked, number))
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    data = await while_wanted(request, previews.frame(looked, number, kind))
    return Response(data, media_type=TYPES[kind], headers=headers)


async def get_plan(request: Request) -> Response:
    """`GET /v1/timelines/{id}/plan`: what a render would do; nothing is done. What is missing is a warning."""
    context = caller(request, "media:read")
    previews: Previews = request.app.state.previews
    return answer(await previews.plan(await _looked(request, lenient=True, copies=True), context))


async def _looked(request: Request, *, lenient: bool, copies: bool) -> Looked:
    context = caller(request, "media:read")
    previews: Previews = request.app.state.previews
    asked = request.query_params
    version = query_integer(request, "version", 1, least=1) if "version" in asked else None
    profile = profile_named(asked.get("profile", USUAL_PROFILE))
    profile = profile if copies else replace(profile, copies="never")
    profile = drafted(profile) if not copies and _quality(request) == "draft" else profile
    return await previews.look(request.path_params["id"], version, profile, context, lenient=lenient)


def _quality(request: Request) -> str:
    asked = request.query_params.get("quality", QUALITIES[0])
    if asked not in QUALITIES:
        raise Invalid(f"quality is {asked[:20]!r}: {' or '.join(QUALITIES)}", field="quality")
    return asked


def _format(request: Request) -> StillFormat:
    asked = request.query_params.get("format")
    match asked:
        case "png" | "jpeg":
            return asked
        case None:
            accepted = request.headers.get("accept", "")
            return "jpeg" if "image/jpeg" in accepted and "image/png" not in accepted else "png"
        case _:
            raise Invalid(f"format is {asked[:20]!r}: png or jpeg", field="format")


def _number(request: Request, looked: Looked) -> int:
    asked = request.query_params
    if ("at" in asked) == ("frame" in asked):
        raise Invalid("say which frame: at= (seconds) or frame= (its number), not both", field="at")
    if "frame" in asked:
        return query_integer(request, "frame", 0, least=0)
    try:
        at = seconds_from(asked["at"])
    except ValueError as error:
        raise Invalid(f"at: {error}", field="at") from None
    if not 0 <= at < looked.plan.duration:
        raise Invalid(f"at is {at}: the film lasts [0, {looked.plan.duration}) s", field="at")
    return frame_floor(at, looked.plan.encoder.rate)


async def while_wanted(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do work for as long as the client waits for it.

    Raises:
        ClientDisconnect: it no longer does; the work was cancelled.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        for task in (doing, gone):
            task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


routes: Final = [
    Route("/v1/timelines/{id}/frame", get_frame, methods=["GET"]),
    Route("/v1/timelines/{id}/plan", get_plan, methods=["GET"]),
]
