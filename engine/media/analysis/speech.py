"""When somebody speaks: the voice model says that and roughly when, the sound itself says exactly when.

The model's probability opens a stretch at `threshold` and closes it where it stays below `release` for `min_silence_ms`;
stretches under `min_speech_ms` are dropped. Where the background is steady and clearly quieter than the voice, both edges
then go to where the sound rises from it and sinks back into it, to 10 ms; under music or in a crowd the model's edges
stay. `pad_ms` of air are added on both sides, never more than half the pause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Speech
from engine.media.analysis.params import SpeechParams
from engine.media.analysis.silero import CHUNK, RATE, Samples, Voice

TICK: Final = RATE // 100  # 10 ms: the grain of the edges
GRAIN: Final = math.lcm(CHUNK, TICK)
BATCH: Final = 50 * GRAIN  # samples that go through the model at once, 8 s
DIGITS: Final = 3
# Where an edge may be found from where the model has it, ticks outwards and inwards.
OUTWARDS, INWARDS = 20, 35
LATE: Final = 5  # ticks by which the model may notice a voice too late
GAP: Final = 6  # ticks of quiet inside a word: a plosive's closure
STEADY_DB: Final = 4.0  # standard deviation of a steady background
ABOVE_DB: Final = 8.0  # over the background: no longer background
BELOW_DB: Final = 45.0  # below the voice: what is quieter nobody hears as part of it
CLEAR_DB: Final = 24.0  # a voice so much louder than the background stands out
AROUND: Final = 150  # ticks on both sides of a stretch in which its background is measured
SPREAD: Final = 12  # ticks next to a stretch that may still be voice
FLOOR_DB: Final = -90.0

Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """[start, end) in ticks of 10 ms."""

    start: int
    end: int
    confidence: float


class SpeechFinder:
    """Fed with 16 kHz mono sound in blocks of any size.

    Raises:
        Unavailable: the voice model is missing.
    """

    def __init__(self, params: SpeechParams) -> None:
        self._params = params
        self._voice = Voice()
        self._waiting: Samples = np.zeros(0, dtype=np.float32)
        self._count = 0
        self._heard: list[NDArray[np.float32]] = []
        self._levels: list[Levels] = []

    def add(self, samples: Samples) -> None:
        """Take the next samples, shape (n,), full scale 1."""
        self._count += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= BATCH:
            self._take(self._waiting[:BATCH])
            self._waiting = self._waiting[BATCH:]

    def finish(self) -> tuple[Speech, ...]:
        """Return the stretches in which somebody speaks, in order and apart from each other."""
        self._take(np.pad(self._waiting, (0, -len(self._waiting) % GRAIN)))
        ticks = math.ceil(self._count / TICK)
        heard, levels = np.concatenate(self._heard), np.concatenate(self._levels)[:ticks]
        stretches = _stretches(heard, self._params, ticks)
        return _padded(_exact(stretches, levels), self._params.pad_ms, Fraction(self._count, RATE))

    def _take(self, samples: Samples) -> None:
        self._heard.append(self._voice.hear(samples))
        # Rumble below the voice says nothing about it: what stays the same for 10 ms is taken out.
        ticks = samples.reshape(-1, TICK).astype(np.float64)
        power = ((ticks - ticks.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
        self._levels.append(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10))))


def _stretches(heard: NDArray[np.float32], params: SpeechParams, ticks: int) -> list[_Stretch]:
    """Return what the model takes for speech."""
    found: list[_Stretch] = []
    opened: int | None = None
    closed = 0
    silence = math.ceil(params.min_silence_ms * RATE / 1000 / CHUNK)

    def keep(start: int, end: int) -> None:
        if (end - start) * CHUNK * 1000 >= params.min_speech_ms * RATE:
            confidence = float(heard[start:end].mean())
            edges = start * CHUNK // TICK, min(ticks, math.ceil(end * CHUNK / TICK))
            found.append(_Stretch(*edges, confidence))

    for chunk, probability in enumerate(heard):
        if probability >= (params.threshold if opened is None else params.release):
            opened, closed = chunk if opened is None else opened, chunk + 1
        elif opened is not None and chunk + 1 - closed >= silence:
            keep(opened, closed)
            opened = None
    if opened is not None:
        keep(opened, closed)
    return found


def _exact(stretches: list[_Stretch], levels: Levels) -> list[_Stretch]:
    """Move the edges to where the sound rises from its background and sinks back."""
    voice = np.zeros(len(levels) + 2 * SPREAD, dtype=np.bool_)
    for stretch in stretches:
        voice[stretch.start : stretch.end + 2 * SPREAD] = True
    quiet = ~voice[SPREAD : SPREAD + len(levels)]
    exact = []
    for place, stretch in enumerate(stretches):
        # Neighbours share the pause between them: neither takes what is nearer to the other.
        earliest = (stretches[place - 1].end + stretch.start) // 2 if place else 0
        is_last = place + 1 == len(stretches)
        latest = len(levels) if is_last else (stretch.end + stretches[place + 1].start) // 2
        quietest = _quietest_voice(stretch, levels, quiet)
        if quietest is None:
            start = max(earliest, stretch.start - LATE)
            exact.append(_Stretch(start, stretch.end, stretch.confidence))
            continue
        loud = levels > quietest
        outer = max(earliest, stretch.start - OUTWARDS)
        start = outer + _onset(loud[outer : min(stretch.start + INWARDS, stretch.end)], stretch.start - outer)
        outer = min(latest, stretch.end + OUTWARDS)
        end = outer - _onset(loud[max(stretch.end - INWARDS, start) : outer][::-1], outer - stretch.end)
        exact.append(_Stretch(start, end, stretch.confidence) if start < end else stretch)
    return exact


def _quietest_voice(stretch: _Stretch, levels: Levels, quiet: NDArray[np.bool_]) -> float | None:
    """Return the level above which what is heard at the edges of a stretch is voice, dB.

    None where the background is not steady or too loud to tell: the ends of words would drown in it.
    """
    around = slice(max(0, stretch.start - AROUND), stretch.end + AROUND)
    background = levels[around][quiet[around]]
    voice = levels[stretch.start : stretch.end]
    if len(background) < SPREAD or not len(voice):
        return None
    level, loudest = float(np.median(background)), float(np.percentile(voice, 80))
    steady = float(np.abs(background - level).mean()) < STEADY_DB
    return max(level + ABOVE_DB, loudest - BELOW_DB) if steady and loudest - level > CLEAR_DB else None


def _onset(loud: NDArray[np.bool_], edge: int) -> int:
    """Return where a voice sets in, coming from outside; `edge`, where the model has it, when all of it is quiet.

    What is loud for a moment with quiet after it, a click or a breath, is not yet the voice.
    """
    first, gap = len(loud), 0
    for tick in range(len(loud) - 1, -1, -1):
        if loud[tick]:
            first, gap = tick, 0
            continue
        gap += 1
        # Inside, a plosive's closure is longer than any gap between the voice and its first sound.
        if gap > GAP and first <= edge:
            break
    return first if first < len(loud) else edge


def _padded(stretches: list[_Stretch], pad_ms: int, end: Fraction) -> tuple[Speech, ...]:
    pad = Fraction(pad_ms, 1000)
    seconds = [(Fraction(part.start, 100), min(end, Fraction(part.end, 100))) for part in stretches]
    ends = [Fraction(0), *(stop for _, stop in seconds)]
    starts = [*(start for start, _ in seconds), end]
    return tuple(
        Speech(
            start=max(start - pad, (ends[place] + start) / 2 if place else Fraction(0)),
            end=min(stop + pad, (stop + starts[place + 1]) / 2 if place + 1 < len(seconds) else end),
            confidence=round(stretches[place].confidence, DIGITS),
        )
        for place, (start, stop) in enumerate(seconds)
    )
