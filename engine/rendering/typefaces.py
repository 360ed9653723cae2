"""Which fonts there are, and which of them writes each character of a text.

    shipped (Inter: Latin, Greek, Cyrillic)  +  installed (as fontconfig lists them)  ->  choose(family, weight, text)

The font that was asked for writes what it can; the rest goes to a family that is made for its script, else to any that has
it. What nobody has is told, with what to install. Nothing here opens a font: its characters are in the lists.
"""

from __future__ import annotations

import bisect
import functools
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from msgspec import Struct

from engine.rendering.compositor.text.breaking import graphemes, is_emoji

DEFAULT_FAMILY: Final = "Inter"
LIST_COMMAND: Final = (
    "fc-list",
    "--format",
    "%{file}\\t%{index}\\t%{family}\\t%{weight}\\t%{slant}\\t%{width}\\t%{color}\\t%{variable}\\t%{charset}\\n",
)
# fontconfig's weights and those of OpenType (fontconfig, FcWeightToOpenTypeDouble).
_WEIGHTS: Final = (
    (0, 100), (40, 200), (50, 300), (55, 350), (75, 380), (80, 400), (100, 500), (180, 600), (200, 700), (205, 800),
    (210, 900), (215, 1000),
)  # fmt: skip
_PLAIN_WIDTH: Final = 100
# What is drawn as a space, or not at all, whatever the font: spaces, joiners, marks of direction, selectors.
_UNSEEN: Final = frozenset({"Zs", "Cc", "Cf", "Zl", "Zp"})
_SELECTORS: Final = frozenset(map(chr, (*range(0xFE00, 0xFE10), 0x200D, 0x20E3)))

# For the first word of a character's name: what its script is called, the families made for it, Debian's package.
SCRIPTS: Final[dict[str, tuple[str, tuple[str, ...], str]]] = {
    "ARABIC": ("Arabic", ("Noto Sans Arabic", "Noto Naskh Arabic"), "fonts-noto-core"),
    "HEBREW": ("Hebrew", ("Noto Sans Hebrew",), "fonts-noto-core"),
    "DEVANAGARI": ("Devanagari", ("Noto Sans Devanagari",), "fonts-noto-core"),
    "BENGALI": ("Bengali", ("Noto Sans Bengali",), "fonts-noto-core"),
    "TAMIL": ("Tamil", ("Noto Sans Tamil",), "fonts-noto-core"),
    "TELUGU": ("Telugu", ("Noto Sans Telugu",), "fonts-noto-core"),
    "THAI": ("Thai", ("Noto Sans Thai",), "fonts-noto-core"),
    "ARMENIAN": ("Armenian", ("Noto Sans Armenian",), "fonts-noto-core"),
    "GEORGIAN": ("Georgian", ("Noto Sans Georgian",), "fonts-noto-core"),
    "ETHIOPIC": ("Ethiopic", ("Noto Sans Ethiopic",), "fonts-noto-core"),
    "CJK": ("Chinese", ("Noto Sans CJK SC", "Noto Sans CJK JP"), "fonts-noto-cjk"),
    "IDEOGRAPHIC": ("Chinese", ("Noto Sans CJK SC", "Noto Sans CJK JP"), "fonts-noto-cjk"),
    "FULLWIDTH": ("Chinese", ("Noto Sans CJK SC", "Noto Sans CJK JP"), "fonts-noto-cjk"),
    "HIRAGANA": ("Japanese", ("Noto Sans CJK JP",), "fonts-noto-cjk"),
    "KATAKANA": ("Japanese", ("Noto Sans CJK JP",), "fonts-noto-cjk"),
    "HANGUL": ("Korean", ("Noto Sans CJK KR",), "fonts-noto-cjk"),
}
EMOJI: Final = ("emoji", ("Noto Color Emoji",), "fonts-noto-color-emoji")
_GENERAL: Final = ("Noto Sans", "Noto Sans Symbols", "Noto Sans Symbols2", "Noto Sans Math", "DejaVu Sans")
_GENERAL_PACKAGE: Final = "fonts-noto-core"

Spans = tuple[tuple[int, int], ...]


class Typeface(Struct, frozen=True, kw_only=True):
    """One font of one file.

    `lightest`, `heaviest` are its weights (400 regular, 700 bold), equal but for variable fonts. `spans` are the code points
    that it has, both ends included, in order.
    """

    path: str
    families: tuple[str, ...]
    lightest: int
    heaviest: int
    spans: Spans
    index: int = 0
    italic: bool = False
    colour: bool = False
    width: int = _PLAIN_WIDTH

    @property
    def variable(self) -> bool:
        """Whether it has more than one weight."""
        return self.lightest != self.heaviest

    def has(self, characters: Iterable[str]) -> bool:
        """Tell whether all of the characters are in it."""
        return all(self._has(ord(one)) for one in characters)

    def _has(self, code: int) -> bool:
        place = bisect.bisect_right(self.spans, (code, 0x110000)) - 1
        return place >= 0 and self.spans[place][0] <= code <= self.spans[place][1]

    def away_from(self, weight: int, italic: bool) -> tuple[object, ...]:
        """Return how far it is from what is wanted; smaller is nearer (CSS Fonts 4, 5.2, shortened)."""
        nearest = min(max(weight, self.lightest), self.heaviest)
        return (
            abs(self.width - _PLAIN_WIDTH),
            self.italic != italic,
            abs(nearest - weight),
            -nearest,
            self.path,
        )


class Part(Struct, frozen=True, kw_only=True):
    """A font that writes some characters of a text, set to a weight where it has several."""

    typeface: Typeface
    characters: str
    weight: int | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """The fonts of a text, the one that was asked for first. `notices` say what is not as it was asked for."""

    parts: tuple[Part, ...]
    notices: tuple[str, ...] = ()


def choose(typefaces: Sequence[Typeface], family: str, weight: int, *, italic: bool, text: str) -> Choice:
    """Return which fonts write a text.

    Args:
        typefaces: those there are, the shipped ones among them.
        family: what was asked for; its case does not matter.
        weight: 100 to 900.
        italic: slanted letters.
        text: all that is to be written.
    """
    notices: list[str] = []
    wanted = _of_family(typefaces, family)
    if not wanted:
        notices.append(f"no font of the family {family!r} is installed: {DEFAULT_FAMILY} writes instead")
        wanted = _of_family(typefaces, DEFAULT_FAMILY)
    # A family may lie in several files: what has its plainest letter gives the lines their height, and writes all it can, so
    # that letters stand together as their font wants them to.
    first = _nearest([one for one in wanted if one.has("x ")] or wanted, weight, italic)
    found: dict[tuple[str, int], tuple[Typeface, dict[str, None]]] = {}
    missing: dict[tuple[str, str], dict[str, None]] = {}
    languages = _han_of(text)
    for one in dict.fromkeys(graphemes(unicodedata.normalize("NFC", text))):
        seen = [character for character in one if _is_seen(character)]
        if not seen:
            continue
        typeface = _for(one, seen, typefaces, ([first], wanted), weight, italic, languages)
        if typeface is None:
            script, package = _made_for(one)[0], _made_for(one)[2]
            missing.setdefault((script, package), {})[one] = None
            continue
        kept = found.setdefault((typeface.path, typeface.index), (typeface, {}))[1]
        kept.update(dict.fromkeys(character for character in one))
    for (script, package), characters in missing.items():
        shown = " ".join(list(characters)[:8])
        notices.append(
            f"no installed font has these characters ({script}): {shown}; on Debian: apt-get install {package}"
        )
    order = sorted(found.values(), key=lambda pair: (pair[0] is not first, pair[0] not in wanted))
    if not order or order[0][0] is not first:
        order = [(first, {}), *order]
    return Choice(
        parts=tuple(_part(one, characters, weight) for one, characters in order), notices=tuple(notices)
    )


def _part(typeface: Typeface, characters: Iterable[str], weight: int) -> Part:
    heavy = min(max(weight, typeface.lightest), typeface.heaviest) if typeface.variable else None
    return Part(typeface=typeface, characters="".join(sorted(characters)), weight=heavy)


def _for(
    grapheme: str,
    seen: Sequence[str],
    typefaces: Sequence[Typeface],
    wanted: tuple[Sequence[Typeface], Sequence[Typeface]],
    weight: int,
    italic: bool,
    languages: Sequence[str],
) -> Typeface | None:
    """Return the font for a grapheme; None: there is none."""
    pictures = is_emoji(grapheme)
    named = _made_for(grapheme)[1]
    if pictures:
        colours = [one for one in typefaces if one.colour]
        groups = [*_by_family(typefaces, named), colours, *wanted]
    else:
        families = languages if _script(grapheme) in ("CJK", "IDEOGRAPHIC", "FULLWIDTH") else named
        groups = [*wanted, *_by_family(typefaces, (*families, *named, *_GENERAL))]
    for group in (*groups, typefaces):
        able = [one for one in group if one.has(seen)]
        if able:
            return (
                _nearest(able, weight, italic) if group is not typefaces else _plainest(able, weight, italic)
            )
    return None


def _nearest(typefaces: Sequence[Typeface], weight: int, italic: bool) -> Typeface:
    return min(typefaces, key=lambda one: one.away_from(weight, italic))


def _plainest(typefaces: Sequence[Typeface], weight: int, italic: bool) -> Typeface:
    """Return one of any fonts: sans serif ones first, then by name, so that the choice is the same everywhere."""
    return min(
        typefaces,
        key=lambda one: ("Sans" not in one.families[0], one.families[0], one.away_from(weight, italic)),
    )


def _of_family(typefaces: Sequence[Typeface], family: str) -> list[Typeface]:
    name = family.strip().casefold()
    return [one for one in typefaces if any(own.casefold() == name for own in one.families)]


def _by_family(typefaces: Sequence[Typeface], families: Iterable[str]) -> list[list[Typeface]]:
    return [_of_family(typefaces, family) for family in families]


def _is_seen(character: str) -> bool:
    return character not in _SELECTORS and unicodedata.category(character) not in _UNSEEN


def _script(grapheme: str) -> str:
    return unicodedata.name(grapheme[0], "").partition(" ")[0].partition("-")[0]


def _made_for(grapheme: str) -> tuple[str, tuple[str, ...], str]:
    """Return a grapheme's script, the families made for it, and the package that has them."""
    if is_emoji(grapheme):
        return EMOJI
    script = _script(grapheme)
    return SCRIPTS.get(script, (script.capitalize() or "unknown", (), _GENERAL_PACKAGE))


def _han_of(text: str) -> tuple[str, ...]:
    """Return the families that write a text's Chinese characters the way of its language."""
    scripts = {_script(one) for one in text}
    if scripts & {"HIRAGANA", "KATAKANA"}:
        return ("Noto Sans CJK JP", "Noto Sans CJK SC")
    if "HANGUL" in scripts:
        return ("Noto Sans CJK KR", "Noto Sans CJK SC")
    return ("Noto Sans CJK SC", "Noto Sans CJK JP")


def spans_of(text: str) -> Spans:
    """Return spans of code points from the way fontconfig writes them: `20-7e a0-ff 2026`, hexadecimal."""
    spans = []
    for part in text.split():
        first, _, last = part.partition("-")
        spans.append((int(first, 16), int(last or first, 16)))
    return tuple(spans)


@functools.cache
def shipped() -> tuple[Typeface, ...]:
    """Return the fonts that come with the engine."""
    folder = resources.files("engine.rendering").joinpath("fonts")
    table = tomllib.loads(folder.joinpath("inter.toml").read_text(encoding="utf-8"))
    return tuple(
        Typeface(
            path=str(Path(str(folder)) / f"inter-{name}-wght-{style}.woff2"),
            families=(DEFAULT_FAMILY,),
            lightest=100,
            heaviest=900,
            spans=spans_of(row["characters"]),
            italic=style == "italic",
        )
        for style in ("normal", "italic")
        for name, row in table.items()
    )


@functools.lru_cache(maxsize=1)
def read_list(listing: str) -> tuple[Typeface, ...]:
    """Return the fonts of what `LIST_COMMAND` printed, in an order that does not depend on it."""
    found = []
    for line in listing.splitlines():
        fields = line.split("\t")
        if len(fields) != 9:
            continue
        path, index, families, weight, slant, width, colour, variable, spans = fields
        # A named instance of a variable font is the font itself, which stands in the list too.
        if not spans or (int(index) >> 16 and variable != "True"):
            continue
        weights = [_weight(float(one)) for one in weight.strip("[]").split()] or [400]
        found.append(
            Typeface(
                path=path,
                index=int(index) & 0xFFFF,
                families=tuple(families.split(",")),
                lightest=min(weights),
                heaviest=max(weights),
                italic=slant not in ("0", ""),
                colour=colour == "True",
                width=_first_number(width),
                spans=spans_of(spans),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.path, one.index, one.families)))


def _first_number(text: str) -> int:
    return int(float(text.strip("[]").split()[0])) if text.strip("[]") else _PLAIN_WIDTH


def _weight(fontconfig: float) -> int:
    known = [one for one, _ in _WEIGHTS]
    place = min(max(1, bisect.bisect_left(known, fontconfig)), len(known) - 1)
    (low, light), (high, heavy) = _WEIGHTS[place - 1], _WEIGHTS[place]
    part = min(max((fontconfig - low) / (high - low), 0), 1)
    return round(light + (heavy - light) * part)
