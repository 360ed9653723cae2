"""Fonts in the worker: opened from their bytes, asked for widths and for ink, both kept for each run of characters."""

from __future__ import annotations

import functools
import io
import unicodedata
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

import numpy as np
import uniseg.emoji  # all three for their tables, which are read before a worker locks itself down
import uniseg.graphemecluster
import uniseg.linebreak  # noqa: F401
from msgspec import structs
from numpy.typing import NDArray
from PIL import Image, ImageFont
from PIL import features as pillow

from engine.kernel.errors import Invalid
from engine.media.tasks import warm_up
from engine.rendering.compositor.text import bidi, phrases
from engine.rendering.compositor.text.breaking import is_emoji
from engine.rendering.graph import DrawnFont

Coverage = NDArray[np.uint8]
Colours = NDArray[np.uint8]

# Sizes at which fonts of pictures (emoji) hold their glyphs; they are scaled from there.
STRIKES: Final = (109, 136, 128, 160, 96, 72, 64, 48, 32, 20)
FONT_BYTES: Final = 96 << 20
PEN_STEPS: Final = 4  # a pen stands at quarters of a pixel, so that few versions of a run are kept
# Joined letters must not be pulled apart (CSS Text 3, 8.2.1, "cursive scripts").
CURSIVE: Final = ("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC", "PHAGS-PA", "HANIFI ROHINGYA")
_VARIATION_16, _JOINER = "\ufe0f", "\u200d"


@dataclass(frozen=True)
class Ink:
    """What a run leaves on the canvas. `left`, `top`: from the pen (on the baseline) to the upper left corner, pixels.

    `coverage` is 0..255; `colours` are red, green, blue, alpha where the font has its own.
    """

    left: int
    top: int
    coverage: Coverage
    colours: Colours | None = None


class Face:
    """One font at one size."""

    def __init__(
        self, font: ImageFont.FreeTypeFont, size: float, *, colour: bool, features: tuple[str, ...] = ()
    ) -> None:
        self.colour = colour
        self._features = list(features)
        self.scale = size / font.size
        self._font = font
        self._shaped = bool(pillow.check("raqm"))
        ascent, descent = font.getmetrics()
        self.ascent, self.descent = ascent * self.scale, descent * self.scale
        self.width = functools.lru_cache(maxsize=4096)(self._width)
        self.ink = functools.lru_cache(maxsize=512)(self._ink)

    def _direction(self, rtl: bool) -> Literal["rtl", "ltr"] | None:
        return ("rtl" if rtl else "ltr") if self._shaped else None

    def _asked(self) -> list[str] | None:
        return self._features if self._shaped and self._features else None

    def _width(self, text: str, rtl: bool) -> float:
        mode = "RGBA" if self.colour else "L"
        return self._font.getlength(text, mode, self._direction(rtl), self._asked()) * self.scale

    def _ink(self, text: str, rtl: bool, pen: int = 0, stroke: float = 0.0) -> Ink:
        """Return the ink of a run whose pen stands `pen` quarters of a pixel to the right, `stroke` pixels fatter."""
        core, (left, top) = self._font.getmask2(
            text,
            "RGBA" if self.colour else "L",
            direction=self._direction(rtl),
            features=self._asked(),
            stroke_width=0 if self.colour else stroke,
            anchor="ls",
            ink=-1,
            start=(0.0 if self.colour else pen / PEN_STEPS, 0.0),
            stroke_filled=stroke > 0,
        )
        width, height = core.size
        if not width or not height:
            return Ink(left, top, np.zeros((0, 0), np.uint8))
        drawn = Image.new(core.mode, (1, 1))._new(core)
        if not self.colour:
            return Ink(left, top, np.asarray(drawn))
        if self.scale != 1:
            size = max(1, round(width * self.scale)), max(1, round(height * self.scale))
            drawn = drawn.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
            left, top = round(left * self.scale), round(top * self.scale)
        colours = np.asarray(drawn)
        return Ink(left, top, colours[:, :, 3], colours)


@dataclass(frozen=True)
class Family:
    """The fonts of a text at one size, the first of them giving the lines their height."""

    fonts: Sequence[DrawnFont]
    faces: Sequence[Face]

    @property
    def first(self) -> Face:
        """The font that was asked for."""
        return self.faces[0]

    def face_of(self, grapheme: str) -> int:
        """Return which font draws a grapheme; the first where none has it."""
        pictures = is_emoji(grapheme)
        wanted = [one for one in grapheme if one not in (_VARIATION_16, _JOINER)]
        order = sorted(range(len(self.fonts)), key=lambda place: self.fonts[place].colour != pictures)
        for place in order:
            if all(one in self.fonts[place].characters for one in wanted):
                return place
        return 0


_opened: OrderedDict[Hashable, tuple[Face, int]] = OrderedDict()


def family(
    fonts: Sequence[DrawnFont], files: Mapping[str, bytes], size: float, features: tuple[str, ...] = ()
) -> Family:
    """Return the fonts at a size in pixels, with features of OpenType (`tnum`: digits of one width).

    Raises:
        Invalid: a file is no font.
    """
    return Family(fonts, [_face(one, files, max(4.0, round(size * 4) / 4), features) for one in fonts])


def _face(font: DrawnFont, files: Mapping[str, bytes], size: float, features: tuple[str, ...]) -> Face:
    key = (font.sha256, font.index, font.weight, size, features)
    if key not in _opened:
        content = files[font.sha256]
        _opened[key] = (_open(font, content, size, features), len(content))
        while len(_opened) > 1 and sum(count for _, count in _opened.values()) > FONT_BYTES:
            _opened.popitem(last=False)
    _opened.move_to_end(key)
    return _opened[key][0]


def _open(font: DrawnFont, content: bytes, size: float, features: tuple[str, ...]) -> Face:
    for tried in (size, *STRIKES):
        try:
            opened = ImageFont.truetype(io.BytesIO(content), tried, index=font.index)
        except OSError as error:
            if "pixel size" in str(error):
                continue
            raise Invalid(f"a font cannot be read: {error}", field="font", sha256=font.sha256) from error
        if font.weight is not None:
            _set_weight(opened, font.weight)
        return Face(opened, size, colour=font.colour, features=features)
    raise Invalid("a font has no glyphs of a size that can be used", field="font", sha256=font.sha256)


def _set_weight(font: ImageFont.FreeTypeFont, weight: int) -> None:
    axes = font.get_variation_axes()
    font.set_variation_by_axes(
        [
            min(max(weight, axis["minimum"] or 0), axis["maximum"] or 1000)
            if axis["name"] == b"Weight"
            else axis["default"] or 0
            for axis in axes
        ]
    )


def is_cursive(text: str) -> bool:
    """Tell whether a text has letters that are joined."""
    return not text.isascii() and any(unicodedata.name(one, "").startswith(CURSIVE) for one in text)


@warm_up
def load() -> None:
    """Draw a letter, and scale a picture: a worker that has locked itself down opens nothing any more.

    Pillow reads parts of itself when they are first used, FriBidi is found when it is first asked for.
    """
    bidi.library()
    phrases.load()
    latin = (
        resources.files("engine.rendering").joinpath("fonts", "inter-latin-wght-normal.woff2").read_bytes()
    )
    shipped = DrawnFont(sha256="", characters="a", weight=600)
    _open(shipped, latin, 20.0, ("tnum",)).ink("a", False, 1, 1.0)
    coloured = _open(structs.replace(shipped, colour=True), latin, 20.0, ())
    coloured.scale = 0.5
    coloured.ink("a", False)
