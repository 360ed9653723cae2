"""Where sound begins abruptly: a consonant, a drum, a clap."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.signals import Samples

CELL_S: Final = 0.0005
BEFORE: Final = 20  # cells that say how loud it was before
RISE: Final = 10.0  # times the power
LEAST: Final = 1e-7  # power of the differences: what is softer is no beginning
# Samples around a stretch that the answer for it depends on.
MARGIN: Final = 2048


def onsets_of(medium: Samples, first: int, rate: int) -> NDArray[np.int64]:
    """Return the samples, sorted, at which sound begins abruptly, to half a millisecond.

    Args:
        medium: samples of a medium.
        first: the place of the first of them in it; cells of time count from the medium's sample 0, so that the answer is
            the same whatever stretch is looked at.
        rate: samples a second.
    """
    size = max(1, round(CELL_S * rate))
    skip = -first % size
    mono = medium[0, skip:] + medium[1, skip:]
    # Differences: what is low and steady weighs little.
    high = np.diff(mono, prepend=mono[:1]).astype(np.float64)
    cells = high.size // size
    power = np.square(high[: cells * size]).reshape(cells, size).mean(axis=1)
    if cells <= BEFORE:
        return np.zeros(0, dtype=np.int64)
    before = np.lib.stride_tricks.sliding_window_view(power, BEFORE)[:-1].mean(axis=1)
    rises = np.flatnonzero((power[BEFORE:] > RISE * before) & (power[BEFORE:] > LEAST)) + BEFORE
    # One beginning is several cells that are all louder than before: the first one counts.
    firsts = rises[np.concatenate([[True], np.diff(rises) > 1])] if rises.size else rises
    return np.asarray(firsts * size + skip + first, dtype=np.int64)
