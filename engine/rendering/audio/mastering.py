"""A mix brought to its loudness below its peak and encoded once, in blocks: memory does not grow with its length.

The first pass measures the mix and puts it into a scratch file; the others read it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.rendering.audio.encoding import Decoder, Encoder
from engine.rendering.audio.limiter import StreamLimiter
from engine.rendering.audio.loudness import LoudnessMeter, PeakMeter
from engine.rendering.audio.signals import (
    BLOCK,
    Samples,
    Signal,
    read_block,
    silent,
    write_block,
)
from engine.rendering.audio.work import SAMPLE_BYTES, SoundDone, SoundWork
from engine.rendering.encoded import EncodedSound, Packet

GAIN_MAX_DB: Final = 40.0
# Encoding lets peaks grow by a few tenths of a decibel: the limiter starts this far below the limit.
HEADROOM_DB: Final = 0.3
PEAK_MARGIN_DB: Final = 0.05
LOUDNESS_WITHIN_LU: Final = 0.3
ROUNDS_MAX: Final = 10
# A limiter at work lets through at least this part of a change of gain, as far as steps are planned.
STEP_LEAST: Final = 0.25

Report = Callable[[float, float], None]


class Spool:
    """A mix in a scratch file, with its loudness and its highest peak."""

    def __init__(self, mixed: Signal, work: SoundWork, scratch: int, report: Report) -> None:
        """Write all of `mixed` to `scratch`."""
        self._scratch, self._count, self.rate = scratch, work.count, work.encoder.sample_rate
        loudness, peaks, place = LoudnessMeter(self.rate), PeakMeter(), 0
        for at, size in _spans(self._count):
            block = mixed.read(size)
            loudness.add(block)
            peaks.add(block)
            place = write_block(scratch, block, place)
            report(at + size, self._count)
        self.lufs, self.peak_dbtp = loudness.integrated_lufs(), peaks.dbtp()

    def raised(self, gain_db: float, ceiling_dbtp: float | None) -> Iterator[Samples]:
        """Yield the mix raised and held below the ceiling, in blocks."""
        over = (
            ceiling_dbtp is not None
            and self.peak_dbtp is not None
            and self.peak_dbtp + gain_db > ceiling_dbtp
        )
        if not over or ceiling_dbtp is None:
            gain = 10 ** (gain_db / 20)
            for at, size in _spans(self._count):
                yield self._block(at, size) * np.float32(gain)
            return
        limiter = StreamLimiter(self.rate, gain_db, ceiling_dbtp)
        late = limiter.latency
        for at, size in _spans(self._count + late):
            out = limiter.add(self._block(at, size))
            if at + size > late:
                yield out[:, max(0, late - at) :]

    def _block(self, at: int, size: int) -> Samples:
        there = max(0, min(size, self._count - at))
        if there == size:
            return read_block(self._scratch, at * SAMPLE_BYTES, size)
        block = silent(size)
        block[:, :there] = read_block(self._scratch, at * SAMPLE_BYTES, there)
        return block


@dataclass(frozen=True)
class _Heard:
    """What came of one way to encode."""

    encoded: EncodedSound
    lufs: float | None
    peak_dbtp: float | None


def master(mixed: Signal, work: SoundWork, scratch: int, report: Report) -> tuple[EncodedSound, SoundDone]:
    """Return the encoded sound at the wanted loudness, and how it came out.

    Gain and ceiling are corrected by what a decoder gives back, until loudness and peak hold there: the limiter takes
    loudness away, and the encoder lets peaks grow.

    Args:
        mixed: the mix, `work.count` samples.
        work: what is wanted of it.
        scratch: a file for 8 bytes a sample.
        report: told samples mixed of all.
    """
    spool = Spool(mixed, work, scratch, report)
    if spool.lufs is None or (work.loudness_lufs is None and work.true_peak_dbtp is None):
        notices = () if spool.lufs is not None else ("the sound is silent: it was left as it is",)
        heard = _encoded(spool, work, 0.0, None)
        return heard.encoded, _done(heard, 0.0, None, notices)
    wanted = target = spool.lufs if work.loudness_lufs is None else work.loudness_lufs
    gain_max = GAIN_MAX_DB if work.loudness_lufs is not None else 0.0
    limit = work.true_peak_dbtp
    gain, ceiling = min(target - spool.lufs, gain_max), None if limit is None else limit - HEADROOM_DB
    for _ in range(ROUNDS_MAX):
        gain = _reaching(spool, gain, gain_max, ceiling, target)
        heard = _encoded(spool, work, gain, ceiling)
        assert heard.lufs is not None, "it was loud enough to be measured, and was not made softer"
        error = wanted - heard.lufs
        over = 0.0 if limit is None or heard.peak_dbtp is None else heard.peak_dbtp - limit
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
    return heard.encoded, _done(heard, gain, ceiling, notices)


def _reaching(spool: Spool, gain: float, gain_max: float, ceiling: float | None, target: float) -> float:
    """Return the gain that reaches the target through the limiter.

    The harder the limiter works, the less a decibel of gain adds: each step goes by what the one before has brought.
    """
    assert spool.lufs is not None, "silence is not raised"
    before: tuple[float, float] | None = None
    for _ in range(ROUNDS_MAX):
        limited = ceiling is not None and spool.peak_dbtp is not None and spool.peak_dbtp + gain > ceiling
        # Without a limiter at work, loudness goes up by what the gain does.
        loudness = _lufs(spool.raised(gain, ceiling), spool.rate) if limited else spool.lufs + gain
        error = 0.0 if loudness is None else target - loudness
        if loudness is None or abs(error) <= LOUDNESS_WITHIN_LU / 3 or (error > 0 and gain >= gain_max):
            break
        brought = 1.0
        if before is not None and gain != before[0]:
            brought = min(1.0, max(STEP_LEAST, (loudness - before[1]) / (gain - before[0])))
        before = (gain, loudness)
        gain = min(gain + error / brought, gain_max)
    return gain


def _encoded(spool: Spool, work: SoundWork, gain: float, ceiling: float | None) -> _Heard:
    """Encode the raised mix, and listen to what comes out of a decoder."""
    encoder = Encoder(work.encoder)
    decoder = Decoder(work.encoder, encoder.extradata)
    loudness, peaks, left = LoudnessMeter(work.encoder.sample_rate), PeakMeter(), work.count
    packets: list[Packet] = []

    def listen(heard: Samples) -> None:
        nonlocal left
        heard = heard[:, :left]
        left -= heard.shape[1]
        loudness.add(heard)
        peaks.add(heard)

    for block in spool.raised(gain, ceiling):
        made = encoder.add(block)
        packets += made
        listen(decoder.add(made))
    last = encoder.finish()
    packets += last
    listen(decoder.add(last))
    listen(decoder.finish())
    encoded = EncodedSound(
        extradata=encoder.extradata,
        count=work.count,
        frame_samples=encoder.frame_samples,
        packets=tuple(packets),
    )
    return _Heard(encoded, loudness.integrated_lufs(), peaks.dbtp())


def _lufs(blocks: Iterator[Samples], rate: int) -> float | None:
    meter = LoudnessMeter(rate)
    for block in blocks:
        meter.add(block)
    return meter.integrated_lufs()


def _done(heard: _Heard, gain: float, ceiling: float | None, notices: tuple[str, ...]) -> SoundDone:
    return SoundDone(
        integrated_lufs=heard.lufs,
        true_peak_dbtp=heard.peak_dbtp,
        gain_db=round(gain, 2),
        ceiling_dbtp=None if ceiling is None else round(ceiling, 2),
        notices=notices,
    )


def _spans(count: int) -> Iterator[tuple[int, int]]:
    """Yield `(first, size)` of the blocks of a sound."""
    for at in range(0, count, BLOCK):
        yield at, min(BLOCK, count - at)
