"""What a clip sounds like, made: its medium at its pace, through its effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from av.container import InputContainer
from msgspec.structs import replace

from engine.editing.pace import Pace
from engine.media.audio import SoundReader
from engine.media.timecode import samples_at
from engine.rendering.audio.effects import catalogue  # noqa: F401  # it puts the effects on their table
from engine.rendering.audio.effects.table import Effected
from engine.rendering.audio.loudness import LoudnessMeter
from engine.rendering.audio.mixing import MixSignal
from engine.rendering.audio.retiming import Retimed
from engine.rendering.audio.signals import BLOCK, CHANNELS, Signal
from engine.rendering.audio.spans import SignalSpans, SourceSpans, Spans, SpanSignal
from engine.rendering.audio.values import Controls
from engine.rendering.audio.work import Mix, SoundEffect, SoundSource, Stem

LOUDNESS: Final = "loudness"
# A clip's gain towards its loudness, at most; beyond that only noise would grow.
GAIN_MOST_DB: Final = 40.0
PEAK_DBTP: Final = -1.0


class Studio:
    """Makes stems out of open sources."""

    def __init__(self, containers: Mapping[SoundSource, InputContainer]) -> None:
        self._containers = containers
        self._readers: dict[tuple[SoundSource, int], SoundReader] = {}

    def stem(self, stem: Stem, *, shared: bool = True) -> Signal:
        """Return a stem's sound from its first sample on.

        Args:
            stem: what to make.
            shared: whether stems are read one after the other, so that one pass over a source serves several.

        Raises:
            Invalid: `media_unreadable`: a source's sound cannot be read.
        """
        spans = self._spans(stem, shared=shared)
        signal: Signal
        if stem.speed == 1 and not stem.ramp:
            first = samples_at(stem.start, stem.rate) - stem.lead
            signal = SpanSignal(spans, first)
        else:
            pace = Pace(stem.speed, stem.ramp)
            signal = Retimed(
                spans, pace, start=stem.start, lead=stem.lead, rate=stem.rate, keep_pitch=stem.keep_pitch
            )
        for place, effect in enumerate(stem.effects):
            if effect.name == LOUDNESS:
                effect = self._levelled(stem, place)
            signal = Effected(signal, effect, stem.rate, at=-stem.lead)
        return signal

    def _levelled(self, stem: Stem, place: int) -> SoundEffect:
        """Return what brings a stem to its loudness: it is made once up to there, and measured."""
        target = Controls(stem.effects[place], stem.rate).number("target_lufs")
        signal = self.stem(replace(stem, effects=stem.effects[:place]), shared=False)
        meter = LoudnessMeter(stem.rate)
        for at in range(0, stem.count, BLOCK):
            meter.add(signal.read(min(BLOCK, stem.count - at)))
        lufs = meter.integrated_lufs()
        gain = 0.0 if lufs is None else max(-GAIN_MOST_DB, min(GAIN_MOST_DB, target - lufs))
        return SoundEffect(name="limiter", values=(("ceiling_db", PEAK_DBTP), ("gain_db", gain)))

    def open(self, stem: Stem, skip: int) -> Signal:
        """Return a stem's sound from its sample `skip` on, apart from all others that are being read."""
        signal = self.stem(stem, shared=False)
        skip_over(signal, skip)
        return signal

    def _spans(self, stem: Stem, *, shared: bool) -> Spans:
        media = stem.media
        if isinstance(media, Mix):
            mix = media
            return SignalSpans(lambda: MixSignal(mix, self.open))
        key = (media, stem.rate)
        if not shared:
            return SourceSpans(self._reader(media, stem.rate), stem.rate)
        if key not in self._readers:
            self._readers[key] = self._reader(media, stem.rate)
        return SourceSpans(self._readers[key], stem.rate)

    def _reader(self, source: SoundSource, rate: int) -> SoundReader:
        return SoundReader(self._containers[source], rate=rate, channels=CHANNELS, origin=source.origin)


def skip_over(signal: Signal, count: int) -> None:
    """Read and forget."""
    while count > 0:
        size = min(count, 1 << 16)
        signal.read(size)
        count -= size
