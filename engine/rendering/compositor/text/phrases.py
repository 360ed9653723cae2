"""Where phrases end in writing that puts no spaces between words: Japanese and Thai. Pure.

What a phrase is says BudouX, a small classifier over the characters around a place. In Japanese a line may be broken nearly
anywhere, and reads best when broken between phrases; in Thai it may be broken between words alone, which no rule about
characters can tell (Unicode Standard Annex #14 leaves South East Asian scripts to dictionaries).
"""

from __future__ import annotations

import functools
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from budoux import Parser

_THAI: Final = re.compile("[\u0e01-\u0e5b]+")
# Kana tell Japanese from Chinese; a run of it holds kanji, kana, their marks and full-width forms.
_KANA: Final = re.compile("[\u3041-\u30ff]")
_JAPANESE: Final = re.compile("[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]+")


def phrased(text: str, ends: list[int]) -> list[int]:
    """Return where lines are best broken.

    Args:
        text: one paragraph.
        ends: where lines may be broken by the rules for characters, rising, the last at the text's end.

    Of a run of Japanese those that end a phrase are left; within a run of Thai the ends of its words are added.
    """
    kept = set(ends)
    for run in _THAI.finditer(text):
        kept |= _inside(run, "th")
    if _KANA.search(text):
        for run in _JAPANESE.finditer(text):
            phrases = _inside(run, "ja")
            kept -= {end for end in range(run.start() + 1, run.end()) if end not in phrases}
    return sorted(kept)


def load() -> None:
    """Read the classifiers' tables, which are read from files, while files still may be opened."""
    for language in ("ja", "th"):
        _parser(language)


def _inside(run: re.Match[str], language: str) -> set[int]:
    """Return where phrases end within a run, its own end left out."""
    ends = accumulate(map(len, _parser(language).parse(run[0])))
    return {run.start() + end for end in ends} - {run.end()}


@functools.cache
def _parser(language: str) -> Parser:
    import budoux

    return budoux.load_default_thai_parser() if language == "th" else budoux.load_default_japanese_parser()
