"""Pictures between two neighbours: what moves is followed from one to the other (slow motion).

Dense inverse search (Kroeger et al., ECCV 2016; OpenCV's DIS) follows each pixel forth and back. Where the two ways do not
meet again, as behind something that moves, the two pictures are mixed as they are; where that is most of the picture
(another shot, a flash), all of it is.
"""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor import mixing
from engine.rendering.compositor.canvas import Picture, Plane

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
        forth: Flow = np.asarray(search.calc(small[0], small[1], nowhere.copy()), dtype=np.float32)
        back: Flow = np.asarray(search.calc(small[1], small[0], nowhere), dtype=np.float32)
        sure = np.minimum(_meets(forth, back), _meets(back, forth))
        self.lost = 1.0 - float(sure.mean())
        size = (first.width, first.height)
        self._forth, self._back = _larger(forth, size), _larger(back, size)
        soft = cv2.GaussianBlur(sure, (0, 0), 2.0)
        self._sure = np.asarray(
            cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR) * 255 + 0.5, dtype=np.uint8
        )

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
            _pulled(self._first, self._forth * np.float32(-part)),
            _pulled(self._second, self._back * np.float32(part - 1)),
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


def _larger(flow: Flow, size: tuple[int, int]) -> Flow:
    height, width = flow.shape[:2]
    if (width, height) == size:
        return flow
    made = np.asarray(cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    return made * np.array([size[0] / width, size[1] / height], dtype=np.float32)


def _meets(forth: Flow, back: Flow) -> NDArray[np.float32]:
    """Return 1 where the way there and back ends near where it began, else 0."""
    again = _at(back, forth)
    miss = np.hypot(forth[..., 0] + again[..., 0], forth[..., 1] + again[..., 1])
    length = np.hypot(forth[..., 0], forth[..., 1])
    return np.asarray(miss <= MISS_PIXELS + MISS_PART * length, dtype=np.float32)


def _at(values: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32)[None, :] + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    made = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, dtype=np.float32)


def _pulled(picture: Picture, flow: Flow) -> Picture:
    """Return the picture of which each pixel comes from where its flow points to."""
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32)[None, :] + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    half_x, half_y = (
        np.asarray(
            (cv2.resize(one, (width // 2, height // 2), interpolation=cv2.INTER_AREA) - 0.5) / 2,
            dtype=np.float32,
        )
        for one in (x, y)
    )

    def moved(plane: Plane, to_x: NDArray[np.float32], to_y: NDArray[np.float32], how: int) -> Plane:
        made = cv2.remap(plane, to_x, to_y, how, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(made, dtype=np.uint8)

    return Picture(
        moved(picture.y, x, y, cv2.INTER_CUBIC),
        moved(picture.u, half_x, half_y, cv2.INTER_LINEAR),
        moved(picture.v, half_x, half_y, cv2.INTER_LINEAR),
    )


def _mixed(first: Picture, second: Picture, weight: int) -> Picture:
    out = Picture(np.empty_like(first.y), np.empty_like(first.u), np.empty_like(first.v))
    for a, b, made in ((first.y, second.y, out.y), (first.u, second.u, out.u), (first.v, second.v, out.v)):
        mixing.mix(a, b, weight, made)
    return out
