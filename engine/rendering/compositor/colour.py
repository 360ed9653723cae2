"""Effects that change each pixel by itself."""

import functools

import numpy as np

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.table import At, effect


@effect("exposure")
def exposure(picture: Picture, at: At) -> Picture:
    """Multiply the light by two to the power of `stops`."""
    picture.y = _exposed(round(at.number("stops"), 3))[picture.y]
    return picture


@functools.lru_cache(maxsize=256)
def _exposed(stops: float) -> Plane:
    # Light is about brightness to the power of 2.4 (ITU-R BT.1886).
    level = np.clip((np.arange(256) - 16) / 219, 0, 1)
    return np.asarray(np.clip(16 + 219 * level * 2 ** (stops / 2.4), 16, 235).round(), dtype=np.uint8)
