"""Effects that spread a picture, against the same in reals."""

import numpy as np
import pytest

from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.table import effects
from tests.render.effects.kit import Reals, applied, at, filled, light_of, psnr, rgb_of, same, scene

SIZE = 1080  # lines on which a size of 1 is one pixel; pictures here have fewer, and sizes are given for them


def gaussian(plane: Reals, sigma: float) -> Reals:
    """Blur in both directions with a kernel of 5 sigma, the edges going on."""
    reach = int(np.ceil(5 * sigma))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        wide = np.pad(plane, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
        plane = np.apply_along_axis(lambda line: np.convolve(line, kernel, "valid"), axis, wide)
    return plane


def squares(width: int = 320, height: int = 180) -> Picture:
    picture = filled("#202020", width, height)
    picture.y[60:100, 100:180], picture.u[30:50, 50:90], picture.v[30:50, 50:90] = 200, 90, 180
    picture.y[120:124, 40:280] = 235
    return picture


@pytest.mark.parametrize("sigma", [0.8, 2.0, 3.5, 6.0, 15.0, 40.0])
def test_blur_is_a_gaussian_of_its_radius(sigma: float) -> None:
    found = applied("blur", squares(), radius=sigma * SIZE / 180)
    assert psnr(found.y / 255, gaussian(squares().y / 255, sigma)) > 43
    assert psnr(found.v / 255, gaussian(squares().v / 255, sigma / 2)) > 43


def test_blur_looks_the_same_at_any_size() -> None:
    large, small = (filled("#000000", 320 * n, 180 * n) for n in (2, 1))
    large.y[120:200, 200:360], small.y[60:100, 100:180] = 200, 200
    shrunk = light_of(applied("blur", large, radius=40)).reshape(180, 2, 320, 2).mean(axis=(1, 3))
    assert psnr(shrunk, light_of(applied("blur", small, radius=40))) > 45


def test_blur_keeps_a_cut_out_from_leaking_what_is_behind_it() -> None:
    picture = filled("#ff0000", 96, 64, alpha=0)
    picture.y[:, :48], picture.u[:, :24], picture.v[:, :24] = 40, 200, 100
    assert picture.alpha is not None
    picture.alpha[:, 48:] = 255
    seen = applied("blur", picture, radius=60)
    assert seen.alpha is not None
    assert 0 < seen.alpha[32, 46] < 128 < seen.alpha[32, 50] < 255
    where = seen.alpha > 20
    assert np.ptp(seen.y[where].astype(int)) <= 2, "only the red that is seen spreads"


def test_pixelate_shows_the_mean_of_each_block() -> None:
    picture = scene(96, 64)
    found = applied("pixelate", picture, size=8 * SIZE / 64)
    means = picture.y.reshape(8, 8, 12, 8).mean(axis=(1, 3))
    assert np.abs(found.y[::8, ::8] - means).max() <= 0.5
    assert np.array_equal(found.y, found.y[::8, ::8].repeat(8, 0).repeat(8, 1))
    assert np.array_equal(found.u, found.u[::4, ::4].repeat(4, 0).repeat(4, 1))


def test_glow_shines_around_what_is_bright_and_only_there() -> None:
    picture = filled("#303030", 320, 180)
    picture.y[80:100, 60:80] = 235
    lit = applied("glow", picture, amount=1.0, threshold=0.6, radius=60)
    gain = lit.y.astype(int) - picture.y
    assert gain.min() >= 0
    assert gain[90, 85] > gain[90, 95] > gain[90, 105] >= 0
    assert gain[90, 85] > 15
    assert gain[90, 250] == 0


def test_glow_takes_its_colour_along() -> None:
    picture = filled("#202020", 320, 180)
    blue = filled("#80a0ff", 320, 180)
    for name, part in (("y", np.s_[80:100, 60:80]), ("u", np.s_[40:50, 30:40]), ("v", np.s_[40:50, 30:40])):
        getattr(picture, name)[part] = getattr(blue, name)[0, 0]
    base = rgb_of(filled("#202020"))[0, 0, 0]
    red, _, shine = rgb_of(applied("glow", picture, amount=1.0, threshold=0.3, radius=60))[90, 86]
    assert shine - base > 1.5 * (red - base) > 0.01


def test_glow_of_a_screen_is_two_lamps() -> None:
    grey = filled("#c0c0c0", 64, 48)
    light = light_of(grey).mean()
    over = light * (light - 0.5) / 0.5 * 0.8
    found = light_of(applied("glow", grey, amount=0.8, threshold=0.5, radius=20)).mean()
    assert found == pytest.approx(1 - (1 - light) * (1 - over), abs=0.01)


@pytest.mark.parametrize(("name", "value"), [("blur", "radius"), ("pixelate", "size"), ("glow", "amount")])
def test_at_nothing_a_blur_changes_nothing(name: str, value: str) -> None:
    picture = scene(alpha=True)
    nothing: dict[str, float | str] = {value: 0}
    assert same(effects[name](picture.copy(), at(name, 0, None, **nothing)), picture)
