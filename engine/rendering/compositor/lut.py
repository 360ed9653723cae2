"""The effect that sends a picture through a `.cube` table."""

import functools

import numpy as np
from numpy.typing import NDArray

from engine.editing.interchange.cube import Lut, parse_cube
from engine.media.tasks import warm_up
from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.compiled import ready
from engine.rendering.compositor.grading import LEVELS
from engine.rendering.compositor.kernels import graded
from engine.rendering.compositor.kernels_lut import tabled
from engine.rendering.compositor.table import At, effect

Reals = NDArray[np.float32]


@effect("lut")
def lut(picture: Picture, at: At) -> Picture:
    """Look each colour up, as shown (BT.709); `strength` mixes with what was there.

    Raises:
        Invalid: the file is no `.cube` table.
    """
    strength = at.number("strength")
    if strength == 0:
        return picture
    table = _read(at.file("file"))
    picture = ready(picture)
    if table.kind == "1d":
        graded(picture.y, picture.u, picture.v, *_curves(table, round(strength, 3)))
        return picture
    low, high = np.array(table.domain_min, np.float32), np.array(table.domain_max, np.float32)
    scale = np.asarray((table.size - 1) / (high - low), dtype=np.float32)
    tabled(picture.y, picture.u, picture.v, table.table, low, scale, np.float32(strength))
    return picture


@warm_up
def load_codecs() -> None:
    """Read a table of each writing: Python loads what reads text when it is first used."""
    for text in (b"\xef\xbb\xbfLUT_1D_SIZE 2\n0 0 0\n1 1 1\n", b"# \xe9\nLUT_1D_SIZE 2\n0 0 0\n1 1 1\n"):
        parse_cube(text)


@functools.lru_cache(maxsize=4)
def _read(content: bytes) -> Lut:
    return parse_cube(content)


def _curves(table: Lut, strength: float) -> tuple[Reals, Reals, Reals]:
    red, green, blue = (_curve(table, channel, strength) for channel in range(3))
    return red, green, blue


def _curve(table: Lut, channel: int, strength: float) -> Reals:
    places = np.linspace(table.domain_min[channel], table.domain_max[channel], table.size)
    bent = np.interp(LEVELS, places, table.table[:, channel])
    return np.asarray(np.clip(LEVELS + (bent - LEVELS) * strength, 0, 1), dtype=np.float32)
