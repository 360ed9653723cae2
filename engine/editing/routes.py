"""HTTP for editing: the target profiles. Plans are artifacts and are read as such."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.editing.profiles import profiles
from engine.http.requests import answer, caller, kernel


async def list_profiles(request: Request) -> Response:
    """Answer all target profiles, in the order of the table; they are few and come as one page."""
    caller(request, "renders:read")
    return answer(
        {"items": list(profiles().values()), "next": None, "position": kernel(request).dispatch.head}
    )


routes = [Route("/v1/profiles", list_profiles, methods=["GET"])]
