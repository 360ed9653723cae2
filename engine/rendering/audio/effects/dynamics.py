"""Effects whose gain follows how loud it is: both sides alike, decibels over time.

A level is the wave's own height, let go slowly enough to pass over its zeros. Gains approach what they should be as a
capacitor does: after the attack (or release) time 63 % of the way is gone (D. Giannoulis, M. Massberg, J. Reiss, Digital
dynamic range compressor design, JAES 60(6), 2012: the smooth decoupled detector on the gain's decibels).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.media.timecode import samples_at
from engine.rendering.audio.effects.filters import passing, run_sections
from engine.rendering.audio.effects.table import Machine, sound_effect
from engine.rendering.audio.limiter import StreamLimiter
from engine.rendering.audio.signals import Samples, silent
from engine.rendering.audio.values import Controls
from engine.rendering.compositor.compiled import kernel

Floats = NDArray[np.float64]

# How slowly a level is let go, seconds.
LET_GO_S: Final = 0.05


def approach(seconds: float, rate: int) -> float:
    """Return what is left after one sample of a way of which 63 % are gone after so many seconds."""
    return math.exp(-1 / max(seconds * rate, 1e-9))


class _Compressor:
    latency = 0

    def __init__(self, controls: Controls) -> None:
        rate = controls.rate
        self._settings = np.array(
            [
                controls.number("threshold_db"),
                1 - 1 / controls.number("ratio"),
                max(controls.number("knee_db"), 1e-6),
                10 ** (controls.number("makeup_db") / 20),
                approach(controls.number("attack_ms") / 1000, rate),
                approach(controls.number("release_ms") / 1000, rate),
                approach(LET_GO_S, rate),
            ]
        )
        self._state = np.zeros(2)

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        _compress(block, self._settings, self._state)
        return block


@sound_effect("compressor")
def compressor(controls: Controls) -> Machine:
    """Make what is loud softer."""
    return _Compressor(controls)


class _Gate:
    latency = 0

    def __init__(self, controls: Controls) -> None:
        rate = controls.rate
        threshold = controls.number("threshold_db")
        self._settings = np.array(
            [
                10 ** (threshold / 20),
                10 ** ((threshold - controls.number("hysteresis_db")) / 20),
                controls.number("hold_ms") / 1000 * rate,
                10 ** (-controls.number("range_db") / 20),
                approach(controls.number("attack_ms") / 1000, rate),
                approach(controls.number("release_ms") / 1000, rate),
                approach(LET_GO_S, rate),
            ]
        )
        # The level, whether it is open, samples since it was loud, the gain: closed until something is heard.
        self._state = np.array([0.0, 0.0, 0.0, self._settings[3]])

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        _gate(block, self._settings, self._state)
        return block


@sound_effect("gate")
def gate(controls: Controls) -> Machine:
    """Let through what is loud enough."""
    return _Gate(controls)


class _DeEsser:
    """Two bands that add up to the whole (S. Linkwitz and R. Riley, JAES 24(1), 1976); the upper one is held down."""

    latency = 0

    def __init__(self, controls: Controls) -> None:
        rate, q = controls.rate, 1 / math.sqrt(2)
        self._bands = [
            (
                np.array([[passing(controls.number("frequency"), q, rate, high=high)] * 2]),
                np.zeros((2, 2, 2)),
            )
            for high in (False, True)
        ]
        self._settings = np.array(
            [
                controls.number("threshold_db"),
                controls.number("reduction_db"),
                approach(0.001, rate),
                approach(0.05, rate),
                approach(0.01, rate),
            ]
        )
        self._state = np.zeros(2)

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        low, high = block, block.copy()
        for band, (sections, state) in zip((low, high), self._bands, strict=True):
            run_sections(band, sections, state)
        _soften(low, high, self._settings, self._state)
        return low


@sound_effect("de_esser")
def de_esser(controls: Controls) -> Machine:
    """Hold hissing consonants down."""
    return _DeEsser(controls)


class _Duck:
    """Goes down ahead of what is known to be said, so that its first word has room, and after what is only loud."""

    latency = 0

    def __init__(self, controls: Controls) -> None:
        rate = controls.rate
        ahead = Fraction(controls.number("attack_ms")) / 1000
        self._spoken = [
            (samples_at(max(start - ahead, Fraction(0)), rate), samples_at(end, rate))
            for start, end in controls.spoken
        ]
        self._settings = np.array(
            [
                10 ** (controls.number("threshold_db") / 20),
                controls.number("depth_db"),
                controls.number("hold_ms") / 1000 * rate,
                approach(controls.number("attack_ms") / 1000, rate),
                approach(controls.number("release_ms") / 1000, rate),
                approach(LET_GO_S, rate),
            ]
        )
        # The level of what is listened to, samples until it counts as over, decibels taken away.
        self._state = np.zeros(3)

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        if key is None and not self._spoken:
            return block
        heard = silent(block.shape[1]) if key is None else np.ascontiguousarray(key)
        _duck(block, heard, self._speaking(at, block.shape[1]), self._settings, self._state)
        return block

    def _speaking(self, at: int, count: int) -> NDArray[np.bool_]:
        """Return for each of the samples from `at` on whether somebody speaks."""
        speaks = np.zeros(count, dtype=np.bool_)
        for start, end in self._spoken:
            if start < at + count and end > at:
                speaks[max(0, start - at) : end - at] = True
        return speaks


@sound_effect("duck")
def duck(controls: Controls) -> Machine:
    """Make room for those who speak: softer while they do, or while the key is heard."""
    return _Duck(controls)


class _Limit:
    def __init__(self, controls: Controls) -> None:
        self._limiter = StreamLimiter(
            controls.rate, controls.number("gain_db"), controls.number("ceiling_db")
        )
        self.latency = self._limiter.latency

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        return self._limiter.add(block)


@sound_effect("limiter")
def limiter(controls: Controls) -> Machine:
    """Hold true peaks below a ceiling."""
    return _Limit(controls)


@kernel("void(float32[:, ::1], float64[::1], float64[::1])")
def _compress(block: Samples, settings: Floats, state: Floats) -> None:
    threshold, slope, knee, makeup, attack, release, let_go = settings
    level, taken = state[0], state[1]
    for n in range(block.shape[1]):
        level = max(abs(block[0, n]), abs(block[1, n]), level * let_go)
        over = 20.0 * np.log10(max(level, 1e-9)) - threshold
        if 2 * over <= -knee:
            wanted = 0.0
        elif 2 * over < knee:
            wanted = slope * (over + knee / 2) ** 2 / (2 * knee)
        else:
            wanted = slope * over
        rest = attack if wanted > taken else release
        taken = wanted + (taken - wanted) * rest
        gain = np.float32(makeup * 10 ** (-taken / 20.0)) if taken > 1e-6 else np.float32(makeup)
        block[0, n] *= gain
        block[1, n] *= gain
    state[0], state[1] = level, taken


@kernel("void(float32[:, ::1], float64[::1], float64[::1])")
def _gate(block: Samples, settings: Floats, state: Floats) -> None:
    opens, closes, hold, least, attack, release, let_go = settings
    level, is_open, quiet, gain = state
    for n in range(block.shape[1]):
        level = max(abs(block[0, n]), abs(block[1, n]), level * let_go)
        if level >= opens or (is_open > 0.0 and level >= closes):
            is_open, quiet = 1.0, 0.0
        else:
            quiet += 1.0
            if quiet > hold:
                is_open = 0.0
        wanted = 1.0 if is_open > 0.0 else least
        gain = wanted + (gain - wanted) * (attack if wanted > gain else release)
        block[0, n] *= np.float32(gain)
        block[1, n] *= np.float32(gain)
    state[0], state[1], state[2], state[3] = level, is_open, quiet, gain


@kernel("void(float32[:, ::1], float32[:, ::1], float64[::1], float64[::1])")
def _soften(low: Samples, high: Samples, settings: Floats, state: Floats) -> None:
    threshold, most, attack, release, let_go = settings
    level, taken = state[0], state[1]
    for n in range(low.shape[1]):
        level = max(abs(high[0, n]), abs(high[1, n]), level * let_go)
        wanted = min(most, max(0.0, 20.0 * np.log10(max(level, 1e-9)) - threshold))
        taken = wanted + (taken - wanted) * (attack if wanted > taken else release)
        gain = np.float32(10 ** (-taken / 20.0))
        low[0, n] += gain * high[0, n]
        low[1, n] += gain * high[1, n]
    state[0], state[1] = level, taken


@kernel("void(float32[:, ::1], float32[:, ::1], boolean[::1], float64[::1], float64[::1])")
def _duck(block: Samples, key: Samples, speaks: NDArray[np.bool_], settings: Floats, state: Floats) -> None:
    threshold, depth, hold, attack, release, let_go = settings
    level, left, taken = state
    for n in range(block.shape[1]):
        level = max(abs(key[0, n]), abs(key[1, n]), level * let_go)
        left = hold if speaks[n] or level >= threshold else left - 1.0
        wanted = depth if left > 0.0 else 0.0
        taken = wanted + (taken - wanted) * (attack if wanted > taken else release)
        if taken > 1e-6:
            gain = np.float32(10 ** (-taken / 20.0))
            block[0, n] *= gain
            block[1, n] *= gain
    state[0], state[1], state[2] = level, left, taken
