"""Sends one request to a checked address and reads a bounded answer. No redirects, no proxies, no unpacking, no cookies."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import httpcore
from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from engine.kernel.errors import OutcomeUnknown, Unavailable
from engine.outbound.guard import Pinned

CONNECT_S: Final = 10.0
Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """What came back; `content` is at most as long as was asked for, `whole` tells whether that is all of it."""

    status: int
    headers: Headers
    content: bytes
    whole: bool


class _To(AsyncNetworkBackend):
    """Connects to one address, whatever name the request has: that of TLS and of the Host header stays the name."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._backend = AnyIOBackend()
        self.connected = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the address that was checked."""
        stream = await self._backend.connect_tcp(self._address, port, timeout, local_address, socket_options)
        self.connected = True
        return stream

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)


async def send(
    pinned: Pinned, method: str, headers: Headers, content: bytes, *, limit_s: float, most: int
) -> Answer:
    """Send a request and return its answer, whatever its status.

    Raises:
        Unavailable: nobody answers there; nothing was sent.
        OutcomeUnknown: it was sent and then broke or took longer than `limit_s`: whether it had an effect is not known.
    """
    target, backend = pinned.target, _To(pinned.address)
    host = str(target.host)
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=host.encode(),
        port=target.port,
        target=target.path.encode("ascii", "strict"),
    )
    sent = [(b"Host", target.authority.encode()), (b"Accept-Encoding", b"identity"), *headers]
    if content or method in ("POST", "PUT", "PATCH"):
        sent.append((b"Content-Length", b"%d" % len(content)))
    timeouts = {"timeout": {"connect": CONNECT_S, "read": limit_s, "write": limit_s, "pool": limit_s}}
    try:
        async with (
            asyncio.timeout(limit_s),
            httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(), network_backend=backend
            ) as pool,
            pool.stream(method, url, headers=sent, content=content, extensions=timeouts) as response,
        ):
            body, whole = await _read(response, most)
            return Answer(response.status, response.headers, body, whole)
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        TimeoutError,
        OSError,
    ) as error:
        said = str(error) or type(error).__name__
        if not backend.connected or isinstance(error, httpcore.ConnectError):
            raise Unavailable(f"{target.authority} does not answer: {said}") from error
        raise OutcomeUnknown(
            f"{target.authority} broke off or took longer than {limit_s:g} s; whether the request had an effect is not known:"
            f" {said}"
        ) from error


async def _read(response: httpcore.Response, most: int) -> tuple[bytes, bool]:
    parts, size = list[bytes](), 0
    async for part in response.aiter_stream():
        parts.append(part)
        size += len(part)
        if size > most:
            return b"".join(parts)[:most], False
    return b"".join(parts), True
