"""What tests of the border share: a kernel behind its application, asked directly or over a real socket."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.sse import SseMessage, SseParser
from engine.http.app import build_app
from engine.http.connection import Limits, protocol
from engine.http.replies import committed, replying
from engine.http.requests import answer, body, caller, kernel
from engine.http.short import ShortWay
from engine.kernel.clock import Clock
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.kernel import Kernel
from tests.kernel_kit import ADA, BOB, ELSEWHERE, Add, running

HOST: Final = "127.0.0.1:7717"
URL: Final = f"http://{HOST}"
CALLERS: Final = {
    "ada": ADA,
    "bob": BOB,
    "eve": ELSEWHERE,
    "reader": Context(actor="reader", capabilities=frozenset({"resources:read"})),
    "auditor": Context(actor="auditor", capabilities=frozenset({"log:read"})),
    "keeper": Context(actor="keeper", capabilities=frozenset({"log:read", "log:admin"})),
    "nobody": Context(actor="nobody"),
}


async def _add(request: Request) -> Response:
    """`POST /v1/counters/{name}` with the body of `Add`."""
    context = caller(request, "counters:write")
    asked = await body(request, Add)
    accepted = await kernel(request).dispatch.propose(
        f"counter/{request.path_params['name']}", asked, context
    )
    return answer(accepted.state, status=201)


async def _add_and_tell(request: Request) -> Response:
    """The same, with an answer that follows from the commit."""
    context = caller(request, "counters:write")
    asked = [Asked(f"counter/{request.path_params['name']}", await body(request, Add))]
    return await committed(request, context, asked, lambda accepted: answer(accepted[0].state, status=201))


async def _add_then_fail(request: Request) -> Response:
    await _add(request)
    raise ZeroDivisionError("a mistake after the effect")


async def _add_and_tell_then_fail(request: Request) -> Response:
    await _add_and_tell(request)
    raise ZeroDivisionError("a mistake after the effect")


async def _add_twice(request: Request) -> Response:
    """Two commits, of which the answer follows from the second, and is not said when the name is `lost`."""
    context, name = caller(request, "counters:write"), request.path_params["name"]

    def told(accepted: Sequence[Accepted]) -> Response | None:
        return None if accepted[0].version == 1 else answer(accepted[0].state)

    keeping = replying(request, context, told)
    for _ in range(2):
        accepted = await kernel(request).dispatch.propose(f"counter/{name}", Add(), keeping)
        if name == "lost":
            raise ZeroDivisionError("a mistake between the two")
    return answer(accepted.state)


async def _tell_wrongly(request: Request) -> Response:
    def told(_accepted: Sequence[Accepted]) -> Response:
        raise ZeroDivisionError("a mistake in the reply")

    return await committed(request, caller(request, "counters:write"), [Asked("counter/x", Add())], told)


async def _fail(_request: Request) -> Response:
    raise ZeroDivisionError("a mistake that nobody foresaw")


FEATURES: Final = [
    Route("/v1/counters/{name}", _add, methods=["POST"]),
    Route("/v1/told/{name}", _add_and_tell, methods=["POST"]),
    Route("/v1/mistakes/{name}", _add_then_fail, methods=["POST"]),
    Route("/v1/told-mistakes/{name}", _add_and_tell_then_fail, methods=["POST"]),
    Route("/v1/twice/{name}", _add_twice, methods=["POST"]),
    Route("/v1/wrongly", _tell_wrongly, methods=["POST"]),
    Route("/v1/mistakes", _fail, methods=["GET"]),
]


_CHECK: Final = {f"token-of-{name}": context for name, context in CALLERS.items()}.get


@dataclass(frozen=True)
class Border:
    """An application and its kernel; `asks(name)` is a client with the token of one of `CALLERS`."""

    app: Starlette
    kernel: Kernel
    url: str
    transport: httpx.AsyncBaseTransport | None = None

    def asks(self, name: str | None = "ada", **headers: str) -> httpx.AsyncClient:
        token = {} if name is None else {"Authorization": f"Bearer token-of-{name}"}
        # No TLS is spoken here, and to load the world's certificates takes longer than the test.
        return httpx.AsyncClient(
            transport=self.transport,
            base_url=self.url,
            headers=token | headers,
            timeout=10,
            verify=False,
            trust_env=False,
        )


def _app(kernel_: Kernel, host: str) -> Starlette:
    return build_app(
        kernel_,
        features=FEATURES,
        check_token=_CHECK,
        hosts=lambda: frozenset({host, host.replace("127.0.0.1", "localhost")}),
        health=lambda: {"status": "ok"},
        readiness=lambda: {"features": []},
    )


@contextlib.asynccontextmanager
async def asked(
    folder: Path, *, clock: Clock | None = None, prepare: Callable[[Kernel], None] = lambda _: None
) -> AsyncIterator[Border]:
    """The application asked without a socket, for answers that end; `prepare` as in `running`."""
    async with running(folder, clock=clock, prepare=prepare) as opened:
        app = _app(opened, HOST)
        yield Border(app, opened, URL, httpx.ASGITransport(app))


@contextlib.asynccontextmanager
async def served(folder: Path, *, on_short: Callable[[], None] = lambda: None) -> AsyncIterator[Border]:
    """The application behind a real server on a free port, for streams and connections.

    `on_short` is called at every request that is answered on the short way.
    """
    async with running(folder) as opened:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{listener.getsockname()[1]}"
            app = _app(opened, host)
            short = ShortWay(opened, _CHECK, lambda: frozenset({host}), on_short, app.state.requests)
            server = await _start(app, listener, short)
            try:
                yield Border(app, opened, f"http://{host}")
            finally:
                app.state.closing.set()
                await server.shutdown(sockets=[listener])


async def _start(app: Starlette, listener: socket.socket, short: ShortWay) -> uvicorn.Server:
    """Start uvicorn without its main loop, which polls and catches signals."""
    limits = Limits(
        connections=100,
        request_s=20,
        streams=lambda: app.state.streams,
        cut_short=app.state.cut_short,
    )
    config = uvicorn.Config(
        app,
        http=protocol(limits, short),
        log_level="warning",
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    return server


class Watch:
    """A reader of one stream, message by message."""

    def __init__(self, border: Border, path: str, *, name: str = "ada", **headers: str) -> None:
        self._border = border
        self._path = path
        self._name = name
        self._headers = headers
        self._parser = SseParser()
        self._waiting: list[SseMessage] = []
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        client = await self._exit.enter_async_context(self._border.asks(self._name, **self._headers))
        self.response = await self._exit.enter_async_context(client.stream("GET", self._path))
        if self.response.status_code == 200:
            self._bytes = self.response.aiter_raw()
        else:
            await self.response.aread()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def next(self) -> SseMessage:
        """The next message. Raises `StopAsyncIteration` at the end of the stream."""
        async with asyncio.timeout(10):
            while not self._waiting:
                self._waiting = self._parser.feed(await anext(self._bytes))
        return self._waiting.pop(0)

    async def take(self, count: int) -> list[tuple[str, Any, str | None]]:
        """The next messages as (event, data, id)."""
        found = [await self.next() for _ in range(count)]
        return [(message.event, json.loads(message.data), message.id) for message in found]

    async def until(self, position: int) -> list[tuple[str, Any, str | None]]:
        """All messages up to the one that carries the id `position` or a later one."""
        found: list[tuple[str, Any, str | None]] = []
        while not found or found[-1][2] is None or int(found[-1][2]) < position:
            found += await self.take(1)
        return found


def revs(messages: Sequence[tuple[str, Any, str | None]]) -> list[tuple[str, str, int]]:
    """What changes say: (event, key, rev)."""
    return [(event, data["key"], data["rev"]) for event, data, _ in messages if event.startswith("resource.")]
