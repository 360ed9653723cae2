"""An effect's parameters over time, for samples: constants, words, and keyframes worked out on a grid of 10 ms."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.editing.curves import value_at
from engine.rendering.audio.work import Curve, SoundEffect

CELLS_A_SECOND: Final = 100

Floats = NDArray[np.float64]


def cell_size(rate: int) -> int:
    """Return the samples between two points of the grid; the grid counts from time 0."""
    return max(1, rate // CELLS_A_SECOND)


class Controls:
    """The parameters of one effect, and when somebody speaks where it goes by that."""

    def __init__(self, effect: SoundEffect, rate: int) -> None:
        self._values, self.rate = dict(effect.values), rate
        self.spoken = effect.spoken

    def text(self, name: str) -> str:
        """Return a choice."""
        value = self._values[name]
        assert isinstance(value, str), f"{name} is a word"
        return value

    def number(self, name: str) -> float:
        """Return a parameter that does not move; of one that does, its first value."""
        value = self._curve(name)
        return value[0].value if isinstance(value, tuple) else float(value)

    def moves(self, *names: str) -> bool:
        """Tell whether any of these has keyframes."""
        return any(isinstance(self._curve(name), tuple) for name in names)

    def cells(self, name: str, at: int, count: int) -> Floats:
        """Return the values at the grid's points around samples `[at, at + count)`: before the first, after the last."""
        return cells_of(self._curve(name), at, count, self.rate)

    def samples(self, name: str, at: int, count: int) -> Floats:
        """Return the value at each sample, straight between the grid's points."""
        return samples_of(self._curve(name), at, count, self.rate)

    def _curve(self, name: str) -> Curve:
        value = self._values[name]
        assert not isinstance(value, str), f"{name} is a number"
        return value


def cells_of(curve: Curve, at: int, count: int, rate: int) -> Floats:
    """As `Controls.cells`; `at` may be negative."""
    size = cell_size(rate)
    first, last = at // size, -(-(at + count) // size)
    if not isinstance(curve, tuple):
        return np.full(last - first + 1, float(curve))
    return np.array([value_at(curve, Fraction(place * size, rate)) for place in range(first, last + 1)])


def samples_of(curve: Curve, at: int, count: int, rate: int) -> Floats:
    """As `Controls.samples`."""
    if not isinstance(curve, tuple):
        return np.full(count, float(curve))
    size = cell_size(rate)
    points = cells_of(curve, at, count, rate)
    first = at // size * size
    place = (np.arange(count) + (at - first)) / size
    return np.interp(place, np.arange(points.size), points)


def factor(decibels: Floats) -> Floats:
    """Return what to multiply with for so many decibels."""
    result: Floats = 10 ** (decibels / 20)
    return result
