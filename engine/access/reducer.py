"""Tokens: issued by somebody who holds what they give, shown once, good until they end or are revoked.

new --issued--> issued --revoked--> revoked

A stream lies in the partition of whoever issued the token, so that they can find and revoke it; where the token itself
acts, its `tenant` and `env` say.
"""

import re
from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.tokens import CAPABILITIES, TokenRequest
from cutroom_sdk.wire.tokens import Token as WireToken
from engine.kernel.context import DEFAULT_PARTITION, Context
from engine.kernel.errors import Forbidden, Invalid, NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "token"
CAPABILITY: Final = "tokens:admin"
OPERATOR: Final = "operator"
_ACTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}")
_PLACE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Grant(Struct, frozen=True, kw_only=True):
    """What a token gives, and to whom. `sha256` is that of its secret, in hex."""

    actor: str
    human: bool
    tenant: str
    env: str
    capabilities: tuple[str, ...]
    expires_at_ms: int | None
    sha256: str


class Token(Struct, frozen=True, kw_only=True):
    """State of the stream `token/{token_id}`; `grant` None: it was never issued."""

    token_id: str
    grant: Grant | None = None
    issued_at_ms: int = 0
    issued_by: str = ""
    revoked_at_ms: int | None = None


# Proposals.
class Issue(Struct, frozen=True, kw_only=True, tag="issue"):
    """`issuer` is who asks, with all that they hold."""

    asked: TokenRequest
    sha256: str
    issuer: Context


class Revoke(Struct, frozen=True, kw_only=True, tag="revoke"):
    pass


# Events.
class Issued(Struct, frozen=True, kw_only=True, tag="token.issued"):
    """Somebody has a token; its secret was shown to who issued it, and is kept nowhere."""

    grant: Grant


class Revoked(Struct, frozen=True, kw_only=True, tag="token.revoked"):
    """The token opens nothing any more; streams that it opened end."""


Proposal = Issue | Revoke
Event = Issued | Revoked


def init(token_id: str) -> Token:
    return Token(token_id=token_id)


def decide(token: Token, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        Invalid: a name that is none, an unknown capability, a time that is over.
        Forbidden: the issuer would give what they do not hold.
        NotFound: it was never issued.
        Rejected: `already_issued`.
    """
    match proposal:
        case Issue(asked=asked, sha256=sha256, issuer=issuer):
            if token.grant is not None:
                raise Rejected("already_issued", f"the token {token.token_id} is issued")
            return (Issued(grant=_grant(asked, sha256, issuer, envelope)),)
        case Revoke():
            if token.grant is None:
                raise NotFound(f"there is no token {token.token_id}")
            return () if token.revoked_at_ms is not None else (Revoked(),)
        case _:
            assert_never(proposal)


def on_event(token: Token, event: Event, envelope: Envelope) -> Step[Token, Struct]:
    """Fold one accepted event."""
    match event:
        case Issued(grant=grant):
            return Step(replace(token, grant=grant, issued_at_ms=envelope.at_ms, issued_by=envelope.actor))
        case Revoked():
            return Step(replace(token, revoked_at_ms=envelope.at_ms))
        case _:
            assert_never(event)


def resources(token_id: str, token: Token) -> Mapping[str, Struct | None]:
    """Return `token/{id}` while it is not revoked."""
    gone = token.grant is None or token.revoked_at_ms is not None
    return {f"{KIND}/{token_id}": None if gone else wire(token)}


def wire(token: Token) -> WireToken:
    """Return an issued token as it is published."""
    grant = token.grant
    assert grant is not None, "only what was issued is published"
    return WireToken(
        token_id=token.token_id,
        actor=grant.actor,
        human=grant.human,
        tenant=grant.tenant,
        env=grant.env,
        capabilities=grant.capabilities,
        expires_at_ms=grant.expires_at_ms,
        created_at_ms=token.issued_at_ms,
        created_by=token.issued_by,
        sha256=grant.sha256,
        revoked_at_ms=token.revoked_at_ms,
    )


def _grant(asked: TokenRequest, sha256: str, issuer: Context, envelope: Envelope) -> Grant:
    tenant, _, env = issuer.partition.partition("/")
    grant = Grant(
        actor=asked.actor,
        human=asked.human,
        tenant=tenant if asked.tenant is None else asked.tenant,
        env=env if asked.env is None else asked.env,
        capabilities=tuple(sorted(set(asked.capabilities))),
        expires_at_ms=asked.expires_at_ms,
        sha256=sha256,
    )
    _check_form(grant, envelope.at_ms)
    _check_held(grant, issuer, envelope.human)
    return grant


def _check_form(grant: Grant, now_ms: int) -> None:
    if not _ACTOR.fullmatch(grant.actor):
        raise Invalid(
            f"{grant.actor[:64]!r} is no actor: 1 to 64 letters, digits and . _ : @ -", field="actor"
        )
    for name in ("tenant", "env"):
        place: str = getattr(grant, name)
        if not _PLACE.fullmatch(place):
            raise Invalid(f"{place[:32]!r} is no {name}: 1 to 32 small letters, digits, _ and -", field=name)
    unknown = [one for one in grant.capabilities if one not in CAPABILITIES]
    if unknown or not grant.capabilities:
        wrong = f"there is no capability {unknown[0][:64]!r}" if unknown else "no capability is named"
        raise Invalid(f"{wrong}; there are {', '.join(CAPABILITIES)}", field="capabilities")
    if grant.expires_at_ms is not None and grant.expires_at_ms <= now_ms:
        raise Invalid(
            f"expires_at_ms {grant.expires_at_ms} is over; it is {now_ms} now", field="expires_at_ms"
        )


def _check_held(grant: Grant, issuer: Context, human: bool) -> None:
    """Nobody grants what they lack: neither rights, nor a person's say, nor another place, nor more time."""
    # Names that stand for the engine and for who holds the state directory; the log must be able to trust them.
    if grant.actor.lower().startswith("engine") or grant.actor.lower() == OPERATOR:
        raise Forbidden(f"the name {grant.actor} is kept for the engine itself; take another", field="actor")
    lacking = [one for one in grant.capabilities if not issuer.may(one)]
    if lacking:
        raise Forbidden(
            f"the token of {issuer.actor} lacks {', '.join(lacking)} and cannot give it", field="capabilities"
        )
    if grant.human and not human:
        raise Forbidden("only a person's token gives one that is human", field="human")
    elsewhere = f"{grant.tenant}/{grant.env}" != issuer.partition
    # A tenant's own `*` ends at its border: else it would give itself everybody else's.
    if elsewhere and not (issuer.may("*") and issuer.partition == DEFAULT_PARTITION):
        raise Forbidden(
            f"a token of {issuer.partition} gives none for {grant.tenant}/{grant.env}",
            field="env" if issuer.partition.startswith(f"{grant.tenant}/") else "tenant",
        )
    ends = issuer.expires_at_ms
    if ends is not None and (grant.expires_at_ms is None or grant.expires_at_ms > ends):
        raise Forbidden(
            f"the token of {issuer.actor} ends at {ends}, and so do those that it gives",
            field="expires_at_ms",
        )


TOKEN: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Token,
    resources=resources,
    reads=CAPABILITY,
)
