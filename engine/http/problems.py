"""Errors on their way out: every one becomes `application/problem+json` (RFC 9457)."""

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from cutroom_sdk.wire.codec import encode, to_builtins
from engine.kernel.errors import NotFound, StudioError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)


def problem_response(error: StudioError, instance: str = "") -> Response:
    """Return the answer for an error; its own fields stand beside the standard ones."""
    problem: dict[str, Any] = to_builtins(error.problem(instance))
    own = problem.pop("extra")
    headers = {"WWW-Authenticate": "Bearer"} if error.meaning.status == 401 else None
    if error.meaning.status == 503:
        headers = {"Retry-After": str(error.extra.get("retry_after_s", 1))}
    return Response(encode(own | problem), error.meaning.status, headers, MEDIA_TYPE)


async def on_studio_error(request: Request, error: Exception) -> Response:
    """Answer an error of the tree."""
    assert isinstance(error, StudioError)
    # The gate tells the audit of it; this is where the error was seen last.
    request.state.refused = error
    return problem_response(error, request.url.path)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refused = StudioError(f"{request.method} is not possible here", code="method_not_allowed")
        response = problem_response(refused, request.url.path)
        response.headers.update(error.headers or {})
        return response
    return problem_response(NotFound(f"there is nothing at {request.url.path}"), request.url.path)


def bug_response(scope: Scope, error: Exception) -> Response:
    """Return the answer for what nobody foresaw; the trace goes to the program's log, not to the caller."""
    _log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
    bug = StudioError("an error inside the daemon; its log has the trace", code="internal")
    return problem_response(bug, scope["path"])
