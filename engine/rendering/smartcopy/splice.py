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
from itertools import accumulate
from typing import Any, Final

import av

from engine.kernel.errors import WorkFailed
from engine.media import h264
from engine.media.index import FrameIndex
from engine.media.packets import copied_packets
from engine.media.source import open_media, picture
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
            tracks: list[Iterator[av.Packet[Any]]] = [pictures.packets(container, video)]
            if heard is not None and audio is not None:
                tracks.append(_sounds(heard, audio))
            for packet in heapq.merge(*tracks, key=_time):
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
    ) -> Iterator[av.Packet[av.VideoStream]]:
        """Yield all packets in decoding order."""
        decoded = first = 0
        parts = iter(self._parts)
        for stretch in self._stretches:
            found = (
                self._copied(container, stretch) if stretch.kind == "copy" else self._encoded(stretch, parts)
            )
            last = 0
            for last, (number, key, data) in enumerate(found, start=1):  # noqa: B007
                yield self._placed(first + number, decoded, key, data, stream)
                decoded += 1
            if last != stretch.count:
                raise WorkFailed(f"{stretch.count} frames were wanted of a part with {last}", stage="mux")
            first += stretch.count

    def _copied(
        self, container: av.container.InputContainer, stretch: Stretch
    ) -> Iterator[tuple[int, bool, bytes]]:
        place = first_packet(self._order, stretch.start)
        for number, packet in copied_packets(container, self._index, place, stretch.start, stretch.count):
            yield number - stretch.start, packet.is_keyframe, self._as_kept(bytes(packet))

    def _as_kept(self, data: bytes) -> bytes:
        """Return a packet as an MP4 keeps it: the same bytes where the source keeps it so too."""
        if self._order.length_size != h264.ANNEX_B:
            return data
        apart = (h264.SPS, h264.PPS, h264.DELIMITER)  # in the headers, or of no use (ISO/IEC 14496-15, 5.3.2)
        found = (unit for unit in h264.units(data, h264.ANNEX_B) if h264.unit_kind(unit) not in apart)
        return h264.prefixed(found, self._length_size)

    def _encoded(
        self, stretch: Stretch, parts: Iterator[EncodedSegment | None]
    ) -> Iterator[tuple[int, bool, bytes]]:
        part = next(parts)
        if part is None or len(part.packets) != stretch.count:
            raise WorkFailed("an encoded part is missing, or is another's", stage="mux")
        for packet in part.packets:
            data = packet.data
            if self._length_size != LENGTH_SIZE:
                data = h264.prefixed(h264.units(data, LENGTH_SIZE), self._length_size)
            yield packet.pts, packet.key, data

    def _placed(
        self, number: int, decoded: int, key: bool, data: bytes, stream: av.VideoStream
    ) -> av.Packet[av.VideoStream]:
        ahead = decoded - self._delay
        made: av.Packet[Any] = av.Packet(data)
        made.stream, made.time_base, made.is_keyframe = stream, self.base, key
        made.pts = self.times[number]
        made.dts = self.times[ahead] if ahead >= 0 else self.times[0] + ahead
        made.duration = self.times[number + 1] - self.times[number]
        if made.pts < made.dts:
            raise WorkFailed(f"frame {number} would be decoded after it is shown", stage="mux")
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


def _sounds(heard: EncodedSound, stream: av.AudioStream) -> Iterator[av.Packet[av.AudioStream]]:
    base = stream.time_base
    assert base is not None, "set with the stream"
    for packet in heard.packets:
        lasts = min(heard.frame_samples, heard.count - packet.pts)
        if lasts > 0:
            made: av.Packet[Any] = av.Packet(packet.data)
            made.stream, made.time_base, made.is_keyframe = stream, base, True
            made.pts = made.dts = packet.pts
            made.duration = lasts
            yield made


def _time(packet: av.Packet[Any]) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base
