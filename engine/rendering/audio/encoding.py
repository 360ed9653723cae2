"""Sound into packets and back, a block at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from engine.rendering.audio.codecs import BLOCK_SAMPLES, codec_of
from engine.rendering.audio.signals import Samples, silent
from engine.rendering.encoded import EncodedSound, Packet
from engine.rendering.work import SoundEncoder

# AAC's transform (ISO/IEC 14496-3): samples in a packet.
AAC_SAMPLES: Final = 1024
# The encoder's quick search is as good as its long one from here on, and better where there is room: at 128 kbit/s speech
# keeps 40 dB to its noise instead of 28, noise 22 as before, in a quarter to half of the time (libavcodec 62).
FAST_FROM: Final = 96_000
# Whole samples are handed over left and right in turn; those of 24 bits are the upper ones of 32.
WHOLE: Final[dict[str, tuple[type[np.int16] | type[np.int32], int]]] = {
    "s16": (np.int16, 2**15),
    "s32": (np.int32, 2**31),
}
IN_TURN: Final = "flt"


def configure(context: AudioCodecContext, encoder: SoundEncoder) -> None:
    """Set an encoder up; the film's headers come from the same settings."""
    codec = codec_of(encoder)
    context.sample_rate, context.layout = encoder.sample_rate, "stereo"
    context.format = codec.form
    if codec.bitrates is not None:
        context.bit_rate = encoder.bitrate
    context.thread_count = 1
    context.flags |= av.codec.context.Flags.bitexact
    if encoder.codec == "aac" and encoder.bitrate >= FAST_FROM:
        context.options = {"aac_coder": "fast"}


class Encoder:
    """Fed with blocks of any size; the first sample is heard at pts 0, packets before that are the run-up."""

    def __init__(self, encoder: SoundEncoder) -> None:
        context = av.CodecContext.create(encoder.codec, "w")
        assert isinstance(context, AudioCodecContext)
        configure(context, encoder)
        context.flags |= av.codec.context.Flags.global_header
        context.open()
        self._context, self._rate = context, encoder.sample_rate
        self._rest, self._place = silent(0), 0
        # As the film's muxer has them: at its end FLAC would add what only it knows by then.
        self.extradata = bytes(context.extradata or b"")
        self.frame_samples = context.frame_size or BLOCK_SAMPLES

    def add(self, samples: Samples) -> list[Packet]:
        """Take the next samples; return what is finished."""
        joined = np.concatenate([self._rest, samples], axis=1) if self._rest.shape[1] else samples
        size = self.frame_samples
        whole = joined.shape[1] // size * size
        self._rest = joined[:, whole:]
        packets: list[Packet] = []
        for start in range(0, whole, size):
            packets += self._frame(joined[:, start : start + size])
        return packets

    def finish(self) -> list[Packet]:
        """Return the last packets."""
        packets = self._frame(self._rest) if self._rest.shape[1] else []
        # FLAC ends with a packet without sound, which says what only its end knows.
        return packets + [_packet(packet) for packet in self._context.encode(None) if packet.size]

    def _frame(self, block: Samples) -> list[Packet]:
        form = self._context.format.name
        frame = AudioFrame.from_ndarray(_formed(block, form), format=form, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._place, Fraction(1, self._rate)
        self._place += block.shape[1]
        return [_packet(packet) for packet in self._context.encode(frame)]


class Decoder:
    """Gives what a player hears: from pts 0 on."""

    def __init__(self, encoder: SoundEncoder, extradata: bytes) -> None:
        context = av.CodecContext.create(codec_of(encoder).decoder, "r")
        assert isinstance(context, AudioCodecContext)
        if extradata:
            context.extradata = extradata
        else:
            # Plain samples have no headers that would say so.
            context.layout, context.sample_rate = "stereo", encoder.sample_rate
        self._context = context
        self._skip: int | None = None

    def add(self, packets: list[Packet]) -> Samples:
        """Return what comes out of these packets."""
        blocks = [silent(0)]
        for packet in packets:
            if self._skip is None:
                self._skip = -packet.pts
            blocks += [_floats(frame) for frame in self._context.decode(av.Packet(packet.data))]
        return self._heard(blocks)

    def finish(self) -> Samples:
        """Return what the decoder still held."""
        return self._heard([silent(0), *(_floats(frame) for frame in self._context.decode(None))])

    def _heard(self, blocks: list[Samples]) -> Samples:
        joined = np.concatenate(blocks, axis=1)
        skipped = min(self._skip or 0, joined.shape[1])
        self._skip = (self._skip or 0) - skipped if self._skip is not None else None
        return np.ascontiguousarray(joined[:, skipped:], dtype=np.float32)


def encode(samples: Samples, encoder: SoundEncoder) -> EncodedSound:
    """Return a whole sound as packets."""
    machine = Encoder(encoder)
    packets = machine.add(samples)
    return EncodedSound(
        extradata=machine.extradata,
        count=samples.shape[1],
        frame_samples=machine.frame_samples,
        packets=(*packets, *machine.finish()),
    )


def decode(encoded: EncodedSound, encoder: SoundEncoder) -> Samples:
    """Return what a player hears of a whole sound, `(2, count)`."""
    machine = Decoder(encoder, encoded.extradata)
    heard = np.concatenate([machine.add(list(encoded.packets)), machine.finish()], axis=1)
    return heard[:, : encoded.count]


def _formed(block: Samples, form: str) -> npt.NDArray[Any]:
    """Return samples as libav's sample format has them."""
    if form in WHOLE:
        kind, full = WHOLE[form]
        scaled = np.clip(np.rint(block.T.astype(np.float64) * full), -full, full - 1)
        return np.ascontiguousarray(scaled.astype(kind).reshape(1, -1))
    return np.ascontiguousarray(block.T.reshape(1, -1) if form == IN_TURN else block)


def _floats(frame: AudioFrame) -> Samples:
    form, found = frame.format.name, frame.to_ndarray()
    if form in WHOLE or form == IN_TURN:
        found = found.reshape(-1, 2).T
    full = WHOLE[form][1] if form in WHOLE else 1
    return np.ascontiguousarray(found / full if full > 1 else found, dtype=np.float32)


def _packet(packet: av.Packet[av.stream.Stream]) -> Packet:
    assert packet.pts is not None, "an encoder gives times"
    return Packet(pts=packet.pts, key=True, data=bytes(packet))
