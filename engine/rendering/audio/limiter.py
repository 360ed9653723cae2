"""A look-ahead limiter for true peaks: the gain goes down ahead of a peak and comes back after it along a smooth curve."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.loudness import HALF_TAPS, PeakMeter
from engine.rendering.audio.signals import BLOCK, Samples
from engine.rendering.compositor.compiled import kernel

Fixed = NDArray[np.int64]
Gains = NDArray[np.float32]

LOOK_AHEAD_S: Final = 0.004
# Gains are whole numbers of this part while they are added up: sums are exact, whatever block they begin in.
ONE: Final = 1 << 30


class StreamLimiter:
    """Raises sound and holds its true peaks below a ceiling, all channels alike, whatever the blocks it comes in.

    What comes out lies `latency` samples behind what went in, silence first.
    """

    def __init__(self, rate: int, gain_db: float, ceiling_dbtp: float, channels: int = 2) -> None:
        """`ceiling_dbtp` is of what comes out."""
        self._reach = max(1, round(LOOK_AHEAD_S * rate))
        self.latency = HALF_TAPS + 2 * self._reach
        self._gain = np.float32(10 ** (gain_db / 20))
        self._ceiling = 10 ** (ceiling_dbtp / 20)
        self._peaks = PeakMeter(channels)
        self._held = np.zeros((channels, self.latency), dtype=np.float32)
        self._needed = np.full(4 * self._reach, ONE, dtype=np.int64)
        self.least = 1.0

    def add(self, samples: Samples) -> Samples:
        """Take the next samples and return as many, raised and held down."""
        raised = samples * self._gain
        needed = np.concatenate([self._needed, _needed(self._peaks.add(raised), self._ceiling)])
        joined = np.concatenate([self._held, raised], axis=1)
        count = samples.shape[1]
        self._held, self._needed = joined[:, count:], needed[count:]
        out = np.ascontiguousarray(joined[:, :count])
        if int(needed.min()) < ONE:
            gains = np.empty(count, dtype=np.float32)
            _gains(np.ascontiguousarray(needed), self._reach, gains)
            self.least = min(self.least, float(gains.min(initial=1.0)))
            out *= gains
        return out


class Limiter:
    """Holds the true peaks of one whole sound below a ceiling, at whatever gain."""

    def __init__(self, samples: Samples, rate: int) -> None:
        self._samples, self._rate = samples, rate

    def at(self, gain_db: float, ceiling_dbtp: float | None) -> Samples:
        """Return the sound raised by `gain_db` and held below the ceiling; None: no ceiling."""
        if ceiling_dbtp is None:
            return self._samples * np.float32(10 ** (gain_db / 20))
        limiter = StreamLimiter(self._rate, gain_db, ceiling_dbtp, self._samples.shape[0])
        rest = np.zeros((self._samples.shape[0], limiter.latency), dtype=np.float32)
        fed = np.concatenate([self._samples, rest], axis=1)
        parts = [limiter.add(fed[:, at : at + BLOCK]) for at in range(0, fed.shape[1], BLOCK)]
        return np.ascontiguousarray(np.concatenate(parts, axis=1)[:, limiter.latency :])


def _needed(peaks: Gains, ceiling: float) -> Fixed:
    if float(peaks.max(initial=0.0)) <= ceiling:
        return np.full(peaks.size, ONE, dtype=np.int64)
    return np.minimum(ONE, np.floor(ceiling / np.maximum(peaks, 1e-9).astype(np.float64) * ONE)).astype(
        np.int64
    )


@kernel("void(int64[::1], int64, float32[::1])")
def _gains(needed: Fixed, reach: int, gains: Gains) -> None:
    """Write the smoothed gain for each sample; it belongs to what was needed `2 * reach` places earlier.

    A mean over a window of minima over the same window never exceeds what is needed in its middle. The mean is that of two
    boxes one after the other, a triangle.
    """
    count, width = gains.size, reach + 1
    size = needed.size - 2 * reach
    lowest = np.empty(size, dtype=np.int64)
    queue = np.empty(needed.size, dtype=np.int64)
    head, tail = 0, 0
    for n in range(needed.size):
        while tail > head and needed[queue[tail - 1]] >= needed[n]:
            tail -= 1
        queue[tail] = n
        tail += 1
        if queue[head] < n - 2 * reach:
            head += 1
        if n >= 2 * reach:
            lowest[n - 2 * reach] = needed[queue[head]]
    once = np.empty(size - reach, dtype=np.int64)
    total = 0
    for n in range(size):
        total += lowest[n]
        if n >= width:
            total -= lowest[n - width]
        if n >= reach:
            once[n - reach] = total
    total = 0
    scale = 1.0 / (np.float64(width) * width * 1073741824.0)
    for n in range(once.size):
        total += once[n]
        if n >= width:
            total -= once[n - width]
        if n >= reach:
            gains[n - reach] = np.float32(total * scale)
    assert count == once.size - reach
