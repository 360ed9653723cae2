"""What detectors see is the same picture, whatever its pixels are stored as."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.media.analysis.look import FINE_SIDE, GRAY_SIDE, Look, Looker
from tests import clips

FORMATS = [
    "yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuva420p", "nv12", "gray", "gray10le", "yuv420p10le", "p010le",
    "yuv444p12le", "yuyv422", "rgb24", "gbrp",
]  # fmt: skip


def frame(width: int = 160, height: int = 90, form: str = "yuv420p") -> av.VideoFrame:
    """A picture whose quarters are, from the top left, white, grey (200), black and dark (20)."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255
    picture[: height // 2, width // 2 :] = 200
    picture[height // 2 :, width // 2 :] = 20
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=form)


def look(shown: av.VideoFrame, aspect: Fraction = Fraction(1)) -> Look:
    return Looker(aspect).look(0, Fraction(0), shown)


@pytest.mark.parametrize("form", FORMATS)
def test_black_is_0_and_white_is_255_in_every_pixel_format(form: str) -> None:
    gray = look(frame(form=form)).gray
    quarters = [int(gray[20, 40]), int(gray[20, 120]), int(gray[70, 40]), int(gray[70, 120])]
    assert quarters == pytest.approx([255, 200, 0, 20], abs=2)


@pytest.mark.parametrize(("width", "height", "shape"), [(1280, 720, (180, 320)), (720, 1280, (320, 180))])
def test_the_longer_side_is_320(width: int, height: int, shape: tuple[int, int]) -> None:
    seen = look(frame(width, height))
    assert seen.gray.shape == shape
    assert max(seen.gray.shape) == GRAY_SIDE
    assert max(seen.fine.shape) == FINE_SIDE


def test_a_small_picture_is_not_enlarged() -> None:
    seen = look(frame(160, 90))
    assert seen.gray.shape == seen.fine.shape == (90, 160)


def test_wide_pixels_are_shown_wide() -> None:
    assert look(frame(720, 576), Fraction(64, 45)).gray.shape == (180, 320)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_what_is_turned_is_seen_upright(tmp_path: Path, rotation: int) -> None:
    clip = clips.make_clip(tmp_path / "turned.mp4", frames=3, numbers=[1234] * 3, rotation=rotation)
    with av.open(str(clip.path)) as container:
        gray = look(next(container.decode(video=0))).gray
    assert gray.shape == (clip.height, clip.width)
    assert clips.read_number(gray) == 1234


def test_the_same_picture_can_stand_for_another_frame() -> None:
    first = look(frame(1280, 720))
    second = first.again(7, Fraction(7, 25))
    assert (second.number, second.at) == (7, Fraction(7, 25))
    np.testing.assert_array_equal(second.fine, first.fine)
