"""One connection as bytes: what may come in, how soon, and from how many at once, before there is a request.

uvicorn's own protocol has no limit on the time or the size of a head, and none on the time of a body: whoever sends a byte
a minute would hold a connection for good. A request's head must be whole within `request_s`; of its body something must
come in every such span, for as long as the daemon is ready to take it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from engine.http.fan import EXTENSION
from engine.http.gate import SECURITY
from engine.http.problems import problem_response
from engine.http.short import ShortWay, Taken
from engine.kernel.dispatch import Accepted
from engine.kernel.errors import Invalid, LimitExceeded, StudioError, Unavailable

URL_MAX: Final = 8 << 10
HEAD_MAX: Final = 32 << 10
FIELDS_MAX: Final = 100
BODY_LEAST: Final = 1 << 10  # bytes that a body brings in each span, at the least
LINGER_S: Final = 1.0
LINGERING_MAX: Final = 64
LOOK_MAX_S: Final = 5.0
IDLE_S: Final = 5.0  # uvicorn's own, for connections that it looks after


class Limits(Struct, frozen=True, kw_only=True):
    """`connections` are taken at once, streams counted apart (`streams` tells how many are open).

    `request_s` is the span that a head has, and in which a body must bring something. `cut_short` counts the answers that are
    given here, by status.
    """

    connections: int
    request_s: float
    streams: Callable[[], int]
    cut_short: Counter[int]


class _Exchange:
    """A request on the short way, where uvicorn looks for the one under way."""

    __slots__ = ("body", "disconnected", "keep_alive", "message_event", "response_complete", "taken")

    response_started = False

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self.body = b""
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
        self.message_event = _NOBODY_WAITS


class _Nothing:
    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS: Final = _Nothing()


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with limits, and with the short way for what is plain."""

    def __init__(self, *, limits: Limits, short: ShortWay | None, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._short = short
        self._taken: _Exchange | None = None  # its body is still coming in
        self._unasked_since: float | None = None  # after an answer that came the short way
        self._came_bytes = 0  # with what is being read now, or more
        self._chunk_bytes = 0
        self._head_since: float | None = None  # None: no head is coming in
        self._head_bytes = 0
        self._in_body = False
        self._body_bytes = 0
        self._body_since = 0.0
        self._over = False  # refused or given up: what still comes is dropped
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or say that there are too many."""
        if len(self.connections) - self._limits.streams() >= self._limits.connections:
            self.transport = transport
            self._turn_away()
            return
        super().connection_made(transport)
        self._head_since = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._over = True
        _LINGERING.discard(self)
        if self._look is not None:
            self._look.cancel()
        if self.flow is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed what came, as long as it is within bounds."""
        if self._over:
            return
        self._unasked_since = None
        self._chunk_bytes = len(data)
        self._came_bytes += self._chunk_bytes
        if not self._in_body:
            if self._head_since is None:
                self._head_since, self._head_bytes = self.loop.time(), 0
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_since is not None and self._head_bytes > URL_MAX + HEAD_MAX:
            self._refuse(_head_too_large())

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(Invalid("what came is no HTTP request", field="request"))

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is too large."""
        self._head_since = None
        if self._is_too_large():
            self._refuse(_head_too_large())
            return
        self._in_body, self._body_bytes, self._body_since = True, 0, self.loop.time()
        taken = self._take()
        if taken is None:
            self._go_the_ordinary_way()
        else:
            self.cycle = self._taken = _Exchange(taken)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._over:
            return
        self._body_bytes += len(body)
        if self._taken is not None:
            self._taken.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request's body."""
        self._in_body = False
        self._came_bytes = self._chunk_bytes  # the next request may lie in the same chunk
        if self._over:
            return
        if self._taken is not None:
            self._answer_taken(self._taken)
        else:
            super().on_message_complete()

    def on_message_begin(self) -> None:
        """Begin to read a head; what the ordinary way needs is made when it is known to go there."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def _is_too_large(self) -> bool:
        if self._came_bytes <= URL_MAX and len(self.headers) <= FIELDS_MAX:
            return False  # nearly always: there was not so much of it
        fields = sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.url) > URL_MAX or fields > HEAD_MAX or len(self.headers) > FIELDS_MAX

    def _take(self) -> Taken | None:
        """Return the request as the short way takes it; None: the ordinary way, which also keeps the order of answers."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if self._short is None or busy or self.flow.write_paused or self.parser.get_http_version() != "1.1":
            return None
        return self._short.take(self.parser.get_method(), self.url, self.headers)

    def _go_the_ordinary_way(self) -> None:
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = expected
        self.scope["extensions"] = {EXTENSION: {"push": self._push}}
        super().on_headers_complete()

    def _push(self, chunk: bytes) -> bool:
        """Write a whole chunk of an answer that is under way; False when the reader is behind or gone."""
        if self.flow.write_paused or self._over or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True

    def _answer_taken(self, exchange: _Exchange) -> None:
        assert self._short is not None
        self._taken, taken = None, exchange.taken
        if not taken.put:
            answer = self._short.get(taken, self.server_state.default_headers)
            if answer is not None:
                self._answered(exchange, answer)
                return
        elif (outcome := self._short.put(taken, exchange.body)) is not None:
            outcome.add_done_callback(partial(self._written, exchange))
            return
        self.cycle = None  # type: ignore[assignment]
        self._go_the_ordinary_way()
        if exchange.body:
            super().on_body(exchange.body)
        super().on_message_complete()

    def _written(self, exchange: _Exchange, outcome: "asyncio.Future[tuple[Accepted, ...]]") -> None:
        assert self._short is not None
        self._answered(
            exchange, self._short.written(exchange.taken, outcome, self.server_state.default_headers)
        )

    def _answered(self, exchange: _Exchange, answer: bytes) -> None:
        exchange.response_complete = True
        if self._over or self.transport.is_closing():
            return
        self.transport.write(answer)
        if not exchange.keep_alive:
            self.transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            # Instead of a timer for each answer: the look that is taken at every connection finds it idle.
            self.server_state.total_requests += 1
            self._unasked_since = self.loop.time()

    def _turn_away(self) -> None:
        self._over = True
        if len(_LINGERING) >= LINGERING_MAX:
            self.transport.abort()
            return
        _LINGERING.add(self)
        most = self._limits.connections
        self._answer(Unavailable(f"{most} connections are open; close one, or try again later"))

    def _look_later(self) -> None:
        self._look = self.loop.call_later(min(self._limits.request_s / 4, LOOK_MAX_S), self._look_now)

    def _look_now(self) -> None:
        now, span = self.loop.time(), self._limits.request_s
        late = False
        if self._unasked_since is not None and now - self._unasked_since > IDLE_S:
            self.transport.close()
            return
        if self.flow.read_paused:
            # The daemon is busy with what has come already: nobody else is to blame.
            self._body_since = now
        elif self._head_since is not None:
            late = now - self._head_since > span
        elif self._in_body and now - self._body_since > span:
            late = self._body_bytes < BODY_LEAST
            self._body_bytes, self._body_since = 0, now
        if late:
            self._refuse(_too_slow(span))
        elif not self._over:
            self._look_later()

    def _refuse(self, error: StudioError) -> None:
        """Answer and close; without the answer where another is under way."""
        if self._over:
            return
        self._over = True
        self._unset_keepalive_if_required()
        cycle = self.cycle
        if cycle is None or cycle.response_complete or (self._in_body and not cycle.response_started):
            self._answer(error)
        else:
            self.transport.close()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _answer(self, error: StudioError) -> None:
        """Send a problem, and close a moment later: a close with bytes unread could take the answer with it."""
        response = problem_response(error)
        self._limits.cut_short[response.status_code] += 1
        response.raw_headers += [*SECURITY, (b"connection", b"close")]
        fields = [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
        head = [STATUS_LINE[response.status_code], *fields, b"\r\n"]
        self.transport.write(b"".join([*head, bytes(response.body)]))
        if self._look is not None:
            self._look.cancel()
        self._look = self.loop.call_later(LINGER_S, self.transport.close)


_LINGERING: Final[set[Connection]] = set()


def protocol(limits: Limits, short: ShortWay | None = None) -> type[asyncio.Protocol]:
    """Return what uvicorn calls to make a connection."""
    return cast(type[asyncio.Protocol], partial(Connection, limits=limits, short=short))


def _head_too_large() -> LimitExceeded:
    return LimitExceeded(
        f"the address has at most {URL_MAX} bytes, the headers {FIELDS_MAX} fields and {HEAD_MAX} bytes",
        code="head_too_large",
    )


def _too_slow(span: float) -> StudioError:
    return StudioError(
        f"the request did not come in time: its head has {span:g} s, and its body brings {BODY_LEAST} bytes in each {span:g} s",
        code="request_timeout",
    )
