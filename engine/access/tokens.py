"""Who a bearer token belongs to: the operator's from the state directory, the issued ones from the log.

What checking needs is a copy in memory: loaded at the start, kept by listening to commits. A check is one look-up by the
token's hash and one comparison that takes as long for every token, so neither tells anything of the others.
"""

import hmac
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from cutroom_sdk.wire.tokens import Token
from engine.access import sessions
from engine.access.reducer import KIND, OPERATOR
from engine.access.secrets import fingerprint, kept_secret
from engine.access.sessions import Sessions
from engine.kernel.clock import Clock
from engine.kernel.context import DEFAULT_PARTITION, Context
from engine.kernel.dispatch import Told
from engine.kernel.resources import Store

OPERATOR_FILE: Final = "operator.token"
PREFIX: Final = "cutroom_"  # so that programs that look for leaked secrets know one
_NOBODY: Final = fingerprint("")


class _Held(NamedTuple):
    """A token that is known: the hash of its secret, and who it stands for."""

    sha256: str
    context: Context


class Tokens:
    """The tokens that the daemon knows. `sessions` lets windows of a browser in with them."""

    def __init__(self, operator_token: str, window_key: str, clock: Clock) -> None:
        self._clock = clock
        self._by_id: dict[str, _Held] = {}
        self._by_hash: dict[str, _Held] = {}
        self.sessions = Sessions(window_key, clock)
        operator = Context(
            actor=OPERATOR,
            partition=DEFAULT_PARTITION,
            human=True,
            capabilities=frozenset({"*"}),
            token_id=OPERATOR,
        )
        self._add(_Held(fingerprint(operator_token), operator))

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "Tokens":
        """Read the operator's token and the key of windows, and make them on the first start.

        Raises:
            Invalid: a file is there and empty.
        """
        operator = kept_secret(folder / OPERATOR_FILE)
        return cls(operator, kept_secret(folder / sessions.KEY_FILE), clock)

    async def load(self, store: Store) -> None:
        """Take over what is issued already, in all partitions; before the first request."""
        for partition in await store.partitions():
            for token in await store.values(KIND, Token, partition):
                self._add(_held(token))

    def heard(self, told: Told) -> None:
        """Keep up with a commit."""
        for change in told.changes:
            kind, _, token_id = change.key.partition("/")
            if kind != KIND:
                continue
            if change.value is None:
                self._drop(token_id)
            else:
                self._add(_held(msgspec.json.decode(change.value, type=Token)))

    def check(self, token: str) -> Context | None:
        """Return who a token, or a window's cookie, stands for; None when nobody knows it or its time is over."""
        if token.startswith(sessions.PREFIX):
            held = self._by_id.get(self.sessions.token_id(token))
            known = held is not None and self.sessions.holds(token, held.sha256)
        else:
            sha256 = fingerprint(token)
            held = self._by_hash.get(sha256)
            known = hmac.compare_digest(sha256, held.sha256 if held else _NOBODY) and held is not None
        if not known or held is None or not self.valid(held.context):
            return None
        return held.context

    def valid(self, context: Context) -> bool:
        """Tell whether the token that somebody came in with is still good."""
        held = self._by_id.get(context.token_id)
        ends = context.expires_at_ms
        return held is not None and (ends is None or self._clock.now_ms() < ends)

    def window(self, context: Context) -> tuple[str, int]:
        """Return the cookie's value for a window that acts for `context`, and when it ends."""
        held = self._by_id[context.token_id]
        return self.sessions.cookie(context.token_id, held.sha256, context.expires_at_ms)

    def holder(self, token_id: str) -> Context | None:
        """Return who a token stands for, None when it is no longer good."""
        held = self._by_id.get(token_id)
        return held.context if held and self.valid(held.context) else None

    def _add(self, held: _Held) -> None:
        self._by_id[held.context.token_id] = held
        self._by_hash[held.sha256] = held

    def _drop(self, token_id: str) -> None:
        held = self._by_id.pop(token_id, None)
        if held is not None:
            self._by_hash.pop(held.sha256, None)


def _held(token: Token) -> _Held:
    context = Context(
        actor=token.actor,
        partition=f"{token.tenant}/{token.env}",
        human=token.human,
        capabilities=frozenset(token.capabilities),
        token_id=token.token_id,
        expires_at_ms=token.expires_at_ms,
    )
    return _Held(token.sha256, context)
