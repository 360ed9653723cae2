"""Where a finished sound is clipped or silent, block by block."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.signals import Samples, silent
from engine.rendering.work import Heard

HOP_S: Final = Fraction(1, 10)
# A converter has no room above this; one sample there is no fault yet, three in a row are flat.
FULL: Final = 0.9999
FLAT: Final = 3
# Softer than this is silence (BS.1770's absolute gate, as an amplitude).
SILENT: Final = 10 ** (-70 / 20)
SILENT_S: Final = Fraction(5)


class FaultFinder:
    """Fed with blocks; keeps two marks for each tenth of a second."""

    def __init__(self, rate: int) -> None:
        self._hop, self._rest = int(HOP_S * rate), silent(0)
        self._clipped: list[bool] = []
        self._silent: list[bool] = []

    def add(self, samples: Samples) -> None:
        """Take the next samples."""
        joined = np.concatenate([self._rest, samples], axis=1)
        whole = joined.shape[1] // self._hop * self._hop
        self._rest = joined[:, whole:]
        for at in range(0, whole, self._hop):
            self._mark(np.abs(joined[:, at : at + self._hop]))

    def clipped(self) -> tuple[Heard, ...]:
        """Return where the wave is cut flat, to a tenth of a second; ends the feeding."""
        self._finish()
        return _spans(self._clipped, HOP_S)

    def silent(self) -> tuple[Heard, ...]:
        """Return where nothing is heard for five seconds or longer; ends the feeding."""
        self._finish()
        return _spans(self._silent, SILENT_S)

    def _finish(self) -> None:
        if self._rest.shape[1]:
            self._mark(np.abs(self._rest))
            self._rest = silent(0)

    def _mark(self, levels: NDArray[np.float32]) -> None:
        highest = float(levels.max())
        self._silent.append(highest < SILENT)
        self._clipped.append(highest >= FULL and _flat(levels >= FULL))


def _flat(full: NDArray[np.bool_]) -> bool:
    """Tell whether a side stays at full scale for several samples."""
    runs = full[:, : full.shape[1] - FLAT + 1].copy()
    for step in range(1, FLAT):
        runs &= full[:, step : full.shape[1] - FLAT + 1 + step]
    return bool(runs.any())


def _spans(marks: list[bool], least: Fraction) -> tuple[Heard, ...]:
    found, place = [], 0
    for marked, run in itertools.groupby(marks):
        length = sum(1 for _ in run)
        if marked and length * HOP_S >= least:
            found.append(Heard(start=place * HOP_S, end=(place + length) * HOP_S))
        place += length
    return tuple(found)
