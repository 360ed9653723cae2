"""Pictures between two neighbours: what moves is followed from one to the other (slow motion).

Dense inverse search (Kroeger et al., ECCV 2016; OpenCV's DIS) follows each pixel forth and back. Where the two ways do not
meet again, as behind something that moves, the two pictures are mixed as they are; where that is most of the picture
(another shot, a flash), all of it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor import mixing
from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.compositor.kernels_flow import aims, meets

Flow = NDArray[np.float32]
Quality = Literal["high", "medium", "fast"]

# How fine the search is, and how much smaller the picture that it looks at.
_PRESETS: Final[dict[Quality, tuple[int, int]]] = {
    "high": (cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, 1),
    "medium": (cv2.DISOPTICAL_FLOW_PRESET_FAST, 2),
    "fast": (cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST, 4),
}
# Pixels by which the way back may miss where it began, and a part of the way's length.
MISS_PIXELS: Final = 1.0
MISS_PART: Final = 0.1
# More of the picture than this that cannot be followed: it is no movement.
LOST_MOST: Final = 0.4


class Motion:
    """What moves between two pictures."""

    def __init__(self, first: Picture, second: Picture, quality: Quality) -> None:
        """Follow all pixels both ways; the pictures are kept and not written to."""
        self._first, self._second = first, second
        preset, step = _PRESETS[quality]
        search = cv2.DISOpticalFlow.create(preset)
        small = [_smaller(one.y, step) for one in (first, second)]
        nowhere = np.zeros((*small[0].shape, 2), dtype=np.float32)
        self._forth: Flow = np.asarray(search.calc(small[0], small[1], nowhere.copy()), dtype=np.float32)
        self._back: Flow = np.asarray(search.calc(small[1], small[0], nowhere), dtype=np.float32)
        sure = np.ones(small[0].shape, dtype=np.float32)
        for there, again in ((self._forth, self._back), (self._back, self._forth)):
            meets(there, again, np.float32(MISS_PIXELS), np.float32(MISS_PART), sure)
        self.lost = 1.0 - float(sure.mean())
        soft = np.asarray(cv2.GaussianBlur(sure, (0, 0), 2.0) * 255 + 0.5, dtype=np.uint8)
        size = (first.width, first.height)
        self._sure: Plane = np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)

    @property
    def follows(self) -> bool:
        """Whether enough of the picture can be followed; else pictures are mixed."""
        return self.lost <= LOST_MOST

    def at(self, part: float) -> Picture:
        """Return the picture at `part` (0..1) of the way."""
        weight = round(part * 256)
        if weight in (0, 256):
            return (self._second if weight else self._first).copy()
        plain = _mixed(self._first, self._second, weight)
        if not self.follows:
            return plain
        moved = _mixed(
            _pulled(self._first, self._forth, -part),
            _pulled(self._second, self._back, part - 1),
            weight,
        )
        half = np.empty_like(plain.u)
        mixing.halve(self._sure, half)
        for old, new, mask in (
            (plain.y, moved.y, self._sure),
            (plain.u, moved.u, half),
            (plain.v, moved.v, half),
        ):
            mixing.mix_by(old, new, mask, old)
        return plain


def _smaller(plane: Plane, step: int) -> Plane:
    if step == 1:
        return plane
    size = (max(16, plane.shape[1] // step), max(16, plane.shape[0] // step))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _pulled(picture: Picture, flow: Flow, much: float) -> Picture:
    """Return the picture of which each pixel comes from where its flow points to, `much` of the way."""
    y = _moved((picture.y,), flow, much, cv2.INTER_CUBIC)
    return Picture(*y, *_moved((picture.u, picture.v), flow, much, cv2.INTER_LINEAR))


def _moved(planes: tuple[Plane, ...], flow: Flow, much: float, how: int) -> Iterator[Plane]:
    x, y = (np.empty(planes[0].shape, dtype=np.float32) for _ in range(2))
    aims(flow, np.float32(much), x, y)
    for plane in planes:
        made = cv2.remap(plane, x, y, how, borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(made, dtype=np.uint8)


def _mixed(first: Picture, second: Picture, weight: int) -> Picture:
    out = Picture(np.empty_like(first.y), np.empty_like(first.u), np.empty_like(first.v))
    for a, b, made in ((first.y, second.y, out.y), (first.u, second.u, out.u), (first.v, second.v, out.v)):
        mixing.mix(a, b, weight, made)
    return out
