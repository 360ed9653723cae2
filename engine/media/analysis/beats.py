"""Beats: where music pulses. Spectral flux, its period, and the row of beats that fits both best.

The row is found by dynamic programming (D. Ellis, Beat tracking by dynamic programming, Journal of New Music Research
36(1), 2007) on the flux of logarithmic bands; the period is the flux's autocorrelation, weighed by how people tap.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Beats

RATE: Final = 24_000  # samples a second that the finder is fed with
HOP: Final = 240  # 10 ms
FRAME: Final = 512
BANDS: Final = 24
LOWEST_HZ: Final = 40.0
HOPS_A_SECOND: Final = RATE // HOP
SLOWEST_S: Final = 1.5
QUICKEST_S: Final = 0.25
USUAL_S: Final = 0.5  # people tap twice a second, and seldom an octave away from that
TIGHT: Final = 100.0
# A row of beats that agrees with the flux less than this is none.
CONFIDENT: Final = 0.15
# The flux rises when a sound enters the window's front, this long before its middle.
EARLY_S: Final = 0.006

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]


class BeatFinder:
    """Fed with mono sound in blocks of any size; keeps 100 numbers for each second."""

    def __init__(self) -> None:
        self._window = np.hanning(FRAME + 1)[:-1]
        self._edges = _edges()
        # The first frame's middle is the first sample.
        self._rest = np.zeros(FRAME // 2, dtype=np.float32)
        self._before: Floats | None = None
        self._flux: list[Floats] = []
        self._fed = 0

    def add(self, samples: Samples) -> None:
        """Take the next samples, full scale 1."""
        self._fed += len(samples)
        joined = np.concatenate([self._rest, samples])
        frames = max(0, (len(joined) - FRAME) // HOP + 1)
        self._rest = joined[frames * HOP :]
        if frames:
            views = np.lib.stride_tricks.sliding_window_view(joined, FRAME)[::HOP][:frames]
            power = np.square(np.abs(np.fft.rfft(views * self._window, axis=1)))
            bands = np.log1p(1e3 * np.add.reduceat(power, self._edges, axis=1)[:, :BANDS])
            before = bands[:1] if self._before is None else self._before
            self._flux.append(np.maximum(0, np.diff(bands, axis=0, prepend=before)).sum(axis=1))
            self._before = bands[-1:]

    def finish(self) -> Beats:
        """Return the beats; none where nothing pulses."""
        flux = np.concatenate([np.zeros(0), *self._flux])
        strength = _strength(flux)
        if strength.size < 2 * HOPS_A_SECOND or not strength.any():
            return Beats(tempo_bpm=None, confidence=0.0, beats=())
        period = _period(strength)
        places = _row(strength, period)
        confidence = _confidence(strength, period)
        if confidence < CONFIDENT or len(places) < 4:
            return Beats(tempo_bpm=None, confidence=round(confidence, 3), beats=())
        tempo = 60 * HOPS_A_SECOND / float(np.polyfit(np.arange(len(places)), places, 1)[0])
        times = tuple(
            Fraction(round(1000 * (place / HOPS_A_SECOND + EARLY_S)), 1000) for place in places if place >= 0
        )
        return Beats(tempo_bpm=round(tempo, 2), confidence=round(confidence, 3), beats=times)


def _edges() -> NDArray[np.int64]:
    """Return the first bin of each band: bands are equally wide in logarithm, and hold a bin at least."""
    hertz = np.geomspace(LOWEST_HZ, RATE / 2, BANDS + 1)
    bins = np.round(hertz * FRAME / RATE).astype(np.int64)
    for place in range(1, bins.size):
        bins[place] = max(bins[place], bins[place - 1] + 1)
    return np.minimum(bins, FRAME // 2)


def _strength(flux: Floats) -> Floats:
    """Return how far the flux stands out of its second, in its own spread."""
    if flux.size == 0:
        return flux
    width = HOPS_A_SECOND
    mean = np.convolve(
        np.pad(flux, width // 2, mode="edge"), np.full(width + 1, 1 / (width + 1)), mode="valid"
    )
    out = np.maximum(0, flux - mean[: flux.size])
    spread = float(out.std())
    return out / spread if spread > 1e-9 else np.zeros_like(out)


def _correlation(strength: Floats) -> Floats:
    """Return how alike the strength is to itself so many hops later, 1 at 0; up to two of the longest periods."""
    size = 1 << (2 * strength.size - 1).bit_length()
    spectrum = np.fft.rfft(strength - strength.mean(), size)
    lags: Floats = np.fft.irfft(spectrum * np.conj(spectrum), size)[
        : 2 * round(SLOWEST_S * HOPS_A_SECOND) + 1
    ]
    return np.asarray(lags / max(lags[0], 1e-9), dtype=np.float64)


def _period(strength: Floats) -> float:
    """Return the hops between two beats."""
    lags = _correlation(strength)
    at = np.arange(1, min(round(SLOWEST_S * HOPS_A_SECOND), (lags.size - 1) // 2) + 1)
    weight = np.exp(-0.5 * np.square(np.log2(at / (USUAL_S * HOPS_A_SECOND)) / 0.9))
    # What comes again after two periods too is a beat; what does not is half of one.
    weighed = (lags[at] + lags[2 * at] / 2) * weight
    weighed[: round(QUICKEST_S * HOPS_A_SECOND) - 1] = 0
    best = int(np.argmax(weighed))
    if 0 < best < weighed.size - 1:
        left, here, right = weighed[best - 1 : best + 2]
        bend = left - 2 * here + right
        return float(best + 1 + (0.5 * (left - right) / bend if bend < 0 else 0))
    return float(best + 1)


def _confidence(strength: Floats, period: float) -> float:
    lags = _correlation(strength)
    around = lags[max(1, round(period) - 1) : round(period) + 2]
    return float(np.clip(around.max(initial=0.0), 0, 1))


def _row(strength: Floats, period: float) -> list[int]:
    """Return the beats, hops, whose strength is most and whose distances are nearest to the period."""
    back = np.arange(-round(2 * period), -max(1, round(period / 2)) + 1)
    cost = -TIGHT * np.square(np.log(-back / period))
    score, link = strength.copy(), np.full(strength.size, -1)
    for place in range(strength.size):
        first = place + back
        inside = first >= 0
        if not inside.any():
            continue
        values = score[first[inside]] + cost[inside]
        best = int(np.argmax(values))
        if values[best] > 0:
            score[place] += values[best]
            link[place] = first[inside][best]
    tail = max(0, strength.size - round(period))
    place = tail + int(np.argmax(score[tail:]))
    row = []
    while place >= 0:
        row.append(place)
        place = int(link[place])
    row.reverse()
    # Before the music begins and after it ends the row only counts on.
    loud = 0.25 * float(np.median(strength[row]))
    heard = [number for number, one in enumerate(row) if strength[max(0, one - 2) : one + 3].max() > loud]
    return row[heard[0] : heard[-1] + 1] if heard else []
