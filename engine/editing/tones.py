"""Curves that a person draws over brightness: points, and what lies between them.

    0,0 0.25,0.18 0.75,0.85 1,1

Each point is `in,out`, both 0..1, in order of `in`. Before the first and after the last the curve is level; between them
it is smooth, and where the points rise it rises.
"""

import itertools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.kernel.errors import Invalid

Points = tuple[tuple[float, float], ...]

POINTS_MAX: Final = 32


def points_of(text: str, *, field: str = "curve") -> Points:
    """Return the points of a drawn curve.

    Raises:
        Invalid: it is not `in,out in,out ...` with 2 to 32 points, each 0..1, `in` growing.
    """
    try:
        points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in text.split()))
    except ValueError:
        points = ()
    fits = all(0 <= value <= 1 for point in points for value in point)
    grows = all(a[0] < b[0] for a, b in itertools.pairwise(points))
    if not (2 <= len(points) <= POINTS_MAX and fits and grows):
        raise Invalid(
            f"{text[:60]!r} is no curve: it takes 2 to {POINTS_MAX} points like '0,0 0.5,0.6 1,1', all 0 to 1, "
            "from left to right",
            field=field,
        )
    return points


def through(points: Points, levels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the curve's height at each of `levels`.

    Cubic pieces whose slopes keep the curve between neighbouring points (Fritsch and Carlson, "Monotone Piecewise Cubic
    Interpolation", SIAM J. Numer. Anal. 17, 1980; the slopes are Fritsch and Butland's harmonic means, 1984).
    """
    x, y = np.array(points).T
    width, rise = np.diff(x), np.diff(y) / np.diff(x)
    slopes = np.zeros(len(x))
    before, after = rise[:-1], rise[1:]
    same = before * after > 0
    first, second = (2 * width[1:] + width[:-1])[same], (width[1:] + 2 * width[:-1])[same]
    slopes[1:-1][same] = (first + second) / (first / before[same] + second / after[same])
    slopes[0], slopes[-1] = rise[0], rise[-1]
    place = np.clip(np.searchsorted(x, levels, side="right") - 1, 0, len(width) - 1)
    t = np.clip((levels - x[place]) / width[place], 0, 1)
    h00, h10 = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2
    h01, h11 = t * t * (3 - 2 * t), t * t * (t - 1)
    tall = width[place]
    return np.asarray(
        h00 * y[place] + h10 * tall * slopes[place] + h01 * y[place + 1] + h11 * tall * slopes[place + 1]
    )
