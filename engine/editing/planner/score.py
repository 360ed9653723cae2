"""How good a stretch is: a few signals from 0 to 1, each with a weight that is on record beside it.

Nothing here is hidden: the score is the weighted mean of the signals, and both travel with the plan.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.media import Quality
from engine.editing.planner.grid import Span, overlap
from engine.editing.planner.source import Source
from engine.editing.planner.stretches import Layout

# Weights of signals that cannot be told (no sound, not analysed) are shared out among the others.
WEIGHTS: Final = {
    "speech": 0.35,
    "picture": 0.20,
    "motion": 0.15,
    "loudness": 0.15,
    "length": 0.10,
    "place": 0.05,
}
GOOD_LENGTH_S: Final = Fraction(2)
LUMA_BEST: Final = 0.45
LOUDER_LU: Final = 6.0  # this much above the whole counts as 1, as much below as 0
BUSY_PART: Final = 0.9  # this part of the samples moves less than what counts as 1
DIGITS: Final = 3


class Score(Struct, frozen=True, kw_only=True):
    """A score: `total` is the mean of `signals` weighted with `weights`.

    Both have the same keys, in the order of the table; the weights add up to 1 but for rounding.
    """

    total: float
    signals: dict[str, float]
    weights: dict[str, float]


class Judge:
    """Judges stretches of one source.

    Args:
        source: the footage.
        laid: the same on the ruler.
        talks: whether anybody speaks anywhere in the footage at hand; else speech tells nothing.
    """

    def __init__(self, source: Source, laid: Layout, *, talks: bool) -> None:
        self._source, self._laid, self._talks = source, laid, talks
        amount = sorted(source.motion.amount) if source.motion is not None else []
        self._busy = amount[min(len(amount) - 1, int(len(amount) * BUSY_PART))] if amount else 0.0

    def score(self, span: Span) -> Score:
        """Return how good a stretch is; it is not empty."""
        source, grid = self._source, self._laid.grid
        start, end = grid.seconds(span.start), grid.seconds(span.end)
        signals: dict[str, float] = {}
        if self._talks:
            signals["speech"] = overlap(span, self._laid.words) / span.length
            signals["length"] = min(1.0, float((end - start) / GOOD_LENGTH_S))
        if source.quality is not None:
            signals["picture"] = _picture(source.quality, start, end)
        if source.motion is not None and source.motion.amount:
            moved = _mean(source.motion.amount, source.motion.hop, start, end)
            signals["motion"] = _part(moved / self._busy) if self._busy > 0 else 0.0
        loudness = source.loudness
        if loudness is not None and loudness.integrated_lufs is not None and loudness.momentary_lufs:
            over = _mean(loudness.momentary_lufs, loudness.hop, start, end) - loudness.integrated_lufs
            signals["loudness"] = _part((over + LOUDER_LU) / (2 * LOUDER_LU))
        signals["place"] = 1.0 - 0.5 * span.start / grid.length
        return weigh(signals)


def weigh(signals: dict[str, float]) -> Score:
    """Return the score of signals: rounded, in the order of the table, with weights that add up to 1."""
    shown = {name: round(signals[name], DIGITS) for name in WEIGHTS if name in signals}
    whole = math.fsum(WEIGHTS[name] for name in shown)
    weights = {name: round(WEIGHTS[name] / whole, DIGITS) for name in shown}
    total = math.fsum(shown[name] * WEIGHTS[name] for name in shown) / whole
    return Score(total=round(total, DIGITS), signals=shown, weights=weights)


def _picture(quality: Quality, start: Fraction, end: Fraction) -> float:
    sharp = _mean(quality.sharpness, quality.hop, start, end)
    # Twice as sharp as what counts as blurred is sharp enough.
    focus = _part(sharp / (2 * quality.blur_below)) if quality.blur_below > 0 else 1.0
    light = _part(1.0 - 2 * abs(_mean(quality.luma, quality.hop, start, end) - LUMA_BEST))
    clean = _part(1.0 - _mean(quality.clipped, quality.hop, start, end))
    return 0.5 * focus + 0.3 * light + 0.2 * clean


def _mean(series: Sequence[float], hop: Fraction, start: Fraction, end: Fraction) -> float:
    """Return the mean of the samples that lie in `[start, end)`, of the nearest one when none does."""
    first = min(len(series) - 1, math.ceil(start / hop))
    last = max(first + 1, min(len(series), math.ceil(end / hop)))
    return math.fsum(series[first:last]) / (last - first)


def _part(value: float) -> float:
    return min(1.0, max(0.0, value))
