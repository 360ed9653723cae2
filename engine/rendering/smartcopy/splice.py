"""Copies, encoded pictures and sound into one MP4 that starts to play before it is loaded whole, the same bytes each time."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from operator import itemgetter
from typing import Any, Final

import av

from engine.kernel.errors import WorkFailed
from engine.media.index import FrameIndex
from engine.media.source import indexed_picture, open_media, picture, read_only
from engine.media.source import sound as sound_of
from engine.rendering.audio import encoding
from engine.rendering.encoded import EncodedSound, read_segments, read_sound
from engine.rendering.mux import MOVIE_TIMESCALE, text_stream, texts
from engine.rendering.reading import read_whole
from engine.rendering.smartcopy.joining import made_packet
from engine.rendering.smartcopy.pictures import Pictures, Source
from engine.rendering.smartcopy.work import SpliceWork

# Bytes of index that a packet needs at most: size, offset, chunk, time, composition, key, dependency (ISO/IEC 14496-12).
INDEX_BYTES: Final = 45
INDEX_BASE_BYTES: Final = 16_384
# Bytes handed to the file at a time.
WRITE_BYTES: Final = 1 << 20
BILLION: Final = 1_000_000_000


def splice(work: SpliceWork, inputs: tuple[int, ...], output: int) -> int:
    """Write the film; return its size in bytes.

    Args:
        work: which frames of the sources, and how each comes.
        inputs: for each source the file and its frame index, `work.parts` files of encoded pictures, and the sound where
            there is one.
        output: an empty file.

    Raises:
        WorkFailed: `stage` mux: the parts do not fit together; `stage` probe: the source is not what its index says.
    """
    pairs, rest = inputs[: 2 * work.sources], inputs[2 * work.sources :]
    heard = None if work.sound is None else read_sound(rest[work.parts])
    with ExitStack() as stack:
        containers = [stack.enter_context(open_media(file)) for file in pairs[::2]]
        for container in containers:
            if (stream := picture(container)) is not None:
                read_only(container, stream)
        sources = [
            Source(container, FrameIndex.from_bytes(read_whole(index)))
            for container, index in zip(containers, pairs[1::2], strict=True)
        ]
        pictures = Pictures(work, sources, read_segments(rest[: work.parts]))
        file = stack.enter_context(open(output, "r+b", closefd=False))
        with av.open(
            file, "w", format="mp4", options=_options(work, pictures, heard), buffer_size=WRITE_BYTES
        ) as film:
            video = _picture_stream(film, containers[0], pictures)
            audio = None if heard is None else _sound_stream(film, containers[work.heard], work, heard)
            written = [text_stream(film, one.name, "mp4") for one in work.subtitles]
            film.start_encoding()
            tracks = [_timed(pictures.packets(video))]
            if heard is not None and audio is not None:
                _demand_headers(audio, heard)
                tracks.append(_timed(_sounds(heard, audio)))
            tracks += [
                _timed(texts(one, stream, "mp4")) for one, stream in zip(work.subtitles, written, strict=True)
            ]
            for _, packet in heapq.merge(*tracks, key=itemgetter(0)):
                film.mux_one(packet)
        file.flush()
    return os.fstat(output).st_size


def _options(work: SpliceWork, pictures: Pictures, heard: EncodedSound | None) -> dict[str, str]:
    packets = pictures.count + (len(heard.packets) if heard else 0)
    # The muxer ends each text with an empty one.
    packets += sum(2 * len(one.cues) + 1 for one in work.subtitles)
    return {
        "moov_size": str(INDEX_BASE_BYTES * (1 + len(work.subtitles)) + INDEX_BYTES * packets),
        "movie_timescale": str(MOVIE_TIMESCALE),
        "fflags": "+bitexact",
    }


def _demand_headers(stream: av.AudioStream, heard: EncodedSound) -> None:
    if bytes(stream.codec_context.extradata or b"") != heard.extradata:
        raise WorkFailed("the sound was encoded with other headers than the film's", stage="mux")


def _picture_stream(
    film: av.container.OutputContainer, container: av.container.InputContainer, pictures: Pictures
) -> av.VideoStream:
    template = indexed_picture(container)
    # Size, pixel shape, colours and how it is turned for showing come with it.
    stream = film.add_stream_from_template(template)
    assert isinstance(stream, av.VideoStream)
    stream.time_base = stream.codec_context.time_base = pictures.base
    stream.codec_context.extradata = pictures.headers()
    if pictures.tag:
        stream.codec_context.codec_tag = pictures.tag
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
            made = made_packet(packet.data, key=True)
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
