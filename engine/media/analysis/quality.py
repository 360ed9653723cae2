"""How bright and how sharp the picture is, every `hop`.

Sharpness is how steep edges are for their height: the largest step between neighbouring pixels near an edge, divided by
the range of brightness there. It is 1 for an edge that is over within a pixel and falls with the width of the blur, while
contrast and exposure leave it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import cv2
import numpy as np

from cutroom_sdk.wire.media import Quality
from engine.media.analysis.look import Gray, Look

EDGE_WINDOW: Final = 9  # pixels; the range of brightness is taken over so many in each direction
EDGE_RANGE: Final = 20  # of 255: less is texture or noise, not an edge
EDGE_PART: Final = 0.12  # of the picture's own range: an edge is at least this much of it
EDGES_MIN: Final = 0.0005  # of the pixels: with fewer there is no edge to judge by
STEEPEST: Final = 0.7  # the quantile over all edges that stands for the picture
PLAIN_RANGE: Final = 30  # of 255: a picture with less range and no edges has nothing that could be sharp
CLIPPED_LOW, CLIPPED_HIGH = 2, 253
BLACK_MEAN, BLACK_PEAK = 8.0, 32.0  # of 255
DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class _Sample:
    luma: float
    clipped: float
    sharpness: float
    black: bool


class QualityMeter:
    """Fed with every frame in order; looks at one each `hop`."""

    def __init__(self, hop: Fraction, blur_below: float) -> None:
        self._hop, self._blur_below = hop, blur_below
        self._shown: Look | None = None
        self._samples: list[_Sample] = []

    def add(self, look: Look) -> None:
        """Take the next frame."""
        # A sample is of the frame on screen at its time: the one before the first that begins later.
        while self._shown is not None and self._due() < look.at:
            self._samples.append(_judged(self._shown))
        self._shown = look

    def finish(self, end: Fraction) -> Quality:
        """Return the samples every `hop` seconds from 0 to before `end`, when the last frame ends."""
        while self._shown is not None and self._due() < end:
            self._samples.append(_judged(self._shown))
        return Quality(
            hop=self._hop,
            luma=tuple(sample.luma for sample in self._samples),
            clipped=tuple(sample.clipped for sample in self._samples),
            sharpness=tuple(sample.sharpness for sample in self._samples),
            blur_below=self._blur_below,
            black=tuple(sample.black for sample in self._samples),
        )

    def _due(self) -> Fraction:
        return len(self._samples) * self._hop


def _judged(look: Look) -> _Sample:
    gray = look.gray
    clipped = float(((gray <= CLIPPED_LOW) | (gray >= CLIPPED_HIGH)).mean())
    mean = float(gray.mean())
    return _Sample(
        luma=round(mean / 255, DIGITS),
        clipped=round(clipped, DIGITS),
        sharpness=round(sharpness(look.fine), DIGITS),
        black=mean < BLACK_MEAN and float(np.percentile(gray, 99.5)) < BLACK_PEAK,
    )


def sharpness(picture: Gray) -> float:
    """Return how sharp a picture is, 0..1; 1 also for a plain one, in which nothing could be sharp."""
    soft = cv2.GaussianBlur(picture, (3, 3), 0.6)  # noise is steep too
    window = np.ones((EDGE_WINDOW, EDGE_WINDOW), np.uint8)
    span = cv2.subtract(cv2.dilate(soft, window), cv2.erode(soft, window))
    low, high = np.percentile(soft[::2, ::2], (1, 99))
    edges = span > max(EDGE_RANGE, EDGE_PART * (high - low))
    if edges.mean() < EDGES_MIN:
        return 1.0 if high - low < PLAIN_RANGE else 0.0
    across = cv2.absdiff(soft[:-1, 1:], soft[:-1, :-1])
    down = cv2.absdiff(soft[1:, :-1], soft[:-1, :-1])
    steepest = cv2.dilate(cv2.max(across, down), window)
    inside = edges[:-1, :-1]
    slopes = (
        np.asarray(steepest, dtype=np.float32)[inside] / np.asarray(span, dtype=np.float32)[:-1, :-1][inside]
    )
    # A straight ramp across the whole window is the least there can be.
    least = 1 / (EDGE_WINDOW - 1)
    return float(np.clip((np.quantile(slopes, STEEPEST) - least) / (1 - least), 0, 1))
