"""Media whose samples can be read from anywhere: what a change of speed needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from engine.media.audio import SoundReader
from engine.rendering.audio.signals import Samples, Signal, silent, span_of


class Spans(Protocol):
    """A medium, by its samples."""

    def span(self, first: int, count: int) -> Samples:
        """Return samples `[first, first + count)`, silence where there are none; reading on is cheap, jumping is not."""
        ...


class SourceSpans:
    """A file's sound; sample 0 is heard with its first frame."""

    def __init__(self, reader: SoundReader, rate: int) -> None:
        self._reader, self._rate = reader, rate

    def span(self, first: int, count: int) -> Samples:
        """As `Spans.span`."""
        return span_of(self._reader, first, count, self._rate)


class SignalSpans:
    """A signal that can only be read forward: what was read last is kept, and a jump back begins anew."""

    def __init__(self, begin: Callable[[], Signal]) -> None:
        """`begin` gives the signal from its first sample on."""
        self._begin, self._signal = begin, begin()
        self._held, self._from = silent(0), 0

    def span(self, first: int, count: int) -> Samples:
        """As `Spans.span`."""
        before = min(max(0, -first), count)
        if before:
            return np.concatenate([silent(before), self.span(0, count - before)], axis=1)
        if first < self._from:
            self._signal, self._held, self._from = self._begin(), silent(0), 0
        made = self._from + self._held.shape[1]
        if first > made:
            self._skip(first - made)
            self._held, self._from, made = silent(0), first, first
        if first + count > made:
            self._held = np.concatenate([self._held, self._signal.read(first + count - made)], axis=1)
        out = self._held[:, first - self._from : first - self._from + count].copy()
        self._held, self._from = self._held[:, first - self._from :], first
        return out

    def _skip(self, count: int) -> None:
        while count:
            size = min(count, 1 << 16)
            self._signal.read(size)
            count -= size


class SpanSignal:
    """A medium read forward at the speed it was recorded at."""

    def __init__(self, spans: Spans, first: int) -> None:
        """Begin at the sample `first`; it may lie before the medium's first."""
        self._spans, self._place = spans, first

    def read(self, count: int) -> Samples:
        """As `Signal.read`."""
        block = self._spans.span(self._place, count)
        self._place += count
        return block
