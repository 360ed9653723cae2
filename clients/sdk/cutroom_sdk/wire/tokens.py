"""Tokens: what a bearer may do, whom it stands for, and what was refused or administered."""

from typing import Final, Literal

from cutroom_sdk.wire.codec import Request, Wire

CAPABILITIES: Final[dict[str, str]] = {
    "*": "everything",
    "approvals:decide": "approve and deny, as far as the approval's decider allows",
    "approvals:read": "read approvals",
    "approvals:delegated": "decide what somebody who may has handed to this actor",
    "effects:external": "have missions leave this machine without asking a person",
    "log:admin": "read the audit; verify, move and shorten the log",
    "log:read": "read the log, each event as far as its kind may be read",
    "media:read": "read assets, artifacts and their content",
    "media:write": "take footage in and have it analysed",
    "memory:promote:curated": "move memory into the tier curated",
    "memory:promote:team": "move memory into the tier team",
    "memory:read": "search memory",
    "memory:write": "write memory of the tiers session and project",
    "missions:read": "read missions and runs",
    "missions:report": "report runs that are done outside",
    "missions:write": "create and steer missions",
    "renders:read": "read renders, timelines and profiles",
    "renders:write": "make, cancel and deliver renders",
    "resources:read": "read the records that clients keep",
    "resources:write": "write the records that clients keep",
    "routines:activate": "have a routine fire by itself",
    "routines:read": "read routines and their runs",
    "routines:write": "create and change routines",
    "webhooks:admin": "say who may send webhooks, and end that",
    "webhooks:read": "read which webhooks there are and what they have brought",
    "outbound:request": "have the engine send requests to other machines",
    "programs:run": "have commands that the operator allowed, and tools of installed packages, carried out",
    "secrets:admin": "set, list and remove secrets; nobody reads their values",
    "tokens:admin": "issue, list and revoke tokens",
}


class TokenRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/tokens`. `tenant` and `env` not given: the issuer's own. `expires_at_ms` None: until it is revoked."""

    actor: str
    capabilities: tuple[str, ...]
    human: bool = False
    tenant: str | None = None
    env: str | None = None
    expires_at_ms: int | None = None


class Token(Wire, frozen=True, kw_only=True):
    """The resource `token/{id}`, there until it is revoked. `sha256` is that of the secret, in hex; nobody has more."""

    token_id: str
    actor: str
    human: bool
    tenant: str
    env: str
    capabilities: tuple[str, ...]
    expires_at_ms: int | None
    created_at_ms: int
    created_by: str
    sha256: str
    revoked_at_ms: int | None = None


class IssuedToken(Wire, frozen=True, kw_only=True):
    """Answer to `POST /v1/tokens`, and the only time that `token`, the secret, is shown."""

    token_id: str
    token: str
    actor: str
    human: bool
    tenant: str
    env: str
    capabilities: tuple[str, ...]
    expires_at_ms: int | None


class Ticket(Wire, frozen=True, kw_only=True):
    """Answer to `POST /v1/tickets`: lets a browser's window in, once, until `expires_at_ms`."""

    ticket: str
    expires_at_ms: int


class EnterRequest(Request, frozen=True, kw_only=True):
    """`POST /v1/enter`."""

    ticket: str


class Entered(Wire, frozen=True, kw_only=True):
    """Answer to `POST /v1/enter`: who the window now stands for. What lets it in is in its cookie."""

    actor: str
    human: bool
    tenant: str
    env: str
    capabilities: tuple[str, ...]
    expires_at_ms: int


class AuditEntry(Wire, frozen=True, kw_only=True):
    """One entry of the audit: somebody was refused, or did something that administers the engine.

    `actor` and `token_id` are empty when nobody knows who asked. `action` is the method and the path, without its query;
    of callers that nobody knows only the path's beginning. `capability` is what was asked for, `code` and `reason` why it
    was refused. `count` above 1: so many alike since `since_ms`, told as one.
    """

    position: int
    at_ms: int
    actor: str
    token_id: str
    action: str
    outcome: Literal["refused", "done"]
    code: str
    reason: str
    capability: str
    target: str
    address: str
    count: int
    since_ms: int
