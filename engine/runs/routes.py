"""HTTP for runs: reading them. What changes a run goes through its mission."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.http.requests import caller, one
from engine.kernel.errors import NotFound


async def get_run(request: Request) -> Response:
    """`GET /v1/runs/{id}`, with its ETag."""
    context, run_id = caller(request, "missions:read"), request.path_params["id"]
    return await one(request, f"run/{run_id}", context, missing=NotFound(f"there is no run {run_id}"))


routes = [Route("/v1/runs/{id}", get_run, methods=["GET"])]
