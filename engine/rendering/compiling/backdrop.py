"""A picture cut to a canvas of another shape, and the blurred one of itself that lies behind it where it does not reach."""

from __future__ import annotations

from typing import Final

from engine.rendering.graph import Effected, Node, Numbers, Placed
from engine.rendering.walking import folded

# A blurred background is made this much smaller than the canvas, and smooth by being enlarged.
BLUR_STEP: Final = 24
Size = tuple[int, int]


def small(canvas: Size) -> Size:
    """Return the size at which a background is made before it is enlarged to the canvas, pixels (even)."""
    width, height = (max(2, round(side / BLUR_STEP / 2) * 2) for side in canvas)
    return width, height


def covering(node: Node, size: Size, canvas: Size, centers: tuple[Numbers, Numbers]) -> Placed:
    """Return a picture as large as it takes to cover a canvas, what is beyond it cut off.

    Args:
        node: the picture.
        size: width and height that it is made in, pixels.
        canvas: what it covers, pixels.
        centers: where the middle of what is seen should be, x and y, 0..1 of the picture; it is kept inside.
    """
    scale = max(canvas[0] / size[0], canvas[1] / size[1])
    left, top = (
        folded(tuple(_beginning(center, size[axis] * scale, canvas[axis]) for center in centers[axis]))
        for axis in (0, 1)
    )
    return _scaled(node, size, (scale, scale), left, top)


def enlarged(node: Node, canvas: Size, dim: float) -> Node:
    """Return a background that was made `small` in the canvas's own size, `dim` stops darker."""
    size = small(canvas)
    filling = _scaled(node, size, (canvas[0] / size[0], canvas[1] / size[1]), (0.0,), (0.0,))
    return Effected(input=filling, name="exposure", values={"stops": (-dim,)}) if dim else filling


def _scaled(node: Node, size: Size, scale: tuple[float, float], left: Numbers, top: Numbers) -> Placed:
    return Placed(
        input=node, width=size[0], height=size[1],
        xx=(scale[0],), xy=(0.0,), x0=left, yx=(0.0,), yy=(scale[1],), y0=top,
    )  # fmt: skip


def _beginning(center: float, size: float, canvas: int) -> float:
    """Return where the picture begins on the canvas, in even pixels, as windows of footage are."""
    start = min(0.0, max(canvas - size, canvas / 2 - center * size))
    return float(round(start / 2) * 2)
