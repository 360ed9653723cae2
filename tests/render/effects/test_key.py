"""Effects that make parts of a picture transparent."""

import cv2
import numpy as np
import pytest

from engine.kernel.errors import Invalid, WorkFailed
from engine.rendering.compositor.canvas import Plane
from tests.render.effects.kit import applied, filled, rgb_of, scene

GREEN = "#00b140"
STAYS = ("#e0ac69", "#8d5524", "#ffffff", "#101010", "#2040c0", "#c02020", "#f0d020")
GOES = ("#00b140", "#10a040", "#1b7a38", "#40c070")


def alpha_of(name: str, shown: str, /, **values: float | str) -> Plane:
    made = applied(name, filled(shown), seed=0, files=None, **values)
    assert made.alpha is not None
    return made.alpha


@pytest.mark.parametrize("colour", GOES)
def test_chroma_key_takes_the_screen_lit_or_in_shadow(colour: str) -> None:
    assert (alpha_of("chroma_key", colour, colour=GREEN) == 0).all()


@pytest.mark.parametrize("colour", STAYS)
def test_chroma_key_keeps_everything_else(colour: str) -> None:
    assert (alpha_of("chroma_key", colour, colour=GREEN) == 255).all()


@pytest.mark.parametrize("colour", ["#0047bb", "#ff00ff", "#c02020"])
def test_chroma_key_takes_any_colour(colour: str) -> None:
    assert (alpha_of("chroma_key", colour, colour=colour) == 0).all()
    assert (alpha_of("chroma_key", "#00b140", colour=colour) == 255).all()


def test_chroma_key_takes_the_screens_shine_off_what_stays() -> None:
    # Grey hair lit by the screen.
    lit = filled("#8c9c90")
    red, green, blue = rgb_of(applied("chroma_key", lit, colour=GREEN, despill=1.0))[0, 0]
    assert abs(green - max(red, blue)) < 0.02
    red, green, blue = rgb_of(applied("chroma_key", lit, colour=GREEN, despill=0.0))[0, 0]
    assert green > max(red, blue) + 0.03


def test_chroma_key_goes_gradually_from_there_to_not_there() -> None:
    share = [
        int(alpha_of("chroma_key", f"#{100 - n:02x}{100 + n:02x}{100 - n:02x}")[0, 0])
        for n in range(0, 100, 5)
    ]
    assert share == sorted(share, reverse=True)
    assert sum(0 < one < 255 for one in share) >= 2


def test_chroma_key_says_that_grey_is_no_key() -> None:
    with pytest.raises(Invalid, match="nearly grey"):
        applied("chroma_key", scene(), colour="#7f8180")


def test_luma_key_takes_what_is_dark_or_what_is_bright() -> None:
    for colour, dark in (("#0a0a0a", 0), ("#808080", 255)):
        assert (alpha_of("luma_key", colour, level=0.2, softness=0.1) == dark).all()
        assert (alpha_of("luma_key", colour, level=0.2, softness=0.1, invert=1) == 255 - dark).all()
    assert alpha_of("luma_key", "#808080", level=128 / 255, softness=0.5)[0, 0] == pytest.approx(128, abs=3)


def png(picture: Plane) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1])


def test_matte_keeps_what_is_white_in_it() -> None:
    disc = np.zeros((64, 96), np.uint8)
    cv2.circle(disc, (48, 32), 20, 255, -1)
    kept = applied("matte", scene(96, 64), files={"m": png(disc)}, file="m")
    assert kept.alpha is not None
    assert np.array_equal(kept.alpha, disc)
    turned = applied("matte", scene(96, 64), files={"m": png(disc)}, file="m", invert=1)
    assert turned.alpha is not None
    assert np.array_equal(turned.alpha, 255 - disc)


def test_matte_takes_the_alpha_of_a_picture_that_has_one_and_any_size() -> None:
    cut = np.full((32, 48, 4), 255, np.uint8)
    cut[:, 24:, 3] = 0
    made = applied("matte", scene(96, 64), files={"m": png(cut)}, file="m")
    assert made.alpha is not None
    assert (made.alpha[:, :44] == 255).all()
    assert (made.alpha[:, 52:] == 0).all()


def test_matte_says_when_its_file_is_no_picture() -> None:
    with pytest.raises(WorkFailed, match="matte"):
        applied("matte", scene(), files={"m": b"no picture"}, file="m")


@pytest.mark.parametrize("name", ["luma_key", "chroma_key", "matte"])
def test_a_key_leaves_transparent_what_was(name: str) -> None:
    picture = scene(96, 64, alpha=True)
    assert picture.alpha is not None
    files = {"m": png(np.full((64, 96), 128, np.uint8))}
    extra: dict[str, float | str] = {"file": "m"} if name == "matte" else {"softness": 0.5}
    made = applied(name, picture, seed=0, files=files, **extra)
    assert made.alpha is not None
    assert (made.alpha <= picture.alpha).all()
    if name == "matte":
        assert np.abs(made.alpha - picture.alpha * (128 / 255)).max() <= 0.51
