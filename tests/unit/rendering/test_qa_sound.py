"""Sound that is cut flat or missing is found, with its times; silence that was asked for is none."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.timeline import Gap
from engine.rendering.audio.faults import FaultFinder
from engine.rendering.work import Heard
from tests.unit.rendering.material import a_clip
from tests.unit.rendering.test_qa import ASSET, check_named, failing, found_in, plan_of

RATE = 48_000


def found(samples: NDArray[np.float64], block: int) -> tuple[tuple[Heard, ...], tuple[Heard, ...]]:
    finder = FaultFinder(RATE)
    for at in range(0, samples.shape[1], block):
        finder.add(samples[:, at : at + block].astype(np.float32))
    return finder.clipped(), finder.silent()


def test_flat_tops_and_long_silences_are_found_whatever_the_blocks() -> None:
    wave = np.repeat((1.4 * np.sin(np.arange(20 * RATE) * 0.05))[None, :], 2, axis=0)
    wave[:, : 3 * RATE] *= 0.5
    wave[:, 4 * RATE :] *= 0.5
    wave[:, 6 * RATE : 12 * RATE] = 0
    wave[:, 15 * RATE : 18 * RATE] = 0
    wave[:, 2 * RATE] = 1.0
    wave = np.clip(wave, -1, 1)
    for block in (4800, 7001, wave.shape[1]):
        clipped, silent = found(wave, block)
        assert clipped == (Heard(start=Fraction(3), end=Fraction(4)),)
        assert silent == (Heard(start=Fraction(6), end=Fraction(12)),)


def test_clipped_sound_fails_with_its_times() -> None:
    plan = plan_of()
    bad = found_in(plan, clipped=(Heard(start=Fraction(3, 2), end=Fraction(8, 5)),))
    assert failing(plan, bad) == ["clipping"]
    assert check_named("clipping", plan, bad).at == ("1.5 s to 1.6 s",)
    assert failing(plan, found_in(plan)) == []


def test_silence_fails_where_a_clip_sounds_and_not_in_a_gap() -> None:
    lost = (Heard(start=Fraction(4), end=Fraction(10)),)
    sounding = plan_of(a_clip(ASSET, 0, 300))
    assert failing(sounding, found_in(sounding, silent=lost)) == ["silence"]
    gap = plan_of(a_clip(ASSET, 0, 100), Gap(duration=Fraction(6)), a_clip(ASSET, 300, 400))
    assert "silence" not in failing(gap, found_in(gap, silent=lost))
