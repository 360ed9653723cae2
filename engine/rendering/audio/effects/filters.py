"""Filters: what lies around a frequency is raised or lowered, what lies beyond one is taken away.

Second-order sections as in R. Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients (W3C Note,
2021); steeper slopes are Butterworth's, several sections one after the other.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.audio.effects.table import Machine, sound_effect
from engine.rendering.audio.signals import Samples
from engine.rendering.audio.values import Controls, cell_size
from engine.rendering.compositor.compiled import kernel

Floats = NDArray[np.float64]
Section = tuple[float, float, float, float, float]

# Q of the sections of Butterworth's filters; None is a section of first order.
SLOPES: Final[dict[str, tuple[float | None, ...]]] = {
    "6": (None,),
    "12": (1 / math.sqrt(2),),
    "24": (0.5411961001461969, 1.3065629648763766),
}
# A filter's frequency stays below this part of the rate.
HIGHEST: Final = 0.49
_NEVER: Final = 1 << 62


class _Sections:
    """Sections whose coefficients may change every 10 ms."""

    latency = 0

    def __init__(self, controls: Controls, names: tuple[str, ...]) -> None:
        self._controls, self._names = controls, names
        self._state: Floats | None = None
        self._moves = controls.moves(*names)
        self._made: dict[tuple[float, ...], list[Section]] = {}

    def sections(self, *values: float) -> list[Section]:
        """Return the sections for one set of values, in the order of their names."""
        raise NotImplementedError

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        controls, count = self._controls, block.shape[1]
        size = cell_size(controls.rate) if self._moves else _NEVER
        if self._moves:
            columns = [controls.cells(name, at, count) for name in self._names]
            rows = [self._sections(tuple(float(one) for one in row)) for row in zip(*columns, strict=True)]
        else:
            rows = [self._sections(tuple(controls.number(name) for name in self._names))]
        coefficients = np.array(rows)
        if self._state is None:
            self._state = np.zeros((2, coefficients.shape[1], 2))
        _filter(block, coefficients, size, at % size if self._moves else 0, self._state)
        return block

    def _sections(self, values: tuple[float, ...]) -> list[Section]:
        if values not in self._made:
            self._made[values] = self.sections(*values)
        return self._made[values]


class _Equalizer(_Sections):
    def __init__(self, controls: Controls) -> None:
        super().__init__(controls, ("frequency", "gain_db", "q"))
        self._kind, self._rate = controls.text("kind"), controls.rate

    def sections(self, *values: float) -> list[Section]:
        frequency, gain_db, q = values
        match self._kind:
            case "peak":
                return [peak(frequency, gain_db, q, self._rate)]
            case "low_shelf":
                return [shelf(frequency, gain_db, q, self._rate, high=False)]
            case _:
                return [shelf(frequency, gain_db, q, self._rate, high=True)]


class _Pass(_Sections):
    def __init__(self, controls: Controls, *, high: bool) -> None:
        super().__init__(controls, ("frequency",))
        self._slope, self._rate, self._high = SLOPES[controls.text("slope")], controls.rate, high

    def sections(self, *values: float) -> list[Section]:
        return [passing(values[0], q, self._rate, high=self._high) for q in self._slope]


@sound_effect("equalizer")
def equalizer(controls: Controls) -> Machine:
    """Raise or lower what lies around a frequency, or all beyond it."""
    return _Equalizer(controls)


@sound_effect("high_pass")
def high_pass(controls: Controls) -> Machine:
    """Take away what is low."""
    return _Pass(controls, high=True)


@sound_effect("low_pass")
def low_pass(controls: Controls) -> Machine:
    """Take away what is high."""
    return _Pass(controls, high=False)


def peak(frequency: float, gain_db: float, q: float, rate: int) -> Section:
    """Return b0, b1, b2, a1, a2 (a0 = 1) of a bell: exactly `gain_db` at its frequency."""
    omega = _omega(frequency, rate)
    a, alpha = 10 ** (gain_db / 40), math.sin(omega) / (2 * q)
    cosine = -2 * math.cos(omega)
    return _normal(1 + alpha * a, cosine, 1 - alpha * a, 1 + alpha / a, cosine, 1 - alpha / a)


def shelf(frequency: float, gain_db: float, q: float, rate: int, *, high: bool) -> Section:
    """Return a shelf: half of `gain_db` at its frequency, all of it far beyond."""
    omega = _omega(frequency, rate)
    a = 10 ** (gain_db / 40)
    # The formulae are those of the low shelf; the high one is its mirror.
    c = math.cos(omega) * (-1 if high else 1)
    wide = 2 * math.sqrt(a) * math.sin(omega) / (2 * q)
    b0, b1, b2 = (
        a * ((a + 1) - (a - 1) * c + wide),
        2 * a * ((a - 1) - (a + 1) * c),
        a * ((a + 1) - (a - 1) * c - wide),
    )
    a0, a1, a2 = (a + 1) + (a - 1) * c + wide, -2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - wide
    return _normal(b0, -b1 if high else b1, b2, a0, -a1 if high else a1, a2)


def passing(frequency: float, q: float | None, rate: int, *, high: bool) -> Section:
    """Return one section of a high-pass or low-pass; without a Q one of first order."""
    omega = _omega(frequency, rate)
    if q is None:
        k = math.tan(omega / 2)
        pole = (k - 1) / (k + 1)
        if high:
            return (1 / (k + 1), -1 / (k + 1), 0.0, pole, 0.0)
        return (k / (k + 1), k / (k + 1), 0.0, pole, 0.0)
    cosine, alpha = math.cos(omega), math.sin(omega) / (2 * q)
    middle = -(1 + cosine) if high else 1 - cosine
    side = abs(middle) / 2
    return _normal(side, middle, side, 1 + alpha, -2 * cosine, 1 - alpha)


def _omega(frequency: float, rate: int) -> float:
    return 2 * math.pi * min(frequency / rate, HIGHEST)


def _normal(b0: float, b1: float, b2: float, a0: float, a1: float, a2: float) -> Section:
    return (b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0)


def run_sections(block: Samples, sections: Floats, state: Floats) -> None:
    """Run sections that do not move over a block, in place; `sections` is (1, many, 5), `state` (2, many, 2)."""
    _filter(block, sections, _NEVER, 0, state)


@kernel("void(float32[:, ::1], float64[:, :, ::1], int64, int64, float64[:, :, ::1])")
def _filter(block: Samples, coefficients: Floats, size: int, inside: int, state: Floats) -> None:
    """Run the sections in place (transposed direct form II); a new set of coefficients begins every `size` samples."""
    stages, count = coefficients.shape[1], block.shape[1]
    start, cell = 0, 0
    while start < count:
        end = min(count, start + size - inside)
        for s in range(stages):
            b0, b1, b2, a1, a2 = (
                coefficients[cell, s, 0],
                coefficients[cell, s, 1],
                coefficients[cell, s, 2],
                coefficients[cell, s, 3],
                coefficients[cell, s, 4],
            )
            l1, l2, r1, r2 = state[0, s, 0], state[0, s, 1], state[1, s, 0], state[1, s, 1]
            for n in range(start, end):
                x = np.float64(block[0, n])
                y = b0 * x + l1
                l1 = b1 * x - a1 * y + l2
                l2 = b2 * x - a2 * y
                block[0, n] = np.float32(y)
                x = np.float64(block[1, n])
                y = b0 * x + r1
                r1 = b1 * x - a1 * y + r2
                r2 = b2 * x - a2 * y
                block[1, n] = np.float32(y)
            # What has died away is nothing: numbers this small only make the processor slow.
            state[0, s, 0] = l1 if abs(l1) > 1e-30 else 0.0
            state[0, s, 1] = l2 if abs(l2) > 1e-30 else 0.0
            state[1, s, 0] = r1 if abs(r1) > 1e-30 else 0.0
            state[1, s, 1] = r2 if abs(r2) > 1e-30 else 0.0
        start, inside, cell = end, 0, cell + 1
