"""Effects that make parts of a picture transparent: by colour, by brightness, by another picture."""

import functools
import math
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernel.errors import Invalid, WorkFailed
from engine.rendering.compositor.canvas import Picture, Plane, yuv_of
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.kernels_detail import keyed
from engine.rendering.compositor.mixing import mix_by
from engine.rendering.compositor.table import At, effect

Tables = tuple[Plane, Plane, Plane]

COLOUR_MIN: Final = 12.0  # steps from grey: a key of less is nearly grey and would take what is grey with it


@effect("chroma_key")
def chroma_key(picture: Picture, at: At) -> Picture:
    """Make transparent what has the key's colour, however bright, and take its shine off the rest.

    How much of the key a colour has is how far it goes the key's way, less how far it strays to the side, the key itself
    being 1: a colour difference key (Vlahos, US patent 3,595,987, 1971) turned to any colour.

    Raises:
        Invalid: the key is nearly grey.
    """
    values = (at.number(name) for name in ("tolerance", "softness", "despill"))
    alphas, us, vs = _tables(at.text("colour"), *(round(value, 3) for value in values))
    picture = ready(picture)
    half = np.empty(picture.u.shape, dtype=np.uint8)
    keyed(picture.u, picture.v, alphas, us, vs, half)
    size = (picture.width, picture.height)
    return _limited(
        picture, np.asarray(cv2.resize(half, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    )


@effect("luma_key")
def luma_key(picture: Picture, at: At) -> Picture:
    """Make transparent what is darker than `level`, or brighter."""
    level, softness = round(at.number("level"), 4), round(at.number("softness"), 4)
    table = _lit(level, softness, at.number("invert") >= 0.5)
    return _limited(picture, np.asarray(cv2.LUT(picture.y, table), dtype=np.uint8))


@effect("matte")
def matte(picture: Picture, at: At) -> Picture:
    """Keep of the picture what is white in another, or opaque where that has an alpha of its own."""
    whole = _matte(at.file("file"), picture.width, picture.height)
    return _limited(picture, 255 - whole if at.number("invert") >= 0.5 else whole)


def matted(picture: Picture, matte: Picture, channel: Literal["luma", "alpha"], *, inverted: bool) -> Picture:
    """Keep of a picture what another of its size shows: what is bright there, or opaque; it may write into both."""
    shown = cv2.LUT(matte.y, _brightness()) if channel == "luma" else np.full_like(matte.y, 255)
    if matte.alpha is not None:
        shown = cv2.multiply(shown, matte.alpha, scale=1 / 255) if channel == "luma" else matte.alpha
    mask = np.asarray(255 - shown if inverted else shown, dtype=np.uint8)
    return _limited(picture, mask)


@functools.cache
def _brightness() -> Plane:
    """Return what is to be seen for each stored brightness: black, 16, nothing; white, 235, all (ITU-R BT.709, 8 bits)."""
    return _bytes((np.arange(256) - 16) / 219 * 255)


def _limited(picture: Picture, mask: Plane) -> Picture:
    """Multiply the picture's alpha with a mask."""
    if picture.alpha is None:
        picture.alpha = mask.copy()
        return picture
    before, clear = np.ascontiguousarray(picture.alpha), np.zeros(mask.shape, dtype=np.uint8)
    picture.alpha = np.empty(mask.shape, dtype=np.uint8)
    mix_by(clear, before, np.ascontiguousarray(mask), picture.alpha)
    return picture


@functools.lru_cache(maxsize=64)
def _tables(colour: str, tolerance: float, softness: float, despill: float) -> Tables:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    _, key_u, key_v = yuv_of(red, green, blue)
    length = math.hypot(key_u - 128, key_v - 128)
    if length < COLOUR_MIN:
        raise Invalid(
            f"{colour} is nearly grey: chroma_key takes a colour such as '#00b140'; luma_key takes light or dark",
            field="colour",
        )
    way = np.array([key_u - 128, key_v - 128]) / length
    u, v = (plane.astype(np.float64) - 128 for plane in np.mgrid[0:256, 0:256])
    along, across = u * way[0] + v * way[1], np.abs(u * way[1] - v * way[0])
    keyness = (along - across) / length
    solid = 1 - tolerance - softness
    part = np.clip((1 - tolerance - keyness) / max(softness, 0.004), 0, 1) if solid < 1 else np.ones(u.shape)
    spill = despill * np.maximum(keyness, 0) * length
    us, vs = u - spill * way[0], v - spill * way[1]
    return _bytes(part * 255), _bytes(us + 128), _bytes(vs + 128)


def _bytes(plane: NDArray[np.float64]) -> Plane:
    return np.asarray(np.floor(np.clip(plane, 0, 255) + 0.5), dtype=np.uint8)


@functools.lru_cache(maxsize=256)
def _lit(level: float, softness: float, inverted: bool) -> Plane:
    light = (np.arange(256) - 16) / 219
    part = np.clip((light - level) / max(softness, 0.004) + 0.5, 0, 1)
    return _bytes((1 - part if inverted else part) * 255)


@functools.lru_cache(maxsize=8)
def _matte(content: bytes, width: int, height: int) -> Plane:
    read = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype not in (np.uint8, np.uint16):
        raise WorkFailed("the matte is no picture that can be read (PNG, JPEG, WebP)", stage="filter")
    if read.dtype == np.uint16:
        read = np.asarray(read // 257, dtype=np.uint8)
    if read.ndim == 3:
        read = read[..., 3] if read.shape[2] == 4 else cv2.cvtColor(read, cv2.COLOR_BGR2GRAY)
    shrinks = read.shape[0] > height or read.shape[1] > width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(read, (width, height), interpolation=how), dtype=np.uint8)
