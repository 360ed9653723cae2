"""Looks of captions as Advanced SubStation Alpha has them: styles, colours, places.

Sizes of ours are pixels of a canvas whose shorter side has 1080; those of ASS are pixels of its script's resolution.
"""

import math
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.timeline import Parameter

COLUMNS: Final = (
    "Name", "Fontname", "Fontsize", "PrimaryColour", "SecondaryColour", "OutlineColour", "BackColour", "Bold", "Italic",
    "Underline", "StrikeOut", "ScaleX", "ScaleY", "Spacing", "Angle", "BorderStyle", "Outline", "Shadow", "Alignment",
    "MarginL", "MarginR", "MarginV", "Encoding",
)  # fmt: skip
CARRIED: Final = frozenset(
    {
        "font", "size", "weight", "italic", "colour", "highlight_colour", "outline", "outline_colour", "box_colour",
        "style", "align", "anchor", "x", "y", "shadow",
    }
)  # fmt: skip
_ACROSS: Final = {"left": 0, "start": 0, "center": 1, "right": 2, "end": 2}
_UP: Final = {"bottom": 0, "middle": 3, "top": 6}
_SHORTER: Final = 1080


class Canvas(Struct, frozen=True, kw_only=True):
    """The script's resolution, pixels."""

    width: int
    height: int

    @property
    def scale(self) -> float:
        """How many of its pixels one of ours is."""
        return min(self.width, self.height) / _SHORTER


def style_line(name: str, look: dict[str, Parameter], canvas: Canvas) -> str:
    """Return the `Style:` line of a look; what it leaves open has the catalogue's default of a caption."""
    style = _text(look, "style", "outline")
    colour, second = _text(look, "colour", "#ffffff"), _text(look, "highlight_colour", "#ffd60a")
    if style == "karaoke":  # what is not said yet has the secondary colour
        colour, second = second, colour
    boxed = style == "box"
    values: dict[str, Any] = {
        "Name": name,
        "Fontname": _text(look, "font", "Inter").replace(",", " "),
        "Fontsize": f"{_number(look, 'size', 60) * canvas.scale:.6g}",
        "PrimaryColour": ass_colour(colour),
        "SecondaryColour": ass_colour(second),
        "OutlineColour": ass_colour(
            _text(look, "box_colour", "#000000b8") if boxed else _text(look, "outline_colour", "#000000")
        ),
        "BackColour": ass_colour(_text(look, "box_colour", "#000000b8")),
        "Bold": -1 if _number(look, "weight", 700) >= 600 else 0,
        "Italic": -1 if _number(look, "italic", 0) > 0 else 0,
        "BorderStyle": 3 if boxed else 1,
        "Outline": f"{_number(look, 'outline', 5) * canvas.scale:.6g}",
        "Shadow": 1 if _number(look, "shadow", 0) > 0 else 0,
        "Alignment": alignment(look),
        "MarginV": round((1 - _number(look, "y", 0.92)) * canvas.height) if "y" not in look else 0,
        **{"ScaleX": 100, "ScaleY": 100, "Encoding": 1},
    }
    return "Style: " + ",".join(str(values.get(column, 0)) for column in COLUMNS)


def alignment(look: dict[str, Parameter]) -> int:
    """Return the place as the number pad has it: 2 is below in the middle."""
    return 1 + _ACROSS.get(_text(look, "align", "center"), 1) + _UP.get(_text(look, "anchor", "bottom"), 0)


def placed(look: dict[str, Parameter], canvas: Canvas) -> str:
    """Return the override that puts a caption where its look says; empty: where its style has it."""
    if not {"x", "y"} & look.keys():
        return ""
    across, down = _number(look, "x", 0.5) * canvas.width, _number(look, "y", 0.92) * canvas.height
    return f"{{\\pos({across:.8g},{down:.8g})}}"


def look_of(row: dict[str, str], canvas: Canvas) -> dict[str, Parameter]:
    """Return the look that a style's columns say; what cannot be read is left to the default."""
    look: dict[str, Parameter] = {}
    if font := row.get("Fontname", "").strip()[:100]:
        look["font"] = font
    if (size := _read(row.get("Fontsize", ""))) > 0:
        look["size"] = float(round(min(max(size / canvas.scale, 8), 600), 3))
    for column, name in (("PrimaryColour", "colour"), ("OutlineColour", "outline_colour")):
        if colour := our_colour(row.get(column, "")):
            look[name] = colour
    look["weight"] = 700.0 if _read(row.get("Bold", "0")) not in (0, 400) else 400.0
    look["italic"] = 1.0 if _read(row.get("Italic", "0")) else 0.0
    look["outline"] = float(round(min(max(_read(row.get("Outline", "0")) / canvas.scale, 0), 40), 3))
    if _read(row.get("BorderStyle", "1")) == 3:
        look |= {"style": "box", "box_colour": our_colour(row.get("OutlineColour", "")) or "#000000b8"}
    place = int(_read(row.get("Alignment", "2")))
    return look | place_of(place if 1 <= place <= 9 else 2)


def place_of(number: int) -> dict[str, Parameter]:
    """Return alignment and anchor of a place on the number pad, 1 to 9."""
    across = ("left", "center", "right")[(number - 1) % 3]
    return {"align": across, "anchor": ("bottom", "middle", "top")[(number - 1) // 3]}


def ass_colour(colour: str) -> str:
    """Return `&HAABBGGRR`, whose alpha is 0 where nothing is seen through.

    >>> ass_colour("#ff8000"), ass_colour("#ff800080")
    ('&H000080FF', '&H7F0080FF')
    """
    digits = colour.lstrip("#").upper()
    if len(digits) not in (6, 8) or any(one not in "0123456789ABCDEF" for one in digits):
        return "&H00FFFFFF"
    alpha = 255 - int(digits[6:8] or "FF", 16)
    return f"&H{alpha:02X}{digits[4:6]}{digits[2:4]}{digits[0:2]}"


def our_colour(text: str) -> str:
    """Return `#rrggbb` or `#rrggbbaa`; empty: it is no colour of ASS.

    >>> our_colour("&H7F0080FF"), our_colour("&H0080FF&")
    ('#ff800080', '#ff8000')
    """
    digits = text.strip().strip("&").lstrip("Hh")
    if not digits or len(digits) > 8 or any(one not in "0123456789abcdefABCDEF" for one in digits):
        return ""
    value = int(digits, 16)
    blue, green, red, alpha = (value >> shift & 0xFF for shift in (16, 8, 0, 24))
    return f"#{red:02x}{green:02x}{blue:02x}" + (f"{255 - alpha:02x}" if alpha else "")


def centiseconds(seconds: Fraction) -> int:
    """Return hundredths of a second, the nearest: all that ASS can say."""
    return round(seconds * 100)


def _text(look: dict[str, Parameter], name: str, default: str) -> str:
    value = look.get(name, default)
    return value.replace("\n", " ") if isinstance(value, str) else default


def _number(look: dict[str, Parameter], name: str, default: float) -> float:
    value = look.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def _read(text: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and abs(value) < 1e6 else 0.0
