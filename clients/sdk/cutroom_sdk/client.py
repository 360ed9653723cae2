"""Typed calls to a daemon. Each raises `SdkError` with the daemon's stable code, or `Unreachable`."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx
import msgspec

from cutroom_sdk.discovery import Address
from cutroom_sdk.errors import SdkError, Unreachable, error_from
from cutroom_sdk.sse import SseMessage, SseParser
from cutroom_sdk.wire.approvals import Approval, ApproveRequest, DenyRequest
from cutroom_sdk.wire.codec import Wire, decode, encode
from cutroom_sdk.wire.log import LogProof, ReplayProof
from cutroom_sdk.wire.media import Artifact, Asset, AssetRequest
from cutroom_sdk.wire.missions import (
    Mission,
    MissionEventAnswer,
    MissionEventRequest,
    MissionRequest,
    PostedEvent,
)
from cutroom_sdk.wire.renders import Render
from cutroom_sdk.wire.resources import EventPage, EventRecord, Record
from cutroom_sdk.wire.runs import Run
from cutroom_sdk.wire.sessions import (
    SessionEventAnswer,
    SessionEventRequest,
    SessionReport,
    SessionRunStatus,
)
from cutroom_sdk.wire.status import Health, Ready
from cutroom_sdk.wire.tokens import (
    AuditEntry,
    Entered,
    EnterRequest,
    IssuedToken,
    Ticket,
    Token,
    TokenRequest,
)

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


class Client:
    """A daemon as seen over HTTP. Use as `async with Client(...) as client`.

    `locate` gives the address; it is asked again after a connection failed, since a daemon that was started anew may
    be somewhere else. None from it means that there is no daemon.
    """

    def __init__(
        self,
        locate: Callable[[], Address | None],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._locate = locate
        self._address: Address | None = None
        # A proxy of the environment has no business between a program and its own machine.
        self._http = httpx.AsyncClient(trust_env=False, transport=transport)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def _where(self) -> Address:
        if self._address is None:
            self._address = self._locate()
        if self._address is None:
            raise Unreachable("no daemon runs for this state directory; 'cutroom serve' starts one")
        return self._address

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
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
            raise Unreachable(_unreachable(address, error)) from error
        if response.status_code >= 400:
            raise error_from(response.status_code, response.content)
        return response

    async def get(self, path: str, kind: type[T], params: dict[str, str] | None = None) -> T:
        """Return the answer to a GET as `kind`."""
        return _read((await self.request("GET", path, params=params)).content, kind)

    async def post(self, path: str, body: Any, kind: type[T], *, timeout_s: float = ANSWER_S) -> T:
        """Return the answer to a POST as `kind`."""
        return _read((await self.request("POST", path, body=body, timeout_s=timeout_s)).content, kind)

    async def every(self, path: str, kind: type[T], params: dict[str, str] | None = None) -> list[T]:
        """Return all items of a list, over as many pages as it has."""
        items: list[T] = []
        asked = {"limit": str(PAGE), **(params or {})}
        while True:
            page = await self.get(path, _Page, asked)
            items.extend(_read(bytes(item), kind) for item in page.items)
            if page.next is None:
                return items
            asked["cursor"] = page.next

    # What the daemon says of itself.
    async def health(self) -> Health:
        """Return that it is alive, and in which versions."""
        return await self.get("/health", Health)

    async def ready(self) -> Ready:
        """Return what works and what is missing."""
        return await self.get("/ready", Ready)

    # Media.
    async def register(self, path: str, *, name: str | None = None) -> Asset:
        """Have footage taken in that stays where it is; the same content gives the same asset.

        Raises:
            SdkError: `media_unreadable`; `path_outside_roots`: upload it instead.
        """
        return await self.post("/v1/assets", AssetRequest(path=path, name=name), Asset, timeout_s=READING_S)

    async def assets(self) -> list[Asset]:
        """Return all assets."""
        return await self.every("/v1/assets", Asset)

    async def asset(self, asset_id: str) -> Asset:
        """Return one asset."""
        return await self.get(f"/v1/assets/{asset_id}", Asset)

    async def artifact(self, artifact_id: str) -> Artifact:
        """Return one artifact."""
        return await self.value(f"artifact/{artifact_id}", Artifact)

    # Missions and what they need decided.
    async def create_mission(self, asked: MissionRequest) -> Mission:
        """Create a mission; it begins at once when `asked.start`."""
        return await self.post("/v1/missions", asked, Mission)

    async def missions(self, *, status: str | None = None, key: str | None = None) -> list[Mission]:
        """Return missions, oldest first; `status` takes several, with commas; `key` is their metadata's."""
        asked = {name: value for name, value in (("status", status), ("key", key)) if value is not None}
        return await self.every("/v1/missions", Mission, asked)

    async def mission(self, mission_id: str) -> Mission:
        """Return one mission."""
        return await self.get(f"/v1/missions/{mission_id}", Mission)

    async def tell_mission(
        self, mission_id: str, event: PostedEvent, *, expected_version: int | None = None
    ) -> Mission:
        """Post an event to a mission and return it as it is afterwards."""
        asked = MissionEventRequest(event=event, expected_version=expected_version)
        answer = await self.post(f"/v1/missions/{mission_id}/events", asked, MissionEventAnswer)
        return answer.mission

    async def approvals(self, *, state: str | None = None) -> list[Approval]:
        """Return approvals, those of one state if it is named."""
        return await self.every("/v1/approvals", Approval, {"state": state} if state else None)

    async def approval(self, approval_id: str) -> Approval:
        """Return one approval."""
        return await self.get(f"/v1/approvals/{approval_id}", Approval)

    async def approve(self, approval: Approval, *, reason: str = "") -> Approval:
        """Say yes to exactly what `approval` shows."""
        asked = ApproveRequest(reason=reason, subject_hash=approval.subject_hash)
        return await self.post(f"/v1/approvals/{approval.approval_id}/approve", asked, Approval)

    async def deny(
        self, approval: Approval, *, reason: str = "", amend: dict[str, Any] | None = None
    ) -> Approval:
        """Say no to exactly what `approval` shows; `amend` is what to do otherwise in the next attempt."""
        asked = DenyRequest(reason=reason, subject_hash=approval.subject_hash, amend=amend or {})
        return await self.post(f"/v1/approvals/{approval.approval_id}/deny", asked, Approval)

    async def run(self, run_id: str) -> Run:
        """Return one run."""
        return await self.get(f"/v1/runs/{run_id}", Run)

    async def report(self, session_id: str, event: SessionReport) -> SessionRunStatus | None:
        """Report what happened in a run of one's own; return the run's status, None while nothing counted."""
        asked = SessionEventRequest(event=event)
        return (await self.post(f"/v1/sessions/{session_id}/events", asked, SessionEventAnswer)).status

    async def renders(self) -> list[Render]:
        """Return all renders."""
        return await self.every("/v1/renders", Render)

    async def render(self, render_id: str) -> Render:
        """Return one render."""
        return await self.get(f"/v1/renders/{render_id}", Render)

    # Tokens, windows of a browser, the audit.
    async def issue_token(self, asked: TokenRequest) -> IssuedToken:
        """Issue a token; the answer shows its secret, this once."""
        return await self.post("/v1/tokens", asked, IssuedToken)

    async def tokens(self) -> list[Token]:
        """Return the tokens that were issued here and are not revoked, oldest first."""
        return await self.every("/v1/tokens", Token)

    async def revoke_token(self, token_id: str) -> Token:
        """End a token and all that it opened; return it as it was. Revoking it again changes nothing."""
        return _read((await self.request("DELETE", f"/v1/tokens/{token_id}")).content, Token)

    async def ticket(self) -> Ticket:
        """Return a ticket that lets a window of a browser in with this client's token: once, within 30 seconds."""
        return await self.post("/v1/tickets", {}, Ticket)

    async def enter(self, ticket: str) -> Entered:
        """Spend a ticket as a browser's page does; the cookie stays with this client."""
        return await self.post("/v1/enter", EnterRequest(ticket=ticket), Entered)

    async def audit(self) -> list[AuditEntry]:
        """Return who was refused what and who administered the engine, oldest first."""
        return await self.every("/v1/audit", AuditEntry)

    # Records, streams, the log.
    async def record(self, key: str) -> Record:
        """Return a resource with its rev."""
        return await self.get(f"/v1/resources/{key}", Record)

    async def value(self, key: str, kind: type[T]) -> T:
        """Return a resource's value as `kind`."""
        return value_of((await self.request("GET", f"/v1/resources/{key}")).content, kind)

    async def log(
        self, *, after: int = 0, limit: int = 100, stream: str | None = None, kind: str | None = None
    ) -> EventPage:
        """Return a page of the log after a position, oldest first."""
        asked = {"after": str(after), "limit": str(limit)}
        asked |= {name: value for name, value in (("stream", stream), ("type", kind)) if value is not None}
        return await self.get("/v1/log", EventPage, asked)

    def resource_stream(
        self, after: int | None, *, prefixes: Sequence[str] = ()
    ) -> AsyncGenerator[SseMessage, None]:
        """Yield frames from a snapshot on (`after` None), or those after a position; the stream of a `Replica`.

        Only resources under one of the `prefixes` come; without any, all of them do.
        """
        params: dict[str, str | Sequence[str]] = {"snapshot": "1"} if after is None else {"after": str(after)}
        params["prefix"] = prefixes
        return self._stream("/v1/resources/events", params)

    async def prove_log(self) -> LogProof:
        """Return whether the log is what was written; reads all of it."""
        response = await self.request("GET", "/v1/log/verify", timeout_s=READING_S)
        return _read(response.content, LogProof)

    async def check_replay(self) -> ReplayProof:
        """Return whether what is published is what the log comes to; folds all of it."""
        response = await self.request("GET", "/v1/log/replay", timeout_s=READING_S)
        return _read(response.content, ReplayProof)

    @contextlib.asynccontextmanager
    async def opened(self, path: str, params: dict[str, str] | None = None) -> AsyncIterator[httpx.Response]:
        """Yield the answer to a GET whose content is large, to be read with `aiter_raw`: an export, a backup.

        Raises:
            SdkError: the daemon's own error.
            Unreachable: nothing answers, or the connection broke on the way.
        """
        address = self._where()
        headers = {"Authorization": f"Bearer {address.token}", "Accept-Encoding": "identity"}
        timeout = httpx.Timeout(READING_S, connect=CONNECT_S)
        try:
            async with self._http.stream(
                "GET", address.url + path, params=params, headers=headers, timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    raise error_from(response.status_code, await response.aread())
                yield response
        except httpx.HTTPError as error:
            self._address = None
            raise Unreachable(_unreachable(address, error)) from error

    async def follow_log(
        self, after: int, *, stream: str | None = None, kind: str | None = None
    ) -> AsyncGenerator[EventRecord, None]:
        """Yield the events after a position, then what comes.

        Raises:
            Unreachable: the stream broke; go on after the last event's position.
        """
        params: dict[str, str | Sequence[str]] = {"after": str(after)}
        params |= {name: value for name, value in (("stream", stream), ("type", kind)) if value is not None}
        async with contextlib.aclosing(self._stream("/v1/log/events", params)) as messages:
            async for message in messages:
                if message.event not in ("ready", "bookmark"):
                    yield _read(message.data, EventRecord)

    async def _stream(
        self, path: str, params: Mapping[str, str | Sequence[str]]
    ) -> AsyncGenerator[SseMessage, None]:
        address = self._where()
        headers = {"Authorization": f"Bearer {address.token}", "Accept": "text/event-stream"}
        timeout = httpx.Timeout(HEARTBEAT_S, connect=CONNECT_S)
        parser = SseParser()
        try:
            async with self._http.stream(
                "GET", address.url + path, params=params, headers=headers, timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    raise error_from(response.status_code, await response.aread())
                async for chunk in response.aiter_raw():
                    for message in parser.feed(chunk):
                        yield message
        except httpx.HTTPError as error:
            self._address = None
            raise Unreachable(_unreachable(address, error)) from error
        # It ended properly: the daemon stops, and the next one may be elsewhere.
        self._address = None


def _unreachable(address: Address, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError):
        return f"nothing answers at {address.url}; 'cutroom serve' starts a daemon"
    if isinstance(error, httpx.TimeoutException):
        return f"the daemon at {address.url} does not answer in time"
    return f"the connection to {address.url} broke: {error or type(error).__name__}"


def _read(content: bytes, kind: type[T]) -> T:
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
    return _read(bytes(_read(content, _Value).value), kind)
