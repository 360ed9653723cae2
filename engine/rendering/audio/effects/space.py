"""Reverb: eight delays that feed each other (J.-M. Jot and A. Chaigne, Digital delay networks, AES 90th convention, 1991)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.effects.table import Machine, sound_effect
from engine.rendering.audio.signals import Samples, silent
from engine.rendering.audio.values import Controls
from engine.rendering.compositor.compiled import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Primes, so that no two delays ring together: samples at 48 kHz, 30 to 58 ms.
LENGTHS: Final = (1433, 1601, 1867, 2053, 2251, 2399, 2617, 2797)


class _Reverb:
    latency = 0

    def __init__(self, controls: Controls) -> None:
        rate, self._controls = controls.rate, controls
        lengths = np.array([max(8, round(length * rate / 48_000)) for length in LENGTHS])
        # After the reverb's time each delay has lost 60 dB, however often its sound has gone round.
        gains = 10 ** (-3 * lengths / (controls.number("time_s") * rate))
        self._lengths, self._gains = lengths, gains
        self._damping = controls.number("damping")
        self._scale = float(np.sqrt(1 - np.square(gains).mean()))
        self._lines = np.zeros((len(LENGTHS), int(lengths.max())))
        self._dull, self._place = np.zeros(len(LENGTHS)), np.zeros(len(LENGTHS), dtype=np.int64)
        self._early = silent(round(controls.number("pre_delay_ms") / 1000 * rate))

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        count = block.shape[1]
        joined = np.concatenate([self._early, block], axis=1)
        self._early = joined[:, count:]
        wet = np.empty_like(block)
        _reverberate(
            np.ascontiguousarray(joined[:, :count]),
            self._lines,
            self._lengths,
            self._gains,
            self._damping,
            self._dull,
            self._place,
            wet,
        )
        mix = self._controls.samples("mix", at, count)
        block *= (1 - mix).astype(np.float32)
        block += wet * (mix * self._scale).astype(np.float32)
        return block


@sound_effect("reverb")
def reverb(controls: Controls) -> Machine:
    """Add the sound of a room."""
    return _Reverb(controls)


@kernel(
    "void(float32[:, ::1], float64[:, ::1], int64[::1], float64[::1], float64, float64[::1], int64[::1],"
    " float32[:, ::1])"
)
def _reverberate(
    dry: Samples,
    lines: Floats,
    lengths: Ints,
    gains: Floats,
    damping: float,
    dull: Floats,
    place: Ints,
    wet: Samples,
) -> None:
    """Feed the delays and write what they give; left goes to the even ones, right to the odd ones, and so they come out."""
    many = lines.shape[0]
    out = np.empty(many)
    for n in range(dry.shape[1]):
        total, left, right = 0.0, 0.0, 0.0
        for k in range(many):
            # What goes round loses its treble a little more each time; what is low loses nothing to it.
            dull[k] += (1.0 - damping) * (lines[k, place[k]] - dull[k])
            out[k] = dull[k]
            total += out[k] * gains[k]
            sign = 1.0 if k % 4 < 2 else -1.0
            if k % 2:
                right += sign * out[k]
            else:
                left += sign * out[k]
        for k in range(many):
            # Householder's matrix: every delay feeds every other, and no energy is made.
            fed = out[k] * gains[k] - total * (2.0 / many)
            value = fed + np.float64(dry[k % 2, n]) * 0.5
            lines[k, place[k]] = value if abs(value) > 1e-20 else 0.0
            place[k] = place[k] + 1 if place[k] + 1 < lengths[k] else 0
        wet[0, n], wet[1, n] = np.float32(left), np.float32(right)
