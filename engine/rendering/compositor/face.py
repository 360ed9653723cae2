"""Effects for faces. Each acts on the whole picture that it is given; the region they are used with says where.

Nothing here looks for faces: a region is drawn by hand, or comes from an analysis.
"""

import functools
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.blur import blurred, pixelate, pixels
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.detail import detailed
from engine.rendering.compositor.kernels_detail import whitened
from engine.rendering.compositor.mixing import mix_by
from engine.rendering.compositor.table import At, effect

# Where skin lies among the colours of BT.709: middle, half axes and turn of an ellipse, steps. It covers the ten tones of
# Monk's scale (2022) and, along the same line, skin in warmer light.
SKIN: Final = ((108.0, 145.0), (20.0, 8.0), -0.70)
ALIKE: Final = 22.0  # steps that a blemish may differ from its surroundings
FINE: Final = 6.0  # px at 1080 lines: eyelashes, the rim of the iris
LIGHTER: Final = 26.0  # steps


@effect("face_blur")
def face_blur(picture: Picture, at: At) -> Picture:
    """Make a face unrecognisable, by blur or by blocks."""
    if at.text("style") == "blocks":
        return pixelate(picture, At({"size": at.number("size")}, {}))
    return blurred(picture, pixels(picture, at.number("size")))


@effect("skin_smooth")
def skin_smooth(picture: Picture, at: At) -> Picture:
    """Even out what has the colour of skin; edges stay, and so does what is much finer than `radius`."""
    strength = at.number("strength")
    if strength == 0:
        return picture
    # Unevenness of some pixels' size is found in a picture in which it is about two pixels large.
    factor = min(max(2, round(pixels(picture, at.number("radius")) / 2.5)), 16)
    size = max(1, picture.width // factor), max(1, picture.height // factor)
    small = cv2.resize(picture.y, size, interpolation=cv2.INTER_AREA)
    even = cv2.bilateralFilter(small, 9, ALIKE, 2.5)
    # Only what has changed there is carried over: what is finer is not touched.
    change = cv2.subtract(even, small, dtype=cv2.CV_16S)
    whole = cv2.resize(change, (picture.width, picture.height), interpolation=cv2.INTER_LINEAR)
    smoothed = np.ascontiguousarray(cv2.add(picture.y, whole, dtype=cv2.CV_8U), dtype=np.uint8)
    skin = _skin_of(picture, strength)
    y = np.empty_like(smoothed)
    mix_by(np.ascontiguousarray(picture.y), smoothed, skin, y)
    picture.y = y
    return picture


@effect("eye_enhance")
def eye_enhance(picture: Picture, at: At) -> Picture:
    """Bring out what is fine, and lift what is neither dark nor bright."""
    detail, light = at.number("detail"), at.number("brighten")
    if detail > 0:
        picture.y = detailed(picture.y, max(pixels(picture, FINE), 0.5), detail)
    if light > 0:
        picture.y = np.asarray(cv2.LUT(picture.y, _lifted(round(light, 3))), dtype=np.uint8)
    return picture


@effect("teeth_whiten")
def teeth_whiten(picture: Picture, at: At) -> Picture:
    """Take the yellow out of what is bright and not red, and brighten it a little."""
    strength = np.float32(at.number("strength"))
    if strength == 0:
        return picture
    picture = ready(picture)
    whitened(picture.y, picture.u, picture.v, _whites(), strength, np.float32(LIGHTER))
    return picture


def _skin_of(picture: Picture, strength: float) -> Plane:
    half = _skin()[picture.u, picture.v]
    whole = cv2.resize(half, (picture.width, picture.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.convertScaleAbs(whole, alpha=strength), dtype=np.uint8)


@functools.cache
def _skin() -> Plane:
    """Return how much each pair of colours `[u, v]` is that of skin, 0..255."""
    (middle_u, middle_v), (long, short), turn = SKIN
    u, v = (plane.astype(np.float64) for plane in np.mgrid[0:256, 0:256])
    along = (u - middle_u) * np.cos(turn) + (v - middle_v) * np.sin(turn)
    across = (v - middle_v) * np.cos(turn) - (u - middle_u) * np.sin(turn)
    away = np.hypot(along / long, across / short)
    return np.asarray(255 * np.clip((1.4 - away) / 0.4, 0, 1), dtype=np.uint8)


@functools.cache
def _whites() -> NDArray[np.float32]:
    """Return how much each pair of colours `[u, v]` is that of teeth, white to yellow, 0..1; gums and lips are redder."""
    u, v = (plane.astype(np.float64) - 128 for plane in np.mgrid[0:256, 0:256])
    not_red = np.clip((16 - (v + 0.35 * u)) / 8, 0, 1)
    not_blue = np.clip((8 - u) / 6, 0, 1)
    not_strong = np.clip((46 - np.hypot(u, v)) / 12, 0, 1)
    return np.asarray(not_red * not_blue * not_strong, dtype=np.float32)


@functools.lru_cache(maxsize=256)
def _lifted(light: float) -> Plane:
    level = np.clip((np.arange(256) - 16) / 219, 0, 1)
    # A parabola: black and white stay.
    return np.asarray(np.floor(16.5 + 219 * (level + light * 0.6 * level * (1 - level))), dtype=np.uint8)
