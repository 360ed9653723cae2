"""As little HTTP/2, gRPC and protobuf as it takes to ask etcd for three things; pure functions over bytes.

HTTP/2 is RFC 9113, its header compression RFC 7541, a gRPC message five bytes (no compression, big-endian length) and the
protobuf. etcd's messages are those of `etcdserverpb/rpc.proto`. The client beside it for HTTP/1.1 is as plain: a request is
formatted, an answer is looked at where it must be.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

DATA: Final = 0x0
HEADERS: Final = 0x1
RESET: Final = 0x3
SETTINGS: Final = 0x4
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
HEADER_BYTES: Final = 9
_WINDOW: Final = 2**31 - 1
_HEAD: Final = struct.Struct(">HBBBI")  # the length's upper 16 bits, its lower 8, type, flags, stream
KV: Final = b"/etcdserverpb.KV/"
WATCH: Final = b"/etcdserverpb.Watch/Watch"


class Frame(NamedTuple):
    """One frame; `payload` is a copy."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    size = len(payload)
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def frames(buffer: bytes) -> tuple[list[Frame], bytes]:
    """Return the whole frames at the beginning of a buffer, and what is left of it."""
    found, at, end = [], 0, len(buffer)
    while at + HEADER_BYTES <= end:
        high, low, kind, flags, stream = _HEAD.unpack_from(buffer, at)
        after = at + HEADER_BYTES + (high << 8 | low)
        if after > end:
            break
        found.append(Frame(kind, flags, stream, buffer[at + HEADER_BYTES : after]))
        at = after
    return found, buffer[at:] if at else buffer


def opening() -> bytes:
    """Return what a client says first: no push, and windows so large that it need not widen them."""
    settings = struct.pack(">HIHI", 0x2, 0, 0x4, _WINDOW)
    widened = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", _WINDOW - 0xFFFF))
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings) + widened


def _literal(name: int | bytes, value: bytes) -> bytes:
    """A header that both ends put into their table; `name` is an index into the static table, or the name."""
    lead = bytes((0x40 | name,)) if isinstance(name, int) else b"\x40" + bytes((len(name),)) + name
    return lead + bytes((len(value),)) + value


def first_block(path: bytes, authority: bytes) -> bytes:
    """Return the header block of a connection's first call: POST, http, and four headers for the table.

    All names and values have fewer than 127 bytes.
    """
    return (
        b"\x83\x86"
        + _literal(4, path)
        + _literal(1, authority)
        + _literal(31, b"application/grpc")
        + _literal(b"te", b"trailers")
    )


NEXT_BLOCK: Final = b"\x83\x86\xc1\xc0\xbf\xbe"  # the same call again: all six by their number


def call(stream: int, block: bytes, message: bytes, *, ended: bool = True) -> bytes:
    """Return a gRPC call of one message; not `ended`: more messages may follow."""
    body = b"\0" + struct.pack(">I", len(message)) + message
    return frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, END_STREAM if ended else 0, stream, body)


def varint(value: int) -> bytes:
    """Return a whole number, seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """Return a field that holds a whole number."""
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    """Return a field that holds bytes, or another message."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a message: whole numbers and bytes; there are no others in what etcd answers."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint_at(message, at)
        value, at = _varint_at(message, at)
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + value]
            at += value
        else:
            assert tag & 7 == 0, f"a field of wire type {tag & 7}"
            yield tag >> 3, value


def _varint_at(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def put_if(key: bytes, value: bytes, revision: int) -> bytes:
    """Return a TxnRequest: put when the key was changed last at `revision`, 0 for one that is absent."""
    # Compare {result EQUAL = 0, target MOD = 2, key, mod_revision}; the result, being zero, is left out.
    compare = number(2, 2) + text(3, key) + number(6, revision)
    return text(1, compare) + text(2, text(2, text(1, key) + text(2, value)))


def put_revision(answer: bytes) -> int:
    """Return the revision of a TxnResponse, 0 when its comparison did not hold."""
    revision = succeeded = 0
    for field, value in fields(answer):
        if field == 1 and isinstance(value, bytes):
            revision = next(inner for at, inner in fields(value) if at == 3)  # type: ignore[assignment]
        elif field == 2 and isinstance(value, int):
            succeeded = value
            break
    return revision if succeeded else 0


def range_of(key: bytes) -> bytes:
    """Return a RangeRequest for one key."""
    return text(1, key)


def watch_of(prefix: bytes) -> bytes:
    """Return a WatchRequest for all keys under a prefix."""
    end = prefix[:-1] + bytes((prefix[-1] + 1,))
    return text(1, text(1, prefix) + text(2, end))
