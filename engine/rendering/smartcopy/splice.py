"""Copies, encoded pictures and sound into one MP4 that starts to play before it is loaded whole, the same bytes each time.

Every frame has its time before the first packet is read: even ones where the source's are even, the source's own
durations else. In decoding order the packets then take these times one after the other, earlier by as many frames as
pictures wait for their turn, so that decoding times always rise and no frame is decoded too late.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, Final

import av

from engine.kernel.errors import WorkFailed
from engine.media import h264
from engine.media.index import FrameIndex
from engine.media.packets import copied_packets
from engine.media.source import open_media, picture, read_only
from engine.media.source import sound as sound_of
from engine.rendering.audio import encoding
from engine.rendering.encoded import EncodedSegment, EncodedSound, read_segments, read_sound
from engine.rendering.mux import MOVIE_TIMESCALE
from engine.rendering.reading import read_whole
from engine.rendering.smartcopy.division import Stretch, first_packet
from engine.rendering.smartcopy.edge import LENGTH_SIZE
from engine.rendering.smartcopy.work import B_FRAMES, SpliceWork

# Bytes of index that a packet needs at most: size, offset, chunk, time, composition, key, dependency (ISO/IEC 14496-12).
INDEX_BYTES: Final = 45
INDEX_BASE_BYTES: Final = 16_384
# Bytes handed to the file at a time.
WRITE_BYTES: Final = 1 << 20
BILLION: Final = 1_000_000_000
# Seconds by which one frame at the beginning is decoded early at most, where frames come unevenly.
EARLY_MOST: Final = Fraction(1, 4)
REORDER: Final = 1 if B_FRAMES else 0


def splice(work: SpliceWork, inputs: tuple[int, ...], output: int) -> int:
    """Write the film; return its size in bytes.

    Args:
        work: which frames of the source, and how each comes.
        inputs: the source, its frame index, `work.parts` files of encoded pictures, and the sound where there is one.
        output: an empty file.

    Raises:
        WorkFailed: `stage` mux: the parts do not fit together; `stage` probe: the source is not what its index says.
    """
    source, index_file, *rest = inputs
    index = FrameIndex.from_bytes(read_whole(index_file))
    heard = None if work.sound is None else read_sound(rest[work.parts])
    pictures = _Pictures(work, index, read_segments(rest[: work.parts]))
    packets = pictures.count + (len(heard.packets) if heard else 0)
    options = {
        "moov_size": str(INDEX_BASE_BYTES + INDEX_BYTES * packets),
        "movie_timescale": str(MOVIE_TIMESCALE),
        "fflags": "+bitexact",
    }
    with open_media(source) as container, open(output, "r+b", closefd=False) as file:
        with av.open(file, "w", format="mp4", options=options, buffer_size=WRITE_BYTES) as film:
            video = _picture_stream(film, container, pictures)
            audio = None if heard is None else _sound_stream(film, container, work, heard)
            film.start_encoding()
            if (
                audio is not None
                and heard is not None
                and bytes(audio.codec_context.extradata or b"") != heard.extradata
            ):
                raise WorkFailed("the sound was encoded with other headers than the film's", stage="mux")
            tracks = [_timed(pictures.packets(container, video))]
            if heard is not None and audio is not None:
                tracks.append(_timed(_sounds(heard, audio)))
            for _, packet in heapq.merge(*tracks, key=itemgetter(0)):
                film.mux_one(packet)
        file.flush()
    return os.fstat(output).st_size


class _Pictures:
    """The film's picture packets. `times` are when its frames are shown, and when the last one ends, in ticks of `base`."""

    def __init__(self, work: SpliceWork, index: FrameIndex, encoded: Iterator[EncodedSegment]) -> None:
        if index.order is None:
            raise WorkFailed("the source's packets cannot be copied", stage="mux")
        self._index, self._order, self._stretches = index, index.order, work.stretches
        self.count = sum(one.count for one in work.stretches)
        self.base = index.time_base if work.rate is None else 1 / work.rate
        self.times = frame_times(work.stretches, index, work.rate)
        # Loaded now, for the film's headers are written before its first picture; they are few frames each.
        self._parts = [next(encoded, None) for one in work.stretches if one.kind != "copy"]
        self._delay = max(self._order.reorder, REORDER)
        # Players that seek by decoding times take the first one's distance from 0 for how early all of them are.
        widest = max(later - earlier for earlier, later in pairwise(self.times))
        self._before = max(1, min(widest, int(EARLY_MOST / self.base)))
        self._length_size = self._order.length_size or LENGTH_SIZE

    def headers(self) -> bytes:
        """Return the decoder configuration of copied and encoded pictures alike."""
        sets = self._order.sets
        try:
            for part in self._parts:
                if part is not None:
                    sets = sets.with_units(h264.units(part.extradata, h264.ANNEX_B))
            return h264.configuration(sets, self._length_size)
        except ValueError as error:
            raise WorkFailed(f"a part's headers do not fit the film's: {error}", stage="mux") from error

    def packets(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.Packet[Any]]:
        """Yield all packets in decoding order."""
        decoded = first = 0
        parts = iter(self._parts)
        for stretch in self._stretches:
            found = (
                self._copied(container, stretch) if stretch.kind == "copy" else self._encoded(stretch, parts)
            )
            last = 0
            for last, (number, packet) in enumerate(found, start=1):  # noqa: B007
                self._place(packet, first + number, decoded, stream)
                yield packet
                decoded += 1
            if last != stretch.count:
                raise WorkFailed(f"{stretch.count} frames were wanted of a part with {last}", stage="mux")
            first += stretch.count

    def _copied(
        self, container: av.container.InputContainer, stretch: Stretch
    ) -> Iterator[tuple[int, av.Packet[Any]]]:
        place = first_packet(self._order, stretch.start)
        for number, packet in copied_packets(container, self._index, place, stretch.start, stretch.count):
            yield number - stretch.start, self._as_kept(packet)

    def _as_kept(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        """Return a packet as an MP4 keeps it: the same bytes where the source keeps it so too."""
        if self._order.length_size != h264.ANNEX_B:
            # The bytes themselves go on, uncopied; what a container has said beside them does not.
            plain = next(packet.iter_sidedata(), None) is None
            return packet if plain else _made(bytes(packet), key=packet.is_keyframe)
        apart = (h264.SPS, h264.PPS, h264.DELIMITER)  # in the headers, or of no use (ISO/IEC 14496-15, 5.3.2)
        found = (
            unit for unit in h264.units(bytes(packet), h264.ANNEX_B) if h264.unit_kind(unit) not in apart
        )
        return _made(h264.prefixed(found, self._length_size), key=packet.is_keyframe)

    def _encoded(
        self, stretch: Stretch, parts: Iterator[EncodedSegment | None]
    ) -> Iterator[tuple[int, av.Packet[Any]]]:
        part = next(parts)
        if part is None or len(part.packets) != stretch.count:
            raise WorkFailed("an encoded part is missing, or is another's", stage="mux")
        for packet in part.packets:
            data = packet.data
            if self._length_size != LENGTH_SIZE:
                data = h264.prefixed(h264.units(data, LENGTH_SIZE), self._length_size)
            yield packet.pts, _made(data, key=packet.key)

    def _place(self, packet: av.Packet[Any], number: int, decoded: int, stream: av.VideoStream) -> None:
        """Give a packet its stream and times: the film's frame `number`, decoded as the `decoded`-th."""
        ahead, times = decoded - self._delay, self.times
        shown = times[number]
        due = times[ahead] if ahead >= 0 else times[0] + ahead * self._before
        if shown < due:
            raise WorkFailed(f"frame {number} would be decoded after it is shown", stage="mux")
        packet.stream, packet.time_base = stream, self.base
        packet.pts, packet.dts, packet.duration = shown, due, times[number + 1] - shown


def _made(data: bytes, *, key: bool) -> av.Packet[Any]:
    made: av.Packet[Any] = av.Packet(data)
    made.is_keyframe = key
    return made


def frame_times(stretches: tuple[Stretch, ...], index: FrameIndex, rate: Fraction | None) -> list[int]:
    """Return when each frame of a film is shown, and when the last ends: frames at a rate, else ticks of the source."""
    if rate is not None:
        return list(range(sum(one.count for one in stretches) + 1))
    ends = [*index.pts, index.pts[-1] + index.last_duration]
    steps = (ends[number + 1] - ends[number] for one in stretches for number in range(one.start, one.end))
    return list(accumulate(steps, initial=0))


def _picture_stream(
    film: av.container.OutputContainer, container: av.container.InputContainer, pictures: _Pictures
) -> av.VideoStream:
    template = picture(container)
    assert template is not None, "an index was made, so there is a picture"
    read_only(container, template)
    # Size, pixel shape, colours and how it is turned for showing come with it.
    stream = film.add_stream_from_template(template)
    assert isinstance(stream, av.VideoStream)
    stream.time_base = stream.codec_context.time_base = pictures.base
    stream.codec_context.extradata = pictures.headers()
    return stream


def _sound_stream(
    film: av.container.OutputContainer,
    container: av.container.InputContainer,
    work: SpliceWork,
    heard: EncodedSound,
) -> av.AudioStream:
    assert work.sound is not None, "asked for only where there is sound"
    if heard.copied:
        template = sound_of(container)
        assert template is not None, "its packets were copied"
        stream = film.add_stream_from_template(template)
        stream.codec_context.extradata = heard.extradata
    else:
        stream = film.add_stream(work.sound.codec, rate=work.sound.sample_rate)
        assert isinstance(stream, av.AudioStream)
        encoding.configure(stream.codec_context, work.sound)
    stream.time_base = Fraction(1, heard.sample_rate or work.sound.sample_rate)
    return stream


def _sounds(heard: EncodedSound, stream: av.AudioStream) -> Iterator[av.Packet[Any]]:
    base = stream.time_base
    assert base is not None, "set with the stream"
    for packet in heard.packets:
        lasts = min(heard.frame_samples, heard.count - packet.pts)
        if lasts > 0:
            made = _made(packet.data, key=True)
            made.stream, made.time_base = stream, base
            made.pts = made.dts = packet.pts
            made.duration = lasts
            yield made


def _timed(packets: Iterator[av.Packet[Any]]) -> Iterator[tuple[int, av.Packet[Any]]]:
    """Give each packet of one track its decoding time in whole billionths of a second, which compare quickly."""
    scale = Fraction(0)
    for packet in packets:
        scale = scale or packet.time_base * BILLION
        assert packet.dts is not None, "given with the packet"
        yield packet.dts * scale.numerator // scale.denominator, packet
