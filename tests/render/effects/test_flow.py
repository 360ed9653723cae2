"""Slow motion: what stands half way between two pictures of something that moves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import Picture, filled
from engine.rendering.compositor.flow import Motion, Quality
from tests.render.effects.kit import light_of, psnr

SIZE = (320, 180)


def waves(right: float, down: float) -> Picture:
    """Clouds that have moved to the right and down, in pixels; they have no edge."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float64)
    x, y = x - right, y - down
    light = sum(np.sin(x / a + y / b + a) for a, b in ((5, 11), (9, -7), (17, 23), (-29, 13)))
    picture = filled(*SIZE)
    picture.y[:] = np.clip(126 + 25 * np.asarray(light), 16, 235)
    picture.u[:] = np.clip(128 + 20 * np.sin(x / 31 + y / 37)[::2, ::2], 16, 240)
    return picture


def inside(picture: Picture) -> NDArray[np.float64]:
    """Brightness away from the edges, beyond which nothing is known."""
    return light_of(picture)[16:-16, 16:-16]


@pytest.mark.parametrize("quality", ["high", "medium", "fast"])
@pytest.mark.parametrize("part", [0.25, 0.5, 0.75])
def test_what_moves_is_found_part_of_its_way(quality: Quality, part: float) -> None:
    first, second, wanted = waves(0, 0), waves(6, 3), waves(6 * part, 3 * part)
    motion = Motion(first, second, quality)
    made = motion.at(part)
    assert motion.follows
    assert psnr(inside(made), inside(wanted)) > 32
    assert psnr(made.u[8:-8, 8:-8] / 255, wanted.u[8:-8, 8:-8] / 255) > 40


def test_both_ends_are_the_pictures_themselves() -> None:
    first, second = waves(0, 0), waves(4, 0)
    motion = Motion(first, second, "medium")
    assert np.array_equal(motion.at(0.0).y, first.y)
    assert np.array_equal(motion.at(1.0).y, second.y)


def test_pictures_that_have_nothing_in_common_are_mixed() -> None:
    chance = np.random.default_rng(1)
    first, second = filled(*SIZE), filled(*SIZE)
    for one in (first, second):
        one.y[:] = np.kron(chance.integers(20, 230, (45, 80)), np.ones((4, 4)))
    motion = Motion(first, second, "medium")
    assert not motion.follows
    assert np.abs(motion.at(0.5).y - (first.y.astype(float) + second.y) / 2).max() <= 1
