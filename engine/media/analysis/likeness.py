"""How alike two pictures are, when the camera or things in it may have moved a little in between.

The picture is divided into cells; each cell of one is looked for in a wider window of the other, by normalised cross
correlation, so that neither a small movement nor a change of exposure makes two pictures of one scene look different.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.analysis.look import Gray

WIDTH: Final = 96
HEIGHT: Final = 54
CELL: Final = 18  # 5 x 3 cells, with a margin of REACH around them
REACH: Final = 6  # how far a cell may have moved, 1/16 of the width
PART: Final = (36, 28)
FITS: Final = 0.7
FLAT: Final = 2.0  # a cell with less contrast (standard deviation, of 255) has no structure to compare
PLAIN: Final = 8.0  # a cell with so much more contrast than a flat one has nothing in common with it

_CELLS: Final = [(x, y) for y in range(0, HEIGHT - CELL + 1, CELL) for x in range(3, WIDTH - CELL + 1, CELL)]
_PARTS: Final = [(8, 13), (52, 13)]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures are.

    `structure` is 1 for the same scene and about 0.4 or less for unrelated ones, `changed` the part of the cells that
    do not fit, `distance` how much the brightness differs where they fit best, 0..255.
    """

    structure: float
    changed: float
    distance: float


SAME: Final = Likeness(structure=1.0, changed=0.0, distance=0.0)


def small(gray: Gray) -> Gray:
    """Return a picture at the size that is compared: (54, 96)."""
    return np.asarray(cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def difference(first: Gray, second: Gray) -> float:
    """Return the mean difference of two equally large pictures, 0..255, without regard to movement."""
    return float(cv2.norm(first, second, cv2.NORM_L1)) / first.size


def likeness(before: Gray, after: Gray) -> Likeness:
    """Compare two small pictures. Two pictures without any structure are alike in it."""
    weights, fits, distances = [], [], []
    for x, y in _CELLS:
        cell = after[y : y + CELL, x : x + CELL]
        window = before[max(0, y - REACH) : y + CELL + REACH, max(0, x - REACH) : x + CELL + REACH]
        here = before[y : y + CELL, x : x + CELL]
        contrast, earlier = float(cell.std()), float(here.std())
        distances.append(_distance(window, cell))
        weights.append(max(contrast, earlier))
        if min(contrast, earlier) < FLAT:
            fits.append(max(0.0, 1.0 - abs(contrast - earlier) / PLAIN))
        else:
            fits.append(max(0.0, float(cv2.matchTemplate(window, cell, cv2.TM_CCOEFF_NORMED).max())))
    weight, fit = np.array(weights) + 1.0, np.array(fits)
    return Likeness(
        structure=float(weight @ fit / weight.sum()),
        changed=float((fit < FITS).mean()),
        distance=float(np.mean(distances)),
    )


def found_again(first: Gray, second: Gray) -> float:
    """Return how well parts of the second picture are found anywhere in the first, 0..1.

    Unlike `likeness` this follows a camera that has moved far. A picture that is half one scene and half another is
    found again in one of the two with at most 0.71, whatever their contrasts: 1 / sqrt(1 + r^2) and r / sqrt(1 + r^2).
    """
    fits, weights = [], []
    for x, y in _PARTS:
        part = second[y : y + PART[1], x : x + PART[0]]
        contrast = float(part.std())
        if contrast >= FLAT:
            fits.append(max(0.0, float(cv2.matchTemplate(first, part, cv2.TM_CCOEFF_NORMED).max())))
            weights.append(contrast)
    return float(np.average(fits, weights=weights)) if fits else 1.0


def _distance(window: Gray, cell: Gray) -> float:
    """Return the smallest root mean square difference of a cell over all places in its window."""
    squares = cv2.matchTemplate(window, cell, cv2.TM_SQDIFF)
    return float(np.sqrt(max(0.0, float(squares.min())) / cell.size))


def blend(pictures: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Fit a run of pictures, shape (n, pixels), as mixes of its first and its last.

    Returns:
        How much of the last is in each, shape (n,), 0 for the first and 1 for the last; and how badly that explains
        them: what is left over, as a part of how much the first and the last differ.
    """
    first, last = pictures[0], pictures[-1]
    way = last - first
    length = float(way @ way)
    if length == 0:
        return np.zeros(len(pictures)), 0.0
    moved = pictures - first
    parts = (moved @ way).astype(np.float64) / length
    left = ((moved - parts[:, None].astype(np.float32) * way) ** 2).sum(axis=1)
    return parts, float(left.mean() / length)
