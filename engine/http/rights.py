"""What a route asks of a token, said where the route is, and checked before anything of the request is looked at.

Whoever lacks the right learns nothing of what they sent: neither whether it was read nor whether it would have been valid.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from engine.kernel.context import Context
from engine.kernel.errors import Forbidden

_MARK: Final = "needs"
Endpoint = Callable[[Request], Awaitable[Response]]
E = TypeVar("E", bound=Endpoint)


def needs(*capabilities: str) -> Callable[[E], E]:
    """Have a route refuse (403) whoever holds none of these capabilities. Several: what is asked for says which counts."""

    def marked(endpoint: E) -> E:
        @functools.wraps(endpoint)
        async def checked(request: Request) -> Response:
            _check(request.scope, capabilities)
            return await endpoint(request)

        setattr(checked, _MARK, capabilities)
        return cast(E, checked)

    return marked


def needed_by(endpoint: Any) -> tuple[str, ...]:
    """Return the capabilities of which an endpoint needs one; empty when it decides by itself."""
    found: tuple[str, ...] = getattr(endpoint, _MARK, ())
    return found


def rights_check(routes: Sequence[BaseRoute]) -> Callable[[Scope], None]:
    """Return what refuses a request to one of `routes` ahead of the route: for who reads its body earlier than that."""

    def check(scope: Scope) -> None:
        for route in routes:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
                _check(scope, needed_by(route.endpoint))
                return

    return check


def _check(scope: Scope, capabilities: tuple[str, ...]) -> None:
    context: Context = scope["state"]["context"]
    if capabilities and not any(context.may(one) for one in capabilities):
        scope["state"]["capability"] = capabilities[0]
        wanted = " or ".join(capabilities)
        raise Forbidden(f"this needs the capability {wanted}, which the token of {context.actor} lacks")
