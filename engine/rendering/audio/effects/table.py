"""Who makes which sound effect: a function of the parameters gives a machine that blocks go through.

    @sound_effect("gain")
    def gain(controls: Controls) -> Machine: ...

A machine keeps its state from block to block, and what comes out does not depend on how the sound is cut into blocks.
Modules that mark functions are imported by `effects/catalogue.py`, and there alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from engine.rendering.audio.signals import Samples, Signal
from engine.rendering.audio.values import Controls
from engine.rendering.audio.work import SoundEffect


class Machine(Protocol):
    """One effect at work.

    `latency`: what comes out is so many samples behind what went in.
    """

    latency: int

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        """Return as many samples as go in; `at` is the first one's place in clip time; the block may be written into."""
        ...


Maker = Callable[[Controls], Machine]
M = TypeVar("M", bound=Maker)
makers: dict[str, Maker] = {}


def sound_effect(name: str) -> Callable[[M], M]:
    """Mark the function that makes an effect."""

    def mark(function: M) -> M:
        assert name not in makers, f"{name} is made twice"
        makers[name] = function
        return function

    return mark


class Effected:
    """A signal through an effect, in step with what goes in."""

    def __init__(
        self, source: Signal, effect: SoundEffect, rate: int, *, at: int, key: Signal | None = None
    ) -> None:
        """`at` is the clip time of the signal's first sample, in samples; `key` what a sidechain listens to."""
        self._source, self._key = source, key
        self._machine = makers[effect.name](Controls(effect, rate))
        self._at, self._ahead = at, self._machine.latency

    def read(self, count: int) -> Samples:
        """As `Signal.read`."""
        wanted = count + self._ahead
        key = None if self._key is None else self._key.read(wanted)
        out = self._machine(self._source.read(wanted), self._at, key)
        self._at += wanted
        ahead, self._ahead = self._ahead, 0
        return out[:, ahead:] if ahead else out
