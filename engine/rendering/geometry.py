"""Which part of a picture is shown, and where it lies: from centres in 0..1 to whole pixels.

The window is the largest of the target's shape that fits into the picture. Its place is kept in pixels of the output,
so that a slow move is as smooth as the output allows and not as coarse as the source.
"""

from fractions import Fraction
from typing import Final

from engine.rendering.graph import Numbers, Window
from engine.rendering.walking import at, folded

# With colour at half resolution (4:2:0) only even places and sizes exist.
STEP: Final = 2


def window(
    turned: tuple[int, int],
    shown: tuple[int, int],
    shape: tuple[int, int] | None,
    target: tuple[int, int],
    centers: tuple[Numbers, Numbers],
    count: int,
) -> Window:
    """Return the window for each of `count` frames.

    Args:
        turned: width and height of the picture's stored pixels after rotation.
        shown: width and height as shown; differs from `turned` where pixels are not square.
        shape: width and height to whose proportion the picture is cut; None: all of it is shown, whatever its shape.
        target: width and height of the canvas that it fills.
        centers: where the middle of the window should be, x and y, 0..1 of the picture; it is kept inside.
        count: how many frames; the centers have one value for all, or one for each.
    """
    if shape is None:
        width, height = (side // STEP * STEP for side in turned)
        return Window(width=width, height=height, left=(0,), top=(0,))
    aspect = Fraction(*shape)
    size = (
        _even(min(Fraction(shown[0]), shown[1] * aspect) * turned[0] / shown[0]),
        _even(min(Fraction(shown[1]), shown[0] / aspect) * turned[1] / shown[1]),
    )
    left, top = (
        folded(
            tuple(
                _place(at(centers[axis], place), size[axis], turned[axis], target[axis])
                for place in range(count if len(centers[axis]) > 1 else 1)
            )
        )
        for axis in (0, 1)
    )
    return Window(width=size[0], height=size[1], left=left, top=top, moves=len(left) > 1 or len(top) > 1)


def _place(center: float, size: int, turned: int, target: int) -> int:
    """Return where the window begins, in even pixels of the canvas."""
    start = min(max(center * turned - size / 2, 0.0), float(turned - size))
    most = (turned - size) * target // size // STEP * STEP
    return min(most, round(start * target / size / STEP) * STEP)


def _even(size: Fraction) -> int:
    return max(STEP, int(size) // STEP * STEP)
