"""HTTP for who looks at the daemon from outside: the description of its interface, and its figures."""

import functools
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from engine.http import exposition, figures
from engine.http.requests import caller, identified
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.errors import Forbidden


@functools.cache
def document() -> bytes:
    """Return the OpenAPI document as it was made from the wire and the routes: `specs/openapi.json`, to the byte."""
    return files(__package__).joinpath("openapi.json").read_bytes()


async def describe(request: Request) -> Response:
    """`GET /openapi.json`: every route, what it takes and what it answers (OpenAPI 3.1)."""
    identified(request)
    return Response(document(), media_type="application/json")


async def measure(request: Request) -> Response:
    """`GET /metrics`: figures since the start, in the text format of Prometheus (0.0.4).

    They are of all tenants, so it takes `log:read` in the partition of the operator.
    """
    context = caller(request, "log:read")
    if context.partition != DEFAULT_PARTITION:
        raise Forbidden(
            f"the figures are of all tenants: this needs log:read in {DEFAULT_PARTITION}, and the token of "
            f"{context.actor} is for {context.partition}"
        )
    found = await figures.families(request.app)
    return Response(exposition.text(found), headers={"Content-Type": exposition.MEDIA_TYPE})


routes: list[BaseRoute] = [
    Route("/openapi.json", describe),
    Route("/metrics", measure),
]
