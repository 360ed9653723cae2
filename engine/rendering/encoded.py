"""How encoded segments and sound lie in the blob store: packets with what the muxer and the tester need beside them.

A file of segments is a row of records, each its length (8 bytes, big endian) and MessagePack. So segments are joined by
putting their files one after the other. The format belongs to `RENDER_VERSION`, which is in every key.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.codec import pack, unpack

LENGTH_BYTES: Final = 8
RECORD_BYTES_MAX: Final = 2 << 30


class Packet(Struct, frozen=True, kw_only=True):
    """One encoded frame; `pts` counts frames (picture) or samples (sound) from the unit's start, in decoding order."""

    pts: int
    key: bool
    data: bytes


class Evidence(Struct, frozen=True, kw_only=True):
    """What a frame looked like before it was encoded.

    `dark` is the part of it that is black, 0..1. `source_change` is the part of the source's whole picture that
    differs visibly from the one before, 0..1; None where there is none before, or no source. `thumb` is a picture of
    16x16 bytes of brightness.
    """

    dark: float
    source_change: float | None
    thumb: bytes


class EncodedSegment(Struct, frozen=True, kw_only=True):
    """A segment: `extradata` are the stream's headers, equal for all segments of a film.

    `notices` tell what came out otherwise than asked.
    """

    extradata: bytes
    packets: tuple[Packet, ...]
    evidence: tuple[Evidence, ...]
    notices: tuple[str, ...] = ()


class EncodedSound(Struct, frozen=True, kw_only=True):
    """A film's sound: its first sample is heard at `pts` 0, what lies before is the encoder's run-up.

    `count` samples are to be heard; the last packet may hold more. `copied`: packets are a source's own, whose stream also
    says what kind of sound they are; `sample_rate` is theirs then, Hz.
    """

    extradata: bytes
    count: int
    frame_samples: int
    packets: tuple[Packet, ...]
    copied: bool = False
    sample_rate: int = 0


def write_segment(descriptor: int, segment: EncodedSegment) -> int:
    """Write one record at the file's start; return its size in bytes."""
    return _write(descriptor, pack(segment))


def write_sound(descriptor: int, sound: EncodedSound) -> int:
    """Write one record at the file's start; return its size in bytes."""
    return _write(descriptor, pack(sound))


def read_segments(descriptors: Sequence[int]) -> Iterator[EncodedSegment]:
    """Yield the segments of files, one after the other; one is in memory at a time.

    Raises:
        ValueError: a file is damaged.
    """
    for descriptor in descriptors:
        for record in _records(descriptor):
            yield unpack(record, EncodedSegment)


def read_sound(descriptor: int) -> EncodedSound:
    """Return what `write_sound` wrote.

    Raises:
        ValueError: the file is damaged.
    """
    return unpack(next(_records(descriptor)), EncodedSound)


def _write(descriptor: int, record: bytes) -> int:
    data = len(record).to_bytes(LENGTH_BYTES, "big") + record
    view, place = memoryview(data), 0
    while place < len(data):
        place += os.pwrite(descriptor, view[place:], place)
    return len(data)


def _records(descriptor: int) -> Iterator[bytes]:
    size, place = os.fstat(descriptor).st_size, 0
    if size == 0:
        raise ValueError("an encoded file is empty")
    while place < size:
        length = int.from_bytes(os.pread(descriptor, LENGTH_BYTES, place), "big")
        place += LENGTH_BYTES
        if not 0 < length <= min(size - place, RECORD_BYTES_MAX):
            raise ValueError("an encoded file is cut off")
        yield os.pread(descriptor, length, place)
        place += length
