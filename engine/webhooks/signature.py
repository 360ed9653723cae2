"""Who sent a delivery: an HMAC over the raw body and the time, with a secret that both sides know.

    X-Cutroom-Signature: t=1700000000,v1=<hex of HMAC-SHA256(secret, "1700000000." + body)>

`v1` may come several times, one for each secret that the sender is changing between. The form is the one that many senders
of webhooks use already, so their libraries sign for this with another header's name.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.kernel.errors import Unauthenticated

HEADER: Final = "x-cutroom-signature"
PARTS_MAX: Final = 8
_TIME: Final = re.compile(r"[0-9]{1,12}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class Signature(NamedTuple):
    """What the header says: when it was sent (Unix seconds, as written), and the signatures."""

    time: str
    given: tuple[str, ...]

    @property
    def sent_at_ms(self) -> int:
        """When it was sent, by the sender's clock."""
        return int(self.time) * 1000


def refused(detail: str = "") -> Unauthenticated:
    """Return the refusal of a delivery; without a detail it tells nobody whether there is such a webhook."""
    return Unauthenticated(
        detail
        or f"no webhook of this name, or its signature is wrong; sign as {HEADER} wants it: t=SECONDS,v1=HEX",
        code="signature_refused",
    )


def read(header: str | None) -> Signature:
    """Read the header.

    Raises:
        Unauthenticated: `signature_refused`: it is missing or not of its form.
    """
    times, given = list[str](), list[str]()
    for part in (header or "").split(",")[:PARTS_MAX]:
        name, _, value = part.strip().partition("=")
        if name == "t" and _TIME.fullmatch(value):
            times.append(value)
        elif name == "v1" and _HEX.fullmatch(value):
            given.append(value)
    if len(times) != 1 or not given:
        raise refused()
    return Signature(times[0], tuple(given))


def sign(secret: str, time: str, content: bytes) -> str:
    """Return the signature of a body sent at `time`, in hex.

    >>> sign("whsec_example", "1700000000", b"{}")[:16]
    '7fd3f63e358a5b46'
    """
    return hmac.new(
        secret.encode("utf-8", "surrogatepass"), f"{time}.".encode() + content, hashlib.sha256
    ).hexdigest()


def is_signed(signature: Signature, content: bytes, secrets: Sequence[str]) -> bool:
    """Tell whether one of the secrets made one of the signatures; takes as long whichever it was, and if none was."""
    found = False
    for secret in secrets:
        right = sign(secret, signature.time, content)
        for given in signature.given:
            found |= hmac.compare_digest(right, given)
    return found
