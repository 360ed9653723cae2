"""The words of CMX 3600 edit lists that both the writer and the reader know."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from engine.editing.interchange.smpte import nominal

BLACK: Final = "BL"
AUXILIARY: Final = "AX"  # what programs write for files that have no reel
REEL_MOST: Final = 8
EVENTS_MOST: Final = 999
AUDIO_CHANNELS: Final = ("A", "A2", "A3", "A4")
# Wipes have numbers that differ between mixers; these four are the ones on which programs agree.
WIPES: Final[Mapping[str, str]] = {
    "wipe_left": "W003",
    "wipe_right": "W001",
    "wipe_up": "W002",
    "wipe_down": "W000",
}
EFFECT_NAME: Final = "EFFECT NAME"
FROM_CLIP: Final = "FROM CLIP NAME"
TO_CLIP: Final = "TO CLIP NAME"
SOURCE_FILE: Final = "SOURCE FILE"
TO_SOURCE_FILE: Final = "TO SOURCE FILE"
LOCATOR: Final = "LOC"


def reel_name(name: str, taken: set[str]) -> str:
    """Return a reel of at most eight letters and digits that no other file has."""
    stem = re.sub(r"[^A-Z0-9_]", "", name.rpartition(".")[0].upper() or name.upper())[:REEL_MOST] or "REEL"
    made, number = stem, 2
    while made in taken or made in (BLACK, AUXILIARY):
        made, number = f"{stem[: REEL_MOST - len(str(number))]}{number}", number + 1
    taken.add(made)
    return made


def one_line(text: str) -> str:
    """Return a text as a comment may hold it."""
    return " ".join(text.split())[:200]


def speed_text(speed: Fraction, rate: Fraction) -> str:
    """Return a speed as an M2 line has it: frames a second, to a thousandth where a tenth will not do."""
    exact = speed * rate
    return f"{float(exact):.1f}" if (exact * 10).denominator == 1 else f"{float(exact):.3f}"


def stated_speed(text: str, rate: Fraction) -> Fraction:
    """Return the speed that an M2 line means: its frames a second are of real seconds, or of seconds of timecode.

    >>> stated_speed("14.985", Fraction(30000, 1001)), stated_speed("015.0", Fraction(30000, 1001))
    (Fraction(1, 2), Fraction(1, 2))
    """
    stated = Fraction(text)
    meant = (stated / base for base in (rate, Fraction(nominal(rate))))
    return min((one.limit_denominator(1000) for one in meant), key=lambda one: one.denominator)
