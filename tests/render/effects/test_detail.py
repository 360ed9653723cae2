"""Effects on fine detail and on the frame."""

import numpy as np
import pytest

from engine.rendering.compositor.canvas import Picture
from tests.render.effects.kit import applied, filled, light_of, psnr, same, scene
from tests.render.effects.test_blur import SIZE, gaussian


def step(width: int = 128, height: int = 64) -> Picture:
    picture = filled("#404040", width, height)
    picture.y[:, width // 2 :] = 180
    return picture


@pytest.mark.parametrize(("amount", "radius"), [(0.5, 1.0), (1.5, 2.0)])
def test_sharpen_adds_what_a_blur_takes(amount: float, radius: float) -> None:
    picture = scene(128, 64)
    y = picture.y.astype(np.float64)
    found = applied("sharpen", picture, amount=amount, radius=radius * SIZE / 64)
    assert psnr(found.y / 255, np.clip(y + amount * (y - gaussian(y, radius)), 0, 255) / 255) > 45
    assert np.array_equal(found.u, picture.u)


def test_sharpen_leaves_what_is_flat() -> None:
    assert same(applied("sharpen", filled("#517a33"), amount=3), filled("#517a33"))


def test_denoise_calms_noise_and_keeps_an_edge() -> None:
    clean, noisy = step(), step()
    rng = np.random.default_rng(5)
    noisy.y = np.clip(noisy.y + rng.normal(0, 6, noisy.y.shape), 16, 235).astype(np.uint8)
    calm = applied("denoise", noisy, strength=0.8)
    before, after = psnr(light_of(noisy), light_of(clean)), psnr(light_of(calm), light_of(clean))
    assert after > before + 6
    assert calm.y[:, 66].mean() - calm.y[:, 61].mean() > 0.9 * (180 - int(clean.y[0, 0]))


def test_denoise_of_colour_leaves_brightness() -> None:
    picture = scene(seed=4)
    calm = applied("denoise", picture, strength=0, colour=1)
    assert np.array_equal(calm.y, picture.y)
    assert np.abs(np.diff(calm.u.astype(int))).mean() < 0.8 * np.abs(np.diff(picture.u.astype(int))).mean()


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_grain_has_the_strength_that_is_said_and_no_bias(size: float) -> None:
    grey = filled("#808080", 512, 512)
    grain = applied("grain", grey, amount=0.5, size=size * SIZE / 512, seed=7).y.astype(float) - grey.y
    assert abs(grain.mean()) < 0.3
    assert grain.std() / 219 == pytest.approx(0.5 * 0.12, rel=0.1)


def test_grain_of_a_larger_size_is_coarser() -> None:
    def likeness(size: float) -> float:
        grey = filled("#808080", 512, 512)
        grain = applied("grain", grey, amount=0.5, size=size * SIZE / 512, seed=7).y.astype(float) - grey.y
        return float(np.corrcoef(grain[:, :-1].ravel(), grain[:, 1:].ravel())[0, 1])

    assert abs(likeness(0.6)) < 0.02
    assert likeness(1.5) < likeness(3) < likeness(6)
    assert likeness(6) > 0.9


def test_grain_follows_from_its_seed() -> None:
    grey = filled("#808080", 256, 256)
    one, again, other = (applied("grain", grey, amount=0.5, seed=seed) for seed in (3, 3, 4))
    assert same(one, again)
    assert abs(np.corrcoef(one.y.ravel(), other.y.ravel())[0, 1]) < 0.02


def test_grain_shows_most_in_the_middle_tones() -> None:
    spread = [
        applied("grain", filled(one, 256, 256), amount=0.5).y.std()
        for one in ("#181818", "#808080", "#f0f0f0")
    ]
    assert spread[1] > 1.8 * spread[0]
    assert spread[1] > 1.8 * spread[2]


def test_vignette_darkens_corners_and_leaves_the_middle() -> None:
    grey = filled("#a06040", 160, 90)
    dark = applied("vignette", grey, amount=0.8, size=0.4, softness=0.5)
    assert (dark.y[40:50, 75:85] == grey.y[0, 0]).all()
    assert light_of(dark)[0, 0] == pytest.approx(0.2 * light_of(grey)[0, 0], abs=0.04)
    assert abs(int(dark.v[0, 0]) - 128) < abs(int(grey.v[0, 0]) - 128) * 0.4
    assert np.array_equal(dark.y, dark.y[::-1, ::-1])
    assert light_of(applied("vignette", grey, amount=-0.5))[0, 0] > light_of(grey)[0, 0]


def test_vignette_by_its_formula() -> None:
    picture = scene(160, 96)
    rows, columns = np.mgrid[0:96, 0:160]
    away = np.hypot((rows + 0.5) / 48 - 1, (columns + 0.5) / 80 - 1) / np.sqrt(2)
    part = np.clip((away - 0.3) / 0.6, 0, 1)
    wanted = light_of(picture) * (1 - 0.7 * part * part * (3 - 2 * part))
    assert psnr(light_of(applied("vignette", picture, amount=0.7, size=0.3, softness=0.6)), wanted) > 50
