"""Segments and sound into one film that starts to play before it is loaded whole, the same bytes every time.

Places come from counting: picture packet n of the whole film is decoded at n, less the encoder's reordering, and shown at
its segment's first frame plus its own. So segments join without a gap, whatever their encoders said.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, TypeVar

import av
from av.subtitles.stream import SubtitleStream

from engine.kernel.errors import WorkFailed
from engine.rendering.audio import encoding
from engine.rendering.encoded import EncodedSegment, EncodedSound, Packet, read_segments, read_sound
from engine.rendering.encoders import configure
from engine.rendering.subtitles import TIMESCALE, Subtitles, timed_text
from engine.rendering.work import MuxWork

# Bytes of index an MP4 needs at most for a packet: size, offset, time, composition, key (ISO/IEC 14496-12, 8.6 and 8.7).
INDEX_BYTES: Final = 28
INDEX_BASE_BYTES: Final = 8192
# Ticks a second in which the film says how long its tracks are: whole for every usual frame rate and for 48 kHz.
MOVIE_TIMESCALE: Final = 240_000

FORMATS: Final = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm"}
# What text tracks are in containers that take them as plain text.
PLAIN_TEXTS: Final = {"mkv": "subrip", "webm": "webvtt"}

Stream = TypeVar("Stream", av.VideoStream, av.AudioStream)


def mux(work: MuxWork, inputs: tuple[int, ...], output: int) -> int:
    """Write the film; return its size in bytes.

    Args:
        work: how many frames there must be.
        inputs: `work.parts` files of segments, then the sound where there is one.
        output: an empty file.

    Raises:
        WorkFailed: `stage` mux: segments do not fit together, or frames are missing.
    """
    encoded = None if work.sound is None else read_sound(inputs[work.parts])
    segments = read_segments(inputs[: work.parts])
    packets = work.frames + (len(encoded.packets) if encoded else 0)
    # The muxer ends each text with an empty one.
    packets += sum(2 * len(one.cues) + 1 for one in work.subtitles)
    options = {"fflags": "+bitexact"}
    if work.container not in PLAIN_TEXTS:
        # The index is written to a place kept free at the start: nothing has to be moved afterwards.
        options["moov_size"] = str(INDEX_BASE_BYTES * (1 + len(work.subtitles)) + INDEX_BYTES * packets)
        options["movie_timescale"] = str(MOVIE_TIMESCALE)
    with open(output, "r+b", closefd=False) as file:
        with av.open(file, "w", format=FORMATS[work.container], options=options) as container:
            video, audio = _streams(container, work)
            written = [text_stream(container, one.name, work.container) for one in work.subtitles]
            container.start_encoding()
            tracks: list[Iterator[av.Packet[Any]]] = [_pictures(segments, video, work)]
            if audio is not None and encoded is not None and work.sound is not None:
                _demand_headers(audio, encoded.extradata)
                tracks.append(_sounds(encoded, audio, work.sound.sample_rate))
            tracks += [
                texts(one, stream, work.container)
                for one, stream in zip(work.subtitles, written, strict=True)
            ]
            for packet in heapq.merge(*tracks, key=_time):
                container.mux_one(packet)
        file.flush()
    return os.fstat(output).st_size


def _streams(
    container: av.container.OutputContainer, work: MuxWork
) -> tuple[av.VideoStream, av.AudioStream | None]:
    """Add streams whose encoders are opened for their headers only."""
    video = container.add_stream(work.encoder.codec, rate=work.encoder.rate)
    assert isinstance(video, av.VideoStream)
    configure(video.codec_context, work.encoder)
    video.time_base = 1 / work.encoder.rate
    if work.sound is None:
        return video, None
    audio = container.add_stream(work.sound.codec, rate=work.sound.sample_rate)
    assert isinstance(audio, av.AudioStream)
    encoding.configure(audio.codec_context, work.sound)
    audio.time_base = Fraction(1, work.sound.sample_rate)
    return video, audio


def _demand_headers(stream: av.VideoStream | av.AudioStream, extradata: bytes) -> None:
    if bytes(stream.codec_context.extradata or b"") != extradata:
        raise WorkFailed("a part was encoded with other headers than the film's", stage="mux")


def _pictures(
    segments: Iterator[EncodedSegment], stream: av.VideoStream, work: MuxWork
) -> Iterator[av.Packet[av.VideoStream]]:
    """Yield the film's picture packets in decoding order."""
    base, decoded, first = 1 / work.encoder.rate, 0, 0
    for segment in segments:
        _demand_headers(stream, segment.extradata)
        for packet in segment.packets:
            shown, at = first + packet.pts, decoded - work.encoder.reorder
            if shown < at:
                raise WorkFailed(f"frame {shown} would be decoded after it is shown", stage="mux")
            yield _packet(packet, stream, base, pts=shown, dts=at, duration=1)
            decoded += 1
        first += len(segment.packets)
    if decoded != work.frames:
        raise WorkFailed(f"{work.frames} frames were wanted, the segments hold {decoded}", stage="mux")


def _sounds(encoded: EncodedSound, stream: av.AudioStream, rate: int) -> Iterator[av.Packet[av.AudioStream]]:
    base = Fraction(1, rate)
    for packet in encoded.packets:
        heard = min(encoded.frame_samples, encoded.count - packet.pts)
        if heard > 0:
            yield _packet(packet, stream, base, pts=packet.pts, dts=packet.pts, duration=heard)


def text_stream(container: av.container.OutputContainer, name: str, kind: str) -> SubtitleStream:
    """Add a stream of texts to a container of this kind."""
    stream = container.add_mux_stream(PLAIN_TEXTS.get(kind, "mov_text"))
    assert isinstance(stream, SubtitleStream)
    stream.time_base = Fraction(1, TIMESCALE)
    stream.metadata["handler_name"] = name
    return stream


def texts(subtitles: Subtitles, stream: SubtitleStream, kind: str) -> Iterator[av.Packet[Any]]:
    """Yield a text track's packets; between texts the muxer says that there is none."""
    for cue in subtitles.cues:
        packet: av.Packet[Any] = av.Packet(cue.text.encode() if kind in PLAIN_TEXTS else timed_text(cue))
        packet.stream, packet.time_base = stream, Fraction(1, TIMESCALE)
        packet.pts = packet.dts = cue.start
        packet.duration, packet.is_keyframe = cue.end - cue.start, True
        yield packet


def _packet(
    packet: Packet, stream: Stream, base: Fraction, *, pts: int, dts: int, duration: int
) -> av.Packet[Any]:
    made: av.Packet[Any] = av.Packet(packet.data)
    made.stream, made.time_base = stream, base
    made.pts, made.dts, made.duration, made.is_keyframe = pts, dts, duration, packet.key
    return made


def _time(packet: av.Packet[Any]) -> Fraction:
    assert packet.dts is not None
    return packet.dts * packet.time_base
