"""Frames by number, exactly: a frame is recognised by its pts, wherever a seek lands.

Seeking goes to the keyframe's pts and is then checked, because demuxers land late (TS, short GOPs) or on keyframes whose
leading pictures cannot be decoded; what lands wrong is tried again from further back.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any

import av
from av.container import InputContainer

from engine.media.index import FrameIndex
from engine.media.source import BROKEN, decoded, indexed_picture, packets, pictures, unreadable

# How far before the keyframe a seek aims, seconds, attempt by attempt; then the file is read from its start.
_BACK_OFF_S = (0, 1, 4, 16)
_KEYFRAMES_TRIED = 3


class FrameReader:
    """Reads frames of one picture stream. One iterator at a time."""

    def __init__(self, container: InputContainer, index: FrameIndex) -> None:
        stream = indexed_picture(container)
        self.container, self._stream, self._index = container, stream, index

    def frames(self, start: int, end: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield `(number, frame)` for every frame of `[start, end)`, rising by one.

        Frames are as stored: `frame.rotation` (degrees counter-clockwise to turn them for showing) is not applied.

        Raises:
            IndexError: the span does not lie within `[0, count]`.
            Invalid: `media_unreadable`: a frame of the span cannot be decoded; `frame` is its number.
        """
        if not 0 <= start <= end <= self._index.count:
            raise IndexError(f"frames [{start}, {end}) of {self._index.count}")
        yield from self._run(range(start, end))

    def chosen(self, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield `(number, frame)` for frames whose numbers rise; what lies between is decoded only where it is needed.

        Raises:
            IndexError: a number does not lie within `[0, count)`.
            Invalid: as `frames`.
        """
        if numbers and not 0 <= numbers[0] <= numbers[-1] < self._index.count:
            raise IndexError(f"frames {numbers[0]} to {numbers[-1]} of {self._index.count}")
        run: list[int] = []
        for number in numbers:
            # Beyond a keyframe it is quicker to seek to it than to go on, unless it comes next.
            if run and number > run[-1] + 1 and self._index.keyframe_before(number) > run[-1]:
                yield from self._run(run)
                run = []
            run.append(number)
        yield from self._run(run)

    def frame(self, number: int) -> av.VideoFrame:
        """Return one frame.

        Raises:
            IndexError, Invalid: as `frames`.
        """
        return next(self.frames(number, number + 1))[1]

    def packets_from(self, keyframe: int) -> Iterator[av.Packet[Any]]:
        """Yield the stream's packets from a keyframe's on, in decoding order; none where it is not found."""
        for packet in (landed := self._land(self._index.pts[keyframe])):
            if packet.pts == self._index.pts[keyframe]:
                yield packet
                break
        yield from landed

    def _run(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the frames of these numbers, which rise, in one go."""
        if not wanted:
            return
        found = self._counted(wanted) if self._index.linear else self._matched(wanted)
        for expected in wanted:
            number, frame = next(found, (None, None))
            if number != expected or frame is None:
                raise self._missing(expected)
            yield expected, frame

    def _missing(self, number: int) -> Exception:
        error = unreadable(f"frame {number} of {self._index.count} cannot be decoded")
        error.extra["frame"] = number
        return error

    def _counted(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        for number, frame in enumerate(pictures(self.container)):
            if number > wanted[-1]:
                return
            if number in wanted:
                yield number, frame

    def _matched(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        entries = self._entries(wanted[0])
        for last, keyframe in enumerate(entries):
            found = self._decode_from(keyframe, wanted)
            first = next(found, None)
            if first is None or first[0] != wanted[0]:
                continue
            # A first frame with missing references may come out whole from further back.
            if first[1].is_corrupt and last < len(entries) - 1:
                continue
            yield first
            yield from found
            return
        for frame in pictures(self.container):
            number = self._number(frame.pts)
            if number is not None and number in wanted:
                yield number, frame

    def _entries(self, start: int) -> list[int]:
        """The keyframes to try for a frame, nearest first."""
        entries = [self._index.keyframe_before(start)]
        while entries[-1] > 0 and len(entries) < _KEYFRAMES_TRIED:
            entries.append(self._index.keyframe_before(entries[-1] - 1))
        return entries

    def _decode_from(self, keyframe: int, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the frames wanted, rising, that come out when decoding begins at `keyframe`."""
        stream, missing = self._stream, set(wanted)
        context = stream.codec_context
        # It may have been told of an end, after which it takes nothing more.
        context.flush_buffers()
        for packet in chain(self._land(self._index.pts[keyframe]), (None,)):
            coming = None if packet is None else self._number(packet.pts)
            needless = coming is not None and coming not in wanted
            # Once all has gone in, and another frame's packet comes, the decoder is asked for what it still holds back.
            ends = packet is None or (needless and not missing)
            # Pictures that nothing refers to are not decoded where they are not wanted.
            context.skip_frame = "NONREF" if needless and not ends else "DEFAULT"
            missing.discard(-1 if coming is None else coming)
            for frame in decoded(stream, None if ends else packet):
                number = self._number(frame.pts)
                if number is not None and number in wanted:
                    yield number, frame
            if ends:
                return

    def _number(self, pts: int | None) -> int | None:
        """Return the number of the frame that is shown at a time, if there is one."""
        if pts is None:
            return None
        number = bisect.bisect_left(self._index.pts, pts)
        return number if number < self._index.count and self._index.pts[number] == pts else None

    def _land(self, keyframe_pts: int) -> Iterator[av.Packet[Any]]:
        """Seek so that the keyframe with this pts, or one before it, comes first; yield packets from there."""
        base = self._index.time_base
        for back_s in _BACK_OFF_S:
            aim = keyframe_pts - int(Fraction(back_s) / base)
            try:
                self.container.seek(aim, stream=self._stream, backward=True)
            except BROKEN:
                continue
            following = packets(self.container, self._stream)
            entry = next(
                (packet for packet in following if packet.is_keyframe and packet.pts is not None), None
            )
            if entry is not None and entry.pts is not None and entry.pts <= keyframe_pts:
                return chain((entry,), following)
        return iter(())
