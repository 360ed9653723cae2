"""Loudness is what the standard says it is."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Loudness
from engine.media.analysis.loudness import RATE, LoudnessMeter

Samples = NDArray[np.float32]


def tone(seconds: float, *, peak_db: float, hertz: float = 997.0, phase: float = 0.0) -> Samples:
    """A sine on both channels, shape (samples, 2)."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 10 ** (peak_db / 20) * np.sin(2 * math.pi * hertz * time + phase)
    return np.repeat(wave.astype(np.float32)[:, None], 2, axis=1)


def loudness_of(sound: Samples, block: int = 4800) -> Loudness:
    meter = LoudnessMeter()
    for start in range(0, len(sound), block):
        meter.add(sound[start : start + block])
    return meter.finish()


@pytest.mark.parametrize("level", [-33.0, -23.0, -14.0])
def test_a_tone_on_both_channels_is_as_loud_as_its_peak_says(level: float) -> None:
    # EBU Tech 3341, case 1: a stereo 1 kHz sine with a peak of -23 dBFS is -23 LUFS.
    found = loudness_of(tone(5, peak_db=level))
    assert found.integrated_lufs == pytest.approx(level, abs=0.1)
    assert found.momentary_lufs == pytest.approx([level] * 50, abs=0.1)
    assert found.range_lu == pytest.approx(0, abs=0.1)


def test_quiet_parts_do_not_count() -> None:
    # EBU Tech 3341, case 3: the relative gate leaves out what is 10 LU below the rest.
    sound = np.concatenate([tone(5, peak_db=-36), tone(30, peak_db=-23), tone(5, peak_db=-36)])
    assert loudness_of(sound).integrated_lufs == pytest.approx(-23, abs=0.1)


def test_the_true_peak_lies_between_the_samples() -> None:
    # At a quarter of the sampling rate and 45 degrees no sample reaches the peak: they stay 3 dB below.
    sound = tone(2, peak_db=-6, hertz=RATE / 4, phase=math.pi / 4)
    # A tone that begins at once would peak higher than it is.
    sound *= np.hanning(len(sound)).astype(np.float32)[:, None]
    assert 20 * math.log10(float(np.abs(sound).max())) == pytest.approx(-9, abs=0.1)
    assert loudness_of(sound).true_peak_dbtp == pytest.approx(-6, abs=0.3)


def test_the_peak_of_the_last_moment_counts() -> None:
    sound = tone(1.03, peak_db=-40)
    sound[-200:] *= 30
    peak = loudness_of(sound).true_peak_dbtp
    assert peak is not None
    assert peak > -13


def test_momentary_loudness_rises_where_the_sound_does() -> None:
    found = loudness_of(np.concatenate([tone(2, peak_db=-40), tone(2, peak_db=-20)]))
    assert found.hop == Fraction(1, 10)
    # Half of the 400 ms around the change are loud: 3 dB below all of them.
    assert found.momentary_lufs[20] == pytest.approx(-23, abs=0.5)
    assert found.momentary_lufs[17] == pytest.approx(-40, abs=0.2)
    assert found.momentary_lufs[22] == pytest.approx(-20, abs=0.2)


@pytest.mark.parametrize("count", [0, 1, RATE // 5, RATE])
def test_silence_has_no_loudness_and_no_peak(count: int) -> None:
    found = loudness_of(np.zeros((count, 2), dtype=np.float32))
    assert found.integrated_lufs is None
    assert found.true_peak_dbtp is None
    assert set(found.momentary_lufs) <= {-70.0}


@settings(max_examples=15)
@given(block=st.integers(100, 60_000), seconds=st.floats(0.01, 3))
def test_how_the_sound_is_cut_into_blocks_changes_nothing(block: int, seconds: float) -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, (round(seconds * RATE), 2)).astype(np.float32)
    found = loudness_of(sound, block)
    assert found == loudness_of(sound, len(sound))
    assert len(found.momentary_lufs) == math.ceil(Fraction(len(sound), RATE) * 10)
