"""Texts drawn as the worker draws them, and what is seen of them.

drawn("title", text="Hello")          the canvas with a text on it, 1920x1080 unless said otherwise
ink(picture)                          left, top, right, bottom of what can be seen
words("one two three")                words, one said each half second
"""

import functools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray

from cutroom_sdk.wire.renders import Profile
from engine.editing.catalogue.spec import catalogue
from engine.rendering.compositor import catalogue as implementations
from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.patches import whole
from engine.rendering.compositor.table import At, generators
from engine.rendering.graph import Drawn, DrawnWord, Values
from engine.rendering.lettering import Fonts, installed_fonts, lettered

Value = float | str
Reals = NDArray[np.float64]
assert implementations.__all__


@functools.cache
def installed() -> Fonts:
    """Return the fonts of this machine."""
    return installed_fonts()


def needs(family: str, package: str) -> pytest.MarkDecorator:
    """Skip, visibly, where a family is not installed."""
    there = any(family in one.families for one in installed().typefaces)
    return pytest.mark.skipif(not there, reason=f"needs {family}: apt-get install {package}")


def words(text: str, each: Fraction = Fraction(1, 2)) -> tuple[DrawnWord, ...]:
    """Return the words of a text, said one after the other without a pause."""
    return tuple(
        DrawnWord(text=one, start=place * each, end=(place + 1) * each)
        for place, one in enumerate(text.split())
    )


def node(
    kind: str,
    *,
    seconds: Sequence[float] = (0.0,),
    lasts: float = 4.0,
    said: tuple[DrawnWord, ...] = (),
    profile: Profile | None = None,
    fonts: Fonts | None = None,
    given: Mapping[str, Value] = MappingProxyType({}),
) -> Drawn:
    """Return what the compiler makes of a clip: all parameters, defaults but for those given, and the fonts."""
    entry = catalogue()[kind]
    assert set(given) <= {one.name for one in entry.parameters}, f"{kind} has no such parameter"
    values: Values = {}
    for one in entry.parameters:
        value = given.get(one.name, one.default)
        assert value is not None, "what is drawn has defaults"
        values[one.name] = value if isinstance(value, str) else (float(value),)
    plain = Drawn(kind=kind, values=values, seconds=tuple(seconds), lasts=lasts, words=said)
    return lettered(plain, profile, fonts or Fonts())[0]


def at(drawn_node: Drawn, place: int = 0, fonts: Fonts | None = None) -> At:
    """Return the values of one of its frames."""
    values = drawn_node.values
    numbers = {key: one[min(place, len(one) - 1)] for key, one in values.items() if not isinstance(one, str)}
    texts = {key: one for key, one in values.items() if isinstance(one, str)}
    seconds = drawn_node.seconds[min(place, len(drawn_node.seconds) - 1)]
    return At(
        numbers,
        texts,
        files=_files(fonts or Fonts(), drawn_node),
        seconds=seconds,
        lasts=drawn_node.lasts,
        words=drawn_node.words,
        fonts=drawn_node.fonts,
    )


def _files(fonts: Fonts, drawn_node: Drawn) -> dict[str, bytes]:
    return {one.sha256: _content(fonts.path_of(one.sha256)) for one in drawn_node.fonts}


@functools.cache
def _content(path: str) -> bytes:
    return Path(path).read_bytes()


def drawn(
    kind: str,
    *,
    canvas: tuple[int, int] = (1920, 1080),
    seconds: float = 0.0,
    lasts: float = 4.0,
    said: tuple[DrawnWord, ...] = (),
    profile: Profile | None = None,
    fonts: Fonts | None = None,
    **given: Value,
) -> Picture:
    """Return a frame of a generator."""
    fonts = fonts or Fonts()
    one = node(kind, seconds=[seconds], lasts=lasts, said=said, profile=profile, fonts=fonts, given=given)
    made = generators[kind](*canvas, at(one, 0, fonts))
    return made if isinstance(made, Picture) else whole(made, *canvas)


def alpha(picture: Picture) -> NDArray[np.uint8]:
    """Return what is seen of each pixel."""
    assert picture.alpha is not None, "a text leaves most of its canvas free"
    return picture.alpha


def ink(picture: Picture, above: int = 8) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what is seen of it more than `above` of 255."""
    rows, columns = (np.flatnonzero((alpha(picture) > above).any(axis=axis)) for axis in (1, 0))
    assert rows.size, "there is ink"
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def columns_of(picture: Picture, mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and the last column with such pixels."""
    found = np.flatnonzero((mask & (alpha(picture) > 128)).any(axis=0))
    assert found.size, "there are such pixels"
    return int(found[0]), int(found[-1])


def rgb(picture: Picture) -> Reals:
    """Return red, green, blue as shown, 0..1."""
    y = (picture.y.astype(np.float64) - 16) / 219
    u, v = ((one.repeat(2, 0).repeat(2, 1).astype(np.float64) - 128) / 224 for one in (picture.u, picture.v))
    r, b = y + 1.5748 * v, y + 1.8556 * u
    return np.stack([r, (y - 0.2126 * r - 0.0722 * b) / 0.7152, b], axis=-1)


def like(picture: Picture, colour: str, within: float = 0.12) -> NDArray[np.bool_]:
    """Return which pixels have about this colour, `#rrggbb`."""
    wanted = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.asarray((np.abs(rgb(picture) - wanted) < within).all(axis=-1))


def same(one: Picture, other: Picture) -> bool:
    """Return whether two pictures are equal bit for bit."""
    return all(
        np.array_equal(a, b)
        for a, b in ((one.y, other.y), (one.u, other.u), (one.v, other.v), (alpha(one), alpha(other)))
    )
