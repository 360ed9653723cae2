"""Where a picture comes to lie on the canvas: the size it is made at, and the matrix that takes its pixels there."""

from msgspec.structs import replace

from engine.rendering.compiling.fitting import Fitted
from engine.rendering.compiling.moving import Moved
from engine.rendering.graph import Node, Placed
from engine.rendering.walking import folded


def own_size(fit: Fitted, way: Moved | None, room: tuple[float, float] | None) -> tuple[int, int]:
    """Return how large the picture is made before it is placed: as it will be seen, but not larger than the source."""
    scale = 1.0 if way is None else way.largest
    if way is not None and way.still:
        # It is made at the very size at which it stands, so that nothing is sampled twice.
        matrix = way.matrices[0]
        if matrix[0] <= 1 and matrix[4] <= 1:
            return _even(fit.width * matrix[0]), _even(fit.height * matrix[4])
    if room is not None:
        scale = min(scale, max(1.0, room[0] / fit.width))
    return _even(fit.width * scale), _even(fit.height * scale)


def onto(
    inside: Node, size: tuple[int, int], fit: Fitted, way: Moved | None, canvas: tuple[int, int]
) -> Placed:
    """Return a picture of `size` pixels where it lies on the canvas (width, height), frame by frame where it moves."""
    if way is None:
        left, top = (canvas[0] - fit.width) / 2, (canvas[1] - fit.height) / 2
        if size == (_even(fit.width), _even(fit.height)):
            return _upright(inside, size, left, top)
        return _sized(inside, size, (fit.width / size[0], fit.height / size[1]), left, top)
    matrix = way.matrices[0]
    if way.still and size == (_even(fit.width * matrix[0]), _even(fit.height * matrix[4])):
        cut = way.edges[0]
        placed = _upright(inside, size, matrix[2], matrix[5])
        scale = (size[0] / fit.width, size[1] / fit.height)
        return replace(
            placed,
            left=(_snapped(cut[0] * scale[0]),),
            top=(_snapped(cut[1] * scale[1]),),
            right=(_snapped(cut[2] * scale[0]),),
            bottom=(_snapped(cut[3] * scale[1]),),
        )
    across, down = fit.width / size[0], fit.height / size[1]
    rows = [
        (xx * across, xy * down, x0, yx * across, yy * down, y0) for xx, xy, x0, yx, yy, y0 in way.matrices
    ]
    columns = [folded(tuple(column)) for column in zip(*rows, strict=True)]
    cuts = [
        folded(tuple(edge[side] / (across if side % 2 == 0 else down) for edge in way.edges))
        for side in range(4)
    ]
    return Placed(
        input=inside, width=size[0], height=size[1],
        xx=columns[0], xy=columns[1], x0=columns[2], yx=columns[3], yy=columns[4], y0=columns[5],
        left=cuts[0], top=cuts[1], right=cuts[2], bottom=cuts[3],
    )  # fmt: skip


def _upright(inside: Node, size: tuple[int, int], left: float, top: float) -> Placed:
    """Lay a picture that stands still on even pixels, so that it is taken as it is."""
    return _sized(inside, size, (1.0, 1.0), _snapped(left), _snapped(top))


def _sized(
    inside: Node, size: tuple[int, int], scale: tuple[float, float], left: float, top: float
) -> Placed:
    return Placed(
        input=inside, width=size[0], height=size[1],
        xx=(scale[0],), xy=(0.0,), x0=(left,), yx=(0.0,), yy=(scale[1],), y0=(top,),
    )  # fmt: skip


def _snapped(place: float) -> float:
    return float(round(place / 2) * 2)


def _even(size: float) -> int:
    return max(2, round(size / 2) * 2)
