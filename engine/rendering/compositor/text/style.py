"""How a text looks and where it stands, read from the values of a frame; sizes become pixels of the canvas."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, cast

from engine.rendering.compositor.table import At
from engine.rendering.compositor.text.layout import Align
from engine.rendering.compositor.text.sheet import Colour, colour_of
from engine.rendering.graph import DrawnFont

Anchor = Literal["top", "middle", "bottom"]
# Sizes in the catalogue are pixels of a canvas whose shorter side has so many.
REFERENCE = 1080


@dataclass(frozen=True)
class Zone:
    """The part of a canvas that nothing of an app lies over, pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Style:
    """What a text looks like; two that are equal give the same ink. Lengths in pixels.

    `room`: the most that a line may be wide; `tallest`: the most that all of it may be tall. `lines` 0: any number.
    """

    fonts: tuple[DrawnFont, ...]
    size: float
    colour: Colour
    outline: float
    outline_colour: Colour
    shadow: float
    box_colour: Colour
    box_padding: float
    box_radius: float
    box_by_line: bool
    align: Align
    line_height: float
    spacing: float
    lines: int
    room: float
    tallest: float
    features: tuple[str, ...] = ()

    @property
    def has_box(self) -> bool:
        """Whether there is something behind the letters."""
        return self.box_colour[3] > 0


def unit(width: int, height: int) -> float:
    """Return how many pixels of the canvas one of the catalogue is."""
    return min(width, height) / REFERENCE


def zone_of(width: int, height: int, at: At) -> Zone:
    """Return the safe zone: its edges are worked out when the plan is made, as parts of the canvas."""
    return Zone(
        left=width * at.number("safe_left"),
        top=height * at.number("safe_top"),
        right=width * (1 - at.number("safe_right")),
        bottom=height * (1 - at.number("safe_bottom")),
    )


def style_of(width: int, height: int, at: At) -> Style:
    """Return how the values of a frame say that a text looks on a canvas of this size."""
    pixel, zone = unit(width, height), zone_of(width, height, at)
    size = at.number("size") * pixel
    box = colour_of(at.text("box_colour"))
    padding = at.number("box_padding") * pixel if box[3] > 0 else 0.0
    outline = at.number("outline") * pixel
    around = 2 * max(padding, outline)
    return Style(
        fonts=at.fonts,
        size=size,
        colour=colour_of(at.text("colour")),
        outline=outline,
        outline_colour=colour_of(at.text("outline_colour")),
        shadow=at.number("shadow"),
        box_colour=box,
        box_padding=padding,
        box_radius=at.number("box_radius") * pixel,
        box_by_line=at.text("box_shape") == "lines",
        align=cast(Align, at.text("align")),
        line_height=at.number("line_height"),
        spacing=at.number("letter_spacing") * size,
        lines=round(at.number("max_lines")),
        room=max(size, zone.width * at.number("width") - around),
        tallest=max(size, zone.height - around),
    )


def cased(text: str, case: str) -> str:
    """Return a text in `upper`, `lower` or `title` case, or as it is; letters with their accents are one character."""
    text = unicodedata.normalize("NFC", text)
    if case == "title":
        return " ".join(part[:1].upper() + part[1:] for part in text.split(" "))
    return {"upper": str.upper, "lower": str.lower}.get(case, str)(text)
