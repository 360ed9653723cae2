"""Where a text may be broken into lines, and which breaks look best. Pure.

Breaks are those of Unicode Standard Annex #14 in its strict form, which includes the Japanese rules (no line begins with
closing punctuation, a small kana or a long-vowel mark, none ends with an opening bracket); of these, Japanese takes the ones
between phrases, and Thai has those between its words besides (`phrases`). A phrase that is wider than a line is broken
wherever the rules allow, and what is still too wide between graphemes.

The tables of `uniseg` (11 MB) are loaded when they are first needed, in the daemon never before a text is compiled; workers
load them before they lock themselves down (`faces`).
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from engine.rendering.compositor.text.phrases import phrased

Width = Callable[[int, int], float]
_VARIATION_16 = "\ufe0f"
_NEVER = (float("inf"), float("inf"), 0)


class Line(NamedTuple):
    """A line: the characters `[start, end)` of its text, without the spaces that it ends with."""

    start: int
    end: int


def graphemes(text: str) -> list[str]:
    """Return what a reader takes for the text's characters (Unicode Standard Annex #29)."""
    if text.isascii():
        return list(text)
    from uniseg.graphemecluster import grapheme_clusters

    return list(grapheme_clusters(text))


def is_emoji(grapheme: str) -> bool:
    """Tell whether a grapheme is to be shown as a picture rather than as a letter."""
    if grapheme.isascii():
        return False
    from uniseg.emoji import emoji_presentation

    return _VARIATION_16 in grapheme or any(map(emoji_presentation, grapheme))


def pieces(text: str) -> list[tuple[int, int]]:
    """Return the spans between which a line is best broken; a piece holds the spaces after it."""
    ends = _ends(text)
    return _spans(ends if text.isascii() else phrased(text, ends))


def _ends(text: str) -> list[int]:
    """Return where a line may be broken by the rules for characters."""
    from uniseg.linebreak import line_break_units

    return list(accumulate(len(unit) for unit in line_break_units(text)))


def _spans(ends: Sequence[int], start: int = 0) -> list[tuple[int, int]]:
    return list(zip([start, *ends[:-1]], ends, strict=True)) if ends else []


def lines_of(text: str, width: Width, room: float, *, balanced: bool = True) -> list[Line]:
    """Return the lines of one paragraph, as few as there can be.

    Args:
        text: without line feeds.
        width: how wide the characters `[start, end)` are.
        room: the most that a line may be.
        balanced: lines about equally long, rather than each as full as it can be.
    """
    parts = _fitting(text, width, room)
    if not parts:
        return [Line(start=0, end=0)]
    full = _filled(parts, width, room, text)
    if not balanced or len(full) == 1:
        return full
    return _even(parts, width, room, text, len(full))


def _fitting(text: str, width: Width, room: float) -> list[tuple[int, int]]:
    """Return the pieces; those too wide for any line are divided by the rules, and then between graphemes."""
    found: list[tuple[int, int]] = []
    allowed = set(_ends(text))

    def parts(start: int, end: int) -> list[tuple[int, int]]:
        fits = width(start, _trimmed(text, start, end)) <= room
        return (
            [(start, end)]
            if fits
            else _spans([one for one in range(start + 1, end) if one in allowed] + [end], start)
        )

    for start, end in (part for piece in pieces(text) for part in parts(*piece)):
        if width(start, _trimmed(text, start, end)) <= room:
            found.append((start, end))
            continue
        at = begin = start
        for one in graphemes(text[start:end]):
            after = at + len(one)
            if at > begin and width(begin, _trimmed(text, begin, after)) > room:
                found.append((begin, at))
                begin = at
            at = after
        found.append((begin, end))
    return found


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


def _filled(parts: Sequence[tuple[int, int]], width: Width, room: float, text: str) -> list[Line]:
    lines: list[Line] = []
    begin = parts[0][0]
    for place, (start, end) in enumerate(parts):
        if start > begin and width(begin, _trimmed(text, begin, end)) > room:
            lines.append(Line(start=begin, end=_trimmed(text, begin, start)))
            begin = start
        if place == len(parts) - 1:
            lines.append(Line(start=begin, end=_trimmed(text, begin, end)))
    return lines


def _even(parts: Sequence[tuple[int, int]], width: Width, room: float, text: str, count: int) -> list[Line]:
    """Return `count` lines whose longest is as short as can be, and among those the ones that differ least."""
    starts = [start for start, _ in parts]
    edges = [*starts, parts[-1][1]]
    wide = _measured(width, text, edges)
    last = len(parts)
    # best[n][i]: the least cost of setting the first i pieces in n lines, and where the last of these begins.
    best: list[list[tuple[float, float, int]]] = [[(0.0, 0.0, 0)] + [_NEVER] * last]
    for _ in range(count):
        row = [_NEVER] * (last + 1)
        for end in range(1, last + 1):
            for begin in range(end - 1, -1, -1):
                length = wide(begin, end)
                if length > room and begin < end - 1:
                    break
                longest, squares, _ = best[-1][begin]
                row[end] = min(row[end], (max(longest, length), squares + length * length, begin))
        best.append(row)
    lines: list[Line] = []
    end = last
    for row in reversed(best[1:]):
        begin = row[end][2]
        lines.append(Line(start=edges[begin], end=_trimmed(text, edges[begin], edges[end])))
        end = begin
    return lines[::-1]


def _measured(width: Width, text: str, edges: Sequence[int]) -> Callable[[int, int], float]:
    """Return the width of the pieces `[begin, end)`, measured once."""
    known: dict[tuple[int, int], float] = {}

    def wide(begin: int, end: int) -> float:
        if (begin, end) not in known:
            known[begin, end] = width(edges[begin], _trimmed(text, edges[begin], edges[end]))
        return known[begin, end]

    return wide
