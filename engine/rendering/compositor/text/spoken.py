"""Words with their times, found in the text that they are written as. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from engine.rendering.graph import DrawnWord

# Scripts that are written without spaces between words.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "IDEOGRAPHIC", "FULLWIDTH")


@dataclass(frozen=True)
class Spoken:
    """Characters `[start, end)` of a text and when they are said, seconds of clip time."""

    start: int
    end: int
    said: float
    until: float


def written(text: str, words: Sequence[DrawnWord]) -> tuple[str, tuple[Spoken, ...]]:
    """Return the text with the places of its words.

    The text stands where all words are found in it one after the other, whatever their case; else, and where there is
    none, the words themselves are the text.
    """
    found = _found(text, words) if text else None
    if found is not None:
        return text, found
    joined, places = "", []
    for word in words:
        said = word.text.strip()
        if not said:
            continue
        if joined and not (_unspaced(joined[-1]) and _unspaced(said[0])) and said[0] not in ",.!?;:…":
            joined += " "
        places.append(Spoken(len(joined), len(joined) + len(said), float(word.start), float(word.end)))
        joined += said
    return joined, tuple(places)


def _found(text: str, words: Sequence[DrawnWord]) -> tuple[Spoken, ...] | None:
    low, places, at = text.lower(), [], 0
    if len(low) != len(text):
        low = text
    for word in words:
        said = word.text.strip().lower()
        if not said:
            continue
        start = low.find(said, at)
        if start < 0:
            return None
        at = start + len(said)
        places.append(Spoken(start, at, float(word.start), float(word.end)))
    return tuple(places)


def _unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)
