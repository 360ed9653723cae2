"""Each sound effect of the catalogue does what it says: a known sound in, the property that must hold out."""

import cmath
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Keyframe, TimeRange, Track
from engine.editing.catalogue.spec import catalogue
from engine.kernel.errors import Invalid
from engine.rendering.audio.effects import catalogue as everything
from engine.rendering.audio.effects.table import Effected, makers
from engine.rendering.audio.loudness import true_peak_dbtp
from engine.rendering.audio.parameters import sound_effects
from engine.rendering.audio.signals import Samples
from tests.render.sounds import Given

RATE = 48_000
# Made when a clip is put together, not by a machine on the table.
ELSEWHERE = {"sound_speed", "loudness"}


def through(
    samples: Samples, name: str, *, key: Samples | None = None, block: int = 48_000, **parameters: Any
) -> Samples:
    """The samples through one effect, read in blocks."""
    lasts = Fraction(samples.shape[1], RATE)
    tracks = (
        Track(kind="audio", name="music", items=(), effects=(Effect(name=name, parameters=parameters),)),
        Track(kind="audio", name="voice", items=()),
    )
    on_track = name == "duck"
    (effect,) = sound_effects(
        [Effect(name=name, parameters=parameters)], lasts, "it", [], tracks, tracks[0] if on_track else None
    )
    signal = Effected(Given(samples), effect, RATE, at=0, key=None if key is None else Given(key))
    count = samples.shape[1]
    parts = [signal.read(min(block, count - at)) for at in range(0, count, block)]
    return np.concatenate(parts, axis=1)


def tone(hertz: float, seconds: float, level_db: float = -12.0) -> Samples:
    """A sine whose peak is at a level."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 10 ** (level_db / 20) * np.sin(2 * math.pi * hertz * time)
    return np.repeat(wave.astype(np.float32)[None, :], 2, axis=0)


def noise(seconds: float, level_db: float, *, seed: int = 1) -> Samples:
    """White noise at a level (its mean power)."""
    chance = np.random.default_rng(seed)
    return (chance.normal(size=(2, round(seconds * RATE))) * 10 ** (level_db / 20)).astype(np.float32)


def peak_db(samples: Samples, start: float = 0.0, end: float | None = None) -> float:
    """The level of a sine: that of its power, as a peak."""
    part = samples[0, round(start * RATE) : None if end is None else round(end * RATE)].astype(np.float64)
    return 10 * math.log10(2 * float(np.square(part).mean()) + 1e-20)


def test_everything_in_the_catalogue_is_made() -> None:
    assert everything.__all__
    assert {one.name for one in catalogue().values() if one.kind == "sound"} == set(makers) | ELSEWHERE


def response_db(name: str, hertz: float, **parameters: Any) -> float:
    """How much louder a steady tone is after the effect."""
    dry = tone(hertz, 1.5)
    return peak_db(through(dry, name, **parameters), 0.5, 1.5) - peak_db(dry, 0.5, 1.5)


@pytest.mark.parametrize("gain", [-12.0, 6.0])
@pytest.mark.parametrize("frequency", [100.0, 1000.0, 8000.0])
def test_a_bell_raises_its_middle_by_its_gain_and_leaves_what_is_far(frequency: float, gain: float) -> None:
    bell: dict[str, Any] = {"kind": "peak", "frequency": frequency, "gain_db": gain, "q": 2.0}
    assert response_db("equalizer", frequency, **bell) == pytest.approx(gain, abs=0.1)
    assert response_db(
        "equalizer", frequency / 32 if frequency > 1000 else frequency * 16, **bell
    ) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("kind", "full", "none"), [("low_shelf", 50, 8000), ("high_shelf", 15_000, 100)])
def test_a_shelf_is_half_way_at_its_frequency(kind: str, full: float, none: float) -> None:
    shelf: dict[str, Any] = {"kind": kind, "frequency": 1000.0, "gain_db": 8.0}
    assert response_db("equalizer", 1000, **shelf) == pytest.approx(4.0, abs=0.1)
    assert response_db("equalizer", full, **shelf) == pytest.approx(8.0, abs=0.1)
    assert response_db("equalizer", none, **shelf) == pytest.approx(0.0, abs=0.1)


def butterworth_db(hertz: float, corner: float, order: int, *, high: bool) -> float:
    """The analogue filter through the bilinear transform, by its textbook formula."""
    ratio = math.tan(math.pi * hertz / RATE) / math.tan(math.pi * corner / RATE)
    return -10 * math.log10(1 + (1 / ratio if high else ratio) ** (2 * order))


@pytest.mark.parametrize(("slope", "order"), [("6", 1), ("12", 2), ("24", 4)])
@pytest.mark.parametrize("hertz", [250.0, 1000.0, 3000.0])
def test_filters_are_butterworths(slope: str, order: int, hertz: float) -> None:
    for name in ("high_pass", "low_pass"):
        wanted = butterworth_db(hertz, 1000, order, high=name == "high_pass")
        assert response_db(name, hertz, frequency=1000.0, slope=slope) == pytest.approx(wanted, abs=0.1)


def test_a_filter_that_moves_is_where_it_should_be_at_each_time() -> None:
    keys = (
        Keyframe(at=Fraction(0), value=200.0),
        Keyframe(at=Fraction(2), value=200.0),
        Keyframe(at=Fraction(3), value=8000.0),
    )
    out = through(tone(1000, 5), "low_pass", frequency=keys, slope="24")
    assert peak_db(out, 1, 1.9) == pytest.approx(-12 + butterworth_db(1000, 200, 4, high=False), abs=0.2)
    assert peak_db(out, 4, 5) == pytest.approx(-12, abs=0.1)


def test_gain_pan_and_fade_are_exact() -> None:
    dry = tone(500, 4)
    assert peak_db(through(dry, "gain", gain_db=-7.5)) - peak_db(dry) == pytest.approx(-7.5, abs=0.01)
    left = through(dry, "pan", position=-1.0)
    assert np.array_equal(left[0], dry[0])
    assert np.abs(left[1]).max() < 1e-6
    half = through(dry, "pan", position=0.5)
    assert np.abs(half[0]).max() / np.abs(dry[0]).max() == pytest.approx(math.cos(math.pi / 4), abs=1e-3)
    ones = np.ones((2, 4 * RATE), dtype=np.float32)
    faded = through(ones, "fade", **FADES)
    at = [round(second * RATE) for second in (0.25, 0.75, 1.5, 3.0, 3.5)]
    assert faded[0, at] == pytest.approx([0.25, 0.75, 1.0, 0.5, 0.25], abs=1e-3)


FADES: dict[str, Any] = {"in": 1.0, "out": 2.0}


def test_a_gain_that_moves_moves_straight_in_decibels() -> None:
    keys = (Keyframe(at=Fraction(1), value=0.0), Keyframe(at=Fraction(2), value=-20.0))
    out = through(np.ones((2, 3 * RATE), dtype=np.float32), "gain", gain_db=keys)
    at = [round(second * RATE) for second in (0.5, 1.25, 1.5, 2.5)]
    assert 20 * np.log10(out[0, at]) == pytest.approx([0, -5, -10, -20], abs=0.05)


@pytest.mark.parametrize(
    ("level", "ratio", "wanted"), [(-40.0, 4.0, -40.0), (-10.0, 4.0, -17.5), (-4.0, 2.0, -12.0)]
)
def test_a_compressor_takes_away_what_its_ratio_says(level: float, ratio: float, wanted: float) -> None:
    out = through(tone(1000, 2, level), "compressor", threshold_db=-20.0, ratio=ratio, knee_db=0.0)
    assert peak_db(out, 1, 2) == pytest.approx(wanted, abs=0.2)


@pytest.mark.parametrize("attack_ms", [5.0, 50.0])
def test_an_attack_is_63_percent_done_after_its_time(attack_ms: float) -> None:
    wave = np.concatenate([tone(2000, 1, -40), tone(2000, 1, -10)], axis=1)
    out = through(wave, "compressor", threshold_db=-20.0, ratio=2.0, knee_db=0.0, attack_ms=attack_ms)
    # In the end 5 dB are taken away; after the attack time 63 % of them.
    after = 1 + attack_ms / 1000
    taken = peak_db(wave, after - 0.0005, after + 0.0005) - peak_db(out, after - 0.0005, after + 0.0005)
    assert taken == pytest.approx(5 * (1 - 1 / math.e), abs=0.25)


def test_compressed_sound_has_a_lower_crest() -> None:
    wave = np.concatenate([tone(500, 0.1, -3), tone(500, 0.9, -30)] * 4, axis=1)

    def crest(samples: Samples) -> float:
        return 20 * math.log10(
            float(np.percentile(np.abs(samples), 99.5)) / math.sqrt(float(np.square(samples).mean()))
        )

    out = through(wave, "compressor", threshold_db=-30.0, ratio=10.0, attack_ms=0.05, release_ms=20.0)
    assert crest(out) < crest(wave) - 6


def test_a_gate_closes_between_words_and_keeps_them_whole() -> None:
    wave = noise(4, -60)
    wave[:, RATE : 2 * RATE] += tone(300, 1, -12)
    out = through(wave, "gate", threshold_db=-40.0, range_db=40.0)
    assert peak_db(out, 0.3, 0.9) == pytest.approx(peak_db(wave, 0.3, 0.9) - 40, abs=0.5)
    assert peak_db(out, 1.05, 1.95) == pytest.approx(-12, abs=0.1)
    # Held for 50 ms and let go over 100: after a second it is closed.
    assert peak_db(out, 3, 4) == pytest.approx(peak_db(wave, 3, 4) - 40, abs=1)


def test_a_de_esser_holds_hissing_down_and_leaves_voices_alone() -> None:
    hiss = response_db_at("de_esser", 14_000, -12.0, threshold_db=-30.0, reduction_db=10.0)
    assert hiss == pytest.approx(-10, abs=0.7)
    assert response_db_at("de_esser", 300, -12.0, threshold_db=-30.0, reduction_db=10.0) == pytest.approx(
        0, abs=0.1
    )
    assert response_db_at("de_esser", 9000, -45.0, threshold_db=-30.0, reduction_db=10.0) == pytest.approx(
        0, abs=0.1
    )


def response_db_at(name: str, hertz: float, level: float, **parameters: Any) -> float:
    dry = tone(hertz, 1.5, level)
    return peak_db(through(dry, name, **parameters), 0.5, 1.5) - peak_db(dry, 0.5, 1.5)


def test_noise_reduction_takes_noise_and_leaves_what_is_said() -> None:
    wave = noise(6, -50)
    for start in (2.0, 3.0, 4.0):
        wave[:, round(start * RATE) : round((start + 0.5) * RATE)] += tone(800, 0.5, -12)
    out = through(wave, "noise_reduction", reduction_db=18.0)
    assert peak_db(out, 1.2, 1.9) - peak_db(wave, 1.2, 1.9) == pytest.approx(-18, abs=2)
    assert peak_db(out, 3.1, 3.4) == pytest.approx(-12, abs=0.3)
    # In step with what went in: the burst begins where it began.
    begins = int(np.argmax(np.abs(out[0, 2 * RATE - 4800 :]) > 0.1)) - 4800
    assert abs(begins) < RATE // 200


@pytest.mark.parametrize("time_s", [0.6, 2.0])
def test_a_reverb_dies_away_in_its_time(time_s: float) -> None:
    wave = np.zeros((2, round((time_s + 1) * RATE)), dtype=np.float32)
    wave[:, 0] = 1.0
    wet = through(wave, "reverb", time_s=time_s, damping=0.0, mix=1.0, pre_delay_ms=0.0).astype(np.float64)
    # Schroeder's backward integration (ISO 3382-1): from -5 to -35 dB, doubled.
    energy = np.cumsum(np.square(wet).sum(axis=0)[::-1])[::-1]
    decay = 10 * np.log10(energy / energy[0] + 1e-20)
    fell = [int(np.argmax(decay < level)) / RATE for level in (-5, -35)]
    assert 2 * (fell[1] - fell[0]) == pytest.approx(time_s, rel=0.05)
    assert not through(wave, "reverb", mix=0.0)[:, 1:].any()


@pytest.mark.parametrize("ceiling", [-1.0, -9.0])
def test_a_limiter_lets_no_peak_past_its_ceiling(ceiling: float) -> None:
    wave = noise(2, -14)
    out = through(wave, "limiter", gain_db=10.0, ceiling_db=ceiling)
    peak = true_peak_dbtp(out)
    assert peak is not None
    assert ceiling - 1 < peak <= ceiling + 0.05
    quiet = tone(500, 1, -20)
    assert np.array_equal(through(quiet, "limiter", ceiling_db=ceiling), quiet)


def test_music_ducks_while_somebody_speaks_and_comes_back() -> None:
    music, voice = tone(200, 6, -12), np.zeros((2, 6 * RATE), dtype=np.float32)
    voice[:, 2 * RATE : 3 * RATE] = tone(700, 1, -15)
    out = through(music, "duck", key=voice, depth_db=14.0)
    assert peak_db(out, 0.5, 1.9) == pytest.approx(-12, abs=0.05)
    assert peak_db(out, 2.7, 3.2) == pytest.approx(-26, abs=0.3)
    assert peak_db(out, 5.7, 6) == pytest.approx(-12, abs=0.3)
    # It is going down 63 % of the way after its attack, and stays down for its hold.
    assert peak_db(out, 2.115, 2.125) == pytest.approx(-12 - 14 * (1 - 1 / math.e), abs=0.6)
    assert peak_db(out, 3.3, 3.38) == pytest.approx(-26, abs=0.3)


def test_a_duck_hears_other_tracks_only() -> None:
    ducking = Effect(name="duck")
    one = Track(kind="audio", name="music", items=(), effects=(ducking,))
    said = Clip(
        id="said", media=AssetReference(asset_id="a"),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(1)),
    )  # fmt: skip
    two = Track(kind="audio", name="voice", items=(said,))
    (effect,) = sound_effects([ducking], Fraction(1), "music", [], (one, two), one)
    assert effect.keys == (1,)
    with pytest.raises(Invalid, match="listens to 'speech'; the sound tracks are music, voice"):
        sound_effects(
            [Effect(name="duck", parameters={"under": "speech"})], Fraction(1), "music", [], (one, two), one
        )
    with pytest.raises(Invalid, match="it acts on tracks"):
        sound_effects([ducking], Fraction(1), "the clip 'a'", [])


MOVING = (Keyframe(at=Fraction(0), value=100.0), Keyframe(at=Fraction(1), value=5000.0))
CASES: list[tuple[str, dict[str, Any]]] = [
    ("equalizer", {"frequency": MOVING, "gain_db": 6.0}),
    ("high_pass", {"slope": "24"}),
    ("low_pass", {"frequency": MOVING}),
    ("compressor", {"threshold_db": -30.0}),
    ("gate", {"threshold_db": -20.0}),
    ("de_esser", {"threshold_db": -40.0}),
    ("noise_reduction", {}),
    ("reverb", {}),
    ("limiter", {"gain_db": 12.0}),
    ("duck", {}),
    ("gain", {"gain_db": (Keyframe(at=Fraction(0), value=0.0), Keyframe(at=Fraction(1), value=-9.0))}),
    ("pan", {"position": 0.3}),
    ("fade", {"in": 0.5, "out": 0.25}),
]


@settings(max_examples=40)
@given(case=st.sampled_from(CASES), block=st.integers(1, 30_000))
def test_the_outcome_does_not_depend_on_the_blocks(case: tuple[str, dict[str, Any]], block: int) -> None:
    name, parameters = case
    block = max(block, 200)
    wave = noise(1, -20)
    wave[:, 20_000:30_000] *= 4
    key = noise(1, -30, seed=2) if name == "duck" else None
    whole = through(wave, name, key=key, block=wave.shape[1], **parameters)
    assert np.abs(through(wave, name, key=key, block=block, **parameters) - whole).max() < 1e-6
    assert np.array_equal(through(wave, name, key=key, block=wave.shape[1], **parameters), whole)


def test_a_bell_is_what_the_cookbook_says_at_every_frequency() -> None:
    omega, alpha, a = 2 * math.pi * 1000 / RATE, math.sin(2 * math.pi * 1000 / RATE) / 3, 10 ** (9 / 40)
    wave = np.zeros((2, RATE), dtype=np.float32)
    wave[:, 0] = 1
    found = np.abs(
        np.fft.rfft(through(wave, "equalizer", frequency=1000.0, gain_db=9.0, q=1.5)[0].astype(np.float64))
    )
    for hertz in (60, 700, 1000, 1900, 12_000):
        z = cmath.exp(-2j * math.pi * hertz / RATE)
        top = (1 + alpha * a) - 2 * math.cos(omega) * z + (1 - alpha * a) * z * z
        bottom = (1 + alpha / a) - 2 * math.cos(omega) * z + (1 - alpha / a) * z * z
        assert 20 * math.log10(found[hertz]) == pytest.approx(20 * math.log10(abs(top / bottom)), abs=0.01)
