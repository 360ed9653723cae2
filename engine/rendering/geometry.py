"""Which part of a picture is shown, and where it lies: from centres in 0..1 to whole pixels.

The window is the largest of the target's shape that fits into the picture. Its place is kept in pixels of the output,
so that a slow move is as smooth as the output allows and not as coarse as the source.
"""

from fractions import Fraction
from typing import Final

from engine.editing.curves import Curve, value_at
from engine.rendering.graph import Window
from engine.rendering.walking import folded

# With colour at half resolution (4:2:0) only even places and sizes exist.
STEP: Final = 2


def window(
    turned: tuple[int, int],
    shown: tuple[int, int],
    target: tuple[int, int],
    centers: tuple[Curve, Curve],
    times: tuple[Fraction, ...],
) -> Window:
    """Return the window for each of the clip's frames.

    Args:
        turned: width and height of the picture's stored pixels after rotation.
        shown: width and height as shown; differs from `turned` where pixels are not square.
        target: width and height of the output.
        centers: where the middle of the window should be, x and y, 0..1 of the picture; it is kept inside.
        times: of each output frame, seconds from the clip's start.
    """
    aspect = Fraction(*target)
    width = min(Fraction(shown[0]), shown[1] * aspect) * turned[0] / shown[0]
    height = min(Fraction(shown[1]), shown[0] / aspect) * turned[1] / shown[1]
    size = (_even(width), _even(height))
    left, top = (
        tuple(_place(value_at(centers[axis], time), size[axis], turned[axis], target[axis]) for time in times)
        for axis in (0, 1)
    )
    left, top = folded(left), folded(top)
    return Window(width=size[0], height=size[1], left=left, top=top, moves=len(left) > 1 or len(top) > 1)


def _place(center: float, size: int, turned: int, target: int) -> int:
    """Return where the window begins, in even pixels of the output."""
    start = min(max(center * turned - size / 2, 0.0), float(turned - size))
    most = (turned - size) * target // size // STEP * STEP
    return min(most, round(start * target / size / STEP) * STEP)


def _even(size: Fraction) -> int:
    return max(STEP, int(size) // STEP * STEP)
