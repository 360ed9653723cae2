"""Effects that change how loud each side is, sample by sample."""

from __future__ import annotations

import numpy as np

from engine.rendering.audio.effects.table import Machine, sound_effect
from engine.rendering.audio.signals import Samples
from engine.rendering.audio.values import Controls, factor


class _Gain:
    latency = 0

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        if not self._controls.moves("gain_db"):
            block *= np.float32(10 ** (self._controls.number("gain_db") / 20))
            return block
        block *= factor(self._controls.samples("gain_db", at, block.shape[1])).astype(np.float32)
        return block


@sound_effect("gain")
def gain(controls: Controls) -> Machine:
    """Multiply by a gain in decibels."""
    return _Gain(controls)


class _Pan:
    latency = 0

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        position = self._controls.samples("position", at, block.shape[1])
        # Towards one side the other fades along a quarter of a sine; what is on the side panned to stays as it is.
        left = np.where(position > 0, np.cos(position * np.pi / 2), 1.0)
        right = np.where(position < 0, np.cos(position * np.pi / 2), 1.0)
        block *= np.stack([left, right]).astype(np.float32)
        return block


@sound_effect("pan")
def pan(controls: Controls) -> Machine:
    """Balance the two sides; in the middle nothing changes."""
    return _Pan(controls)


class _Fade:
    latency = 0

    def __init__(self, controls: Controls) -> None:
        rate = controls.rate
        self._in, self._out = (round(controls.number(name) * rate) for name in ("in", "out"))
        self._length = round(controls.number("length") * rate)
        self._power = controls.text("shape") == "power"

    def __call__(self, block: Samples, at: int, key: Samples | None) -> Samples:
        end = at + block.shape[1]
        if at >= self._in and end <= self._length - self._out:
            return block
        place = np.arange(at, end)
        up = np.clip((place + 0.5) / self._in, 0, 1) if self._in else np.ones(place.size)
        down = np.clip((self._length - place - 0.5) / self._out, 0, 1) if self._out else np.ones(place.size)
        level = np.sin(up * np.pi / 2) * np.sin(down * np.pi / 2) if self._power else up * down
        block *= level.astype(np.float32)
        return block


@sound_effect("fade")
def fade(controls: Controls) -> Machine:
    """Come in from silence at the beginning, go out into it at the end."""
    return _Fade(controls)
