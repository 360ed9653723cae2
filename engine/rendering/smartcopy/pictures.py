"""A film's picture packets where some are copied: each in its place, and the headers that suit all of them.

Every frame has its time before the first packet is read: even ones where the film's are even, the source's own
durations else. In decoding order the packets then take these times one after the other, earlier by as many frames as
pictures wait for their turn, so that decoding times always rise and no frame is decoded too late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Final

import av

from engine.kernel.errors import WorkFailed
from engine.media.index import FrameIndex
from engine.media.order import PacketOrder
from engine.media.packets import copied_packets
from engine.rendering.encoded import EncodedSegment
from engine.rendering.smartcopy.division import Stretch
from engine.rendering.smartcopy.joining import joining
from engine.rendering.smartcopy.work import B_FRAMES, SpliceWork

# Seconds by which one frame at the beginning is decoded early at most, where frames come unevenly.
EARLY_MOST: Final = Fraction(1, 4)
REORDER: Final = 1 if B_FRAMES else 0


@dataclass(frozen=True)
class Source:
    """A file that is open, and what is known of its frames."""

    container: av.container.InputContainer
    index: FrameIndex

    @property
    def order(self) -> PacketOrder:
        """How its packets lie.

        Raises:
            WorkFailed: `stage` mux: they cannot be copied.
        """
        if self.index.order is None:
            raise WorkFailed("the source's packets cannot be copied", stage="mux")
        return self.index.order


class Pictures:
    """The film's picture packets. `times` are when its frames are shown, and when the last one ends, in ticks of `base`."""

    def __init__(
        self, work: SpliceWork, sources: Sequence[Source], encoded: Iterator[EncodedSegment]
    ) -> None:
        """Args: how each frame comes; the sources; what was encoded, in the film's order."""
        self._sources, self._stretches, self._encoded = sources, work.stretches, encoded
        self.count = sum(one.count for one in work.stretches)
        self.base = sources[0].index.time_base if work.rate is None else 1 / work.rate
        self.times = frame_times(work.stretches, sources[0].index, work.rate)
        # The film's headers, which hold those of encoded pictures too, are written before its first picture.
        parts = any(one.kind != "copy" for one in work.stretches)
        self._ahead = next(encoded, None) if parts else None
        self._extradata = b"" if self._ahead is None else self._ahead.extradata
        copied = [sources[number].order for number in _copied(work.stretches)] or [sources[0].order]
        self._delay = max([REORDER, *(order.reorder for order in copied)])
        # Players that seek by decoding times take the first one's distance from 0 for how early all of them are.
        widest = max(later - earlier for earlier, later in pairwise(self.times))
        self._before = max(1, min(widest, int(EARLY_MOST / self.base)))
        try:
            self._joining = joining(copied, self._extradata)
        except ValueError as error:
            raise WorkFailed(f"a part's headers are damaged: {error}", stage="mux") from error

    @property
    def tag(self) -> str:
        """What an MP4 calls the codec, "" where libav knows."""
        return self._joining.tag

    def headers(self) -> bytes:
        """Return the decoder configuration of copied and encoded pictures alike.

        Raises:
            WorkFailed: `stage` mux: they do not fit together.
        """
        try:
            return self._joining.headers()
        except ValueError as error:
            raise WorkFailed(f"a part's headers do not fit the film's: {error}", stage="mux") from error

    def packets(self, stream: av.VideoStream) -> Iterator[av.Packet[Any]]:
        """Yield all packets in decoding order.

        Raises:
            WorkFailed: `stage` mux: a part is missing, or another's; `stage` probe: a source is not what its index says.
        """
        decoded = first = 0
        for stretch in self._stretches:
            found = self._copied(stretch) if stretch.kind == "copy" else self._made(stretch)
            last = 0
            for last, (number, packet) in enumerate(found, start=1):  # noqa: B007
                self._place(packet, first + number, decoded, stream)
                yield packet
                decoded += 1
            if last != stretch.count:
                raise WorkFailed(f"{stretch.count} frames were wanted of a part with {last}", stage="mux")
            first += stretch.count

    def _copied(self, stretch: Stretch) -> Iterator[tuple[int, av.Packet[Any]]]:
        assert stretch.source is not None, "what is copied has a source"
        source = self._sources[stretch.source]
        found = copied_packets(source.container, source.index, stretch.start, stretch.count)
        for number, packet in found:
            first = number == stretch.start
            yield number - stretch.start, self._joining.copied(packet, source.order, first=first)

    def _made(self, stretch: Stretch) -> Iterator[tuple[int, av.Packet[Any]]]:
        part, self._ahead = self._ahead or next(self._encoded, None), None
        if part is None or len(part.packets) != stretch.count:
            raise WorkFailed("an encoded part is missing, or is another's", stage="mux")
        if part.extradata != self._extradata:
            raise WorkFailed("a part was encoded with other headers than the film's", stage="mux")
        for packet in part.packets:
            yield packet.pts, self._joining.encoded(packet)

    def _place(self, packet: av.Packet[Any], number: int, decoded: int, stream: av.VideoStream) -> None:
        """Give a packet its stream and times: the film's frame `number`, decoded as the `decoded`-th."""
        ahead, times = decoded - self._delay, self.times
        shown = times[number]
        due = times[ahead] if ahead >= 0 else times[0] + ahead * self._before
        if shown < due:
            raise WorkFailed(f"frame {number} would be decoded after it is shown", stage="mux")
        packet.stream, packet.time_base = stream, self.base
        packet.pts, packet.dts, packet.duration = shown, due, times[number + 1] - shown


def frame_times(stretches: tuple[Stretch, ...], index: FrameIndex, rate: Fraction | None) -> list[int]:
    """Return when each frame of a film is shown, and when the last ends: frames at a rate, else ticks of the source."""
    if rate is not None:
        return list(range(sum(one.count for one in stretches) + 1))
    ends = [*index.pts, index.pts[-1] + index.last_duration]
    steps = (ends[number + 1] - ends[number] for one in stretches for number in range(one.start, one.end))
    return list(accumulate(steps, initial=0))


def _copied(stretches: Sequence[Stretch]) -> tuple[int, ...]:
    """Return the sources that packets are copied of, each once."""
    return tuple(
        dict.fromkeys(one.source for one in stretches if one.kind == "copy" and one.source is not None)
    )
