"""HTTP for frames: which frame of an asset begins nearest to a time, and when a frame begins."""

import asyncio
import re
from fractions import Fraction
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.media import FrameTime, FrameTimes
from engine.http.requests import answer, caller
from engine.kernel.errors import Invalid
from engine.media.effects import Media
from engine.media.index import FrameIndex

ASKED_MOST: Final = 1000
# Seconds as they are on the wire and as people write them, or a frame's number. Bounded, for a number is worked out whole.
TIME: Final = re.compile(
    r"(?P<seconds>[0-9]{1,12}(?:/0*[1-9][0-9]{0,11}|\.[0-9]{1,12})?)|(?P<frame>[0-9]{1,12})f", re.ASCII
)


async def get_frames(request: Request) -> Response:
    """`GET /v1/assets/{id}/frames?times=3/2,1.5,45f`: the frames whose starts are nearest, half way the earlier."""
    context = caller(request, "media:read")
    media: Media = request.app.state.media
    wanted = request.query_params.get("times", "")
    asked = [one for one in wanted.split(",") if one]
    if len(asked) > ASKED_MOST:
        raise Invalid(f"times names {len(asked)} times; {ASKED_MOST} are the most", field="times")
    asset = (await media.registrar.check(request.path_params["id"], context)).asset
    content = await media.registrar.index_bytes(asset, context)
    if content is None:
        raise Invalid(f"{asset.name} has no picture, and so no frames", field="id")
    index = await asyncio.to_thread(FrameIndex.from_bytes, content)
    items = tuple(frame_named(one, index) for one in asked)
    return answer(FrameTimes(items=items, frame_count=index.count, duration=index.duration))


def frame_named(asked: str, index: FrameIndex) -> FrameTime:
    """Return the frame that a time or a number names; the end is named too.

    Raises:
        Invalid: it is neither, or lies beyond the end.
    """
    found = TIME.fullmatch(asked)
    if found is None:
        raise Invalid(
            f"times names {asked[:40]!r}; seconds (3/2, 1.5) or a frame (45f) are taken", field="times"
        )
    if found["frame"] is not None:
        frame = int(found["frame"])
        beyond = frame > index.count
    else:
        seconds = Fraction(found["seconds"])
        beyond = seconds > index.duration + index.last_duration * index.time_base / 2
        frame = index.count if beyond else index.frame_nearest(min(seconds, index.duration))
    if beyond:
        raise Invalid(
            f"{asked} lies beyond the end: there are {index.count} frames, {float(index.duration):.3f} s",
            field="times",
        )
    return FrameTime(frame=frame, start=index.time_of(frame))


routes: Final = [Route("/v1/assets/{id}/frames", get_frames, methods=["GET"])]
