"""The ASGI application: the gate, the kept answers, the routes, and errors as problems."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from engine.http import routes, routes_outbox, routes_report, routes_upkeep
from engine.http.fan import Fan
from engine.http.figures import Requests
from engine.http.gate import CheckToken, Gate, Note
from engine.http.idempotency import Idempotency
from engine.http.problems import on_http_exception, on_studio_error
from engine.http.queries import taken
from engine.http.rights import rights_check
from engine.kernel.context import Context
from engine.kernel.errors import StudioError
from engine.kernel.kernel import Kernel

OWN_ROUTES: Final[list[BaseRoute]] = [
    *routes.routes,
    *routes_upkeep.routes,
    *routes_outbox.routes,
    *routes_report.routes,
]


def build_app(
    kernel: Kernel,
    *,
    features: Sequence[BaseRoute],
    check_token: CheckToken,
    hosts: Callable[[], frozenset[str]],
    health: Callable[[], Any],
    readiness: Callable[[], Any],
    note: Note | None = None,
    still_valid: Callable[[Context], bool] = lambda _: True,
) -> Starlette:
    """Return the application. `hosts` are the allowed `Host` headers, ports included.

    `note` is told what was refused and administered. `still_valid` tells whether somebody who came in may stay: streams
    of those that may not end.

    `app.state.closing` ends all streams when it is set.
    """
    served = [*OWN_ROUTES, *features]
    rights = rights_check(served)
    app = Starlette(
        routes=served,
        middleware=[
            Middleware(Requests),
            Middleware(Gate, check_token=check_token, hosts=hosts, note=note),
            Middleware(Idempotency, database=kernel.database, clock=kernel.clock, check_rights=rights),
        ],
        exception_handlers={StudioError: on_studio_error, HTTPException: on_http_exception},
    )
    app.state.kernel = kernel
    app.state.closing = asyncio.Event()
    app.state.streams = 0
    app.state.queries = taken(served, routes_report.document())
    app.state.requests = Counter[tuple[str, int]]()
    app.state.cut_short = Counter[int]()
    app.state.fan = Fan(kernel)
    app.state.still_valid = still_valid
    app.state.health = health
    app.state.readiness = readiness
    return app
