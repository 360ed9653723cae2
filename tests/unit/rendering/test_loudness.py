"""Loudness and peaks as the standards define them, checked with the standards' own signals and with libavfilter."""

import math

import av
import numpy as np
import pytest

from engine.rendering.audio.limiter import Limiter
from engine.rendering.audio.loudness import integrated_lufs, true_peak_dbtp
from engine.rendering.audio.signals import Samples

RATE = 48_000


def tone(level_db: float, seconds: float, hertz: float = 1000.0, rate: int = RATE) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (level_db / 20) * np.sin(2 * math.pi * hertz * time)
    return np.repeat(wave.astype(np.float32)[None, :], 2, axis=0)


# EBU Tech 3341, table 1: cases 1 to 5, each within 0.1 LU.
@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ([(-23.0, 20.0)], -23.0),
        ([(-33.0, 20.0)], -33.0),
        ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ],
)
def test_loudness_is_what_the_standards_signals_say(parts: list[tuple[float, float]], wanted: float) -> None:
    signal = np.concatenate([tone(level, seconds) for level, seconds in parts], axis=1)
    assert integrated_lufs(signal, RATE) == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_loudness_does_not_depend_on_the_sample_rate(rate: int) -> None:
    assert integrated_lufs(tone(-20.0, 5.0, rate=rate), rate) == pytest.approx(-20.0, abs=0.1)


def test_silence_has_no_loudness_and_no_peak() -> None:
    silent = np.zeros((2, RATE), dtype=np.float32)
    assert integrated_lufs(silent, RATE) is None
    assert true_peak_dbtp(silent) is None
    assert integrated_lufs(tone(-80.0, 2.0), RATE) is None


def test_a_sound_shorter_than_a_block_is_measured() -> None:
    assert integrated_lufs(tone(-10.0, 0.05), RATE) is not None


def test_a_peak_between_samples_is_found() -> None:
    # EBU Tech 3341, case 17: a tone at a quarter of the rate, sampled half way up; +0.2 -0.4 dB.
    time = np.arange(RATE) / RATE
    wave = 0.5 * np.sin(2 * math.pi * RATE / 4 * time + math.pi / 4)
    faded = wave * np.minimum(1, np.minimum(time, time[::-1]) * 100)
    signal = np.repeat(faded.astype(np.float32)[None, :], 2, axis=0)
    assert true_peak_dbtp(signal) == pytest.approx(-6.0, abs=0.2)
    assert 20 * math.log10(float(np.abs(signal).max())) == pytest.approx(-9.0, abs=0.1)


def test_both_measures_agree_with_libavfilter() -> None:
    chance = np.random.default_rng(3)
    signal = (chance.normal(size=(2, 6 * RATE)) * np.linspace(0.02, 0.3, 6 * RATE)).astype(np.float32)
    found = by_filter(signal)
    assert integrated_lufs(signal, RATE) == pytest.approx(float(found["lavfi.r128.I"]), abs=0.05)
    peak = 20 * math.log10(float(found["lavfi.r128.true_peak"]))
    assert true_peak_dbtp(signal) == pytest.approx(peak, abs=0.15)


def test_what_is_soft_enough_is_left_alone() -> None:
    signal = tone(-12.0, 0.5)
    assert np.array_equal(Limiter(signal, RATE).at(0.0, -1.0), signal)


def test_the_limiter_leaves_what_is_far_from_a_peak_alone() -> None:
    signal = tone(-12.0, 1.0)
    signal[:, RATE // 2] = 2.0
    held = Limiter(signal, RATE).at(0.0, -1.0)
    far = slice(0, RATE // 2 - RATE // 100)
    assert np.array_equal(held[:, far], signal[:, far])


def by_filter(signal: Samples) -> dict[str, str]:
    graph = av.filter.Graph()
    chain = [
        graph.add("abuffer", f"sample_rate={RATE}:sample_fmt=fltp:channel_layout=stereo:time_base=1/{RATE}"),
        graph.add("ebur128", "peak=true:metadata=1:framelog=quiet"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*chain).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(signal), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = RATE, 0
    chain[0].push(frame)
    chain[0].push(None)
    found: dict[str, str] = {}
    while True:
        try:
            found = chain[-1].pull().metadata
        except (av.error.BlockingIOError, av.error.EOFError):
            return found
