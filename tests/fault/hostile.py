"""Small films of many makes, and what a hostile hand may do to their bytes.

    MAKES["vfr.mp4"](folder)           a film of 1.6 s with numbered frames
    damaged(data, chance)              a copy: bits flipped, cut short, holes of zeros, parts swapped, lengths that lie

Parts and lengths are those of the container: boxes of MP4 (ISO 14496-12), elements of Matroska and WebM (RFC 8794),
packets of a transport stream (ISO 13818-1). A parser trusts these most.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tests.clips import Clip, Sound, make_clip

Chance = np.random.Generator
FRAMES: Final = 40
PACKET: Final = 188
_BOXES: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"mvex"})
_MASTERS: Final = frozenset(
    {0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1, 0x1F43B675, 0x1C53BB6B}
    | {0xBB, 0xA0}
)
# What is written where a length stood: nothing, all, the sign, and numbers that overflow when something is added.
_LIES: Final = (0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


class Part(NamedTuple):
    """A stretch `[start, end)` of a file; its length is written in `width` bytes at `length`. Siblings share a parent."""

    start: int
    end: int
    length: int
    width: int
    parent: int


def _film(name: str, folder: Path, **more: object) -> Clip:
    usual = {"frames": FRAMES, "gop": 10, "width": 128, "height": 72, "audio": Sound(sample_rate=48_000)}
    return make_clip(folder / name, **{**usual, **more})  # type: ignore[arg-type]  # as `make_clip` takes them


def _uneven() -> list[Fraction]:
    """When frames are shown that come at 20, 40 and 60 ms."""
    steps = np.cumsum([0, *([20, 40, 60] * FRAMES)])[:FRAMES]
    return [Fraction(int(step), 1000) for step in steps]


MAKES: Final[dict[str, Callable[[Path], Clip]]] = {
    "h264.mp4": partial(_film, "h264.mp4"),
    "hevc.mp4": partial(_film, "hevc.mp4", codec="libx265"),
    "h264.mkv": partial(_film, "h264.mkv"),
    "h264.ts": partial(_film, "h264.ts"),
    "vp9.webm": partial(_film, "vp9.webm", codec="libvpx-vp9"),
    "vfr.mp4": partial(_film, "vfr.mp4", times=_uneven()),
    "rotated.mp4": partial(_film, "rotated.mp4", rotation=90),
    "open_gop.mp4": partial(_film, "open_gop.mp4", open_gop=True),
}


def damaged(data: bytes, chance: Chance) -> bytes:
    """Return a damaged copy of a film; equal `chance`, equal damage."""
    copy, parts = bytearray(data), list(parts_of(data))
    while copy == data:
        _WAYS[int(chance.integers(len(_WAYS)))](copy, parts, chance)
    return bytes(copy)


def parts_of(data: bytes) -> Iterator[Part]:
    """Yield the parts of a film, as deep as containers go."""
    if data[4:8] == b"ftyp":
        yield from _boxes(data, 0, len(data))
    elif data[:4] == b"\x1a\x45\xdf\xa3":
        yield from _elements(data, 0, len(data))
    else:
        # A packet's fifth byte is the length of its adaptation field, where it has one.
        for at in range(0, len(data) - PACKET + 1, PACKET):
            yield Part(at, at + PACKET, at + 4, 1, 0)


def _boxes(data: bytes, start: int, end: int) -> Iterator[Part]:
    at = start
    while at + 8 <= end:
        size = int.from_bytes(data[at : at + 4])
        if not 8 <= size <= end - at:
            return
        yield Part(at, at + size, at, 4, start)
        if data[at + 4 : at + 8] in _BOXES:
            yield from _boxes(data, at + 8, at + size)
        at += size


def _elements(data: bytes, start: int, end: int) -> Iterator[Part]:
    at = start
    while at + 2 <= end and data[at]:
        length = at + _octets(data[at])
        if length >= end or not data[length]:
            return
        width = _octets(data[length])
        content = length + width
        size = int.from_bytes(data[length:content]) & (1 << 7 * width) - 1
        last = min(end, content + size)  # all ones: as long as there is something
        yield Part(at, last, length, width, start)
        if int.from_bytes(data[at:length]) in _MASTERS:
            yield from _elements(data, content, last)
        at = last


def _octets(first: int) -> int:
    """Return how many bytes a number of EBML takes, by its first."""
    return 9 - first.bit_length()


def _flip(copy: bytearray, parts: Sequence[Part], chance: Chance) -> None:
    """Flip up to 16 bits, anywhere or within one part."""
    start, end = (0, len(copy)) if chance.random() < 0.5 else _one(parts, chance)[:2]
    for place in chance.integers(start, max(start + 1, end), size=int(chance.integers(1, 17))):
        if place < len(copy):
            copy[int(place)] ^= 1 << int(chance.integers(8))


def _cut_short(copy: bytearray, _parts: Sequence[Part], chance: Chance) -> None:
    del copy[int(chance.integers(len(copy) + 1)) :]


def _blank(copy: bytearray, parts: Sequence[Part], chance: Chance) -> None:
    """Overwrite what a part holds with zeros, or a stretch of it."""
    start, end = _one(parts, chance)[:2]
    first = int(chance.integers(start, end))
    last = int(chance.integers(first, end + 1))
    copy[first:last] = bytes(len(copy[first:last]))


def _swap(copy: bytearray, parts: Sequence[Part], chance: Chance) -> None:
    """Have two siblings change places."""
    one = _one(parts, chance)
    others = [part for part in parts if part.parent == one.parent and part.start >= one.end]
    if others:
        other = _one(others, chance)
        between = copy[one.end : other.start]
        copy[one.start : other.end] = copy[other.start : other.end] + between + copy[one.start : one.end]


def _lie(copy: bytearray, parts: Sequence[Part], chance: Chance) -> None:
    """Write another length where a part has its own, or another number anywhere inside a small part: a count, an offset."""
    one = _one(parts, chance)
    at, width = one.length, one.width
    if chance.random() < 0.5 and one.end - one.start > 12:
        at, width = int(chance.integers(one.start + 8, min(one.end - 4, one.start + 512) + 1)), 4
    said = int.from_bytes(copy[at : at + width])
    lies = (*_LIES, said + 1, max(0, said - 1), said * 2, said // 2)
    lie = lies[int(chance.integers(len(lies)))] & (1 << 8 * width) - 1
    copy[at : at + width] = lie.to_bytes(width)


def _one(parts: Sequence[Part], chance: Chance) -> Part:
    return parts[int(chance.integers(len(parts)))]


_WAYS: Final = (_flip, _cut_short, _blank, _swap, _lie)
