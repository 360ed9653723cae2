"""The only place that makes identifiers and secrets."""

import hashlib
import secrets
from typing import NewType

StreamId = NewType("StreamId", str)  # "{kind}/{id}"
Position = NewType("Position", int)  # place in the log, from 1; 0 is before the first
Version = NewType("Version", int)  # place in a stream, from 1; 0 is an empty stream
Rev = NewType("Rev", int)  # writes of a resource, from 1; 0 is never written
IdempotencyKey = NewType("IdempotencyKey", str)
AssetId = NewType("AssetId", str)
RunId = NewType("RunId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing looks like anything else


def new_id(at_ms: int) -> str:
    """Return a fresh id of 20 characters that sorts by time: 9 of milliseconds, 11 of chance (55 bits)."""
    return _base32(at_ms, 9) + _base32(secrets.randbits(55), 11)


def derived_id(*parts: str | int) -> str:
    """Return the id that follows from `parts`: the same parts, the same id, 32 hex digits."""
    joined = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


def derived_number(*parts: str | int, below: int) -> int:
    """Return the number in `[0, below)` that follows from `parts`: evenly spread, and the same each time.

    >>> derived_number("c1", 1, below=1000) == derived_number("c1", 1, below=1000)
    True
    """
    return int(derived_id(*parts), 16) % below


def new_identity() -> str:
    """Return 128 bits of chance, 32 hex digits."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """Return 256 bits of chance, URL-safe."""
    return secrets.token_urlsafe(32)


def new_key(size: int = 32) -> bytes:
    """Return so many bytes of chance, for a cipher's key or nonce."""
    return secrets.token_bytes(size)


def kind_of(stream: str) -> str:
    """Return the kind of a stream or resource key: what stands before its first slash."""
    return stream.partition("/")[0]


def _base32(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
