"""From clips to segments: which source frame stands at each output frame, and where a clip is divided.

A clip is divided where its source passes a multiple of a fixed number of frames, counted in the source. A trim on either
side moves the clip's own edges and leaves the divisions in between where they were, so what lies between stays cached.
"""

import bisect
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from engine.media.index import FrameIndex

SEGMENT_FRAMES: Final = 150


def frames_shown(
    index: FrameIndex, start: Fraction, count: int, rate: Fraction, *, first: int = 0
) -> tuple[int, ...]:
    """Return the source frame for each of a clip's output frames `[first, first + count)` at `rate` frames a second.

    Frames below 0 lie before the clip. The first output frame shows what is on screen at `start` seconds, every other one what is on screen half a frame
    after it begins, a frame of whichever rate is higher. Times that jitter around a frame's start (milliseconds in WebM,
    variable rates around a nominal one) then neither double a frame nor drop one, and no frame from beyond the span is
    shown.
    """
    # Whole ticks are enough: frames begin at whole ticks.
    begin = start / index.time_base
    step = 1 / (rate * index.time_base)
    inside = min(step, index.duration / index.count / index.time_base) / 2
    over = math.lcm(begin.denominator, step.denominator, inside.denominator)
    origin, grain, shift = (int(value * over) for value in (begin, step, inside))
    ticks = (
        index.pts[0] + (origin + grain * place + (shift if place else 0)) // over
        for place in range(first, first + count)
    )
    return tuple(max(0, bisect.bisect_right(index.pts, tick) - 1) for tick in ticks)


def divisions(shown: Sequence[int], *, per_output_frame: Fraction) -> Iterator[tuple[int, int]]:
    """Yield the spans `[start, end)` of a clip's output frames that become segments.

    Args:
        shown: the source frame of each output frame.
        per_output_frame: source frames for each output frame: 2 for a source at 50 on a timeline at 25.
    """
    grid = max(1, round(SEGMENT_FRAMES * per_output_frame))
    start = 0
    for place in range(1, len(shown) + 1):
        ends = place == len(shown) or shown[place] // grid != shown[start] // grid
        # A source that hardly moves (a slow rate, a held frame) is divided by the output's count instead.
        if ends or place - start >= 2 * SEGMENT_FRAMES:
            yield start, place
            start = place


def stretches(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield spans of at most `SEGMENT_FRAMES` that cover `[start, end)`: black needs no better places."""
    for first in range(start, end, SEGMENT_FRAMES):
        yield first, min(first + SEGMENT_FRAMES, end)
