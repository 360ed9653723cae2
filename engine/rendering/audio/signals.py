"""Sound that is read forward, block by block: what all parts of a mix look like to each other."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.media.audio import SoundReader
from engine.rendering.audio.work import SAMPLE_BYTES

# (2, samples) of float32, 1.0 being full scale, rows contiguous.
Samples = NDArray[np.float32]

CHANNELS: Final = 2
BLOCK: Final = 1 << 16


class Signal(Protocol):
    """Stereo sound from its first sample on."""

    def read(self, count: int) -> Samples:
        """Return the next `count` samples, `(2, count)`, silence after its end; the caller may write into them."""
        ...


class Silence:
    """Nothing to be heard."""

    def read(self, count: int) -> Samples:
        """As `Signal.read`."""
        return silent(count)


class FileSignal:
    """A stem that lies in a file, as `write_block` wrote it."""

    def __init__(self, descriptor: int, offset: int, count: int) -> None:
        """Begin `offset` bytes into the file; there are `count` samples."""
        self._descriptor, self._offset, self._left = descriptor, offset, count

    def read(self, count: int) -> Samples:
        """As `Signal.read`.

        Raises:
            ValueError: the file is cut off.
        """
        block, there = silent(count), min(count, self._left)
        block[:, :there] = read_block(self._descriptor, self._offset, there)
        self._offset += there * SAMPLE_BYTES
        self._left -= there
        return block


def silent(count: int) -> Samples:
    """Return `count` samples of silence."""
    return np.zeros((CHANNELS, count), dtype=np.float32)


def span_of(reader: SoundReader, first: int, count: int, rate: int) -> Samples:
    """Return samples `[first, first + count)` of a source, silence before and after its sound."""
    block = reader.read(Fraction(first, rate), Fraction(first + count, rate))
    return np.ascontiguousarray(block.T)


def write_block(descriptor: int, block: Samples, place: int) -> int:
    """Write samples into a file from byte `place` on, one pair after the other; return the place after them."""
    view = memoryview(np.ascontiguousarray(block.T).data).cast("B")
    at = 0
    while at < len(view):
        at += os.pwrite(descriptor, view[at:], place + at)
    return place + at


def read_block(descriptor: int, place: int, count: int) -> Samples:
    """Return `count` samples that lie in a file from byte `place` on.

    Raises:
        ValueError: the file is cut off.
    """
    block = np.empty((count, CHANNELS), dtype=np.float32)
    view, at = memoryview(block.data).cast("B"), 0
    while at < len(view):
        got = os.preadv(descriptor, [view[at : at + (1 << 24)]], place + at)
        if got == 0:
            raise ValueError("a file of sound is cut off")
        at += got
    return np.ascontiguousarray(block.T)
