"""Sound by time, sample for sample: float blocks at any rate, silence where a file has none.

Decoded blocks are placed by their pts on the grid of the source's own samples, gaps filled and overlaps dropped, then
resampled as one continuous signal. A reader that enters in the middle starts early enough for the codec and the
resampler to have settled, at an instant that is a whole sample on both grids, so that it gives the very samples that a
reader from the start gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from engine.media.source import BROKEN, again, packets, sound, unreadable
from engine.media.timecode import samples_at

Samples = NDArray[np.float32]

_SETTLE = Fraction(1, 2)  # seconds before the first sample wanted; Opus asks for 80 ms (RFC 7845, 4.6)
_GAP_MAX_S = 600  # a longer one is a damaged time, and filling it would take for ever
_FORWARD = Fraction(20)  # reading on is cheaper than a seek up to here, seconds
# Their times after a seek are guesses: these are read from the start.
_GUESSING = frozenset({"mp3", "aac", "ac3", "eac3", "amr"})


@dataclass(frozen=True)
class Heard:
    """The first block of a sound stream: `at` is when it is heard, container time, seconds."""

    at: Fraction
    channels: int
    sample_rate: int


def first_heard(container: InputContainer) -> Heard | None:
    """Return the first block that can be decoded of a container at its start; None when there is none.

    Samples that the codec only needs to settle are not heard: they are left out by the decoder.
    """
    stream = sound(container)
    assert stream is not None, "asked only of what has sound"
    for frame in islice(_decoded(container, stream), 1):
        base = frame.time_base or stream.time_base or Fraction(0)
        return Heard(
            at=(frame.pts or 0) * base, channels=len(frame.layout.channels), sample_rate=frame.sample_rate
        )
    return None


class SoundReader:
    """Reads the sound of one container. Reads that go forward share one pass over the file."""

    def __init__(
        self, container: InputContainer, *, rate: int, channels: int, origin: Fraction | None = None
    ) -> None:
        """Prepare to read.

        Args:
            container: from `open_media`; the reader opens its file once more and leaves `container` as it is.
            rate: samples a second of what is read.
            channels: 1 (the mean of all) or 2 (mono goes to both, unchanged; more are mixed as ITU-R BS.775 says).
            origin: the container's time, seconds, that counts as 0: when the first frame is shown
                (`VideoStream.start`). None: the first sample heard, for files without picture.

        Raises:
            Invalid: `media_unreadable`: there is no sound.
        """
        assert channels in (1, 2), "mono or stereo"
        self._source, self._rate, self._channels = container, rate, channels
        self._blocks: Iterator[Samples] | None = None
        self._held: Samples = np.zeros((0, channels), dtype=np.float32)
        self._place = 0  # of the first sample held, on the grid of `rate`
        if sound(container) is None:
            raise unreadable("it has no sound")
        if origin is None:
            with again(container) as fresh:
                first = first_heard(fresh)
            if first is None:
                raise unreadable("its sound cannot be decoded")
            origin = first.at
        self._origin = origin

    def read(self, start: Fraction, end: Fraction) -> Samples:
        """Return the sound of `[start, end)` seconds as (samples, channels), silence where there is none.

        Both ends are taken to the nearest sample, half way to the earlier.
        """
        first, last = samples_at(start, self._rate), samples_at(end, self._rate)
        self._enter(first)
        out = np.zeros((max(0, last - first), self._channels), dtype=np.float32)
        while self._place < last and self._fill():
            skipped = max(0, first - self._place)
            block = self._held[skipped : last - self._place]
            at = self._place + skipped - first
            out[at : at + len(block)] = block
            if self._place + len(self._held) >= last:
                break
            self._place += len(self._held)
            self._held = self._held[:0]
        return out

    def blocks(self, start: Fraction = Fraction(0), *, size: int) -> Iterator[Samples]:
        """Yield blocks of `size` samples from `start` seconds to where the sound ends; the last may be shorter."""
        self._enter(samples_at(start, self._rate))
        place = samples_at(start, self._rate)
        gathered: list[Samples] = []
        count = 0
        while self._fill():
            block = self._held[max(0, place - self._place) :]
            self._place += len(self._held)
            self._held = self._held[:0]
            place = max(place, self._place)
            gathered.append(block)
            count += len(block)
            if count >= size:
                joined = np.concatenate(gathered)
                whole = count // size * size
                yield from (joined[at : at + size] for at in range(0, whole, size))
                gathered, count = [joined[whole:]], count - whole
        if count:
            yield np.concatenate(gathered)

    def _enter(self, first: int) -> None:
        """See to it that the next samples held lie at or before `first`, and not far before."""
        ahead = first - self._place
        if self._blocks is not None and 0 <= ahead <= _FORWARD * self._rate:
            return
        run = _Run(self._source, self._rate, self._channels, self._origin, Fraction(first, self._rate))
        self._blocks, self._place = iter(run), run.first
        self._held = self._held[:0]

    def _fill(self) -> bool:
        """Hold some samples; False at the end of the sound."""
        while not len(self._held):
            assert self._blocks is not None, "entered before"
            block = next(self._blocks, None)
            if block is None:
                return False
            self._held = block
        return True


class _Run:
    """One pass: blocks at the wanted rate from `first`, a sample on its grid, on."""

    def __init__(
        self, source: InputContainer, rate: int, channels: int, origin: Fraction, at: Fraction
    ) -> None:
        self._source, self._rate, self._channels, self._origin = source, rate, channels, origin
        stream = sound(source)
        assert stream is not None, "checked before"
        self._own_rate = stream.codec_context.sample_rate
        # Instants that are whole samples on both grids lie 1 / gcd apart.
        grid = math.gcd(self._own_rate, rate)
        begin = Fraction(math.floor((at - _SETTLE) * grid), grid)
        self._from = int(begin * self._own_rate)
        self.first = int(begin * rate)

    def __iter__(self) -> Iterator[Samples]:
        signal = self._signal()
        if self._own_rate == self._rate:
            return signal
        return _resampled(signal, self._own_rate, self._rate, self._channels)

    def _signal(self) -> Iterator[Samples]:
        """The sound at its own rate, continuous from `_from` on."""
        cursor, entered = self._from, False
        with again(self._source) as container:
            stream = sound(container)
            assert stream is not None, "it was there a moment ago"
            base = stream.time_base or Fraction(1, self._own_rate)
            slack = max(2, math.ceil(base * self._own_rate))
            self._seek(container, stream, base)
            mix = _Mix(self._channels)
            for frame in _decoded(container, stream):
                if frame.sample_rate != self._own_rate:
                    raise unreadable("its sound changes its sample rate on the way")
                place = cursor if frame.pts is None else self._place_of(frame.pts * (frame.time_base or base))
                # Container times are rounded: small differences mean "goes on", except at the first block.
                allowed = slack if entered else 0
                entered = True
                block = mix(frame)
                if place - cursor > _GAP_MAX_S * self._own_rate:
                    raise unreadable(f"its sound jumps ahead by {(place - cursor) // self._own_rate} s")
                if place - cursor > allowed:
                    yield from _silence(place - cursor, self._channels)
                    cursor = place
                elif cursor - place > allowed:
                    if cursor - place >= len(block):
                        entered = cursor > self._from
                        continue
                    block = block[cursor - place :]
                if len(block):
                    yield block
                    cursor += len(block)

    def _place_of(self, at: Fraction) -> int:
        return round((at - self._origin) * self._own_rate)

    def _seek(self, container: InputContainer, stream: av.AudioStream, base: Fraction) -> None:
        """Go to where decoding has to begin; stay at the start where times after a seek would not be exact."""
        exact = base * self._own_rate <= 1 and container.format.name not in _GUESSING
        aim = Fraction(self._from, self._own_rate) + self._origin - _SETTLE
        if exact and aim > (stream.start_time or 0) * base:
            try:
                container.seek(math.floor(aim / base), stream=stream, backward=True)
            except BROKEN as error:
                raise unreadable("its sound cannot be entered in the middle") from error


class _Mix:
    """Brings decoded frames to float and to one or two channels."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._down: av.AudioResampler | None = None
        self._layout = ""

    def __call__(self, frame: AudioFrame) -> Samples:
        if len(frame.layout.channels) > 2:
            frame = self._stereo(frame)
        block = _floats(frame)
        if block.shape[1] == self._channels:
            return block
        if self._channels == 2:
            return np.repeat(block, 2, axis=1)
        return np.asarray(block.mean(axis=1, keepdims=True), dtype=np.float32)

    def _stereo(self, frame: AudioFrame) -> AudioFrame:
        if self._down is None or self._layout != frame.layout.name:
            self._layout = frame.layout.name
            self._down = av.AudioResampler(format="fltp", layout="stereo", rate=frame.sample_rate)
        # At one and the same rate a frame comes out for each that goes in.
        (mixed,) = self._down.resample(frame)
        return mixed


def _decoded(container: InputContainer, stream: av.AudioStream) -> Iterator[AudioFrame]:
    for packet in packets(container, stream):
        try:
            yield from stream.decode(packet)
        except BROKEN:
            continue  # a damaged packet: its time is filled with silence
    try:
        yield from stream.decode(None)
    except BROKEN:
        return


def _floats(frame: AudioFrame) -> Samples:
    """Return (samples, channels), full scale 1."""
    block: NDArray[Any] = frame.to_ndarray()
    channels = len(frame.layout.channels)
    block = block.T if frame.format.is_planar else block.reshape(-1, channels)
    if block.dtype.kind == "f":
        return np.asarray(block, dtype=np.float32)
    half = 1 << (8 * block.dtype.itemsize - 1)
    middle = half if block.dtype.kind == "u" else 0
    return np.asarray((block.astype(np.float64) - middle) / half, dtype=np.float32)


def _silence(count: int, channels: int) -> Iterator[Samples]:
    """Yield `count` samples of silence, in blocks, for a gap may be hours long."""
    while count > 0:
        size = min(count, 1 << 16)
        yield np.zeros((size, channels), dtype=np.float32)
        count -= size


def _resampled(signal: Iterator[Samples], own: int, rate: int, channels: int) -> Iterator[Samples]:
    layout = {1: "mono", 2: "stereo"}[channels]
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    for block in signal:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout=layout)
        frame.sample_rate = own
        for ready in resampler.resample(frame):
            yield _floats(ready)
    for ready in resampler.resample(None):
        yield _floats(ready)
