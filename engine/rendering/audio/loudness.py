"""Loudness as people hear it and peaks as converters make them: ITU-R BS.1770-5, EBU R 128; block by block.

Sound is `(channels, samples)` of float32, 1.0 being full scale. The outcome does not depend on the blocks it comes in.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.signals import BLOCK, Samples
from engine.rendering.compositor.compiled import kernel

Powers = NDArray[np.float64]

ABSOLUTE_GATE_LUFS: Final = -70.0
RELATIVE_GATE_LU: Final = -10.0
BLOCK_S: Final = 0.4
HOP_S: Final = 0.1
OFFSET_LU: Final = -0.691
OVERSAMPLING: Final = 4
HALF_TAPS: Final = 16
KAISER: Final = 8.0
_TILE: Final = 2048


class LoudnessMeter:
    """Fed with blocks; keeps one number for each tenth of a second (80 bytes a second of sound)."""

    def __init__(self, rate: int, channels: int = 2) -> None:
        self._coefficients = np.concatenate([_shelf(rate), _high_pass(rate)])
        self._state = np.zeros((channels, 4))
        self._hop, self._sum, self._filled = round(HOP_S * rate), np.zeros(1), 0
        self._powers: list[Powers] = []

    def add(self, samples: Samples) -> None:
        """Take the next samples."""
        whole = (self._filled + samples.shape[1]) // self._hop
        powers = np.empty(whole)
        _weigh(
            np.ascontiguousarray(samples),
            self._coefficients,
            self._state,
            self._sum,
            self._filled,
            self._hop,
            powers,
        )
        self._filled = (self._filled + samples.shape[1]) % self._hop
        self._powers.append(powers)

    def integrated_lufs(self) -> float | None:
        """Return the gated loudness (BS.1770-5, annex 1), or None when nothing passes the gates."""
        power, per_block = np.concatenate([np.zeros(0), *self._powers]), round(BLOCK_S / HOP_S)
        if power.size < per_block:
            # Shorter than one block: as if silence followed.
            rest = float(self._sum[0]) / self._hop
            power = np.concatenate([power, [rest], np.zeros(per_block)])[:per_block]
        blocks = np.convolve(power, np.full(per_block, 1 / per_block), mode="valid")
        loud = blocks[_lufs(blocks) > ABSOLUTE_GATE_LUFS]
        if not loud.size:
            return None
        gate = float(_lufs(loud.mean(keepdims=True))[0]) + RELATIVE_GATE_LU
        return float(_lufs(loud[_lufs(loud) > gate].mean(keepdims=True))[0])


class PeakMeter:
    """Fed with blocks; tells for each sample how high the wave goes on its way to the next, and keeps the highest.

    What is told lies `HALF_TAPS` samples behind what was added.
    """

    def __init__(self, channels: int = 2) -> None:
        self._held = np.zeros((channels, 2 * HALF_TAPS), dtype=np.float32)
        self.highest = 0.0

    def add(self, samples: Samples) -> NDArray[np.float32]:
        """Take the next samples; return as many peaks, the first of them that of the sample `HALF_TAPS` before."""
        joined = np.concatenate([self._held, samples], axis=1)
        self._held = joined[:, joined.shape[1] - 2 * HALF_TAPS :]
        peaks = np.empty(samples.shape[1], dtype=np.float32)
        _between(joined, _TAPS, peaks)
        self.highest = max(self.highest, float(peaks.max(initial=0.0)))
        return peaks

    def dbtp(self) -> float | None:
        """Return the highest level so far (BS.1770-5, annex 2), or None for digital silence; ends the feeding."""
        self.add(np.zeros((self._held.shape[0], 2 * HALF_TAPS), dtype=np.float32))
        return 20 * math.log10(self.highest) if self.highest > 0 else None


def integrated_lufs(samples: Samples, rate: int) -> float | None:
    """Return the loudness of a whole sound; None when nothing passes the gates."""
    meter = LoudnessMeter(rate, samples.shape[0])
    for at in range(0, samples.shape[1], BLOCK):
        meter.add(samples[:, at : at + BLOCK])
    return meter.integrated_lufs()


def true_peak_dbtp(samples: Samples) -> float | None:
    """Return the highest level of a whole sound, between its samples too; None for digital silence."""
    meter = PeakMeter(samples.shape[0])
    for at in range(0, samples.shape[1], BLOCK):
        meter.add(samples[:, at : at + BLOCK])
    return meter.dbtp()


@kernel("void(float32[:, ::1], float64[::1], float64[:, ::1], float64[::1], int64, int64, float64[::1])")
def _weigh(
    samples: Samples,
    coefficients: Powers,
    state: Powers,
    running: Powers,
    filled: int,
    hop: int,
    powers: Powers,
) -> None:
    """Run the K-weighting (two biquads, transposed direct form II) and put down the mean power of each full hop."""
    b0, b1, b2, a1, a2, c0, c1, c2, d1, d2 = coefficients
    channels, count = samples.shape
    place, total = 0, running[0]
    for n in range(count):
        for c in range(channels):
            x = np.float64(samples[c, n])
            y = b0 * x + state[c, 0]
            state[c, 0] = b1 * x - a1 * y + state[c, 1]
            state[c, 1] = b2 * x - a2 * y
            z = c0 * y + state[c, 2]
            state[c, 2] = c1 * y - d1 * z + state[c, 3]
            state[c, 3] = c2 * y - d2 * z
            total += z * z
        filled += 1
        if filled == hop:
            powers[place] = total / hop
            place, total, filled = place + 1, 0.0, 0
    running[0] = total
    for c in range(channels):
        for k in range(4):
            # What has died away is nothing: numbers this small only make the processor slow.
            if abs(state[c, k]) < 1e-30:
                state[c, k] = 0.0


@kernel("void(float32[:, ::1], float32[:, ::1], float32[::1])")
def _between(joined: Samples, taps: Samples, peaks: NDArray[np.float32]) -> None:
    """Write the highest of any channel around each sample: at it, and at the points between it and its neighbours."""
    channels, parts, width = joined.shape[0], taps.shape[0], taps.shape[1]
    count, half = peaks.size, width // 2
    wave = np.empty(_TILE + 1, dtype=np.float32)
    for start in range(0, count, _TILE):
        size = min(_TILE, count - start)
        for n in range(size):
            peaks[start + n] = 0.0
        for c in range(channels):
            row = joined[c, start : start + size + width]
            for n in range(size):
                level = abs(row[n + half])
                if level > peaks[start + n]:
                    peaks[start + n] = level
            for part in range(parts):
                for n in range(size + 1):
                    wave[n] = 0.0
                # Point n lies right before the sample n + half.
                for k in range(width):
                    tap = taps[part, k]
                    for n in range(size + 1):
                        wave[n] += tap * row[n + k]
                for n in range(size):
                    level = max(abs(wave[n]), abs(wave[n + 1]))
                    if level > peaks[start + n]:
                        peaks[start + n] = level


def _interpolating(part: float) -> NDArray[np.float64]:
    """Return the taps that give the value `part` of a sample after each sample: a windowed sinc, gain 1."""
    at = np.arange(-HALF_TAPS, HALF_TAPS) + part
    window = np.i0(KAISER * np.sqrt(1 - np.square(at / HALF_TAPS))) / np.i0(KAISER)
    taps = np.sinc(at) * window
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def _shelf(rate: int) -> Powers:
    """Return b0, b1, b2, a1, a2 of the shelf for the head; the standard's filter at 48 kHz, for any rate."""
    frequency, gain_db, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k, high = math.tan(math.pi * frequency / rate), 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    b = [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0]
    return np.array([*b, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def _high_pass(rate: int) -> Powers:
    """Return b0, b1, b2, a1, a2 of the high-pass for the ear."""
    frequency, q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * frequency / rate)
    a0 = 1 + k / q + k * k
    return np.array([1.0, -2.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def _lufs(power: Powers) -> Powers:
    lufs: Powers = OFFSET_LU + 10 * np.log10(np.maximum(power, 1e-12))
    return lufs


_TAPS: Final = np.stack(
    [_interpolating(part / OVERSAMPLING)[::-1] for part in range(1, OVERSAMPLING)]
).astype(np.float32)
