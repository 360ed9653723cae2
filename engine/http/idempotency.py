"""`Idempotency-Key`: the same key with the same request gives the same answer, and has one effect.

The key is claimed in the commit of the effect itself, and the answer kept there, so a repeat after a crash finds it
(`replies`). A refusal has no effect and is kept just after. Where the answer does not follow from one commit, a crash may
fall in between: the repeat finds the claim alone, and is told so (`answer_not_kept`) rather than carried out twice. An answer
that carries a secret is never kept.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.http.gate import is_secret
from engine.http.problems import problem_response
from engine.http.replies import is_kept, kept_answer, response_of
from engine.kernel import claims, failpoints
from engine.kernel.clock import Clock
from engine.kernel.context import Claim, Context
from engine.kernel.database import Database
from engine.kernel.errors import Invalid, LimitExceeded, StudioError, Unavailable

METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PRUNE_MS: Final = 3600 * 1000
BODY_MAX: Final = 1 << 20
KEY_MAX: Final = 255
UNKEYED: Final = ("/v1/secrets/", "/v1/memory/search")
_log = logging.getLogger(__name__)
reach = failpoints.points("idempotency", "before_work", "worked", "answer_kept", "answer_sent")


class Idempotency:
    """ASGI middleware, inside the gate: it needs to know the caller."""

    def __init__(
        self, app: ASGIApp, *, database: Database, clock: Clock, check_rights: Callable[[Scope], None]
    ) -> None:
        self._app = app
        self._database = database
        self._clock = clock
        self._check_rights = check_rights
        self._under_way: dict[tuple[str, str], asyncio.Event] = {}
        self._pruned_at_ms = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or carry the request out and keep its answer."""
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        # Keys are told apart by a hash of the request, and of a secret not even that is kept; setting one twice is harmless.
        # What a search finds is erasable, and no answer of one is kept.
        if key is not None and scope["path"].startswith(UNKEYED):
            key = None
        if key is None or scope["method"] not in METHODS or "context" not in scope.get("state", {}):
            await self._app(scope, receive, send)
        else:
            await self._once(key, scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not 1 <= len(key) <= KEY_MAX:
            raise Invalid(f"an Idempotency-Key has 1 to {KEY_MAX} characters", field="Idempotency-Key")
        self._check_rights(scope)
        content = await _read(receive)
        context: Context = scope["state"]["context"]
        claim = Claim(
            actor=f"{context.partition}/{context.actor}", key=key, request_hash=_hash(scope, content)
        )
        at = (claim.actor, key)
        while (busy := self._under_way.get(at)) is not None:
            await busy.wait()
        self._under_way[at] = asyncio.Event()
        try:
            now = self._clock.now_ms()
            kept = await self._database.read(lambda connection: claims.find(connection, claim, now))
            if kept is not None:
                await _replay(kept, claim)(scope, receive, send)
                return
            scope["state"]["context"] = replace(context, claim=claim)
            await self._carry_out(claim, content, scope, receive, send)
            await self._prune()
        finally:
            self._under_way.pop(at).set()

    async def _carry_out(
        self, claim: Claim, content: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        recorded: list[Message] = []
        unread = [content]

        async def receive_again() -> Message:
            if not unread:
                return await receive()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def record(message: Message) -> None:
            recorded.append(message)

        reach("before_work")
        await self._app(scope, receive_again, record)
        reach("worked")
        start, rest = recorded[0], recorded[1:]
        # A mistake in the request (400) or a failure inside (5xx) changed nothing: the key stays free for a better try.
        if start["status"] < 500 and start["status"] not in (400, 401, 413, 415):
            await self._keep(claim, scope, start, b"".join(message.get("body", b"") for message in rest))
            reach("answer_kept")
        for message in recorded:
            await send(message)
        reach("answer_sent")

    async def _keep(self, claim: Claim, scope: Scope, start: Message, content: bytes) -> None:
        """Keep an answer that no commit has kept: a refusal, or one that does not follow from a single commit."""
        told = None if is_secret(scope) else kept_answer(start["status"], start["headers"], content)
        if not is_kept(scope, told):
            now = self._clock.now_ms()
            await self._database.write(lambda connection: claims.keep(connection, claim, told, now))

    async def _prune(self) -> None:
        """Once an hour throw away what is too old; when there is no room to do so, an hour later."""
        now = self._clock.now_ms()
        if self._pruned_at_ms + PRUNE_MS <= now:
            self._pruned_at_ms = now
            try:
                await self._database.write(lambda connection: claims.prune(connection, now))
            except Unavailable as error:
                _log.warning("old answers are not cleared away: %s", error.detail)


def _replay(kept: claims.Kept, claim: Claim) -> Response:
    if kept.request_hash != claim.request_hash:
        mismatch = StudioError(
            "this Idempotency-Key was used for another request", code="idempotency_mismatch"
        )
        return problem_response(mismatch)
    if kept.answer is None:
        lost = StudioError(
            "the request was carried out, but its answer was not kept; read the state instead",
            code="answer_not_kept",
        )
        return problem_response(lost)
    return response_of(kept.answer)


async def _read(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            raise LimitExceeded(f"a body sent with an Idempotency-Key has at most {BODY_MAX} bytes")
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _hash(scope: Scope, content: bytes) -> str:
    headers = Headers(scope=scope)
    digest = hashlib.sha256()
    parts = (
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers.get("content-type", ""),
    )
    for part in (*parts, headers.get("if-match", ""), headers.get("if-none-match", "")):
        digest.update(part.encode() + b"\0")
    digest.update(content)
    return digest.hexdigest()
