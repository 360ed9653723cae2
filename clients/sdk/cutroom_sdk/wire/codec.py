"""JSON in and out, with exact times: a `Fraction` travels as `"45045/30000"`, or `"3"` when whole."""

import hashlib
from fractions import Fraction
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A payload that is read tolerantly: unknown fields are skipped."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payload that is asked for: an unknown field is a mistake and named as such."""


def seconds_text(value: Fraction) -> str:
    """Return exact seconds as the wire writes them.

    >>> seconds_text(Fraction(1001, 30000)), seconds_text(Fraction(3))
    ('1001/30000', '3')
    """
    return str(value)


def seconds_from(text: str) -> Fraction:
    """Read exact seconds: `"3"` or `"45045/30000"`.

    Raises:
        ValueError: anything else, decimals included: they are not exact.
    """
    numerator, slash, denominator = text.partition("/")
    if not (_is_whole(numerator) and (not slash or _is_whole(denominator))) or (
        slash and int(denominator) == 0
    ):
        raise ValueError(f"expected exact seconds such as '3' or '45045/30000', got {text[:40]!r}")
    return Fraction(int(numerator), int(denominator) if slash else 1)


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 18


def _enc_hook(value: Any) -> Any:
    if isinstance(value, Fraction):
        return seconds_text(value)
    raise NotImplementedError(f"{type(value).__name__} has no place on the wire")


def _dec_hook(kind: type, value: Any) -> Any:
    if kind is Fraction:
        if isinstance(value, int) and not isinstance(value, bool):
            return Fraction(value)
        if isinstance(value, str):
            return seconds_from(value)
        raise ValueError("expected exact seconds as a string such as '45045/30000'")
    raise NotImplementedError(f"{kind.__name__} has no place on the wire")


_encoder = msgspec.json.Encoder(enc_hook=_enc_hook)
_canonical = msgspec.json.Encoder(enc_hook=_enc_hook, order="deterministic")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: Any) -> bytes:
    """Return the JSON of a wire value."""
    return _encoder.encode(value)


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys: equal values give equal bytes, whatever order built them."""
    return _canonical.encode(value)


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def decode(data: bytes | str, kind: type[T]) -> T:
    """Read JSON as `kind`.

    Raises:
        msgspec.ValidationError: right JSON, wrong shape; the text names the field.
        msgspec.DecodeError: not JSON.
    """
    result: T = (_decoders.get(kind) or decoder_of(kind)).decode(data)
    return result


def decoder_of(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return what reads JSON as `kind`, for those who read much of one kind; raises as `decode` does."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind, dec_hook=_dec_hook)
    return decoder


def to_builtins(value: Any) -> Any:
    """Return a wire value as plain dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value, enc_hook=_enc_hook)


def convert(value: Any, kind: type[T]) -> T:
    """Read plain dicts and lists as `kind`.

    Raises:
        msgspec.ValidationError: the text names the field.
    """
    return msgspec.convert(value, kind, dec_hook=_dec_hook)


_packer = msgspec.msgpack.Encoder(enc_hook=_enc_hook)
_unpackers: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def pack(value: Any) -> bytes:
    """Return a value as MessagePack, exact times as on the wire. Between processes of one version, never stored."""
    return _packer.encode(value)


def unpack(data: bytes, kind: type[T]) -> T:
    """Read MessagePack as `kind`.

    Raises:
        msgspec.ValidationError: right form, wrong shape; the text names the field.
        msgspec.DecodeError: not MessagePack.
    """
    decoder = _unpackers.get(kind)
    if decoder is None:
        decoder = _unpackers[kind] = msgspec.msgpack.Decoder(kind, dec_hook=_dec_hook)
    result: T = decoder.decode(data)
    return result
