"""Frames by number, exactly: a frame is recognised by its pts, wherever a seek lands.

Seeking goes to the keyframe's pts and is then checked, because demuxers land late (TS, short GOPs) or on keyframes whose
leading pictures cannot be decoded; what lands wrong is tried again from further back.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

import av
from av.container import InputContainer

from engine.media.index import FrameIndex
from engine.media.source import BROKEN, decoded, packets, picture, pictures, unreadable

# How far before the keyframe a seek aims, seconds, attempt by attempt; then the file is read from its start.
_BACK_OFF_S = (0, 1, 4, 16)
_KEYFRAMES_TRIED = 3


class FrameReader:
    """Reads frames of one picture stream. One iterator at a time."""

    def __init__(self, container: InputContainer, index: FrameIndex) -> None:
        stream = picture(container)
        assert stream is not None, "an index was made, so there is a picture"
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
        if start == end:
            return
        found = self._counted(start, end) if self._index.linear else self._matched(start, end)
        expected = start
        for number, frame in found:
            if number != expected:
                break
            yield number, frame
            expected += 1
            if expected == end:
                return
        raise self._missing(expected)

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

    def _missing(self, number: int) -> Exception:
        error = unreadable(f"frame {number} of {self._index.count} cannot be decoded")
        error.extra["frame"] = number
        return error

    def _counted(self, start: int, end: int) -> Iterator[tuple[int, av.VideoFrame]]:
        for number, frame in enumerate(pictures(self.container)):
            if number >= end:
                return
            if number >= start:
                yield number, frame

    def _matched(self, start: int, end: int) -> Iterator[tuple[int, av.VideoFrame]]:
        entries = self._entries(start)
        for last, keyframe in enumerate(entries):
            found = self._decode_from(keyframe, start, end)
            first = next(found, None)
            if first is None or first[0] != start:
                continue
            # A first frame with missing references may come out whole from further back.
            if first[1].is_corrupt and last < len(entries) - 1:
                continue
            yield first
            yield from found
            return
        for frame in pictures(self.container):
            number = self._number(frame, start, end)
            if number is not None:
                yield number, frame

    def _entries(self, start: int) -> list[int]:
        """The keyframes to try for a frame, nearest first."""
        entries = [self._index.keyframe_before(start)]
        while entries[-1] > 0 and len(entries) < _KEYFRAMES_TRIED:
            entries.append(self._index.keyframe_before(entries[-1] - 1))
        return entries

    def _decode_from(self, keyframe: int, start: int, end: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the frames of `[start, end)` that come out when decoding begins at `keyframe`."""
        pts, stream = self._index.pts, self._stream
        context = stream.codec_context
        first = pts[start]
        for packet in chain(self._land(pts[keyframe]), (None,)):
            early = packet is not None and packet.pts is not None and packet.pts < first
            # Pictures that nothing refers to are not decoded before the first one that is wanted.
            context.skip_frame = "NONREF" if early else "DEFAULT"
            for frame in decoded(stream, packet):
                number = self._number(frame, start, end)
                if number is not None:
                    yield number, frame

    def _number(self, frame: av.VideoFrame, start: int, end: int) -> int | None:
        """Return the number of a decoded frame if it is one of `[start, end)`."""
        pts = self._index.pts
        if frame.pts is None or not pts[start] <= frame.pts <= pts[end - 1]:
            return None
        number = bisect.bisect_left(pts, frame.pts)
        return number if pts[number] == frame.pts else None

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
