"""How loud the sound is, by EBU R128 (libavfilter's `ebur128`), with its true peak."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Loudness

RATE: Final = 48_000  # samples a second that the meter is fed with
CHANNELS: Final = 2
HOP: Final = Fraction(1, 10)  # the filter measures every 100 ms
WINDOW_HOPS: Final = 4  # momentary loudness is of 400 ms
SILENCE_LUFS: Final = -70.0  # the absolute gate of BS.1770-4: quieter is silence
PEAK_MIN_DB: Final = -100.0
DIGITS: Final = 2

Samples = NDArray[np.float32]


class LoudnessMeter:
    """Fed with 48 kHz stereo sound in blocks of any size."""

    def __init__(self) -> None:
        # The graph is kept: its filters die with it.
        self._graph = av.filter.Graph()
        source = self._graph.add_abuffer(
            sample_rate=RATE, format="flt", layout="stereo", time_base=Fraction(1, RATE)
        )
        meter = self._graph.add("ebur128", "metadata=1:peak=true:framelog=quiet")
        sink = self._graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink
        self._fed = 0
        self._momentary: list[float] = []
        self._last: dict[str, str] = {}

    def add(self, samples: Samples) -> None:
        """Take the next samples, shape (n, 2), full scale 1."""
        if not len(samples):
            return
        packed = np.ascontiguousarray(samples, dtype=np.float32).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._fed, Fraction(1, RATE)
        self._fed += len(samples)
        self._source.push(frame)
        self._drain()

    def finish(self) -> Loudness:
        """Return the loudness of everything, and momentary loudness every 100 ms of it.

        Value n is of the 400 ms around n * `hop`, at both ends of the nearest whole 400 ms; -70 stands for silence.
        Sound that is shorter than 400 ms has no loudness.
        """
        count, measured = math.ceil(Fraction(self._fed, RATE) / HOP), len(self._momentary)
        integrated = float(self._last.get("lavfi.r128.I", "-inf"))
        spread = float(self._last.get("lavfi.r128.LRA", "0"))
        # The filter answers each full 100 ms; silence brings out the peaks of what is left, and would change the rest.
        self.add(np.zeros((int(RATE * HOP), CHANNELS), dtype=np.float32))
        peaks = [
            float(self._last.get(f"lavfi.r128.true_peaks_ch{channel}", "0")) for channel in range(CHANNELS)
        ]
        # The filter's value n is of the 400 ms that end with hop n.
        whole = range(WINDOW_HOPS - 1, measured)
        places = [min(max(place + 1, WINDOW_HOPS - 1), measured - 1) for place in range(count)]
        return Loudness(
            integrated_lufs=round(integrated, DIGITS) if integrated > SILENCE_LUFS else None,
            range_lu=round(spread, DIGITS),
            true_peak_dbtp=_decibels(max(peaks)),
            hop=HOP,
            momentary_lufs=tuple(
                round(max(SILENCE_LUFS, self._momentary[place]), 1) if whole else SILENCE_LUFS
                for place in places
            ),
        )

    def _drain(self) -> None:
        while True:
            try:
                frame = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, AudioFrame)
            self._last = dict(frame.metadata)
            self._momentary.append(float(self._last["lavfi.r128.M"]))


def _decibels(peak: float) -> float | None:
    """Return a linear peak in dB, None where it is minus infinity."""
    return round(20 * math.log10(peak), DIGITS) if peak > 10 ** (PEAK_MIN_DB / 20) else None
