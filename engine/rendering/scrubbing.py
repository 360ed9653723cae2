"""Files that stay open from one frame to the next: who scrubs asks for frame after frame of the same few files.

Opening a file, reading its index and decoding from a keyframe on are most of what a frame costs. A decoder that stands a
little before the frame that is wanted goes on from there. What was opened is let go when nobody has asked for a while, when
other work begins, and when it would take too much memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

import av
from av.codec.context import ThreadType

from engine.media.frames import FrameReader
from engine.media.index import FrameIndex
from engine.media.source import indexed_picture, open_media
from engine.media.tasks import let_go
from engine.rendering.graph import Footage
from engine.rendering.reading import SKIP_MOST, number_of, read_whole

THREADS: Final = 2
# What open decoders may hold together, and what one is taken to hold: pictures to refer to, and those in its threads.
MOST_BYTES: Final = 256 << 20
PICTURES_HELD: Final = 8


class Stamp(NamedTuple):
    """Which file a descriptor is of, and whether it is still the same inside."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @staticmethod
    def of(descriptor: int) -> Stamp:
        """Look at an open file."""
        found = os.fstat(descriptor)
        return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class Stand:
    """One open file whose decoder stands behind the frame that it gave last."""

    def __init__(self, stamps: tuple[Stamp, Stamp], source: int, index: FrameIndex) -> None:
        """Open a file; the descriptor is copied, and may be closed by whoever gave it.

        Raises:
            Invalid: `media_unreadable`.
        """
        self.stamps, self.index = stamps, index
        self._descriptor = os.dup(source)
        try:
            self._container = open_media(self._descriptor, threads=THREADS)
            stream = indexed_picture(self._container)
        except BaseException:
            os.close(self._descriptor)
            raise
        stream.codec_context.thread_type = ThreadType.FRAME  # most encoders make one slice of a picture
        self._reader = FrameReader(self._container, index)
        self._flow: Iterator[tuple[int, av.VideoFrame]] | None = None
        self._now: tuple[int, av.VideoFrame] | None = None

    @property
    def held_bytes(self) -> int:
        """About how much memory the decoder holds."""
        if self._now is None:
            return 0
        frame = self._now[1]
        return PICTURES_HELD * frame.width * frame.height * 3 // 2

    def is_near(self, number: int) -> bool:
        """Tell whether going on to a frame is less work than decoding from its keyframe on."""
        if self._now is None:
            return False
        ahead = number - self._now[0]
        return 0 <= ahead <= SKIP_MOST or (ahead > 0 and self.index.linear)

    def frame(self, number: int) -> av.VideoFrame:
        """Return a frame.

        Raises:
            Invalid: `media_unreadable`, with `frame`: it cannot be decoded.
        """
        if not self.is_near(number):
            self._now, self._flow = None, self._reader.frames(number, self.index.count)
        if self._now is not None and self._now[0] == number:
            return self._now[1]
        assert self._flow is not None, "who is near a frame is on the way"
        for found, frame in self._flow:
            self._now = (found, frame)
            if found == number:
                return frame
        raise AssertionError("a reader gives every frame of its span or says which it cannot")

    def close(self) -> None:
        """Close the file."""
        self._flow = self._now = None
        self._container.close()
        os.close(self._descriptor)


class Kept:
    """The open files of a process, those that were used least recently first."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._stands: list[Stand] = []

    def frame(self, files: tuple[int, int], pts: int, taken: set[Stand]) -> av.VideoFrame:
        """Return a frame of a file: from a decoder near it, or from one that nobody has `taken`, or from a new one.

        Args:
            files: descriptors of the file and of its frame index.
            pts: of the frame.
            taken: who gave a frame of the same picture already; the one that gives this is added.

        Raises:
            Invalid: `media_unreadable`, with `frame`: it cannot be decoded.
            WorkFailed: `stage` decode: the index knows no frame with this pts.
        """
        stamps = (Stamp.of(files[0]), Stamp.of(files[1]))
        same = [stand for stand in self._stands if stand.stamps == stamps]
        index = same[0].index if same else FrameIndex.from_bytes(read_whole(files[1]))
        number = number_of(index, pts)
        fit = [one for one in same if one.is_near(number)] or [one for one in same if one not in taken]
        stand = fit[0] if fit else Stand(stamps, files[0], index)
        if fit:
            self._stands.remove(stand)
        try:
            frame = stand.frame(number)
        except BaseException:
            stand.close()
            raise
        self._stands.append(stand)
        taken.add(stand)
        return frame

    def tidy(self, most_bytes: int) -> None:
        """Close files until the decoders of the others hold no more than this."""
        while self._stands and sum(stand.held_bytes for stand in self._stands) > most_bytes:
            self._stands.pop(0).close()


kept: Final = Kept()


@let_go
def close_all() -> None:
    """Close every file that is kept open."""
    kept.tidy(-1)


class KeptSources:
    """The sources of one picture's tree, among the files that are kept open."""

    def __init__(self, hashes: tuple[str, ...], descriptors: tuple[int, ...]) -> None:
        """Take for each hash the descriptor of its file and that of its frame index."""
        self._files = {
            sha256: (descriptors[2 * place], descriptors[2 * place + 1])
            for place, sha256 in enumerate(hashes)
        }
        self._taken: set[Stand] = set()

    def reader(self, footage: Footage) -> KeptReader:
        """Return what reads the frame of a footage."""
        return KeptReader(footage, self._files[footage.sha256], self._taken)

    def close(self) -> None:
        """Keep the files open for the next picture, as far as memory goes."""
        kept.tidy(MOST_BYTES)


class KeptReader:
    """The frames of one footage in a picture that stands alone: nothing lies before it, so no change is known."""

    source_change: Final = None

    def __init__(self, footage: Footage, files: tuple[int, int], taken: set[Stand]) -> None:
        """Read from a source's file and its frame index."""
        self._footage, self._files, self._taken = footage, files, taken

    def frame(self, place: int) -> av.VideoFrame:
        """Return the source's frame at a place.

        Raises:
            Invalid, WorkFailed: as `Kept.frame`.
        """
        return kept.frame(self._files, self._footage.pts[place], self._taken)
