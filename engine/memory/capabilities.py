"""Signed capabilities: rights narrower than a token's, for a run or a helper, that the engine alone can make.

    memory.<claims in base64>.<HMAC-SHA256 of that, in base64>

Nothing is kept of one. It is checked by its signature, its time, the token that it was asked for with, and its run.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.memory import Tier, UpperTier
from engine.kernel.clock import Clock
from engine.kernel.context import Context
from engine.memory.rights import SCOPED, Rights

PREFIX: Final = "memory."
LIFE_MAX_MS: Final = 24 * 3600 * 1000
Holder = Callable[[str], Context | None]


class Claims(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a capability says. `token_id` is the token that it was asked for with, and ends with."""

    actor: str
    partition: str
    token_id: str
    expires_at_ms: int
    read_tiers: tuple[Tier, ...]
    write_tiers: tuple[Tier, ...]
    promote_targets: tuple[UpperTier, ...]
    require_review: bool
    workspace: str | None = None
    project: str | None = None
    run_id: str | None = None

    def rights(self) -> Rights:
        """Return the rights that it stands for."""
        return Rights(
            read_tiers=frozenset(self.read_tiers),
            write_tiers=frozenset(self.write_tiers),
            promote_targets=frozenset(self.promote_targets),
            require_review=self.require_review,
            workspace=self.workspace,
            project=self.project,
            run_id=self.run_id,
        )


class Capabilities:
    """Makes and reads signed capabilities."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def mint(self, claims: Claims) -> str:
        """Return the token that says this."""
        body = _packed(encode(claims))
        return f"{PREFIX}{body}.{_packed(self._signature(body))}"

    def read(self, token: str) -> Claims | None:
        """Return what a token says; None when it was not made here, was changed, or its time is over."""
        body, dot, signature = token.removeprefix(PREFIX).rpartition(".")
        if not (token.startswith(PREFIX) and dot and token.isascii()):
            return None
        try:
            # As texts: the last letter of base64 has bits that say nothing, and a changed token is none.
            if not hmac.compare_digest(signature, _packed(self._signature(body))):
                return None
            claims = decode(_unpacked(body), Claims)
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            return None
        return claims if self._clock.now_ms() < claims.expires_at_ms else None

    def check(self, token: str, holder: Holder) -> Context | None:
        """Return who a capability stands for; None when it is none, or the token behind it is no longer good."""
        claims = self.read(token)
        if claims is None:
            return None
        behind = holder(claims.token_id)
        if behind is None or behind.partition != claims.partition:
            return None
        return Context(
            actor=claims.actor,
            partition=claims.partition,
            capabilities=frozenset({SCOPED}),
            # Not the id of the token behind it: a window opened with that one would have its rights.
            token_id=f"{PREFIX}{claims.token_id}",
            expires_at_ms=claims.expires_at_ms,
        )

    def _signature(self, body: str) -> bytes:
        return hmac.new(self._key, b"cutroom memory capability 1\0" + body.encode(), hashlib.sha256).digest()


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
