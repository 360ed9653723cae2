"""Effects that change each pixel by itself, on brightness and colour as they are stored.

Results are rounded to the nearest step, halves up, and held to 16..235 (colour 16..240). A neutral value leaves the
picture as it is, also what lies beyond those limits.
"""

import functools
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.kernels import matrixed, toned
from engine.rendering.compositor.table import At, effect

Reals = NDArray[np.float64]

DISPLAY_GAMMA: Final = 2.4  # light is about brightness to this power (ITU-R BT.1886)
NEUTRAL_K: Final = 6500.0
# How far `tint` at 1 moves green against red and blue, in stops of light.
TINT_STOPS: Final = 0.5
# Red, green, blue from brightness and the two colours, all in units of the signal (ITU-R BT.709-6, 3.2 and 3.3).
TO_RGB: Final = np.array([[1, 0, 1.5748], [1, -0.18732427, -0.46812427], [1, 1.8556, 0]])
FROM_RGB: Final = np.linalg.inv(TO_RGB)
# Steps of the stored signal for one unit: brightness 219, colour 224 (the same, 3.5).
STEPS: Final = np.array([219.0, 224.0, 224.0])
_KEPT: Final = 256  # tables: a keyframed value makes one for each frame


@effect("exposure")
def exposure(picture: Picture, at: At) -> Picture:
    """Multiply the light by two to the power of `stops`: brightness and colour alike."""
    stops = round(at.number("stops"), 3)
    return picture if stops == 0 else _through(picture, *_exposed(stops))


@effect("contrast")
def contrast(picture: Picture, at: At) -> Picture:
    """Spread brightness around `pivot`, and colour with it."""
    amount, pivot = round(at.number("amount"), 3), round(at.number("pivot"), 3)
    return picture if amount == 1 else _through(picture, *_spread(amount, pivot))


@effect("saturation")
def saturation(picture: Picture, at: At) -> Picture:
    """Multiply the distance from grey."""
    amount = round(at.number("amount"), 3)
    if amount == 1:
        return picture
    table = _coloured(amount)
    picture.u, picture.v = _looked_up(picture.u, table), _looked_up(picture.v, table)
    return picture


@effect("temperature")
def temperature(picture: Picture, at: At) -> Picture:
    """Take the picture as lit by another white: red, green and blue each get a gain of their own; white stays as bright."""
    kelvin, tint = round(at.number("kelvin")), round(at.number("tint"), 3)
    if kelvin == NEUTRAL_K and tint == 0:
        return picture
    picture = ready(picture)
    matrixed(picture.y, picture.u, picture.v, _white_moved(kelvin, tint))
    return picture


def _through(picture: Picture, table: Plane, gains: NDArray[np.float32]) -> Picture:
    picture = ready(picture)
    toned(picture.y, picture.u, picture.v, table, gains)
    return picture


def _looked_up(plane: Plane, table: Plane) -> Plane:
    return np.asarray(cv2.LUT(plane, table), dtype=np.uint8)


@functools.lru_cache(maxsize=_KEPT)
def _exposed(stops: float) -> tuple[Plane, NDArray[np.float32]]:
    level = (np.arange(256) - 16) / 219
    gain = 2 ** (stops / DISPLAY_GAMMA)
    return _stored(level * gain), _followed(level * gain, np.full(256, gain))


@functools.lru_cache(maxsize=_KEPT)
def _spread(amount: float, pivot: float) -> tuple[Plane, NDArray[np.float32]]:
    level = pivot + ((np.arange(256) - 16) / 219 - pivot) * amount
    # Where nearly all light is gone there is little colour left to see.
    dark = np.clip(4 * level, 0, 1)
    return _stored(level), _followed(level, amount * (dark if amount > 1 else np.ones(256)))


def _stored(level: Reals) -> Plane:
    """Return brightness 0..1 in stored steps."""
    return np.asarray(np.floor(np.clip(16 + 219 * level, 16, 235) + 0.5), dtype=np.uint8)


def _followed(level: Reals, gains: Reals) -> NDArray[np.float32]:
    """Return by how much colour is multiplied at each brightness; beyond white it fades, for white has no colour."""
    return np.asarray(gains / np.maximum(level, 1) ** 3, dtype=np.float32)


@functools.lru_cache(maxsize=_KEPT)
def _coloured(amount: float) -> Plane:
    colour = 128 + (np.arange(256) - 128) * amount
    return np.asarray(np.floor(np.clip(colour, 16, 240) + 0.5), dtype=np.uint8)


@functools.lru_cache(maxsize=_KEPT)
def _white_moved(kelvin: float, tint: float) -> NDArray[np.float32]:
    """Return the 3x3 matrix, in stored steps, that makes a picture as warm as `kelvin` says; more is warmer."""
    light = white_of(NEUTRAL_K) / white_of(kelvin)
    light *= 2 ** (np.array([0.5, -0.5, 0.5]) * TINT_STOPS * tint)
    gains = light ** (1 / DISPLAY_GAMMA)
    gains /= FROM_RGB[0] @ gains
    whole = FROM_RGB @ np.diag(gains) @ TO_RGB
    return np.asarray(whole * STEPS[:, None] / STEPS[None, :], dtype=np.float32).ravel()


def white_of(kelvin: float) -> Any:
    """Return a glowing body's red, green and blue light (BT.709 primaries), green 1.

    Its chromaticity: Krystek, "An algorithm to calculate correlated colour temperature", Color Research and
    Application 10 (1985), good to 8e-5 in u and v between 1000 and 15000 kelvin.
    """
    t = kelvin
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (
        1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t
    )
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (
        1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t
    )
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)  # CIE 1960 to 1931
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    # IEC 61966-2-1, its primaries being those of BT.709.
    rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]) @ xyz
    return np.maximum(rgb, 1e-3) / rgb[1]
