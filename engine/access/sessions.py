"""How a window of a browser gets in: a ticket that is good once and for seconds, then a cookie.

A token never goes into an address, where histories and logs would keep it; a ticket may, for it is spent by then. The
cookie is signed and names its token: it outlives the daemon, and ends when its token does.
"""

import hashlib
import hmac
from typing import Final, NamedTuple

from engine.access.secrets import fingerprint
from engine.kernel.clock import Clock
from engine.kernel.errors import Forbidden, Unavailable
from engine.kernel.ids import new_secret

KEY_FILE: Final = "windows.key"
PREFIX: Final = "window."
TICKET_MS: Final = 30_000
WINDOW_MS: Final = 7 * 24 * 3600 * 1000
TICKETS_MAX: Final = 1_000


class _Ticket(NamedTuple):
    token_id: str
    expires_at_ms: int


class Sessions:
    """Tickets, in memory, and the signature of cookies."""

    def __init__(self, key: str, clock: Clock) -> None:
        self._key = key.encode()
        self._clock = clock
        self._tickets: dict[str, _Ticket] = {}

    def ticket(self, token_id: str) -> tuple[str, int]:
        """Return a ticket for a token, and when it ends.

        Raises:
            Unavailable: more are out than windows could be opening.
        """
        now = self._clock.now_ms()
        self._tickets = {name: one for name, one in self._tickets.items() if one.expires_at_ms > now}
        if len(self._tickets) >= TICKETS_MAX:
            raise Unavailable(f"{TICKETS_MAX} tickets are out and unused; try again in half a minute")
        secret, ends = new_secret(), now + TICKET_MS
        self._tickets[fingerprint(secret)] = _Ticket(token_id, ends)
        return secret, ends

    def spend(self, ticket: str) -> str:
        """Return whose token a ticket stands for; it opens nothing after that.

        Raises:
            Forbidden: it was spent, its time is over, or there was none.
        """
        found = self._tickets.pop(fingerprint(ticket), None)
        if found is None or found.expires_at_ms <= self._clock.now_ms():
            raise Forbidden("the ticket is spent, too old, or none; ask for a new one with the token")
        return found.token_id

    def cookie(self, token_id: str, sha256: str, ends_ms: int | None) -> tuple[str, int]:
        """Return a cookie's value for a token with this hash, and when it ends: not after the token."""
        ends = self._clock.now_ms() + WINDOW_MS
        ends = ends if ends_ms is None else min(ends, ends_ms)
        return f"{PREFIX}{token_id}.{ends}.{self._signature(token_id, ends, sha256)}", ends

    def token_id(self, cookie: str) -> str:
        """Return the token that a cookie names; whether it may is for `holds` to say."""
        return cookie.removeprefix(PREFIX).partition(".")[0]

    def holds(self, cookie: str, sha256: str) -> bool:
        """Tell whether a cookie was given for the token with this hash, and its time is not over."""
        token_id, _, rest = cookie.removeprefix(PREFIX).partition(".")
        ends, _, signature = rest.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) <= 15 and signature.isascii()):
            return False
        right = hmac.compare_digest(signature, self._signature(token_id, int(ends), sha256))
        return right and self._clock.now_ms() < int(ends)

    def _signature(self, token_id: str, ends_ms: int, sha256: str) -> str:
        text = f"{token_id}.{ends_ms}.{sha256}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()
