"""Transitions: one picture becomes another."""

import cv2
import numpy as np

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.table import At, transition


@transition("dissolve")
def dissolve(first: Picture, second: Picture, progress: float, _at: At) -> Picture:
    """Mix both, the second rising."""
    return Picture(
        *(_mixed(a, b, progress) for a, b in ((first.y, second.y), (first.u, second.u), (first.v, second.v)))
    )


def _mixed(first: Plane, second: Plane, part: float) -> Plane:
    return np.asarray(cv2.addWeighted(first, 1 - part, second, part, 0), dtype=np.uint8)
