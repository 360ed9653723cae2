"""What the kernel counts of itself while it runs: how many, how large, how long. Nothing of it is state or survives a start."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# A sync to disk takes from a tenth of a millisecond to the seconds of a disk that is failing.
COMMIT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUESTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Histogram:
    """How many observations lie at or below each bound; `counts[n]` are those of (bounds[n-1], bounds[n]].

    The last count is of what lies above all bounds. One thread observes.

    >>> sizes = Histogram((1, 2))
    >>> for size in (1, 2, 2, 7): sizes.observe(size)
    >>> sizes.counts, sizes.total
    ([1, 2, 1], 12.0)
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Measures:
    """Of the write path, since the start: events accepted, and the commits that they came in."""

    events: int = 0
    commit_s: Histogram = field(default_factory=lambda: Histogram(COMMIT_S))
    commit_requests: Histogram = field(default_factory=lambda: Histogram(REQUESTS))

    def committed(self, seconds: float, *, requests: int, events: int) -> None:
        """Count one commit that is durable."""
        self.events += events
        self.commit_s.observe(seconds)
        self.commit_requests.observe(requests)
