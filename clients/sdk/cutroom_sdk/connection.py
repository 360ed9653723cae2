"""Requests to a daemon and their answers: what all typed calls are made of."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

import httpx
import msgspec

from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError, Unreachable, error_from
from cutroom_sdk.sse import SseMessage, SseParser
from cutroom_sdk.wire.codec import Wire, decode, encode

T = TypeVar("T")
CONNECT_S: Final = 3.0
ANSWER_S: Final = 60.0
READING_S: Final = 1800.0  # registering footage reads it from end to end
HEARTBEAT_S: Final = 40.0  # a bookmark comes every 15 s: two and a half missed ones are a dead stream
PAGE: Final = 1000


class _Page(Wire, frozen=True, kw_only=True):
    """`{items, next, position}` before the items are read."""

    items: tuple[msgspec.Raw, ...]
    next: str | None
    position: int


class Connection:
    """A daemon as seen over HTTP.

    `locate` gives the address; it is asked again after a connection failed or a token was refused, since a daemon that was
    started anew may be somewhere else and have another token. None from it means that there is no daemon.
    """

    def __init__(
        self,
        locate: Callable[[], Address | None],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.locate = locate
        self._address: Address | None = None
        # A proxy of the environment has no business between a program and its own machine.
        self._http = httpx.AsyncClient(trust_env=False, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def _where(self) -> Address:
        # Another thread may forget the address at any time.
        address = self._address
        if address is None:
            address = self._address = self.locate()
        if address is None:
            raise Unreachable("no daemon runs for this state directory; 'cutroom serve' starts one")
        return address

    def _refused(self, response: httpx.Response, content: bytes) -> SdkError:
        error = error_from(response.status_code, content, response.headers)
        if error.code == "unauthenticated":
            self._address = None
        return error

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_S,
    ) -> httpx.Response:
        """Send one request and return its answer, which is a success.

        `body` goes as JSON; `content` goes as it is and wants a content type in `headers`.

        Raises:
            SdkError: the daemon's own error.
            Unreachable: nothing answers. The request may have been carried out all the same.
        """
        address = self._where()
        sent = {"Authorization": f"Bearer {address.token}", **(headers or {})}
        if body is not None:
            content = encode(body)
            sent.setdefault("Content-Type", "application/json")
        try:
            response = await self._http.request(
                method,
                address.url + path,
                content=content,
                params=params,
                headers=sent,
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            )
        except httpx.HTTPError as error:
            self._address = None
            raise Unreachable(unreachable(address, error)) from error
        if response.status_code >= 400:
            raise self._refused(response, response.content)
        return response

    async def ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        body: Any = None,
        params: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_S,
    ) -> T:
        """Send one request and return its answer as `kind`.

        Raises:
            SdkError: the daemon's own error, or `internal`: the answer has another shape.
            Unreachable: nothing answers.
        """
        response = await self.request(
            method, path, body=body, params=params, headers=headers, timeout_s=timeout_s
        )
        return read(response.content, kind)

    async def get(
        self, path: str, kind: type[T], params: Mapping[str, str | Sequence[str]] | None = None
    ) -> T:
        """Return the answer to a GET as `kind`."""
        return await self.ask("GET", path, kind, params=params)

    async def newer(
        self, path: str, kind: type[T], rev: int | None, params: Mapping[str, str] | None = None
    ) -> T | None:
        """Return the answer to a GET as `kind`, or None while what it shows is still at `rev`."""
        headers = {} if rev is None else {"If-None-Match": f'"{rev}"'}
        response = await self.request("GET", path, params=params, headers=headers)
        return None if response.status_code == 304 else read(response.content, kind)

    async def post(
        self,
        path: str,
        body: Any,
        kind: type[T],
        *,
        idempotency_key: str | None = None,
        timeout_s: float = ANSWER_S,
    ) -> T:
        """Return the answer to a POST as `kind`. A repeat with the same `idempotency_key` is carried out once."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return await self.ask("POST", path, kind, body=body, headers=headers, timeout_s=timeout_s)

    async def every(
        self, path: str, kind: type[T], params: Mapping[str, str | Sequence[str]] | None = None
    ) -> list[T]:
        """Return all items of a list, over as many pages as it has."""
        items: list[T] = []
        asked: dict[str, str | Sequence[str]] = {"limit": str(PAGE), **(params or {})}
        while True:
            page = await self.get(path, _Page, asked)
            items.extend(read(bytes(item), kind) for item in page.items)
            if page.next is None:
                return items
            asked["cursor"] = page.next

    async def few(self, path: str, kind: type[T]) -> list[T]:
        """Return the items of a list that is short and always comes as one page."""
        page = await self.get(path, _Page)
        return [read(bytes(item), kind) for item in page.items]

    @contextlib.asynccontextmanager
    async def opened(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Yield the answer to a GET whose content is large, to be read piece by piece: an export, a backup, a film.

        Raises:
            SdkError: the daemon's own error.
            Unreachable: nothing answers, or the connection broke on the way.
        """
        address = self._where()
        sent = {"Authorization": f"Bearer {address.token}", "Accept-Encoding": "identity", **(headers or {})}
        timeout = httpx.Timeout(READING_S, connect=CONNECT_S)
        try:
            async with self._http.stream(
                "GET", address.url + path, params=params, headers=sent, timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    raise self._refused(response, await response.aread())
                yield response
        except httpx.HTTPError as error:
            self._address = None
            raise Unreachable(unreachable(address, error)) from error

    async def stream(
        self, path: str, params: Mapping[str, str | Sequence[str]]
    ) -> AsyncGenerator[SseMessage, None]:
        """Yield the messages of a stream until the daemon ends it.

        Raises:
            SdkError: the daemon's own error.
            Unreachable: nothing answers, or nothing was heard for longer than bookmarks are apart.
        """
        address = self._where()
        headers = {"Authorization": f"Bearer {address.token}", "Accept": "text/event-stream"}
        timeout = httpx.Timeout(HEARTBEAT_S, connect=CONNECT_S)
        parser = SseParser()
        try:
            async with self._http.stream(
                "GET", address.url + path, params=params, headers=headers, timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    raise self._refused(response, await response.aread())
                async for chunk in response.aiter_raw():
                    for message in parser.feed(chunk):
                        yield message
        except httpx.HTTPError as error:
            self._address = None
            raise Unreachable(unreachable(address, error)) from error
        # It ended properly: the daemon stops, and the next one may be elsewhere.
        self._address = None


def unreachable(address: Address, error: httpx.HTTPError) -> str:
    """Return what to tell a person when a connection fails."""
    if isinstance(error, httpx.ConnectError):
        return f"nothing answers at {address.url}; 'cutroom serve' starts a daemon"
    if isinstance(error, httpx.TimeoutException):
        return f"the daemon at {address.url} does not answer in time"
    return f"the connection to {address.url} broke: {error or type(error).__name__}"


def read(content: bytes, kind: type[T]) -> T:
    """Return an answer's JSON as `kind`.

    Raises:
        SdkError: `internal`, it has another shape: daemon and client are of different versions.
    """
    try:
        return decode(content, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SdkError(
            "internal",
            f"the answer has another shape than this client knows ({error}); use the client of the daemon's version",
        ) from error


class _Value(Wire, frozen=True, kw_only=True):
    value: msgspec.Raw


def value_of(content: bytes, kind: type[T]) -> T:
    """Return the value inside a record's JSON as `kind`."""
    return read(bytes(read(content, _Value).value), kind)
