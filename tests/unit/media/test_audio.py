"""Sound is read sample for sample, wherever one enters and whatever the container's times look like."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.media.audio import SoundReader
from engine.media.source import open_media
from engine.media.timecode import samples_at
from tests import clips

TICKS = clips.Sound(tone_hz=300, tone_peak=0.1, tick_every=Fraction(1, 2))


@contextmanager
def reader(path: Path, *, rate: int = 48000, channels: int = 2) -> Iterator[SoundReader]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with open_media(descriptor) as container:
            video = next(iter(container.streams.video), None)
            origin = (video.start_time or 0) * (video.time_base or 0) if video else Fraction(0)
            yield SoundReader(container, rate=rate, channels=channels, origin=Fraction(origin))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm"])
def test_ticks_lie_where_they_are_on_the_picture_s_clock(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    clip = clips.make_clip(tmp_path / name, frames=75, codec=codec, audio=TICKS, start=Fraction(3, 5))
    with reader(clip.path) as sound:
        samples = sound.read(Fraction(0), Fraction(3))
    assert samples.shape == (144000, 2)
    # Matroska's times are whole milliseconds, and Opus' first block is cut: two roundings.
    within = 0.0015 if name.endswith("webm") else 0.001
    assert clips.find_ticks(samples, 48000) == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=within)


@pytest.mark.parametrize("name", ["a.wav", "a.m4a", "a.mp3", "a.flac", "a.ogg"])
@pytest.mark.parametrize("rate", [48000, 16000, 44100])
def test_entering_in_the_middle_gives_the_same_samples(tmp_path: Path, name: str, rate: int) -> None:
    path = clips.make_sound(tmp_path / name, TICKS, duration=Fraction(4))
    with reader(path, rate=rate) as sound:
        whole = sound.read(Fraction(0), Fraction(4))
    for start in (Fraction(5, 2), Fraction(7, 3), Fraction(0), Fraction(1, 7)):
        with reader(path, rate=rate) as sound:
            part = sound.read(start, start + Fraction(1, 2))
        first = samples_at(start, rate)
        np.testing.assert_allclose(part, whole[first : first + len(part)], atol=2e-5)


def test_reading_on_and_back_is_the_same_as_reading_anew(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "a.mp4", frames=100, audio=TICKS)
    with reader(clip.path, rate=44100) as sound:
        whole = sound.read(Fraction(0), Fraction(4))
        for second in (0, 1, 3, 2, 0):
            part = sound.read(Fraction(second), Fraction(second + 1))
            np.testing.assert_allclose(part, whole[second * 44100 : (second + 1) * 44100], atol=2e-5)


def test_blocks_joined_are_the_whole(tmp_path: Path) -> None:
    path = clips.make_sound(tmp_path / "a.wav", TICKS, duration=Fraction(2))
    with reader(path, rate=16000, channels=1) as sound:
        blocks = list(sound.blocks(size=512))
    assert {len(block) for block in blocks[:-1]} == {512}
    with reader(path, rate=16000, channels=1) as sound:
        whole = sound.read(Fraction(0), Fraction(2))
    np.testing.assert_array_equal(np.concatenate(blocks)[: len(whole)], whole)


def test_there_is_silence_before_and_after_the_sound(tmp_path: Path) -> None:
    path = clips.make_sound(tmp_path / "a.wav", TICKS, duration=Fraction(1))
    with reader(path) as sound:
        samples = sound.read(Fraction(-1, 2), Fraction(3, 2))
    assert not samples[:24000].any()
    assert samples[24000:72000].any(axis=1).mean() > 0.9
    assert not samples[72000:].any()


def test_mono_keeps_its_level_in_both_channels(tmp_path: Path) -> None:
    steady = clips.Sound(tone_hz=1000, tone_peak=0.5, tick_every=None, channels=1)
    path = clips.make_sound(tmp_path / "a.wav", steady, duration=Fraction(1))
    with reader(path) as sound:
        samples = sound.read(Fraction(1, 10), Fraction(9, 10))
    assert np.abs(samples).max(axis=0) == pytest.approx([0.5, 0.5], abs=0.001)


def test_a_gap_in_the_sound_is_as_long_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        for at in (0, 96000):
            frame = av.AudioFrame.from_ndarray(
                np.full((1, 4800), 8000, np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with reader(path, channels=1) as sound:
        loud = np.flatnonzero(sound.read(Fraction(0), Fraction(3))[:, 0])
    assert (loud[0], loud[-1]) == pytest.approx((0, 96000 + 4799), abs=48)
    assert len(loud) == 9600
