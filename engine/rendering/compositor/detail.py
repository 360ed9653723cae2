"""Effects on fine detail and on the frame: sharpening, noise taken away or added, dark corners."""

import functools
import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.blur import gaussian, pixels
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.kernels_detail import added, noise, shaded
from engine.rendering.compositor.table import At, effect

Reals = NDArray[np.float32]

# The standard deviation of grain of amount 1 at mid grey, of the signal's 0..1.
GRAIN: Final = 0.12
NOISE: Final = 36.95  # the deviation of what `noise` writes, steps
# How far apart values may lie for a full denoise to take them for one, steps.
ALIKE: Final = 40.0


@effect("vignette")
def vignette(picture: Picture, at: At) -> Picture:
    """Darken, or lighten, towards the corners, along ellipses of the frame's shape."""
    amount = at.number("amount")
    if amount == 0:
        return picture
    picture = ready(picture)
    size, softness = round(at.number("size"), 4), round(max(at.number("softness"), 0.01), 4)
    whole, half = _shade(picture.width, picture.height, size, softness)
    shaded(picture.y, whole, np.float32(amount), np.float32(16))
    shaded(picture.u, half, np.float32(amount), np.float32(128))
    shaded(picture.v, half, np.float32(amount), np.float32(128))
    return picture


@effect("grain")
def grain(picture: Picture, at: At) -> Picture:
    """Add noise to brightness, most of it where the picture is neither dark nor bright; the frame's seed decides which."""
    amount, size = at.number("amount"), max(pixels(picture, at.number("size")), 0.1)
    if amount == 0:
        return picture
    picture = ready(picture)
    grains = np.empty(picture.y.shape, dtype=np.uint8)
    noise(grains, np.uint32(at.seed & 0xFFFFFFFF))
    sigma, deviation = size / 2.5, NOISE
    if sigma > 0.3:
        grains = np.ascontiguousarray(gaussian(grains, sigma), dtype=np.uint8)
        deviation *= _kept(sigma)
    added(picture.y, grains, _seen(), np.float32(amount * GRAIN * 219 / deviation))
    return picture


@effect("sharpen")
def sharpen(picture: Picture, at: At) -> Picture:
    """Add to brightness what differs from its surroundings (an unsharp mask)."""
    amount, radius = at.number("amount"), pixels(picture, at.number("radius"))
    if amount == 0:
        return picture
    picture.y = detailed(picture.y, radius, amount)
    return picture


@effect("denoise")
def denoise(picture: Picture, at: At) -> Picture:
    """Mix each pixel with those around it that are much alike (a bilateral filter), brightness and colour apart."""
    light, colour = at.number("strength"), at.number("colour")
    if light > 0:
        picture.y = _calmed(picture.y, light)
    if colour > 0:
        picture.u, picture.v = _calmed(picture.u, colour), _calmed(picture.v, colour)
    return picture


def detailed(plane: Plane, radius: float, amount: float) -> Plane:
    """Return a plane with `amount` more of what is finer than `radius` pixels."""
    smooth = gaussian(plane, radius)
    return np.asarray(cv2.addWeighted(plane, 1 + amount, smooth, -amount, 0), dtype=np.uint8)


def _calmed(plane: Plane, strength: float) -> Plane:
    return np.asarray(cv2.bilateralFilter(plane, 5, ALIKE * strength, 1.8), dtype=np.uint8)


@functools.lru_cache(maxsize=16)
def _shade(width: int, height: int, size: float, softness: float) -> tuple[Reals, Reals]:
    """Return how much of the shade there is at each pixel, 0..1; `size` and `softness` are parts of the way to a corner."""
    down = (np.arange(height) + 0.5) / height * 2 - 1
    right = (np.arange(width) + 0.5) / width * 2 - 1
    away = np.hypot(*np.meshgrid(down, right, indexing="ij")) / math.sqrt(2)
    part = np.clip((away - size) / softness, 0, 1)
    whole = part * part * (3 - 2 * part)
    half = whole.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return whole.astype(np.float32), half.astype(np.float32)


def _kept(sigma: float) -> float:
    """Return how much of white noise's deviation is left behind a Gaussian: its kernel's squares, summed, in each direction."""
    side = 2 * math.ceil(5 * sigma) + 1
    return float((cv2.getGaussianKernel(side, sigma) ** 2).sum())


@functools.cache
def _seen() -> Reals:
    """Return how much grain each brightness shows: film's is least where it is clear or black."""
    level = np.clip((np.arange(256) - 16) / 219, 0, 1)
    return np.asarray(0.25 + 0.75 * 4 * level * (1 - level), dtype=np.float32)
