"""Effects of colour against what the same does in reals on red, green and blue."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from cutroom_sdk.wire.timeline import Keyframe
from engine.editing.tones import points_of, through
from engine.kernel.errors import Invalid
from tests.render.effects.kit import (
    KB,
    KG,
    KR,
    Reals,
    applied,
    filled,
    light_of,
    over_time,
    psnr,
    rgb_of,
    same,
    scene,
)

GOOD_DB = 48.0  # rounding to 8 bits alone costs about 58 dB of brightness, 50 of colour


@pytest.mark.parametrize("stops", [-2.0, -0.5, 0.25, 0.5])
def test_exposure_multiplies_the_light(stops: float) -> None:
    light = rgb_of(scene()) ** 2.4 * 2**stops
    assert psnr(rgb_of(applied("exposure", scene(), stops=stops)), light ** (1 / 2.4)) > GOOD_DB - 2 * stops


def test_exposure_ends_at_white() -> None:
    bright = applied("exposure", filled("#808080"), stops=5)
    assert (bright.y == 235).all()
    assert (bright.u == 128).all()


def test_exposure_takes_a_blown_colour_towards_white() -> None:
    orange = filled("#f0a040")
    spread = [float(np.ptp(rgb_of(applied("exposure", orange, stops=stops))[0, 0])) for stops in (0, 1, 4)]
    assert spread[2] < spread[1] / 3.5


@pytest.mark.parametrize(("amount", "pivot"), [(0.5, 0.5), (0.8, 0.3), (1.2, 0.5), (1.4, 0.6)])
def test_contrast_spreads_around_its_pivot(amount: float, pivot: float) -> None:
    wanted = pivot + (rgb_of(scene()) - pivot) * amount
    assert psnr(rgb_of(applied("contrast", scene(), amount=amount, pivot=pivot)), wanted) > GOOD_DB - 3


def test_contrast_of_nothing_is_grey() -> None:
    flat = applied("contrast", scene(), amount=0, pivot=0.5)
    assert set(np.unique(flat.y)) == {126}
    assert (flat.u == 128).all()
    assert (flat.v == 128).all()


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.5])
def test_saturation_is_the_distance_from_grey(amount: float) -> None:
    rgb = rgb_of(scene())
    grey = (rgb @ [KR, KG, KB])[..., None]
    assert (
        psnr(rgb_of(applied("saturation", scene(), amount=amount)), grey + (rgb - grey) * amount)
        > GOOD_DB - 3
    )


def test_saturation_leaves_brightness_alone() -> None:
    assert np.array_equal(applied("saturation", scene(), amount=2).y, scene().y)


@pytest.mark.parametrize("kelvin", [3000.0, 5000.0, 9000.0])
def test_temperature_takes_grey_the_way_of_the_white(kelvin: float) -> None:
    grey = filled("#808080")
    red, green, blue = rgb_of(applied("temperature", grey, kelvin=kelvin)).mean(axis=(0, 1))
    assert (red > green > blue) if kelvin > 6500 else (red < green < blue)


def test_temperature_follows_planck() -> None:
    # A glowing body's light at 450, 550 and 600 nm (Planck, 1901), as a coarse eye of three colours.
    def planck(kelvin: float) -> Reals:
        metres = np.array([600e-9, 550e-9, 450e-9])
        return np.asarray(metres**-5 / (np.exp(0.014387769 / (metres * kelvin)) - 1))

    light = planck(6500) / planck(4500)
    grey = rgb_of(applied("temperature", filled("#808080"), kelvin=4500)).mean(axis=(0, 1)) ** 2.4
    found, wanted = grey / grey[1], light / light[1]
    assert found == pytest.approx(wanted, rel=0.2)


def test_temperature_keeps_grey_as_bright_and_tints_it() -> None:
    grey = filled("#808080")
    for kelvin, tint in ((3500.0, 0.0), (9000.0, 0.0), (6500.0, 0.7), (6500.0, -0.7)):
        moved = applied("temperature", grey, kelvin=kelvin, tint=tint)
        assert abs(int(moved.y[0, 0]) - int(grey.y[0, 0])) <= 1
    magenta = rgb_of(applied("temperature", grey, tint=1.0))[0, 0]
    assert magenta[0] > magenta[1] + 0.02
    assert magenta[2] > magenta[1] + 0.02


def test_temperature_multiplies_each_channel() -> None:
    before, after = rgb_of(scene()), rgb_of(applied("temperature", scene(), kelvin=5200.0, tint=0.3))
    gains = (rgb_of(applied("temperature", filled("#b4b4b4"), kelvin=5200.0, tint=0.3)) / (180 / 255))[0, 0]
    assert psnr(after, before * gains) > GOOD_DB - 5


@pytest.mark.parametrize(
    ("lift", "gamma", "gain"), [(0.1, 1.0, 1.0), (0.0, 1.4, 1.0), (0.0, 1.0, 0.8), (-0.05, 0.8, 1.1)]
)
def test_lift_gamma_gain_by_its_formula(lift: float, gamma: float, gain: float) -> None:
    rgb = rgb_of(scene())
    wanted = np.clip(gain * (rgb + lift * (1 - rgb)), 0, 1) ** (1 / gamma)
    assert (
        psnr(rgb_of(applied("lift_gamma_gain", scene(), lift=lift, gamma=gamma, gain=gain)), wanted)
        > GOOD_DB - 4
    )


def test_lift_gamma_gain_of_one_channel_leaves_the_others() -> None:
    before, after = rgb_of(scene()), rgb_of(applied("lift_gamma_gain", scene(), gain_red=0.7))
    assert psnr(after[..., 0], before[..., 0] * 0.7) > GOOD_DB - 4
    assert psnr(after[..., 1:], before[..., 1:]) > GOOD_DB - 4


def test_curves_go_through_their_points() -> None:
    points = points_of("0,0.1 0.4,0.3 0.7,0.9 1,1")
    assert through(points, np.array([0, 0.4, 0.7, 1])) == pytest.approx([0.1, 0.3, 0.9, 1])
    bent = through(points, np.linspace(0, 1, 500))
    assert (np.diff(bent) >= 0).all()


def test_curves_bend_each_channel_then_all() -> None:
    red, every = "0,0 0.5,0.6 1,1", "0,0.05 0.5,0.45 1,0.95"
    rgb = rgb_of(scene())
    rgb[..., 0] = through(points_of(red), rgb[..., 0])
    wanted = through(points_of(every), rgb.ravel()).reshape(rgb.shape)
    assert psnr(rgb_of(applied("curves", scene(), red=red, all=every)), wanted) > GOOD_DB - 4
    half = rgb_of(applied("curves", scene(), red=red, all=every, strength=0.5))
    assert psnr(half, (rgb_of(scene()) + wanted) / 2) > GOOD_DB - 4


@pytest.mark.parametrize(
    "text", ["", "0,0", "0,0 0.5", "0,0 0.5,2", "0.5,0 0.2,1", "a,b c,d", "0,0 0,1", "nan,0 1,1"]
)
def test_curves_say_what_is_no_curve(text: str) -> None:
    with pytest.raises(Invalid, match="is no curve") as refused:
        points_of(text, field="effects.0.parameters.all")
    assert refused.value.extra["field"] == "effects.0.parameters.all"


def test_exposure_follows_its_keyframes() -> None:
    curve = (Keyframe(at=Fraction(0), value=-2), Keyframe(at=Fraction(1), value=1))
    light = [
        light_of(applied("exposure", filled("#606060"), stops=stops)).mean()
        for stops in over_time(curve, 26, 25)
    ]
    assert all(b > a for a, b in itertools.pairwise(light))
    stops = [2.4 * np.log2(after / light_of(filled("#606060")).mean()) for after in light]
    assert stops == pytest.approx(np.linspace(-2, 1, 26), abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_beyond_white_and_black_a_neutral_value_changes_nothing(seed: int) -> None:
    picture = scene(seed=seed)
    picture.y[:4], picture.y[4:8] = 255, 1
    for name in ("exposure", "contrast", "saturation", "temperature", "lift_gamma_gain", "curves"):
        assert same(applied(name, picture), picture)
