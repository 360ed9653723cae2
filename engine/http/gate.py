"""Every request's way in: an allowed Host, no foreign page behind it, a token that is known.

A browser sends `Origin` and `Sec-Fetch-Site` by itself and a page cannot forge them; together with the JSON content type
that `body` insists on, they keep other sites and other local ports from acting with the cookie of an open window.
"""

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.http.problems import bug_response, problem_response
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, StudioError, Unauthenticated

COOKIE: Final = "cutroom_session"
OPEN_PATHS: Final = frozenset({"/health"})
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SECURITY: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]

CheckToken = Callable[[str], Context | None]


class Gate:
    """ASGI middleware: leaves the caller's `Context` in `scope["state"]`, or answers with the refusal."""

    def __init__(self, app: ASGIApp, *, check_token: CheckToken, hosts: Callable[[], frozenset[str]]) -> None:
        self._app = app
        self._check_token = check_token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its caller, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def secured(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = {name for name, _ in message["headers"]}
                message["headers"].extend(pair for pair in _SECURITY if pair[0] not in given)
            await send(message)

        try:
            self._admit(scope)
            await self._app(scope, receive, secured)
        except StudioError as refusal:
            await problem_response(refusal, scope["path"])(scope, receive, secured)
        except ClientDisconnect:
            return
        except Exception as bug:
            if begun:
                raise
            await bug_response(scope, bug)(scope, receive, secured)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = self._hosts()
        if [host.lower() in hosts for host in headers.getlist("host")] != [True]:
            raise Forbidden(
                "the Host header names another place; use the daemon's own address", code="origin_refused"
            )
        if scope["method"] not in SAFE_METHODS:
            self._refuse_foreign_pages(headers, hosts)
        if scope["path"] not in OPEN_PATHS:
            scope.setdefault("state", {})["context"] = self._identify(headers)

    def _refuse_foreign_pages(self, headers: Headers, hosts: frozenset[str]) -> None:
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{host}" for host in hosts}:
            raise Forbidden(f"a page of {origin[:80]} may not ask for this", code="origin_refused")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Forbidden("another site's page may not ask for this", code="origin_refused")

    def _identify(self, headers: Headers) -> Context:
        token = _bearer(headers) or _cookie(headers)
        if token is None:
            raise Unauthenticated(
                "send the token as 'Authorization: Bearer ...'; the state directory holds the operator's"
            )
        context = self._check_token(token)
        if context is None:
            raise Unauthenticated("the token is unknown, revoked or expired")
        return context


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def _cookie(headers: Headers) -> str | None:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and value:
            return value
    return None
