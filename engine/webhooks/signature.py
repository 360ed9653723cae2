"""Who sent a delivery: an HMAC over its id, the time and the raw body, with a secret that both sides know.

It is the form of the specification Standard Webhooks ("Webhook headers", "Signature scheme"), so that
its libraries, and senders that keep to it, sign for this as they are:

    webhook-id: msg_2f1c                  the same each time this delivery is tried
    webhook-timestamp: 1700000000         when it was sent, Unix seconds
    webhook-signature: v1,<base64 of HMAC-SHA256(key, "msg_2f1c.1700000000." + body)>

Several signatures, with a space between, one for each secret that the sender is changing between. A secret is written
`whsec_` and the key in base64; of the key 24 to 64 bytes are taken.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from engine.kernel.errors import Invalid, Unauthenticated

ID_HEADER: Final = "webhook-id"
TIME_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
PREFIX: Final = "whsec_"
SIGNATURES_MAX: Final = 8
KEY_BYTES: Final = range(24, 65)
_ID: Final = re.compile(
    r"[!-\-/-~]{1,256}"
)  # printable, and no full stop: with one, two deliveries could read the same
_TIME: Final = re.compile(r"0|[1-9][0-9]{0,11}")
_GIVEN: Final = re.compile(r"v1,([A-Za-z0-9+/]{43}=)")


class Signature(NamedTuple):
    """What the headers say: which delivery it is, when it was sent (Unix seconds, as written), and the signatures."""

    delivery: str
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
        or "no webhook of this name, or its signature is wrong; sign as Standard Webhooks does: webhook-id, "
        "webhook-timestamp (Unix seconds), webhook-signature: v1,BASE64",
        code="signature_refused",
    )


def read(headers: Mapping[str, str]) -> Signature:
    """Read the headers.

    Raises:
        Unauthenticated: `signature_refused`: one is missing or not of its form.
    """
    delivery, time = headers.get(ID_HEADER, ""), headers.get(TIME_HEADER, "")
    parts = headers.get(SIGNATURE_HEADER, "").split(" ")[:SIGNATURES_MAX]
    given = tuple(found[1] for part in parts if (found := _GIVEN.fullmatch(part)))
    if not (_ID.fullmatch(delivery) and _TIME.fullmatch(time) and given):
        raise refused()
    return Signature(delivery, time, given)


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        Invalid: it is not written as one.

    >>> len(key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    24
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise Invalid(
            f"a webhook's secret is {PREFIX} and 24 to 64 bytes in base64, such as the sender shows it; "
            f'"{PREFIX}$(openssl rand -base64 32)" makes one',
            field="secrets",
        )
    return key


def sign(key: bytes, delivery: str, time: str, content: bytes) -> str:
    """Return the signature of a delivery sent at `time`, in base64.

    The example is that of the standard's own libraries.

    >>> key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{delivery}.{time}.".encode() + content
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def is_signed(signature: Signature, content: bytes, keys: Sequence[bytes]) -> bool:
    """Tell whether one of the keys made one of the signatures; takes as long whichever it was, and if none was."""
    found = False
    for key in keys:
        right = sign(key, signature.delivery, signature.time, content)
        for given in signature.given:
            found |= hmac.compare_digest(right, given)
    return found
