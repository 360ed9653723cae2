"""Effects that send red, green and blue each through a curve of its own.

Curves are tables of 1024 values over the signal's 0..1; colours outside what a screen can show are brought to its edge.
"""

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.editing.tones import points_of, through
from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.kernels import graded
from engine.rendering.compositor.table import At, effect

Table = NDArray[np.float32]

LEVELS: Final = np.linspace(0, 1, 1024)
CHANNELS: Final = ("red", "green", "blue")
STRAIGHT: Final = "0,0 1,1"


@effect("lift_gamma_gain")
def lift_gamma_gain(picture: Picture, at: At) -> Picture:
    """Move the dark, the middle and the bright, of all channels and of each."""
    wheels = tuple(
        (
            round(at.number("lift") + at.number(f"lift_{channel}"), 4),
            round(at.number("gamma") * at.number(f"gamma_{channel}"), 4),
            round(at.number("gain") * at.number(f"gain_{channel}"), 4),
        )
        for channel in CHANNELS
    )
    if all(wheel == (0, 1, 1) for wheel in wheels):
        return picture
    return _through(picture, *(_wheeled(*wheel) for wheel in wheels))


@effect("curves")
def curves(picture: Picture, at: At) -> Picture:
    """Bend each channel by its own curve, then by the one for all; `strength` mixes with what was there."""
    strength = round(at.number("strength"), 3)
    drawn = {name: at.text(name) for name in ("all", *CHANNELS)}
    if strength == 0 or all(text == STRAIGHT for text in drawn.values()):
        return picture
    return _through(picture, *(_bent(drawn[channel], drawn["all"], strength) for channel in CHANNELS))


def _through(picture: Picture, *tables: Table) -> Picture:
    picture = ready(picture)
    graded(picture.y, picture.u, picture.v, *tables)
    return picture


@functools.lru_cache(maxsize=256)
def _wheeled(lift: float, gamma: float, gain: float) -> Table:
    lifted = np.clip(gain * (LEVELS + lift * (1 - LEVELS)), 0, 1)
    return np.asarray(lifted ** (1 / gamma), dtype=np.float32)


@functools.lru_cache(maxsize=256)
def _bent(channel: str, every: str, strength: float) -> Table:
    bent = through(points_of(every), through(points_of(channel), LEVELS))
    return np.asarray(LEVELS + (bent - LEVELS) * strength, dtype=np.float32)
