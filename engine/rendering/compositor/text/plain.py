"""Pictures that are made on the spot and hold no words, or only numbers: colours, gradients, bars, counters."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.rendering.compositor.canvas import Picture, Plane, filled, yuv_of
from engine.rendering.compositor.patches import Patch
from engine.rendering.compositor.table import At, generator
from engine.rendering.compositor.text.moving import move_at
from engine.rendering.compositor.text.sheet import colour_of
from engine.rendering.compositor.text.style import style_of
from engine.rendering.compositor.text.titles import stand
from engine.rendering.compositor.text.writing import kept, set_to_fit, write

Reals = NDArray[np.float32]

# White, yellow, cyan, green, magenta, red, blue, black: Recommendation ITU-R BT.471-1, at 75 percent ("100/0/75/0").
_BARS: Final = ((1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0, 0, 0))
_LEVEL: Final = 0.75
_RAMP_FROM: Final = 0.75  # of the height: below lies a ramp from black to white


@generator("solid")
def solid(width: int, height: int, at: At) -> Picture:
    """Fill the canvas with one colour."""
    red, green, blue, alpha = colour_of(at.text("colour"))
    colour = yuv_of(round(255 * red), round(255 * green), round(255 * blue))
    return filled(width, height, colour, alpha=None if alpha == 1 else round(255 * alpha))


@generator("gradient")
def gradient(width: int, height: int, at: At) -> Picture:
    """Fill the canvas with one colour that becomes another."""
    kind, turned = at.text("shape"), round(at.number("angle"), 3)
    return _gradient(width, height, kind, turned, at.text("colour"), at.text("second_colour")).copy()


@functools.lru_cache(maxsize=2)
def _gradient(width: int, height: int, kind: str, angle: float, first: str, second: str) -> Picture:
    part = _part(width, height, kind, angle)
    halves = part.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    from_, to = colour_of(first), colour_of(second)
    ends = [yuv_of(*(round(255 * value) for value in colour[:3])) for colour in (from_, to)]
    planes = [
        _ramp(where, ends[0][place], ends[1][place]) for place, where in enumerate((part, halves, halves))
    ]
    opaque = from_[3] == to[3] == 1
    return Picture(
        planes[0], planes[1], planes[2], None if opaque else _ramp(part, 255 * from_[3], 255 * to[3])
    )


def _part(width: int, height: int, kind: str, angle: float) -> Reals:
    """Return how far each pixel is from the first colour (0) to the second (1)."""
    across = (np.arange(width, dtype=np.float32)[None, :] + 0.5) - width / 2
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5) - height / 2
    if kind == "radial":
        found = np.hypot(across, down) / math.hypot(width / 2, height / 2)
    else:
        turn = math.radians(angle)
        x, y = math.cos(turn), math.sin(turn)
        reach = (abs(x) * width + abs(y) * height) / 2
        found = (across * x + down * y) / (2 * reach) + 0.5
    return np.asarray(np.clip(found, 0, 1), np.float32)


def _ramp(part: Reals, first: float, second: float) -> Plane:
    """Return values between two, with a fixed pattern of half a step so that no bands are seen."""
    high, wide = part.shape
    exact = first + (second - first) * part
    if first == second:
        return np.full(part.shape, round(first), np.uint8)
    # Interleaved gradient noise: evenly spread over small areas, and the same in every frame.
    x, y = np.arange(wide, dtype=np.float64)[None, :], np.arange(high, dtype=np.float64)[:, None]
    noise = np.mod(52.9829189 * np.mod(0.06711056 * x + 0.00583715 * y, 1), 1)
    low, most = min(first, second), max(first, second)
    return np.asarray(np.clip(np.floor(exact + noise), low, most), np.uint8)


@generator("bars")
def bars(width: int, height: int, _at: At) -> Picture:
    """Show colour bars above a ramp from black to white."""
    return _bars(width, height).copy()


@functools.lru_cache(maxsize=2)
def _bars(width: int, height: int) -> Picture:
    picture = filled(width, height)
    below = round(height * _RAMP_FROM / 2) * 2
    for place, colour in enumerate(_BARS):
        left, right = (round(width * edge / len(_BARS) / 2) * 2 for edge in (place, place + 1))
        level = 1.0 if place == 0 else _LEVEL
        y, u, v = yuv_of(*(round(255 * level * one) for one in colour))
        picture.y[:below, left:right] = y
        picture.u[: below // 2, left // 2 : right // 2] = u
        picture.v[: below // 2, left // 2 : right // 2] = v
    picture.y[below:] = np.linspace(16, 235, width).round().astype(np.uint8)
    return picture


@generator("counter")
def counter(width: int, height: int, at: At) -> Patch | None:
    """Write a number that grows or falls over the clip, or the clip's time."""
    # Digits of one width: what runs does not jump.
    style = replace(style_of(width, height, at), lines=1, features=("tnum",))
    move = move_at(at, width, height)
    text = f"{at.text('before')}{counted(at)}{at.text('after')}"
    key = ("counter", text, style)
    written = kept(key, lambda: write(set_to_fit(text, style, at.files or {}), style))
    return stand(key, written, at, move, width, height)


def counted(at: At) -> str:
    """Return the number or the time that a counter has come to."""
    if at.text("format") == "clock":
        left = at.number("from") + (at.seconds if at.number("to") >= at.number("from") else -at.seconds)
        whole = max(0, math.floor(left + 1e-9))
        hours, minutes = whole // 3600, whole // 60 % 60
        return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
    part = 1.0 if at.lasts <= 0 else min(1.0, at.seconds / at.lasts)
    value = at.number("from") + (at.number("to") - at.number("from")) * part
    decimals = round(at.number("decimals"))
    return f"{value:,.{decimals}f}" if at.number("grouped") else f"{value:.{decimals}f}"
