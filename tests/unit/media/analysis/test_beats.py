"""Beats are found where music pulses, and nowhere else."""

import numpy as np
import pytest

from cutroom_sdk.wire.media import Beats
from engine.media.analysis.beats import RATE, BeatFinder, Samples


def found(samples: Samples, block: int = RATE) -> Beats:
    finder = BeatFinder()
    for at in range(0, len(samples), block):
        finder.add(samples[at : at + block])
    return finder.finish()


def drums(
    bpm: float, seconds: float, *, first: float = 0.4, swing: bool = True
) -> tuple[Samples, list[float]]:
    """A kick on every beat, a hat between, a soft chord below."""
    chance = np.random.default_rng(5)
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.05 * (np.sin(2 * np.pi * 220 * time) + np.sin(2 * np.pi * 277 * time)) + 0.002 * chance.normal(
        size=time.size
    )
    beats = [first + number * 60 / bpm for number in range(int((seconds - first - 0.2) * bpm / 60) + 1)]
    for beat in beats:
        at = round(beat * RATE)
        length = min(round(0.12 * RATE), wave.size - at)
        local = np.arange(length) / RATE
        wave[at : at + length] += 0.6 * np.sin(2 * np.pi * 70 * local) * np.exp(
            -local * 30
        ) + 0.1 * chance.normal(size=length) * np.exp(-local * 200)
        hat = at + round(30 / bpm * RATE)
        length = min(round(0.03 * RATE), wave.size - hat)
        if swing and length > 0:
            wave[hat : hat + length] += (
                0.015 * chance.normal(size=length) * np.exp(-np.arange(length) / RATE * 150)
            )
    return wave.astype(np.float32), beats


@pytest.mark.parametrize("bpm", [84.0, 100.0, 120.0, 128.0, 150.0])
def test_beats_are_where_the_drum_is(bpm: float) -> None:
    wave, beats = drums(bpm, 30)
    heard = found(wave)
    assert heard.tempo_bpm == pytest.approx(bpm, rel=0.005)
    times = np.array([float(one) for one in heard.beats])
    near = [np.abs(times - beat).min() for beat in beats]
    assert np.mean(np.array(near) < 0.02) > 0.95
    assert abs(len(times) - len(beats)) <= 2


def test_the_blocks_it_comes_in_change_nothing() -> None:
    wave, _ = drums(110, 12)
    assert found(wave, 999) == found(wave, 24_000) == found(wave, len(wave))


def test_nothing_pulses_in_silence_and_noise() -> None:
    assert found(np.zeros(10 * RATE, dtype=np.float32)) == Beats(tempo_bpm=None, confidence=0.0, beats=())
    noise = np.random.default_rng(1).normal(size=20 * RATE).astype(np.float32) * 0.1
    assert found(noise).tempo_bpm is None
    assert found(np.zeros(100, dtype=np.float32)).beats == ()
