"""Final Cut Pro's XML, version 1.10: times, names and identifiers that the writer and the reader share.

Apple, FCPXML Reference. Times are exact: `1001/30000s`. Clips on the main storyline (`spine`) follow each other; all
others hang on one of its clips, in a lane above (positive) or below (negative).
"""

import re
from fractions import Fraction
from typing import Final

VERSION: Final = "1.10"
_TIME: Final = re.compile(r"(-?\d{1,18})(?:/(\d{1,18}))?s?\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{1,12}\.\d{1,9}s\Z", re.ASCII)
DISSOLVE: Final = ("Cross Dissolve", "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265")
TITLE: Final = (
    "Basic Title",
    ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/Basic Title.moti",
)
SOLID: Final = ("Custom", ".../Generators.localized/Solids.localized/Custom.localized/Custom.motn")
LATEST: Final = Fraction(1 << 32)


def time_text(seconds: Fraction) -> str:
    """Return a time as FCPXML has it.

    >>> time_text(Fraction(1001, 30)), time_text(Fraction(5))
    ('1001/30s', '5s')
    """
    return f"{seconds}s"


def time_of(text: str | None) -> Fraction | None:
    """Return a time's exact seconds; None: there is none, or it is not as FCPXML writes times."""
    found = _TIME.match((text or "").strip())
    if found is None:
        decimal = _DECIMAL.match((text or "").strip())
        return None if decimal is None else Fraction(decimal[0][:-1])
    if found[2] is not None and int(found[2]) == 0:
        return None
    seconds = Fraction(int(found[1]), int(found[2] or 1))
    return seconds if abs(seconds) <= LATEST else None


def colour_text(colour: str) -> str:
    """Return `red green blue alpha`, each 0..1, of `#rrggbb` or `#rrggbbaa`."""
    digits = colour.lstrip("#").ljust(6, "0")
    digits = digits if len(digits) == 8 else f"{digits[:6]}ff"
    try:
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4, 6)]
    except ValueError:
        parts = [1.0, 1.0, 1.0, 1.0]
    return " ".join(f"{part:.6g}" for part in parts)


def colour_of(text: str) -> str | None:
    """Return `#rrggbb`, with alpha where it is seen through; None: these are not three or four numbers."""
    try:
        parts = [float(part) for part in text.split()]
    except ValueError:
        return None
    if len(parts) not in (3, 4) or not all(0 <= part <= 1 for part in parts):
        return None
    digits = "".join(f"{round(part * 255):02x}" for part in parts)
    return "#" + (digits[:6] if digits[6:] == "ff" else digits)
