"""Sound at another speed than it was recorded at, with its pitch kept or changed; backwards too; a still is silent.

With the pitch kept, short windows of the medium are laid over each other where they fit best (waveform similarity
overlap-add: Verhelst and Roelands, ICASSP 1993). What begins abruptly (a consonant, a drum) is laid exactly where the speed
puts it and heard once, so that it stays in step with the picture.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.editing.pace import Pace
from engine.rendering.audio.onsets import MARGIN, onsets_of
from engine.rendering.audio.signals import Samples, silent
from engine.rendering.audio.spans import Spans
from engine.rendering.compositor.compiled import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOP_S: Final = 0.02
SEARCH_S: Final = 0.008
# Slower than this is a still.
SLOWEST: Final = 1 / 64
# Seconds of the medium that are in memory at once, at most about.
SPAN_S: Final = 20
ZEROS: Final = 16
STEPS: Final = 512


class Retimed:
    """A medium at a pace: at sample n it is at `start` + S((n - lead) / rate) seconds."""

    def __init__(
        self, spans: Spans, pace: Pace, *, start: Fraction, lead: int, rate: int, keep_pitch: bool
    ) -> None:
        self._spans, self._rate, self._keep = spans, rate, keep_pitch
        self._lead, self._hop = lead, round(HOP_S * rate)
        self._track = _Track(pace, start, rate)
        self._held, self._frame = silent(0), 0
        self._tail = silent(self._hop)
        self._before = np.zeros(3)
        self._window = 0.5 + 0.5 * np.cos(np.pi * np.arange(-self._hop, self._hop) / self._hop)

    def read(self, count: int) -> Samples:
        """As `Signal.read`."""
        while self._held.shape[1] < count:
            more = self._stretched() if self._keep else self._resampled()
            self._held = np.concatenate([self._held, more], axis=1)
        out, self._held = self._held[:, :count], self._held[:, count:]
        return np.ascontiguousarray(out)

    def _centres(self, step: int) -> tuple[Ints, Floats, Floats]:
        """Return the places in the output of the next block, where the medium is then, and how fast it goes.

        A block ends when it needs much of the medium at once; that follows from the pace alone.
        """
        most = max(2, round(5 * self._rate / step))
        places = (self._frame + np.arange(most)) * step
        at, speed = self._track.at((places - self._lead) / self._rate)
        away = np.maximum.accumulate(at) - np.minimum.accumulate(at)
        count = max(2, int(np.searchsorted(away, SPAN_S * self._rate)))
        self._frame += len(places[:count])
        return places[:count], at[:count], speed[:count]

    def _stretched(self) -> Samples:
        hop = self._hop
        places, at, speed = self._centres(hop)
        search = round(SEARCH_S * self._rate)
        # A window may be held back by its own length from what begins abruptly.
        reach = 4 * hop + search + MARGIN
        low, high = int(np.floor(at.min())) - reach, int(np.ceil(at.max())) + reach
        medium = self._spans.span(low, high - low)
        centres, fixed, lowest, highest = _aims(at, speed, onsets_of(medium, low, self._rate), hop, search)
        out = np.zeros((2, len(places) * hop + hop), dtype=np.float32)
        out[:, :hop] = self._tail
        ways = np.where(np.abs(speed) < SLOWEST, 0, np.sign(speed)).astype(np.int64)
        _overlap(medium, low, centres, fixed, lowest, highest, ways, self._window, self._before, out)
        # The last window's second half waits for the next one's first.
        done, first = len(places) * hop, self._frame == len(places)
        self._tail = np.ascontiguousarray(out[:, done:])
        return out[:, hop if first else 0 : done]

    def _resampled(self) -> Samples:
        places, at, speed = self._centres(1)
        fastest = float(np.abs(speed).max())
        reach = int(ZEROS * max(1.0, fastest)) + 2
        low, high = int(np.floor(at.min())) - reach, int(np.ceil(at.max())) + reach
        medium = self._spans.span(low, high - low)
        out = silent(len(places))
        _interpolate(medium, at - low, np.abs(speed), _KERNEL, out)
        return out


class _Track:
    """A pace in floating point: samples of the medium for seconds of the clip."""

    def __init__(self, pace: Pace, start: Fraction, rate: int) -> None:
        knots = np.array([[float(time), float(speed), float(moved)] for time, speed, moved in pace.knots])
        self._times, self._speeds, self._moved = knots.T
        self._start, self._rate = float(start), rate

    def at(self, times: Floats) -> tuple[Floats, Floats]:
        """Return the places, in samples, and the speeds there."""
        place = np.clip(np.searchsorted(self._times, times, side="right") - 1, 0, self._times.size - 1)
        after = np.minimum(place + 1, self._times.size - 1)
        length = self._times[after] - self._times[place]
        inside = (length > 0) & (times >= self._times[0])
        change = np.divide(
            self._speeds[after] - self._speeds[place], length, out=np.zeros_like(length), where=inside
        )
        part = times - self._times[place]
        speed = self._speeds[place] + change * part
        moved = self._moved[place] + part * (self._speeds[place] + change * part / 2)
        return (self._start + moved) * self._rate, speed


def _aims(
    at: Floats, speed: Floats, onsets: Ints, hop: int, search: int
) -> tuple[Floats, Ints, Floats, Floats]:
    """Return for each window where to take it from, whether exactly there, and else between which places."""
    centres, fixed = at.copy(), np.zeros(at.size, dtype=np.int64)
    lowest, highest = at - search, at + search
    if not onsets.size:
        return centres, fixed, lowest, highest
    for k in range(at.size):
        if abs(speed[k]) < SLOWEST:
            continue
        way = 1 if speed[k] > 0 else -1
        reach = hop * max(1.0, abs(speed[k])) * 2
        near = onsets[np.searchsorted(onsets, at[k] - reach) : np.searchsorted(onsets, at[k] + reach)]
        if not near.size:
            continue
        later = (near - at[k]) / speed[k]  # of the output, until it is heard
        closest = int(np.argmin(np.abs(later)))
        if abs(later[closest]) < hop:
            centres[k], fixed[k] = near[closest] - way * later[closest], 1
            continue
        # Not heard in this window: it must not be in it either.
        for onset in near[later >= hop]:
            if way > 0:
                highest[k] = min(highest[k], onset - hop)
            else:
                lowest[k] = max(lowest[k], onset + hop)
        for onset in near[later <= -hop]:
            if way > 0:
                lowest[k] = max(lowest[k], onset + hop)
            else:
                highest[k] = min(highest[k], onset - hop)
        centres[k] = min(max(centres[k], lowest[k]), highest[k])
        if lowest[k] > highest[k]:
            fixed[k] = 1
    return centres, fixed, lowest, highest


@kernel(
    "void(float32[:, ::1], int64, float64[::1], int64[::1], float64[::1], float64[::1], int64[::1], float64[::1],"
    " float64[::1], float32[:, ::1])"
)
def _overlap(
    medium: Samples,
    low: int,
    centres: Floats,
    fixed: Ints,
    lowest: Floats,
    highest: Floats,
    ways: Ints,
    window: Floats,
    before: Floats,
    out: Samples,
) -> None:
    """Lay windows over each other; `before` is there a window before, its place, its way."""
    hop, last = window.size // 2, medium.shape[1]
    for k in range(centres.size):
        way = ways[k]
        place = round(centres[k])
        if way != 0 and fixed[k] == 0 and before[0] != 0.0 and before[2] == way:
            natural = int(before[1]) + way * hop
            best, aim = -2.0, place
            for coarse in range(2):
                step = 6 if coarse == 0 else 1
                begin = max(int(np.ceil(lowest[k])), aim - 6) if coarse else int(np.ceil(lowest[k]))
                end = min(int(highest[k]), aim + 6) if coarse else int(highest[k])
                thin = 4 if coarse == 0 else 1
                for candidate in range(begin, end + 1, step):
                    dot, energy = 0.0, 1e-9
                    for n in range(-hop, 0, thin):
                        i, j = candidate + way * n - low, natural + way * n - low
                        if 0 <= i < last and 0 <= j < last:
                            x = medium[0, i] + medium[1, i]
                            dot += x * (medium[0, j] + medium[1, j])
                            energy += x * x
                    fit = dot / np.sqrt(energy)
                    if fit > best or candidate == begin:
                        best, aim = fit, candidate
            if lowest[k] <= highest[k]:
                place = aim
        if way != 0:
            for n in range(-hop, hop):
                i = place + way * n - low
                if 0 <= i < last:
                    for c in range(2):
                        out[c, (k + 1) * hop + n] += np.float32(window[n + hop] * medium[c, i])
        before[0], before[1], before[2] = (1.0 if way != 0 else 0.0), place, way


@kernel("void(float32[:, ::1], float64[::1], float64[::1], float64[::1], float32[:, ::1])")
def _interpolate(medium: Samples, at: Floats, speed: Floats, kernel: Floats, out: Samples) -> None:
    """Write what the wave is worth between the samples; played faster, what would be too high is left out."""
    steps = (kernel.size - 2) // 16
    for n in range(at.size):
        if speed[n] < 0.015625:
            continue
        band = min(1.0, 1.0 / speed[n])
        reach = 16.0 / band
        begin, end = int(np.ceil(at[n] - reach)), int(np.floor(at[n] + reach))
        left, right = 0.0, 0.0
        for j in range(max(0, begin), min(medium.shape[1] - 1, end) + 1):
            where = abs(at[n] - j) * band * steps
            k = int(where)
            part = where - k
            weight = kernel[k] + (kernel[k + 1] - kernel[k]) * part
            left += weight * medium[0, j]
            right += weight * medium[1, j]
        out[0, n], out[1, n] = np.float32(left * band), np.float32(right * band)


def _kernel() -> Floats:
    at = np.arange(ZEROS * STEPS + 2) / STEPS
    window = np.i0(8.0 * np.sqrt(np.maximum(0.0, 1 - np.square(at / ZEROS)))) / np.i0(8.0)
    return np.asarray(np.sinc(at) * window * (at <= ZEROS), dtype=np.float64)


_KERNEL: Final = _kernel()
