"""What holds of every effect: the same comes out again, alpha stays, and it takes planes as they come."""

import cv2
import msgspec
import numpy as np
import pytest

from cutroom_sdk.wire.media import CameraPath
from engine.editing.catalogue.spec import catalogue
from engine.editing.interchange.cube import Lut, write_cube
from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.patches import masked
from engine.rendering.compositor.regions import mask_of
from engine.rendering.compositor.table import effects
from engine.rendering.graph import Region
from tests.render.effects.kit import applied, at, same, scene

# Values at which each entry does something.
LIVELY: dict[str, dict[str, float | str]] = {
    "exposure": {"stops": 0.7},
    "contrast": {"amount": 1.4},
    "saturation": {"amount": 1.6},
    "temperature": {"kelvin": 4000.0},
    "curves": {"all": "0,0.1 1,0.9"},
    "lift_gamma_gain": {"gamma": 1.3},
    "pixelate": {"size": 200.0},
    "sharpen": {"radius": 30.0},
    "lut": {"file": "f"},
    "matte": {"file": "f"},
    "stabilise": {"file": "f"},
}
FAMILIES = ("blur", "colour", "detail", "face", "key", "stabilise")
NAMES = [one.name for one in catalogue().values() if one.family in FAMILIES]
# These change what can be seen through; the others must not.
SPREADS = {"blur", "pixelate", "face_blur"}
KEYS = {"chroma_key", "luma_key", "matte"}
MOVES = {"stabilise"}


def files(name: str) -> dict[str, bytes]:
    if name == "lut":
        table = np.full((2, 2, 2, 3), 0.4, np.float32)
        lut = Lut(
            title="", size=2, kind="3d", domain_min=(0.0, 0.0, 0.0), domain_max=(1.0, 1.0, 1.0), table=table
        )
        return {"f": write_cube(lut)}
    if name == "stabilise":
        moves = (None, *[(1.0, -2.0, 0.01, 0.0), (-1.5, 1.0, -0.02, 0.01)] * 5)
        return {"f": msgspec.json.encode(CameraPath(width=96, height=64, rate=25.0, moves=moves))}
    return {"f": bytes(cv2.imencode(".png", np.full((8, 8), 90, np.uint8))[1])}


def made(name: str, picture: Picture, seed: int = 5) -> Picture:
    return applied(name, picture, seed=seed, files=files(name), **LIVELY.get(name, {}))


@pytest.mark.parametrize("name", NAMES)
def test_it_does_something_and_the_same_again(name: str) -> None:
    picture = scene(96, 64, seed=3, alpha=name in KEYS)
    picture.y[20:30, 30:60] = 235
    picture.y[40:50, 30:60] = 18
    assert not same(made(name, picture), picture)
    assert same(made(name, picture), made(name, picture))


@pytest.mark.parametrize("name", [one for one in NAMES if one not in SPREADS | KEYS | MOVES])
def test_it_leaves_alpha_alone(name: str) -> None:
    picture = scene(96, 64, alpha=True)
    after = made(name, picture).alpha
    assert picture.alpha is not None
    assert after is not None
    assert np.array_equal(after, picture.alpha)
    assert made(name, scene(96, 64)).alpha is None


@pytest.mark.parametrize("name", NAMES)
def test_planes_may_have_gaps_between_their_rows(name: str) -> None:
    picture = scene(96, 64, seed=3)
    wide = [
        np.zeros((plane.shape[0], plane.shape[1] + 32), np.uint8)
        for plane in (picture.y, picture.u, picture.v)
    ]
    for place, plane in zip(wide, (picture.y, picture.u, picture.v), strict=True):
        place[:, : plane.shape[1]] = plane
    gaps = Picture(wide[0][:, :96], wide[1][:, :48], wide[2][:, :48])
    values = at(name, 5, files(name), **LIVELY.get(name, {}))
    assert same(effects[name](gaps, values), made(name, picture))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(2, 2), (16, 2), (34, 18)])
def test_it_takes_small_and_odd_sizes(name: str, size: tuple[int, int]) -> None:
    after = made(name, scene(*size))
    assert (after.width, after.height) == size
    assert after.u.shape == after.v.shape == (size[1] // 2, size[0] // 2)


REGIONAL = {one.name for one in catalogue().values() if one.region}
MASKED = [one.name for one in catalogue().values() if one.mask]


def test_what_makes_no_sense_without_a_region_takes_one_and_so_does_every_colour() -> None:
    assert REGIONAL == {"face_blur", "skin_smooth", "eye_enhance", "teeth_whiten"}
    assert set(MASKED) >= REGIONAL | {one.name for one in catalogue().values() if one.family == "colour"}
    assert set(MASKED) <= set(NAMES)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", MASKED)
def test_a_region_limits_it(name: str, *, inverted: bool) -> None:
    picture = scene(96, 64, seed=3)
    picture.y[20:30, 20:76] = 235
    picture.y[40:50, 20:76] = 18
    left = Region(
        shape="rectangle", x=(0.25,), y=(0.5,), width=(0.5,), height=(1.0,), feather=(0.0,), inverted=inverted
    )  # fmt: skip
    limited = masked(picture.copy(), made(name, picture), mask_of((left,), 0, 96, 64))
    whole, inside = made(name, picture), np.arange(96) < 48
    for plane, free, full in ((limited.y, picture.y, whole.y), (limited.u, picture.u, whole.u)):
        acts = inside[:: 96 // plane.shape[1]] != inverted
        assert np.array_equal(plane[:, ~acts], free[:, ~acts])
        assert np.array_equal(plane[:, acts], full[:, acts])
