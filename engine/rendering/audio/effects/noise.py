"""Noise reduction: what stays the same in each band for seconds is noise, and is taken out of what is heard with it.

The noise's level is the least that a band's smoothed power has been lately (R. Martin, Noise power spectral density
estimation based on optimal smoothing and minimum statistics, IEEE TSAP 9(5), 2001, without its optimal smoothing); gains
are Wiener's, their signal-to-noise ratio decided with the frame before in mind (Y. Ephraim, D. Malah, IEEE TASSP 32(6),
1984), so that what is left does not warble.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.effects.table import Machine, sound_effect
from engine.rendering.audio.signals import CHANNELS, Samples, silent
from engine.rendering.audio.values import Controls
from engine.rendering.compositor.compiled import kernel

Floats = NDArray[np.float64]

FRAME: Final = 1024
HOP: Final = 256
SMOOTH: Final = 0.96
# The least of this many stretches of frames counts: 8 x 37 frames of 5 ms are a second and a half.
STRETCHES: Final = 8
STRETCH_FRAMES: Final = 37
# A least is less than a mean, by 1.4 to 1.6 for noise smoothed like this; the rest keeps its crests down too.
BIAS: Final = 2.4
MEMORY: Final = 0.98
FIRST: Final = FRAME // HOP - 1
SETTLED: Final = 24


class _Noise:
    latency = FRAME

    def __init__(self, controls: Controls) -> None:
        bins = FRAME // 2 + 1
        self._floor = 10 ** (-controls.number("reduction_db") / 20)
        self._window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME))
        self._waiting = silent(FRAME - HOP)
        self._ready = silent(HOP)
        self._tail = np.zeros((CHANNELS, FRAME - HOP))
        self._least = np.full((STRETCHES + 1, bins), np.inf)
        # Smoothed power; the power that was let through of the frame before.
        self._state = np.zeros((2, bins))
        self._count = np.zeros(1, dtype=np.int64)

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        waiting = np.concatenate([self._waiting, block], axis=1)
        frames = max(0, (waiting.shape[1] - FRAME) // HOP + 1)
        made = self._frames(waiting, frames) if frames else silent(0)
        self._waiting = waiting[:, frames * HOP :]
        ready = np.concatenate([self._ready, made], axis=1)
        self._ready = ready[:, block.shape[1] :]
        return np.ascontiguousarray(ready[:, : block.shape[1]])

    def _frames(self, waiting: Samples, frames: int) -> Samples:
        views = np.lib.stride_tricks.sliding_window_view(waiting, FRAME, axis=1)[:, ::HOP][:, :frames]
        spectra = np.fft.rfft(views * self._window, axis=2)
        power = (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=0)
        gains = np.empty_like(power)
        _gains(power, self._least, self._state, self._count, self._floor, gains)
        # Windows at a quarter of their length: their squares add up to 2.
        parts = np.fft.irfft(spectra * gains, FRAME, axis=2) * (self._window / 2)
        out = np.zeros((CHANNELS, frames * HOP + FRAME - HOP))
        out[:, : FRAME - HOP] = self._tail
        for frame in range(frames):
            out[:, frame * HOP : frame * HOP + FRAME] += parts[:, frame]
        self._tail = out[:, frames * HOP :]
        return out[:, : frames * HOP].astype(np.float32)


@sound_effect("noise_reduction")
def noise_reduction(controls: Controls) -> Machine:
    """Take steady noise away."""
    return _Noise(controls)


@kernel("void(float64[:, ::1], float64[:, ::1], float64[:, ::1], int64[::1], float64, float64[:, ::1])")
def _gains(
    power: Floats, least: Floats, state: Floats, counted: NDArray[np.int64], floor: float, gains: Floats
) -> None:
    """Write the gain of each band of each frame; the last row of `least` is of the stretch that is going on."""
    frames, bins = power.shape
    going = least.shape[0] - 1
    for f in range(frames):
        for b in range(bins):
            here = power[f, b]
            if counted[0] < FIRST:
                # Silence before the first sample is in these: they say nothing about the noise.
                gains[f, b] = 1.0
                continue
            # At first the mean of all so far: one frame alone may be anything.
            keep = min(SMOOTH, 1.0 - 1.0 / (counted[0] - FIRST + 1))
            smoothed = keep * state[0, b] + (1 - keep) * here
            state[0, b] = smoothed
            if counted[0] >= SETTLED:
                least[going, b] = min(least[going, b], smoothed)
            lowest = min(smoothed, least[going, b])
            for k in range(going):
                lowest = min(lowest, least[k, b])
            noise = max(BIAS * lowest, 1e-20)
            ratio = MEMORY * state[1, b] / noise + (1 - MEMORY) * max(here / noise - 1.0, 0.0)
            gain = max(floor, ratio / (1.0 + ratio))
            state[1, b] = gain * gain * here
            gains[f, b] = gain
        counted[0] += 1
        if counted[0] % STRETCH_FRAMES == 0:
            for b in range(bins):
                for k in range(going - 1):
                    least[k, b] = least[k + 1, b]
                least[going - 1, b] = least[going, b]
                least[going, b] = np.inf
