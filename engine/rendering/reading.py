"""A source's frames by pts, in whatever order a tree asks for them: forwards as they are decoded, backwards in chunks."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Final, Protocol

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from engine.kernel.errors import StudioError, WorkFailed
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex
from engine.media.source import open_media
from engine.rendering.graph import Footage

Gray = NDArray[np.uint8]

SAMPLE_LINES: Final = 180  # evidence is taken from about this many lines of the shorter side
VISIBLE_STEPS: Final = 16  # a still picture flickers by a few steps when its encoder begins anew
UPPER: Final = ("p0", "p2", "p4")
# Frames that are kept while a source plays backwards: what lies before them is decoded once more for the next chunk.
CHUNK_BYTES: Final = 128 << 20
# A jump of fewer frames than this is decoded through rather than sought.
SKIP_MOST: Final = 12


class Frames(Protocol):
    """Gives the frames of one footage, one for each place."""

    @property
    def source_change(self) -> float | None:
        """How much of the picture differs visibly from the place before, 0..1; None where that is not known."""
        ...

    def frame(self, place: int) -> av.VideoFrame:
        """Return the source's frame at a place."""
        ...


class Opened(Protocol):
    """The sources of a tree."""

    def reader(self, footage: Footage) -> Frames:
        """Return what reads a footage."""
        ...

    def close(self) -> None:
        """Be done with the tree."""
        ...


class Reader:
    """The frames of one footage, one for each place."""

    def __init__(self, container: InputContainer, index: FrameIndex, footage: Footage) -> None:
        """Read from an open container; nothing is decoded yet.

        Raises:
            WorkFailed: `stage` decode: the index knows no frame with one of the pts.
        """
        self._container, self._index, self._sha256 = container, index, footage.sha256
        self._numbers = [number_of(index, pts) for pts in footage.pts]
        self._chunk = max(2, CHUNK_BYTES // (footage.width * footage.height * 3 // 2))
        self._flow: Iterator[tuple[int, av.VideoFrame]] | None = None
        self._end = 0  # of the span that `_flow` decodes
        self._now: tuple[int, av.VideoFrame] | None = None
        self._behind: dict[int, av.VideoFrame] = {}
        self._place = -1
        self._before: Gray | None = None
        self._change: float | None = None

    def frame(self, place: int) -> av.VideoFrame:
        """Return the source's frame at a place; calls with rising places are cheap.

        Raises:
            Invalid: `media_unreadable`, with `frame` and the source's `sha256`: it cannot be decoded.
        """
        try:
            frame = self._read(self._numbers[place], place)
        except StudioError as error:
            error.extra.setdefault("sha256", self._sha256)
            raise
        if place != self._place:
            sample = brightness(frame)
            self._change = change(self._before, sample) if place == self._place + 1 else None
            self._before, self._place = sample, place
        return frame

    @property
    def source_change(self) -> float | None:
        """How much of the picture differs visibly from the place before, 0..1; None at the first."""
        return self._change

    def _read(self, number: int, place: int) -> av.VideoFrame:
        if self._now is not None and self._now[0] == number:
            return self._now[1]
        if number in self._behind:
            return self._behind[number]
        ahead = self._now is not None and self._now[0] < number < self._end
        near = ahead and (
            number - self._now[0] <= SKIP_MOST  # type: ignore[index]  # `ahead` says that there is one
            or self._index.keyframe_before(number) <= self._now[0]  # type: ignore[index]
        )
        if not near:
            if self._backwards(number, place):
                return self._behind[number]
            self._begin(number, place)
        assert self._flow is not None, "a flow was begun"
        for found, frame in self._flow:
            self._now = (found, frame)
            if found == number:
                return frame
        raise AssertionError("a reader gives every frame of its span or says which it cannot")

    def _begin(self, number: int, place: int) -> None:
        """Have frames decoded from `number` on, as far as the places rise from here."""
        last = place
        while last + 1 < len(self._numbers) and self._numbers[last + 1] >= self._numbers[last]:
            last += 1
        self._behind, self._now = {}, None
        self._end = self._numbers[last] + 1
        self._flow = FrameReader(self._container, self._index).frames(number, self._end)

    def _backwards(self, number: int, place: int) -> bool:
        """Where the next frame lies before this one, decode the chunk that ends with this one and keep it."""
        if place + 1 >= len(self._numbers) or self._numbers[place + 1] >= number:
            return False
        last = place
        while last + 1 < len(self._numbers) and self._numbers[last + 1] <= self._numbers[last]:
            last += 1
        first = max(self._numbers[last], number - self._chunk + 1)
        wanted = set(self._numbers[place : last + 1])
        reader = FrameReader(self._container, self._index)
        self._flow, self._now = None, None
        self._behind = {found: frame for found, frame in reader.frames(first, number + 1) if found in wanted}
        return True


class Sources:
    """The sources of a tree, open: each by its hash, as many readers of one as the tree has ways through it."""

    def __init__(self, hashes: tuple[str, ...], descriptors: tuple[int, ...]) -> None:
        """Take for each hash the descriptor of its file and that of its frame index."""
        self._files = {sha256: descriptors[2 * place : 2 * place + 2] for place, sha256 in enumerate(hashes)}
        self._indexes: dict[str, FrameIndex] = {}
        self._readers: dict[tuple[str, tuple[int, ...]], Reader] = {}
        self._open: list[InputContainer] = []

    def reader(self, footage: Footage) -> Reader:
        """Return the reader of a footage; footage with the same frames shares one."""
        at = (footage.sha256, footage.pts)
        if at not in self._readers:
            source, index_file = self._files[footage.sha256]
            if footage.sha256 not in self._indexes:
                self._indexes[footage.sha256] = FrameIndex.from_bytes(read_whole(index_file))
            container = open_media(source)
            self._open.append(container)
            self._readers[at] = Reader(container, self._indexes[footage.sha256], footage)
        return self._readers[at]

    def close(self) -> None:
        """Close what was opened."""
        for container in self._open:
            container.close()
        self._open.clear()


def brightness(frame: av.VideoFrame) -> Gray:
    """Return every nth brightness value of every nth line, n such that about `SAMPLE_LINES` are left.

    More than 8 bits are brought to 8. Of a format that does not begin with a plane of brightness these are just some of
    its bytes.
    """
    plane, name = frame.planes[0], frame.format.name
    every = max(1, min(frame.width, frame.height) // SAMPLE_LINES)
    bits = frame.format.components[0].bits
    if bits <= 8:
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        return lines[: frame.height : every, : frame.width : every].copy()
    wide = np.frombuffer(memoryview(plane), ">u2" if name.endswith("be") else "<u2")
    thin = wide.reshape(-1, plane.line_size // 2)[: frame.height : every, : frame.width : every]
    # Formats with two planes keep their bits at the upper end of the word.
    return np.asarray(thin >> (8 if name.startswith(UPPER) else bits - 8), dtype=np.uint8)


def change(before: Gray | None, now: Gray) -> float | None:
    """Return the part of a picture that differs visibly from the one before; None where they cannot be compared."""
    if before is None or before.shape != now.shape:
        return None
    differing = np.count_nonzero(np.maximum(now, before) - np.minimum(now, before) > VISIBLE_STEPS)
    return round(int(differing) / now.size, 6)


def read_whole(descriptor: int) -> bytes:
    """Return all that a file holds."""
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def number_of(index: FrameIndex, pts: int) -> int:
    """Return the number of the frame with this pts.

    Raises:
        WorkFailed: `stage` decode: there is none.
    """
    number = bisect.bisect_left(index.pts, pts)
    if number == index.count or index.pts[number] != pts:
        raise WorkFailed(f"the source has no frame with pts {pts}: its index is another's", stage="decode")
    return number
