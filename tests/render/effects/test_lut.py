"""`.cube` tables, against interpolation in reals."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.editing.interchange.cube import Lut, write_cube
from engine.kernel.errors import Invalid
from tests.render.effects.kit import Reals, applied, psnr, rgb_of, same, scene


def cube(
    change: Callable[[Reals], Reals], size: int = 17, low: float = 0.0, high: float = 1.0
) -> dict[str, bytes]:
    blue, green, red = np.meshgrid(*[np.linspace(low, high, size)] * 3, indexing="ij")
    table = change(np.stack([red, green, blue], axis=-1)).astype(np.float32)
    lut = Lut(
        title="", size=size, kind="3d", domain_min=(low, low, low), domain_max=(high, high, high), table=table
    )
    return {"lut": write_cube(lut)}


def warm(rgb: Reals) -> Reals:
    """A look whose channels depend on each other."""
    grey = rgb.mean(axis=-1, keepdims=True)
    red, green, blue = (
        rgb[..., :1] ** 0.8,
        rgb[..., 1:2] * 0.9 + 0.1 * grey,
        rgb[..., 2:] * (0.6 + 0.3 * grey),
    )
    return np.asarray(np.clip(np.concatenate([red, green, blue], axis=-1), 0, 1))


@pytest.mark.parametrize("size", [2, 17, 33])
def test_lut_of_itself_changes_nothing_that_is_seen(size: int) -> None:
    found = applied("lut", scene(), files=cube(lambda rgb: rgb, size), file="lut")
    assert psnr(rgb_of(found), rgb_of(scene())) > 50


def test_lut_looks_colours_up() -> None:
    found = applied("lut", scene(), files=cube(warm, 33), file="lut")
    assert psnr(rgb_of(found), warm(rgb_of(scene()))) > 45


def test_lut_interpolates_in_tetrahedra() -> None:
    """A table of two sides: what lies in between follows from the order of a colour's channels alone."""
    rng = np.random.default_rng(8)
    corners = rng.uniform(0.2, 0.8, (2, 2, 2, 3))  # blue, green, red
    found = rgb_of(applied("lut", scene(), files=cube(lambda _: corners, 2), file="lut"))
    wanted = np.empty_like(found)
    for place in np.ndindex(found.shape[:2]):
        colour = rgb_of(scene())[place]
        at, value = [0, 0, 0], corners[0, 0, 0]
        for channel in sorted(range(3), key=lambda one: -colour[one]):
            before = corners[at[2], at[1], at[0]]
            at[channel] = 1
            value = value + colour[channel] * (corners[at[2], at[1], at[0]] - before)
        wanted[place] = value
    assert psnr(found, wanted) > 46


def test_lut_strength_mixes_with_what_was_there() -> None:
    half = rgb_of(applied("lut", scene(), files=cube(warm, 33), file="lut", strength=0.5))
    assert psnr(half, (warm(rgb_of(scene())) + rgb_of(scene())) / 2) > 45
    assert same(applied("lut", scene(), files=cube(warm), file="lut", strength=0), scene())


def test_lut_has_a_domain_of_its_own() -> None:
    found = applied("lut", scene(), files=cube(lambda rgb: rgb**2, 65, 0.1, 0.9), file="lut")
    assert psnr(rgb_of(found), rgb_of(scene()) ** 2) > 45


def test_lut_of_one_dimension_bends_each_channel() -> None:
    levels = np.linspace(0, 1, 256)
    table = np.stack([levels**1.2, levels * 0.9, 0.1 + 0.9 * levels], axis=-1).astype(np.float32)
    lut = Lut(
        title="", size=256, kind="1d", domain_min=(0.0, 0.0, 0.0), domain_max=(1.0, 1.0, 1.0), table=table
    )
    found = rgb_of(applied("lut", scene(), files={"lut": write_cube(lut)}, file="lut"))
    red, green, blue = np.moveaxis(rgb_of(scene()), -1, 0)
    assert psnr(found, np.stack([red**1.2, green * 0.9, 0.1 + 0.9 * blue], axis=-1)) > 45


def test_lut_says_when_its_file_is_no_table() -> None:
    with pytest.raises(Invalid):
        applied("lut", scene(), files={"lut": b"LUT_3D_SIZE two"}, file="lut")
