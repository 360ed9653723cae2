"""Pictures and sounds whose truth is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Shot
from demo.footage import Script, make_talk
from engine.media.analysis.look import Gray, Look
from engine.media.analysis.shots import ShotFinder

RATE = 25
SIZE = (320, 180)
Samples = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Talk:
    path: Path
    script: Script


def make(path: Path) -> Talk:
    return Talk(path=path, script=make_talk(path, seconds=32, width=640, height=360))


def looks(pictures: Iterable[Gray]) -> Iterator[Look]:
    """Return pictures, 25 a second, as the detectors get them."""
    for number, picture in enumerate(pictures):
        yield Look(number, Fraction(number, RATE), picture)


def shots_of(pictures: Iterable[Gray]) -> tuple[Shot, ...]:
    finder, count = ShotFinder(), 0
    for look in looks(pictures):
        finder.add(look)
        count += 1
    return finder.finish(Fraction(count, RATE))


def wall(seed: int, width: int = SIZE[0], height: int = SIZE[1]) -> Gray:
    """Return a picture like no other: soft clouds and hard shapes, (height, width)."""
    rng = np.random.default_rng(seed)
    clouds = rng.normal(0, 1, (height // 20, width // 20)).astype(np.float32)
    soft = np.asarray(cv2.resize(clouds, (width, height), interpolation=cv2.INTER_CUBIC))
    picture = np.clip(120 + 30 * soft, 0, 255).astype(np.uint8)
    for _ in range(width * height // 3000):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        right, down = x + int(rng.integers(8, 60)), y + int(rng.integers(8, 60))
        cv2.rectangle(picture, (x, y), (right, down), int(rng.integers(30, 230)), -1)
    return picture


def pan(seed: int, count: int, step: float) -> list[Gray]:
    """Return a camera that moves over a wall by `step` pixels a frame."""
    width = SIZE[0] + int(abs(step) * count) + 1
    whole = wall(seed, width)
    return [whole[:, int(step * number) :][:, : SIZE[0]].copy() for number in range(count)]


def dissolve(first: Gray, second: Gray, count: int) -> list[Gray]:
    """Return the `count` frames between two pictures."""
    parts = [(number + 1) / (count + 1) for number in range(count)]
    return [np.asarray(cv2.addWeighted(first, 1 - part, second, part, 0), dtype=np.uint8) for part in parts]


def mono(path: Path, rate: int = 16_000) -> Samples:
    """Return the sound of a file, shape (samples,)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    with av.open(str(path)) as container:
        parts = [
            ready.to_ndarray()[0]
            for frame in container.decode(audio=0)
            for ready in resampler.resample(frame)
        ]
    return np.concatenate(parts).astype(np.float32)
