"""Loudness as people hear it and peaks as converters make them: ITU-R BS.1770-5, EBU R 128, and a limiter for the peaks.

All functions take `(channels, samples)` of float32, 1.0 being full scale, and give the same answer on every run.
"""

import math
from typing import Final

import numpy as np
from numpy import fft
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Gains = NDArray[np.float32]

ABSOLUTE_GATE_LUFS: Final = -70.0
RELATIVE_GATE_LU: Final = -10.0
BLOCK_S: Final = 0.4
HOP_S: Final = 0.1
OFFSET_LU: Final = -0.691
FIR_TAPS: Final = (
    1 << 14
)  # the slowest part of the weighting, a high-pass at 38 Hz, has died away long before
FFT_SIZE: Final = 1 << 17
OVERSAMPLING: Final = 4
HALF_TAPS: Final = 16
KAISER: Final = 8.0
LOOK_AHEAD_S: Final = 0.004


def integrated_lufs(samples: Samples, rate: int) -> float | None:
    """Return the gated loudness (BS.1770-5, annex 1), or None when nothing passes the gates."""
    hop, per_block = round(HOP_S * rate), round(BLOCK_S / HOP_S)
    count = samples.shape[1] // hop
    if count < per_block:
        # Shorter than one block: as if silence followed.
        padded = np.zeros((samples.shape[0], per_block * hop), dtype=np.float32)
        padded[:, : samples.shape[1]] = samples
        return integrated_lufs(padded, rate)
    weighted = _weighted(samples, rate)[:, : count * hop]
    power = (
        np.square(weighted, dtype=np.float64).reshape(samples.shape[0], count, hop).mean(axis=2).sum(axis=0)
    )
    blocks = np.convolve(power, np.full(per_block, 1 / per_block), mode="valid")
    loud = blocks[_lufs(blocks) > ABSOLUTE_GATE_LUFS]
    if not loud.size:
        return None
    gate = float(_lufs(loud.mean(keepdims=True))[0]) + RELATIVE_GATE_LU
    return float(_lufs(loud[_lufs(loud) > gate].mean(keepdims=True))[0])


def true_peak_dbtp(samples: Samples) -> float | None:
    """Return the highest level between and at the samples (BS.1770-5, annex 2), or None for digital silence."""
    peak = float(_peaks(samples).max(initial=0.0))
    return 20 * math.log10(peak) if peak > 0 else None


class Limiter:
    """Holds the true peaks of one sound below a ceiling, at whatever gain, all channels alike.

    The gain goes down ahead of a peak and comes back after it along a smooth curve, so nothing is clipped.
    """

    def __init__(self, samples: Samples, rate: int) -> None:
        self._samples = samples
        # Peaks grow with the gain: they are looked for once.
        self._peaks = _peaks(samples)
        self._reach = round(LOOK_AHEAD_S * rate)
        bell = np.hanning(2 * self._reach + 3)[1:-1]
        self._bell = (bell / bell.sum()).astype(np.float32)

    def at(self, gain_db: float, ceiling_dbtp: float | None) -> Samples:
        """Return the sound raised by `gain_db` and held below the ceiling; None: no ceiling."""
        gain = np.float32(10 ** (gain_db / 20))
        if ceiling_dbtp is None:
            return self._samples * gain
        ceiling = 10 ** (ceiling_dbtp / 20) / float(gain)
        if float(self._peaks.max(initial=0.0)) <= ceiling:
            return self._samples * gain
        needed = np.minimum(1.0, ceiling / np.maximum(self._peaks, 1e-9)).astype(np.float32)
        # A mean over a window of minima over the same window can never exceed what is needed in its middle.
        held = np.pad(_lowest(needed, self._reach), self._reach, mode="edge")
        smooth = np.convolve(held, self._bell, mode="valid")
        return self._samples * (smooth * gain)[None, :]


def _lowest(values: Gains, reach: int) -> Gains:
    """Return the minimum over `[n - reach, n + reach]` for each n (van Herk's algorithm: three passes, any reach)."""
    width = 2 * reach + 1
    blocks = -(-(values.size + 2 * reach) // width)
    padded = np.ones(blocks * width, dtype=np.float32)
    padded[reach : reach + values.size] = values
    grid = padded.reshape(blocks, width)
    forward = np.minimum.accumulate(grid, axis=1).ravel()
    backward = np.minimum.accumulate(grid[:, ::-1], axis=1)[:, ::-1].ravel()
    lowest: Gains = np.minimum(backward[: values.size], forward[width - 1 : width - 1 + values.size])
    return lowest


def _peaks(samples: Samples) -> Gains:
    """Return for each sample the highest level of any channel from it to the next, four times oversampled."""
    peaks: Gains = np.abs(samples).max(axis=0, initial=0.0)
    for part in range(1, OVERSAMPLING):
        taps = _between(part / OVERSAMPLING)
        for channel in samples:
            between = np.abs(np.convolve(channel, taps, mode="full"))[HALF_TAPS : HALF_TAPS + channel.size]
            np.maximum(peaks, between.astype(np.float32), out=peaks)
            # The point lies between two samples: both must make room for it.
            np.maximum(peaks[1:], between[:-1].astype(np.float32), out=peaks[1:])
    return peaks


def _between(part: float) -> NDArray[np.float64]:
    """Return the taps that give the value `part` of a sample after each sample: a windowed sinc, gain 1."""
    at = np.arange(-HALF_TAPS, HALF_TAPS) + part
    window = np.i0(KAISER * np.sqrt(1 - np.square(at / HALF_TAPS))) / np.i0(KAISER)
    taps = np.sinc(at) * window
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def _weighted(samples: Samples, rate: int) -> Samples:
    """Return the samples through the K-weighting: a shelf for the head, a high-pass for the ear."""
    response = fft.rfft(_impulse(rate), FFT_SIZE)
    step = FFT_SIZE - FIR_TAPS + 1
    weighted = np.empty_like(samples)
    for row, channel in enumerate(samples):
        padded = np.concatenate([np.zeros(FIR_TAPS - 1, dtype=np.float32), channel])
        for start in range(0, channel.size, step):
            block = fft.irfft(fft.rfft(padded[start : start + FFT_SIZE], FFT_SIZE) * response, FFT_SIZE)
            end = min(start + step, channel.size)
            weighted[row, start:end] = block[FIR_TAPS - 1 : FIR_TAPS - 1 + end - start]
    return weighted


def _impulse(rate: int) -> NDArray[np.float64]:
    """Return the K-weighting's impulse response, from the biquads' responses on the unit circle.

    The standard gives coefficients for 48 kHz; these are the analogue filters behind them, for any rate.
    """
    shelf_b, shelf_a = _shelf(rate)
    pass_b, pass_a = _high_pass(rate)
    z = np.exp(-1j * np.linspace(0, np.pi, FFT_SIZE // 2 + 1))
    powers = np.stack([np.ones_like(z), z, z * z])
    response = (shelf_b @ powers) / (shelf_a @ powers) * (pass_b @ powers) / (pass_a @ powers)
    impulse: NDArray[np.float64] = fft.irfft(response, FFT_SIZE)[:FIR_TAPS]
    return impulse


def _shelf(rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    frequency, gain_db, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k, high = math.tan(math.pi * frequency / rate), 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    b = [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0]
    return np.array(b), np.array([1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def _high_pass(rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    frequency, q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * frequency / rate)
    a0 = 1 + k / q + k * k
    return np.array([1.0, -2.0, 1.0]), np.array([1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    lufs: NDArray[np.float64] = OFFSET_LU + 10 * np.log10(np.maximum(power, 1e-12))
    return lufs
