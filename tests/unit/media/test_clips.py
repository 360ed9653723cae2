"""The clips of all other tests hold what they say."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests import clips


@pytest.mark.parametrize("number", [0, 1, 77, 4096, 65535])
def test_a_number_is_read_back_from_its_picture(number: int) -> None:
    assert clips.read_number(clips.draw_number(number)) == number


def test_a_number_survives_a_vertical_crop_and_scaling() -> None:
    import cv2

    picture = clips.draw_number(1234, 640, 360)
    crop = picture[:, 219:421]
    scaled = cv2.resize(crop, (1080, 1920), interpolation=cv2.INTER_LINEAR)
    assert clips.read_number(np.asarray(scaled, dtype=np.uint8)) == 1234
    small = cv2.resize(picture, (160, 90), interpolation=cv2.INTER_AREA)
    assert clips.read_number(np.asarray(small, dtype=np.uint8)) == 1234


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_picture_that_lies_on_its_side_does_not_read(turns: int) -> None:
    for number in range(0, 65536, 997):
        assert clips.read_number(np.rot90(clips.draw_number(number), k=turns)) is None


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "libx264", Fraction(25)),
        ("b.mp4", "libx264", clips.FILM),
        ("c.mkv", "libx265", clips.NTSC),
        ("d.webm", "libvpx-vp9", Fraction(50)),
        ("e.ts", "libx264", clips.NTSC),
    ],
)
def test_a_clip_holds_its_numbers(tmp_path: Path, name: str, codec: str, rate: Fraction) -> None:
    clip = clips.make_clip(tmp_path / name, frames=40, codec=codec, rate=rate)
    assert clips.read_numbers(clip.path) == list(range(40))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_clip_is_upright_as_shown(tmp_path: Path, rotation: int) -> None:
    clip = clips.make_clip(tmp_path / "r.mp4", frames=6, rotation=rotation)
    assert clips.read_numbers(clip.path) == list(range(6))
    with av.open(str(clip.path)) as container:
        stored = container.streams.video[0]
        assert (stored.width, stored.height) == ((180, 320) if rotation != 180 else (320, 180))


def test_variable_times_are_kept(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 30), Fraction(1, 10), Fraction(1, 2), Fraction(3, 5)]
    clip = clips.make_clip(tmp_path / "v.mp4", times=times)
    with av.open(str(clip.path)) as container:
        shown = [(frame.pts or 0) * (frame.time_base or Fraction(0)) for frame in container.decode(video=0)]
    assert [time - shown[0] for time in shown] == times


@pytest.mark.parametrize("name", ["s.wav", "s.mkv", "s.mp4"])
def test_ticks_are_where_they_should_be(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    sound = clips.Sound(tone_hz=440, tone_peak=0.05, tick_every=Fraction(1, 2))
    if name.endswith(".wav"):
        clips.make_sound(path, sound, duration=Fraction(2))
    else:
        clips.make_clip(path, audio=sound)
    samples, rate = clips.read_sound(path)
    assert clips.find_ticks(samples, rate) == pytest.approx([0, 0.5, 1, 1.5], abs=0.0005)
