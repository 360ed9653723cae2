"""A mix as a signal: voices at their places, the tracks' effects and gains, tracks that listen to others, all added up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.rendering.audio.effects.table import Effected
from engine.rendering.audio.signals import Samples, Signal, silent
from engine.rendering.audio.values import factor, samples_of
from engine.rendering.audio.work import Channel, Mix, Shape, Stem, Voice

# Gives a stem's sound from one of its samples on.
Open = Callable[[Stem, int], Signal]


class MixSignal:
    """All channels of a mix."""

    def __init__(self, mix: Mix, open_stem: Open) -> None:
        """`open_stem` is called when a voice is first needed, and what it gives is let go when the voice is over."""
        self._mix, self._place = mix, 0
        self._buses: dict[int, _Bus] = {}
        for number in _order(mix):
            channel = mix.channels[number]
            dry: Signal = _Voices(channel, open_stem)
            bus = _Bus(_track(dry, channel, mix, self._buses), channel, mix.rate)
            self._buses[number] = bus

    def read(self, count: int) -> Samples:
        """As `Signal.read`."""
        out = silent(count)
        for number in range(len(self._mix.channels)):
            out += self._buses[number].heard.read(count)
        return out


class _Voices:
    """A channel's voices, added up where they cross."""

    def __init__(self, channel: Channel, open_stem: Open) -> None:
        self._waiting = sorted(channel.voices, key=lambda voice: voice.at)[::-1]
        self._open, self._place = open_stem, 0
        self._sounding: list[tuple[Voice, Signal]] = []

    def read(self, count: int) -> Samples:
        first, last = self._place, self._place + count
        while self._waiting and self._waiting[-1].at < last:
            voice = self._waiting.pop()
            self._sounding.append((voice, self._open(voice.stem, voice.skip)))
        out = silent(count)
        for voice, signal in self._sounding:
            start, end = max(first, voice.at), min(last, voice.at + voice.count)
            if end > start:
                block = signal.read(end - start)
                _fade(block, voice, start - voice.at)
                out[:, start - first : end - first] += block
        self._sounding = [pair for pair in self._sounding if pair[0].at + pair[0].count > last]
        self._place = last
        return out


class _Bus:
    """A finished channel that several may listen to, each at its own pace (those with a latency read ahead)."""

    def __init__(self, source: Signal, channel: Channel, rate: int) -> None:
        self._source, self._gain, self._rate = source, channel.gain_db, rate
        self._held, self._from, self._made = silent(0), 0, 0
        self._ears: list[_Ear] = []
        self.heard = self.listen()

    def listen(self) -> _Ear:
        """Return a signal of its own from the beginning; all are asked for before the first is read."""
        ear = _Ear(self)
        self._ears.append(ear)
        return ear

    def span(self, first: int, count: int) -> Samples:
        last = first + count
        if last > self._made:
            block = self._source.read(last - self._made)
            block *= factor(samples_of(self._gain, self._made, block.shape[1], self._rate)).astype(np.float32)
            self._held = np.concatenate([self._held, block], axis=1)
            self._made = last
        out = self._held[:, first - self._from : last - self._from].copy()
        keep = min([ear.place for ear in self._ears] + [last])
        if keep > self._from:
            self._held = self._held[:, keep - self._from :]
            self._from = keep
        return out


class _Ear:
    """One of those who listen to a bus."""

    def __init__(self, bus: _Bus) -> None:
        self._bus, self.place = bus, 0

    def read(self, count: int) -> Samples:
        first = self.place
        self.place += count
        return self._bus.span(first, count)


class _Sum:
    """Several signals added up."""

    def __init__(self, parts: list[_Ear]) -> None:
        self._parts = parts

    def read(self, count: int) -> Samples:
        out = silent(count)
        for part in self._parts:
            out += part.read(count)
        return out


def _track(dry: Signal, channel: Channel, mix: Mix, buses: dict[int, _Bus]) -> Signal:
    wet = dry
    for effect in channel.effects:
        key = _Sum([buses[number].listen() for number in effect.keys]) if effect.keys else None
        wet = Effected(wet, effect, mix.rate, at=0, key=key)
    return wet


def _order(mix: Mix) -> list[int]:
    """Return the channels in an order in which each comes after those that it listens to.

    Two that listen to each other hear one of them as the first without what it listens to: the plan does not make such.
    """
    order: list[int] = []
    left = list(range(len(mix.channels)))
    while left:
        ready = [n for n in left if not {k for e in mix.channels[n].effects for k in e.keys} & set(left)]
        assert ready, "no channel listens to itself, directly or through others"
        order += ready
        left = [n for n in left if n not in ready]
    return order


def _fade(block: Samples, voice: Voice, at: int) -> None:
    """Fade the samples `[at, ...)` of a voice."""
    count = block.shape[1]
    if at < voice.fade_in:
        size = min(count, voice.fade_in - at)
        block[:, :size] *= ramp(at, size, voice.fade_in, voice.shape_in)
    begins = voice.count - voice.fade_out
    if at + count > begins:
        start = max(0, begins - at)
        # The same curve backwards, so that two of the same length that cross add up to what they should.
        rest = voice.count - at - count
        block[:, start:] *= ramp(rest, count - start, voice.fade_out, voice.shape_out)[::-1]


def ramp(first: int, count: int, length: int, shape: Shape) -> Samples:
    """Return the samples `[first, first + count)` of a rise from 0 to 1 over `length` samples."""
    part = (np.arange(first, first + count) + 0.5) / length
    level = np.sin(part * (np.pi / 2)) if shape == "power" else part
    return np.asarray(level, dtype=np.float32)
