"""Every request's way in: an allowed Host, no foreign page behind it, a token that is known, its own partition.

A browser sends `Origin` and `Sec-Fetch-Site` by itself and a page cannot forge them; together with the JSON content type
that `body` insists on, they keep other sites and other local ports from acting with the cookie of an open window.

What is refused (401, 403), and what is done with a capability that administers the engine, is told to the audit before
the answer goes out.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.http.problems import bug_response, problem_response
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, StudioError, Unauthenticated

COOKIE: Final = "cutroom_session"
OPEN_PATHS: Final = frozenset({"/health", "/v1/enter"})
SIGNED: Final = "/v1/webhooks/"  # what is posted here is known by its signature
ADMINISTRATIVE: Final = frozenset({"log:admin", "secrets:admin", "tokens:admin", "webhooks:admin"})
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]


class Noted(NamedTuple):
    """What the audit is told of a request. `context` None: nobody knows who asked; `error` None: it was done.

    `action` is the method and the path, `capability` what was asked for last, empty when it did not come to that.
    """

    context: Context | None
    action: str
    error: StudioError | None
    capability: str
    address: str


CheckToken = Callable[[str], Context | None]
Note = Callable[[Noted], Awaitable[None]]


def is_open(method: str, path: str) -> bool:
    """Tell whether a request needs no token: it brings a proof of its own, or gives nothing away."""
    return path in OPEN_PATHS or (method == "POST" and path.startswith(SIGNED))


def mark_audited(request: Request) -> None:
    """Say that the audit knows of this deed already: it is part of the deed's own commit."""
    request.scope["state"]["audited"] = True


def mark_secret(request: Request) -> None:
    """Say that the answer carries a secret: it is kept for no repeat of the request."""
    request.scope["state"]["secret"] = True


def is_secret(scope: Scope) -> bool:
    """Tell whether the answer to a request carries a secret."""
    return bool(scope["state"].get("secret"))


def address_of(request: Request) -> str:
    """Return where a request comes from, empty when that cannot be told."""
    return _address(request.scope)


class Gate:
    """ASGI middleware: leaves the caller's `Context` in `scope["state"]`, or answers with the refusal."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        check_token: CheckToken,
        hosts: Callable[[], frozenset[str]],
        note: Note | None = None,
    ) -> None:
        self._app = app
        self._check_token = check_token
        self._hosts = hosts
        self._note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its caller, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False
        scope.setdefault("state", {})

        async def secured(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                await self._tell(scope, message["status"])
                begun = True
                given = {name for name, _ in message["headers"]}
                message["headers"].extend(pair for pair in SECURITY if pair[0] not in given)
            await send(message)

        try:
            self._admit(scope)
            await self._app(scope, receive, secured)
        except StudioError as refusal:
            scope["state"]["refused"] = refusal
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
        # A page of another local port is "same site" and sends the cookie along: it may not even look. Only somebody
        # who follows a link comes from elsewhere in good faith, and brings no cookie (SameSite=Strict).
        followed_link = scope["method"] in SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate"
        if not followed_link:
            self._refuse_foreign_pages(headers, hosts)
        if not is_open(scope["method"], scope["path"]):
            context = scope["state"]["context"] = self._identify(headers)
            _refuse_other_partition(scope, context)

    async def _tell(self, scope: Scope, status: int) -> None:
        if self._note is None:
            return
        state: dict[str, Any] = scope["state"]
        capability = state.get("capability", "")
        refused = status in (401, 403) and "refused" in state
        administered = (
            capability in ADMINISTRATIVE
            and status < 400
            and scope["method"] not in SAFE_METHODS
            and "audited" not in state
        )
        if refused or administered:
            action = f"{scope['method']} {scope['path']}"
            error = state["refused"] if refused else None
            await self._note(Noted(state.get("context"), action, error, capability, _address(scope)))

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


def _refuse_other_partition(scope: Scope, context: Context) -> None:
    """Refuse a query that names another partition than the token's, rather than answer from the wrong one."""
    query: bytes = scope["query_string"]
    if b"tenant" not in query and b"env" not in query:
        return
    own = dict(zip(("tenant", "env"), context.partition.split("/", 1), strict=True))
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if value != own.get(name, value):
            raise Forbidden(
                f"the token belongs to the {name} {own[name]} and sees no other; use a token of the {name} asked for",
                field=name,
            )


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def _cookie(headers: Headers) -> str | None:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and value:
            return value
    return None
