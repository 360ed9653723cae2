"""Sound in the worker: one continuous mix, brought to its loudness below its peak, encoded once."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from engine.media.audio import SoundReader
from engine.media.source import open_media
from engine.rendering.encoded import EncodedSound, Packet
from engine.rendering.loudness import Limiter, Samples, integrated_lufs, true_peak_dbtp
from engine.rendering.work import SoundClip, SoundDone, SoundEncoder, SoundWork

CHANNELS: Final = 2
# AAC's transform: the encoder's run-up before the first sample (ISO/IEC 14496-3, 1024 samples a frame).
FRAME_SAMPLES: Final = 1024
GAIN_MAX_DB: Final = 40.0
# Encoding lets peaks grow by a few tenths of a decibel: the limiter starts this far below the limit.
HEADROOM_DB: Final = 0.3
PEAK_MARGIN_DB: Final = 0.05
LOUDNESS_WITHIN_LU: Final = 0.3
ROUNDS_MAX: Final = 10
# A limiter at work lets through at least this part of a change of gain, as far as steps are planned.
STEP_LEAST: Final = 0.25


def configure(context: AudioCodecContext, encoder: SoundEncoder) -> None:
    """Set an encoder up; the film's headers come from the same settings."""
    context.sample_rate, context.layout, context.format = encoder.sample_rate, "stereo", "fltp"
    context.bit_rate = encoder.bitrate
    context.thread_count = 1
    context.flags |= av.codec.context.Flags.bitexact


def mix(work: SoundWork, descriptors: tuple[int, ...], report: Callable[[float, float], None]) -> Samples:
    """Return the clips of all sources at their places, `(2, count)`; where clips overlap they add up.

    Raises:
        Invalid: `media_unreadable`: a source's sound cannot be read.
    """
    out = np.zeros((CHANNELS, work.count), dtype=np.float32)
    for number, (source, descriptor) in enumerate(zip(work.sources, descriptors, strict=True)):
        clips = sorted((clip for clip in work.clips if clip.source == number), key=lambda clip: clip.start)
        with open_media(descriptor) as container:
            reader = SoundReader(
                container, rate=work.encoder.sample_rate, channels=CHANNELS, origin=source.origin
            )
            for clip in clips:
                _add(out, clip, reader, work.encoder.sample_rate)
        report(number + 1, len(work.sources))
    return out


def master(samples: Samples, work: SoundWork) -> tuple[EncodedSound, SoundDone]:
    """Return the encoded sound at the wanted loudness, and how it came out.

    Gain and ceiling are corrected by what a decoder gives back, until loudness and peak hold there: the limiter takes
    loudness away, and the encoder lets peaks grow.
    """
    loudness = integrated_lufs(samples, work.encoder.sample_rate)
    if loudness is None or (work.loudness_lufs is None and work.true_peak_dbtp is None):
        notices = () if loudness is not None else ("the sound is silent: it was left as it is",)
        encoded = encode(samples, work)
        return encoded, _measured(encoded, work, 0.0, notices)
    wanted = target = loudness if work.loudness_lufs is None else work.loudness_lufs
    gain_max = GAIN_MAX_DB if work.loudness_lufs is not None else 0.0
    limit = work.true_peak_dbtp
    gain, ceiling = min(target - loudness, gain_max), None if limit is None else limit - HEADROOM_DB
    limiter = Limiter(samples, work.encoder.sample_rate)
    for _ in range(ROUNDS_MAX):
        gain, mastered = _raised(limiter, work.encoder.sample_rate, gain, gain_max, ceiling, target)
        encoded = encode(mastered, work)
        done = _measured(encoded, work, gain, ())
        assert done.integrated_lufs is not None, "it was loud enough to be measured, and was not made softer"
        error = wanted - done.integrated_lufs
        over = 0.0 if limit is None or done.true_peak_dbtp is None else done.true_peak_dbtp - limit
        loud_enough = abs(error) <= LOUDNESS_WITHIN_LU or (error > 0 and gain >= gain_max)
        if over <= 0 and loud_enough:
            break
        if over > 0 and ceiling is not None:
            ceiling -= over + PEAK_MARGIN_DB
        # What encoding takes away is given before it.
        target += 0.0 if loud_enough else error
    notices = ()
    if work.loudness_lufs is not None and gain >= gain_max and error > LOUDNESS_WITHIN_LU:
        notices = (
            f"the sound was raised by {gain_max:.0f} dB and no more: beyond that, only its noise would grow",
        )
    return encoded, SoundDone(
        integrated_lufs=done.integrated_lufs,
        true_peak_dbtp=done.true_peak_dbtp,
        gain_db=round(gain, 2),
        notices=notices,
    )


def encode(samples: Samples, work: SoundWork) -> EncodedSound:
    """Return AAC packets; the first sample is heard at pts 0, the packets before that are the run-up."""
    context = av.CodecContext.create(work.encoder.codec, "w")
    assert isinstance(context, AudioCodecContext)
    configure(context, work.encoder)
    context.flags |= av.codec.context.Flags.global_header
    context.open()
    packets: list[Packet] = []
    for start in range(0, samples.shape[1], FRAME_SAMPLES):
        block = np.ascontiguousarray(samples[:, start : start + FRAME_SAMPLES])
        frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = (
            work.encoder.sample_rate,
            start,
            Fraction(1, work.encoder.sample_rate),
        )
        packets += [_packet(packet) for packet in context.encode(frame)]
    packets += [_packet(packet) for packet in context.encode(None)]
    return EncodedSound(
        extradata=bytes(context.extradata or b""),
        count=samples.shape[1],
        frame_samples=FRAME_SAMPLES,
        packets=tuple(packets),
    )


def decode(encoded: EncodedSound, work: SoundWork) -> Samples:
    """Return what a player hears: from pts 0 on, `(2, count)`."""
    context = av.CodecContext.create(work.encoder.codec, "r")
    assert isinstance(context, AudioCodecContext)
    context.extradata = encoded.extradata
    blocks = []
    for packet in (*encoded.packets, None):
        given = None if packet is None else av.Packet(packet.data)
        blocks += [frame.to_ndarray() for frame in context.decode(given)]
    run_up = -encoded.packets[0].pts
    whole = np.concatenate(blocks, axis=1)[:, run_up : run_up + work.count]
    return np.asarray(whole, dtype=np.float32)


def _add(out: Samples, clip: SoundClip, reader: SoundReader, rate: int) -> None:
    count = min(clip.count, out.shape[1] - clip.at)
    if count <= 0:
        return
    block = reader.read(clip.start, clip.start + Fraction(clip.count, rate)).T.copy()
    block *= np.float32(10 ** (clip.gain_db / 20))
    if clip.fade_in:
        block[:, : clip.fade_in] *= np.linspace(0, 1, clip.fade_in, endpoint=False, dtype=np.float32)
    if clip.fade_out:
        block[:, -clip.fade_out :] *= np.linspace(1, 0, clip.fade_out, endpoint=False, dtype=np.float32)
    out[:, clip.at : clip.at + count] += block[:, :count]


def _raised(
    limiter: Limiter, rate: int, gain: float, gain_max: float, ceiling: float | None, target: float
) -> tuple[float, Samples]:
    """Return the gain that reaches the target through the limiter, and the sound at it.

    The harder the limiter works, the less a decibel of gain adds: each step goes by what the one before has brought.
    """
    before: tuple[float, float] | None = None
    for _ in range(ROUNDS_MAX):
        raised = limiter.at(gain, ceiling)
        loudness = integrated_lufs(raised, rate)
        error = 0.0 if loudness is None else target - loudness
        if loudness is None or abs(error) <= LOUDNESS_WITHIN_LU / 3 or (error > 0 and gain >= gain_max):
            break
        brought = 1.0
        if before is not None and gain != before[0]:
            brought = min(1.0, max(STEP_LEAST, (loudness - before[1]) / (gain - before[0])))
        before = (gain, loudness)
        gain = min(gain + error / brought, gain_max)
    return gain, raised


def _measured(encoded: EncodedSound, work: SoundWork, gain: float, notices: tuple[str, ...]) -> SoundDone:
    heard = decode(encoded, work)
    return SoundDone(
        integrated_lufs=integrated_lufs(heard, work.encoder.sample_rate),
        true_peak_dbtp=true_peak_dbtp(heard),
        gain_db=round(gain, 2),
        notices=notices,
    )


def _packet(packet: av.Packet[av.stream.Stream]) -> Packet:
    assert packet.pts is not None, "an encoder gives times"
    return Packet(pts=packet.pts, key=True, data=bytes(packet))
