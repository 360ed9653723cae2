"""Effects for faces: what they take for skin and for teeth, and what they leave."""

import numpy as np
import pytest

from engine.rendering.compositor.canvas import Picture
from tests.render.effects.kit import applied, filled, rgb_of, same, scene

# Monk's scale of skin tones (Ellis Monk, 2022), from its light to its dark end, and two in warm light.
SKINS = (
    "#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420",
    "#e0ac69", "#8d5524",
)  # fmt: skip
OTHERS = ("#2040c0", "#20a040", "#c01020", "#9030b0", "#20b0b0")


def blotched(colour: str) -> Picture:
    picture = filled(colour, 192, 108)
    rng = np.random.default_rng(2)
    blotches = rng.normal(0, 5, (18, 32)).repeat(6, 0).repeat(6, 1)
    picture.y = np.clip(picture.y + blotches, 16, 235).astype(np.uint8)
    return picture


def spread(picture: Picture) -> float:
    return float(picture.y.astype(float).std())


@pytest.mark.parametrize("colour", SKINS)
def test_skin_smooth_evens_out_skin_of_any_tone(colour: str) -> None:
    even = applied("skin_smooth", blotched(colour), strength=1, radius=100)
    assert spread(even) < 0.8 * spread(blotched(colour))


@pytest.mark.parametrize("colour", OTHERS)
def test_skin_smooth_leaves_what_is_no_skin(colour: str) -> None:
    assert np.array_equal(
        applied("skin_smooth", blotched(colour), strength=1, radius=100).y, blotched(colour).y
    )


def test_skin_smooth_keeps_edges_and_fine_texture() -> None:
    skin = filled("#d7bd96", 192, 108)
    skin.y[:, 96:] = 90
    skin.y[::2] += 3
    even = applied("skin_smooth", skin, strength=1, radius=100).y.astype(int)
    assert even[50, 100] - even[50, 90] == pytest.approx(int(skin.y[50, 100]) - int(skin.y[50, 90]), abs=4)
    assert np.abs(np.diff(even[:, 40])).mean() == pytest.approx(3, abs=0.5)


def test_face_blur_leaves_nothing_to_recognise() -> None:
    rng = np.random.default_rng(1)
    picture = filled("#c0a080", 192, 108)
    picture.y = rng.integers(16, 236, picture.y.shape, dtype=np.uint8)
    for style in ("blur", "blocks"):
        assert spread(applied("face_blur", picture, size=120, style=style)) < spread(picture) / 8


def test_face_blur_in_blocks_is_pixelate() -> None:
    assert same(
        applied("face_blur", scene(), size=150, style="blocks"), applied("pixelate", scene(), size=150)
    )


def test_eye_enhance_brings_out_detail_and_lifts_the_middle() -> None:
    picture = filled("#606060", 192, 108)
    picture.y[:, ::6] += 20
    clear = applied("eye_enhance", picture, detail=1, brighten=0)
    assert spread(clear) > 1.2 * spread(picture)
    lifted = applied("eye_enhance", picture, detail=0, brighten=1)
    assert lifted.y.mean() > picture.y.mean() + 15
    for end in ("#000000", "#ffffff"):
        assert same(applied("eye_enhance", filled(end), detail=1, brighten=1), filled(end))


def test_teeth_whiten_takes_the_yellow_out_of_teeth() -> None:
    before, after = (
        rgb_of(one)[0, 0]
        for one in (filled("#d8cba0"), applied("teeth_whiten", filled("#d8cba0"), strength=1))
    )
    assert np.ptp(after) < np.ptp(before) / 4
    assert after.mean() > before.mean()


@pytest.mark.parametrize("colour", ["#a04848", "#c07068", "#40201c", "#3050a0"])
def test_teeth_whiten_leaves_lips_gums_and_the_dark(colour: str) -> None:
    before, after = filled(colour), applied("teeth_whiten", filled(colour), strength=1)
    assert abs(int(after.y[0, 0]) - int(before.y[0, 0])) <= 2
    assert abs(int(after.v[0, 0]) - int(before.v[0, 0])) <= 3
