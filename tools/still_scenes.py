"""The scenes that stills of the catalogue show, painted, and the files that some entries take.

A scene is a function of width and height; pictures are (height, width, 3) uint8, BGR as OpenCV has them.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.pictures import PLACES, Place, Stage
from engine.editing.interchange.cube import Lut, write_cube
from engine.rendering.compositor.canvas import Picture

Bytes = NDArray[np.uint8]
Scene = Callable[[int, int], Bytes]

SEED: Final = 4
SCREEN: Final = (64, 177, 0)
_TO_YUV: Final = np.array([[0.2126, 0.7152, 0.0722], [-0.2126, -0.7152, 0.9278], [0.7874, -0.7152, -0.0722]])


def stored(shown: Bytes) -> Picture:
    """Return a painted picture as the compositor has them (BT.709, limited range)."""
    luma, blue, red = np.moveaxis(shown[..., ::-1].astype(np.float64) / 255 @ _TO_YUV.T, -1, 0)
    planes = (16 + 219 * luma, 128 + 224 * _halved(blue) / 1.8556, 128 + 224 * _halved(red) / 1.5748)
    return Picture(*(np.asarray(np.floor(plane + 0.5), dtype=np.uint8) for plane in planes))


def colours(picture: Picture) -> Bytes:
    """Return what is shown: (height, width, 3), red, green, blue."""
    size = (picture.width, picture.height)
    luma = (picture.y.astype(np.float64) - 16) / 219
    blue, red = (
        (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR).astype(np.float64) - 128) / 224
        for plane in (picture.u, picture.v)
    )
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue
    rgb = np.stack([r, (luma - 0.2126 * r - 0.0722 * b) / 0.7152, b], axis=-1)
    return np.asarray(np.clip(rgb, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


def _place(name: str) -> Place:
    return next(place for place in PLACES if place.name == name)


def _painted(place: Place, width: int, height: int) -> Bytes:
    return Stage(place, width=width, height=height, seed=SEED).paint(0.8, 0.3)


def _studio(width: int, height: int) -> Bytes:
    return _painted(_place("studio"), width, height)


def _street(width: int, height: int) -> Bytes:
    return _painted(_place("street"), width, height)


def _mat(width: int, height: int) -> Bytes:
    return _painted(_place("workshop"), width, height)


def _noisy(width: int, height: int) -> Bytes:
    noise = np.random.default_rng(SEED).normal(0, 13, (height, width, 3))
    return np.asarray(np.clip(_studio(width, height) + noise, 0, 255), dtype=np.uint8)


def _soft(width: int, height: int) -> Bytes:
    return np.asarray(cv2.GaussianBlur(_studio(width, height), (0, 0), 2.2), dtype=np.uint8)


def _screen(width: int, height: int) -> Bytes:
    """Somebody before a green screen."""
    place = Place(
        name="screen", top=SCREEN, bottom=SCREEN, paints=(SCREEN,) * 5, pattern="mat", subject="person",
        x=0.5, y=0.5, swing=(0.0, 0.0), period_s=1.0,
    )  # fmt: skip
    return _painted(place, width, height)


def _portrait(width: int, height: int) -> Bytes:
    """A face, near: uneven skin, eyes, teeth that have seen much tea."""
    scale = 2
    picture = cv2.resize(_studio(width, height), (width * scale, height * scale))
    picture = cv2.GaussianBlur(picture, (0, 0), 14)
    unit, x, y = height * scale / 100, width * scale // 2, height * scale // 2

    def ellipse(
        dx: float, dy: float, wide: float, tall: float, color: tuple[int, int, int], turn: float = 0
    ) -> None:
        center = (round(x + dx * unit), round(y + dy * unit))
        cv2.ellipse(
            picture, center, (round(wide * unit), round(tall * unit)), turn, 0, 360, color, -1, cv2.LINE_AA
        )

    ellipse(0, -10, 36, 44, (38, 34, 46))
    ellipse(0, 60, 20, 40, (128, 158, 208))
    ellipse(0, -3, 31, 42, (142, 172, 222))
    rng = np.random.default_rng(SEED)
    rough = cv2.resize(rng.normal(0, 1, (height // 8, width // 8)), (width * scale, height * scale))
    skin = np.linalg.norm(picture.astype(np.float64) - (142, 172, 222), axis=-1) < 12
    picture = np.clip(picture + (rough * skin * 6)[..., None] * (1.0, 1.1, 0.5), 0, 255).astype(np.uint8)
    for side in (-1, 1):
        ellipse(side * 12, -12, 6.2, 3.6, (226, 228, 230))
        ellipse(side * 12, -12, 3.2, 3.4, (110, 84, 60))
        ellipse(side * 12, -12, 2.2, 2.4, (150, 118, 84))
        ellipse(side * 12, -12, 1.3, 1.4, (28, 24, 24))
        ellipse(side * 12, -19, 8, 1.3, (40, 44, 62), side * 6)
    ellipse(0, 4, 2.6, 5, (130, 158, 212))
    ellipse(0, 21.5, 12.5, 6.4, (86, 82, 172))
    ellipse(0, 21.5, 10.4, 4.4, (118, 196, 216))
    for tooth in range(-3, 4):
        at = round(x + tooth * 2.8 * unit)
        cv2.line(picture, (at, round(y + 17.8 * unit)), (at, round(y + 25 * unit)), (96, 166, 186), 2)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


SCENES: Final[dict[str, Scene]] = {
    "studio": _studio,
    "street": _street,
    "mat": _mat,
    "noisy": _noisy,
    "soft": _soft,
    "screen": _screen,
    "portrait": _portrait,
}


def _wave() -> bytes:
    """Return a matte: bands that run down and sway."""
    rows, columns = np.mgrid[0:180, 0:320].astype(np.float64)
    way = (columns + 26 * np.sin(rows / 22)) / 400 + rows / 900
    return bytes(cv2.imencode(".png", np.clip(way * 255, 0, 255).astype(np.uint8))[1])


def _disc() -> bytes:
    """Return a matte: a round hole with a soft rim."""
    disc = np.zeros((360, 640), np.uint8)
    cv2.circle(disc, (450, 170), 150, 255, -1, cv2.LINE_AA)
    return bytes(cv2.imencode(".png", cv2.GaussianBlur(disc, (0, 0), 6))[1])


def _teal() -> bytes:
    """Return a look: cold shadows, warm lights."""
    size = 17
    blue, green, red = np.meshgrid(*[np.linspace(0, 1, size)] * 3, indexing="ij")
    rgb = np.stack([red, green, blue], axis=-1)
    light = (rgb @ (0.2126, 0.7152, 0.0722))[..., None]
    toned = rgb + (1 - light) * (-0.10, 0.03, 0.09) + light * (0.10, 0.02, -0.12)
    table = np.clip(toned, 0, 1).astype(np.float32)
    ends = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return write_cube(
        Lut(title="Teal", size=size, kind="3d", domain_min=ends[0], domain_max=ends[1], table=table)
    )


# Contents of files by the name that stands for their hash.
FILES: Final[dict[str, Callable[[], bytes]]] = {"wave": _wave, "disc": _disc, "teal": _teal}
