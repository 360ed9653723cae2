"""Pictures and sound in step into fragments that a browser plays as they come (ISO/IEC 14496-12, 8.8).

The header goes first, before anything is made. A fragment ends where the next keyframe begins, so what is encoded is out half
a second later; there are no B-frames, which would hold pictures back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from engine.media.source import open_media
from engine.media.tasks import Report
from engine.rendering.audio import encoding
from engine.rendering.audio.mixing import MixSignal
from engine.rendering.audio.stems import Studio, skip_over
from engine.rendering.audio.work import sources_of, stems_of
from engine.rendering.encoded import Packet
from engine.rendering.encoders import configure
from engine.rendering.picture import frames_of
from engine.rendering.streaming.work import StreamWork, heard_from
from engine.rendering.walking import graph_inputs

OPTIONS: Final = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "fflags": "+bitexact",
}
# What effects remember of what was: reverb rings out, compressors let go.
RUN_UP_S: Final = 2


class Growing:
    """A file that only grows: what a muxer that must not seek writes into."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, self.size)
            view, self.size = view[written:], self.size + written
        return len(data)


def send(work: StreamWork, inputs: tuple[int, ...], output: int, report: Report) -> int:
    """Write the stream; return its size in bytes. `report` is told `(bytes written, frames done)`.

    Raises:
        Invalid: `media_unreadable`: a source cannot be decoded.
        WorkFailed: `stage` says where it went wrong.
    """
    file = Growing(output)
    with ExitStack() as stack:
        container = stack.enter_context(av.open(file, "w", format="mp4", options=OPTIONS))
        video = container.add_stream(work.encoder.codec, rate=work.encoder.rate)
        assert isinstance(video, av.VideoStream)
        configure(video.codec_context, work.encoder)
        video.time_base = 1 / work.encoder.rate
        audio = _audio(container, work)
        container.start_encoding()
        report(file.size, 0)
        samples = _sound(work, inputs, stack)
        for number, packet in enumerate(_pictures(work, inputs)):
            for heard in samples(number + 1):
                container.mux_one(_packet(heard, audio, audio.time_base))
            container.mux_one(_packet(packet, video, video.time_base))
            # For each picture, so that a stream that nobody watches any more ends at once.
            report(file.size, number + 1)
        for heard in samples(None):
            container.mux_one(_packet(heard, audio, audio.time_base))
    report(file.size, sum(stretch.count for stretch in work.stretches))
    return file.size


def _audio(container: av.container.OutputContainer, work: StreamWork) -> Any:
    if work.sound is None:
        return None
    audio = container.add_stream(work.sound.encoder.codec, rate=work.sound.encoder.sample_rate)
    assert isinstance(audio, av.AudioStream)
    encoding.configure(audio.codec_context, work.sound.encoder)
    audio.time_base = Fraction(1, work.sound.encoder.sample_rate)
    return audio


def _pictures(work: StreamWork, inputs: tuple[int, ...]) -> Iterator[Packet]:
    """Yield packets, each picture's own, in the order in which they are shown."""
    context = av.CodecContext.create(work.encoder.codec, "w")
    assert isinstance(context, VideoCodecContext)
    configure(context, work.encoder)
    context.flags |= av.codec.context.Flags.global_header
    places = {sha256: inputs[2 * n : 2 * n + 2] for n, sha256 in enumerate(work.sources)}
    others = dict(zip(work.files, inputs[2 * len(work.sources) :], strict=False))
    shown = 0
    for stretch in work.stretches:
        hashes, files = graph_inputs(stretch.graph)
        wanted = [one for sha256 in hashes for one in places[sha256]] + [others[sha256] for sha256 in files]
        frames = frames_of(
            stretch.graph, stretch.count, work.encoder.width, work.encoder.height, tuple(wanted)
        )
        for frame, _ in frames:
            frame.pts, frame.time_base, frame.pict_type = shown, 1 / work.encoder.rate, PictureType.NONE
            shown += 1
            for packet in context.encode(frame):
                yield _plain(packet)
    for packet in context.encode(None):
        yield _plain(packet)


def _sound(work: StreamWork, inputs: tuple[int, ...], stack: ExitStack) -> Any:
    """Return what gives the packets of sound up to the end of picture `n`; None: the rest."""
    if work.sound is None:
        return lambda _frames: ()
    rate = work.sound.encoder.sample_rate
    mix = heard_from(work.sound.mix, work.first_sample, RUN_UP_S * rate)
    sources = sources_of(stems_of(work.sound.mix))
    descriptors = inputs[2 * len(work.sources) + len(work.files) :]
    needed = set(sources_of(stems_of(mix)))
    containers = {
        source: stack.enter_context(open_media(descriptor))
        for source, descriptor in zip(sources, descriptors, strict=True)
        if source in needed
    }
    signal = MixSignal(mix, Studio(containers).open)
    skip_over(signal, work.first_sample)
    encoder = encoding.Encoder(work.sound.encoder)
    left = work.sound.mix.count - work.first_sample
    done = 0

    def upto(frames: int | None) -> list[Packet]:
        nonlocal done
        end = left if frames is None else min(left, int(frames * rate / work.encoder.rate))
        packets: list[Packet] = []
        if end > done:
            block = np.clip(signal.read(end - done), -1, 1)
            done = end
            packets = encoder.add(block)
        if frames is None:
            packets += encoder.finish()
        # What lies before the first sample is the encoder's run-up: a stream begins with what is heard.
        return [packet for packet in packets if packet.pts >= 0]

    return upto


def _plain(packet: av.Packet[Any]) -> Packet:
    assert packet.pts is not None, "an encoder gives times"
    return Packet(pts=packet.pts, key=packet.is_keyframe, data=bytes(packet))


def _packet(packet: Packet, stream: Any, base: Fraction) -> av.Packet[Any]:
    made: av.Packet[Any] = av.Packet(packet.data)
    made.stream, made.time_base = stream, base
    made.pts = made.dts = packet.pts
    made.duration = encoding.AAC_SAMPLES if isinstance(stream, av.AudioStream) else 1
    made.is_keyframe = packet.key
    return made
