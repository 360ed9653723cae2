"""The sound of a film: at its loudness, below its peak, in step with the picture, without clicks at cuts."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from engine.media.tasks import no_report
from engine.rendering.audio import mastering
from engine.rendering.audio.encoding import decode
from engine.rendering.audio.loudness import integrated_lufs, true_peak_dbtp
from engine.rendering.audio.signals import Samples
from engine.rendering.audio.work import Mix, SoundDone, SoundWork
from engine.rendering.encoded import EncodedSound
from engine.rendering.work import SoundEncoder
from tests.clips import Sound, make_clip, read_sound
from tests.render.sounds import Given
from tests.render.workshop import PROFILE, make_film, source_of, span, timeline_of
from tests.unit.rendering.material import CAPABLE

PAL = Fraction(25)
RATE = 48_000
REELS = replace(PROFILE, loudness_lufs=-14.0, true_peak_dbtp=-1.0, audio_bitrate=128_000)


def work_for(samples: Samples, *, loudness: float | None = -14.0, peak: float | None = -1.0) -> SoundWork:
    return SoundWork(
        mix=Mix(count=samples.shape[1], rate=RATE, channels=()),
        encoder=SoundEncoder(codec="aac", bitrate=128_000, sample_rate=RATE),
        loudness_lufs=loudness, true_peak_dbtp=peak, capabilities=CAPABLE,
    )  # fmt: skip


def mastered(samples: Samples, work: SoundWork, folder: Path) -> tuple[EncodedSound, SoundDone]:
    with (folder / "scratch").open("w+b") as scratch:
        return mastering.master(Given(samples), work, scratch.fileno(), no_report)


def speech_like(seconds: float, level: float, *, seed: int = 1) -> Samples:
    """Bursts of voiced harmonics with sharp onsets and pauses: as uneven as somebody talking close to a microphone."""
    chance = np.random.default_rng(seed)
    wave = np.zeros(round(seconds * RATE))
    at = RATE // 10
    while at < wave.size - RATE:
        length, pitch = round(chance.uniform(0.08, 0.4) * RATE), chance.uniform(90, 220)
        local = np.arange(length) / RATE
        voiced = sum(np.sin(2 * math.pi * pitch * n * local) / n for n in range(1, 20))
        wave[at : at + length] = voiced * np.exp(-local * chance.uniform(3, 15)) * chance.uniform(0.3, 1.0)
        at += length + round(chance.uniform(0.02, 0.4) * RATE)
    wave += chance.normal(size=wave.size) * 0.001
    return np.repeat((level * wave / np.abs(wave).max()).astype(np.float32)[None, :], 2, axis=0)


@pytest.mark.parametrize(("level", "seed"), [(0.02, 1), (0.3, 2), (1.0, 3)], ids=["soft", "usual", "loud"])
def test_short_speech_comes_out_at_its_loudness_and_below_its_peak(
    level: float, seed: int, tmp_path: Path
) -> None:
    samples = speech_like(20, level, seed=seed)
    work = work_for(samples)
    encoded, done = mastered(samples, work, tmp_path)
    heard = decode(encoded, work.encoder)
    loudness, peak = integrated_lufs(heard, RATE), true_peak_dbtp(heard)
    assert loudness == pytest.approx(-14.0, abs=0.5)
    assert peak is not None
    assert peak <= -1.0
    assert (done.integrated_lufs, done.true_peak_dbtp) == (loudness, peak)
    assert done.notices == ()


def test_noise_is_not_raised_without_end(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    samples = (chance.normal(size=(2, 5 * RATE)) * 10 ** (-63 / 20)).astype(np.float32)
    _, done = mastered(samples, work_for(samples), tmp_path)
    assert done.gain_db == mastering.GAIN_MAX_DB
    assert "raised by 40 dB and no more" in done.notices[0]


def test_silence_stays_silence(tmp_path: Path) -> None:
    samples = np.zeros((2, 2 * RATE), dtype=np.float32)
    encoded, done = mastered(samples, work_for(samples), tmp_path)
    assert done.integrated_lufs is None
    assert done.notices == ("the sound is silent: it was left as it is",)
    assert not np.abs(decode(encoded, work_for(samples).encoder)).max() > 1e-4


def test_a_profile_without_loudness_leaves_the_sound_alone(tmp_path: Path) -> None:
    samples = speech_like(3, 0.4)
    work = work_for(samples, loudness=None, peak=None)
    encoded, done = mastered(samples, work, tmp_path)
    assert done.gain_db == 0
    error = decode(encoded, work.encoder) - samples
    assert float(np.square(error).mean()) < 0.01 * float(np.square(samples).mean())


def test_the_whole_film_is_as_loud_as_its_profile_says(tmp_path: Path) -> None:
    tone = Sound(tone_hz=440, tone_peak=0.02, tick_every=None)
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=200, audio=tone).path)
    timeline = timeline_of(
        [span(source, 0, 60, rate=PAL), span(source, 100, 180, rate=PAL)], rate=PAL, sound=True
    )
    film = make_film(tmp_path / "out", timeline, [source], REELS)
    assert film.inspection.integrated_lufs == pytest.approx(-14.0, abs=0.3)
    assert film.inspection.true_peak_dbtp is not None
    assert film.inspection.true_peak_dbtp <= -1.0


def test_cuts_fade_over_ten_milliseconds_and_do_not_click(tmp_path: Path) -> None:
    # 430 Hz: a cut falls at any phase of it, so that without fades the wave would jump.
    tone = Sound(tone_hz=430, tone_peak=0.5, tick_every=None)
    source = source_of(make_clip(tmp_path / "clip.mkv", frames=100, audio=tone).path)
    timeline = timeline_of(
        [span(source, 3, 33, rate=PAL), span(source, 52, 82, rate=PAL)], rate=PAL, sound=True
    )
    film = make_film(tmp_path / "out", timeline, [source])
    samples, rate = read_sound(film.path)
    cut = round(30 / PAL * rate)
    assert np.abs(samples[cut - 20 : cut + 20]).max() < 0.06
    assert np.abs(samples[cut - rate // 20 : cut - rate // 80]).max() > 0.45
    assert np.abs(samples[cut + rate // 80 : cut + rate // 20]).max() > 0.45


def test_sound_and_picture_are_equally_long(tmp_path: Path) -> None:
    source = source_of(
        make_clip(tmp_path / "clip.mp4", frames=100, rate=Fraction(30_000, 1001), audio=Sound()).path
    )
    rate = Fraction(30_000, 1001)
    film = make_film(
        tmp_path / "out", timeline_of([span(source, 0, 77, rate=rate)], rate=rate, sound=True), [source]
    )
    assert film.inspection.duration == 77 / rate
    assert film.inspection.audio_duration == pytest.approx(77 / rate, abs=1 / RATE)


def test_sound_that_ends_early_is_followed_by_silence(tmp_path: Path) -> None:
    short = Sound(tone_hz=300, tone_peak=0.5, tick_every=None, duration=Fraction(1))
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=75, audio=short).path)
    film = make_film(
        tmp_path / "out", timeline_of([span(source, 0, 75, rate=PAL)], rate=PAL, sound=True), [source]
    )
    samples, rate = read_sound(film.path)
    assert samples.shape[0] >= 3 * rate
    assert np.abs(samples[rate // 4 : rate // 2]).max() > 0.4
    assert np.abs(samples[round(1.2 * rate) :]).max() < 0.01
