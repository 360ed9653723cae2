"""A text set in lines: which run of characters stands where. In pixels from the block's upper left corner, y downwards.

text -> paragraphs -> lines (breaking) -> runs of one font and one direction, in the order they are seen (bidi)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from engine.rendering.compositor.text import bidi
from engine.rendering.compositor.text.breaking import Line, graphemes, lines_of
from engine.rendering.compositor.text.faces import Face, Family, is_cursive

Align = Literal["left", "center", "right", "start", "end"]


@dataclass(frozen=True)
class Run:
    """Characters `[start, end)` of the text, drawn by one font in one direction; `x` is their left edge."""

    text: str
    start: int
    end: int
    face: Face
    rtl: bool
    x: float
    width: float


@dataclass(frozen=True)
class Row:
    """A line. `baseline` and `top` are its y, `left` and `right` its ends; `runs` from left to right."""

    runs: tuple[Run, ...]
    left: float
    right: float
    top: float
    bottom: float
    baseline: float


@dataclass(frozen=True)
class Block:
    """A text that is set: `width` is that of its longest line."""

    rows: tuple[Row, ...]
    width: float
    height: float
    size: float

    @property
    def runs(self) -> list[tuple[Row, Run]]:
        """All runs with their rows."""
        return [(row, run) for row in self.rows for run in row.runs]


@dataclass(frozen=True)
class Setting:
    """How a text is set. `room`: the most that a line may be wide; `pitch`: from one line to the next; pixels."""

    family: Family
    size: float
    room: float
    pitch: float
    spacing: float = 0.0
    align: Align = "center"
    balanced: bool = True
    direction: bidi.Direction = "auto"


@dataclass(frozen=True)
class _Piece:
    start: int
    end: int
    text: str
    face: Face
    level: int
    width: float


def set_text(text: str, setting: Setting, edges: Collection[int] = ()) -> Block:
    """Set a text; a line feed begins a new line.

    Args:
        text: what is written.
        setting: how.
        edges: places in the text where a run must end (a word is coloured by itself).
    """
    lines: list[tuple[list[_Piece], int]] = []
    at = 0
    for paragraph in text.split("\n"):
        inside = {edge - at for edge in edges}
        lines += _paragraph(paragraph, at, setting, inside)
        at += len(paragraph) + 1
    widths = [sum(piece.width for piece in pieces) for pieces, _ in lines]
    widest = max(widths, default=0.0)
    first = setting.family.first
    rows = []
    for place, ((pieces, base), width) in enumerate(zip(lines, widths, strict=True)):
        left = _left(setting.align, base, widest - width)
        top = place * setting.pitch
        # The line's letters stand in its middle, however far apart the lines are.
        baseline = top + (setting.pitch - first.ascent - first.descent) / 2 + first.ascent
        rows.append(
            Row(
                runs=tuple(_runs(pieces, left)),
                left=left,
                right=left + width,
                top=top,
                bottom=top + setting.pitch,
                baseline=baseline,
            )
        )
    return Block(tuple(rows), widest, len(rows) * setting.pitch, setting.size)


def _left(align: Align, base: int, free: float) -> float:
    if align == "center":
        return free / 2
    right = align == "right" or (align == "start" and base == 1) or (align == "end" and base == 0)
    return free if right else 0.0


def _paragraph(
    text: str, at: int, setting: Setting, edges: Collection[int]
) -> list[tuple[list[_Piece], int]]:
    levels = bidi.levels(text, setting.direction)
    base = bidi.base_level(text, setting.direction)
    pieces = _pieces(text, levels, setting, edges)
    # Widths up to each character, so that any stretch is one subtraction.
    sums = [0.0] * (len(text) + 1)
    for piece in pieces:
        for count in range(1, piece.end - piece.start):
            part = piece.face.width(piece.text[:count], bool(piece.level % 2))
            sums[piece.start + count] = sums[piece.start] + min(part, piece.width)
        sums[piece.end] = sums[piece.start] + piece.width
    lines = lines_of(
        text, lambda start, end: sums[end] - sums[start], setting.room, balanced=setting.balanced
    )
    return [(_line(text, line, levels, setting, edges, at), base) for line in lines]


def _line(
    text: str,
    line: Line,
    levels: Sequence[int],
    setting: Setting,
    edges: Collection[int],
    at: int,
) -> list[_Piece]:
    inside = {edge - line.start for edge in edges}
    pieces = _pieces(text[line.start : line.end], levels[line.start : line.end], setting, inside)
    seen = [pieces[place] for place in bidi.visual([piece.level for piece in pieces])]
    start = at + line.start
    return [
        _Piece(piece.start + start, piece.end + start, piece.text, piece.face, piece.level, piece.width)
        for piece in seen
    ]


def _pieces(text: str, levels: Sequence[int], setting: Setting, edges: Collection[int]) -> list[_Piece]:
    """Divide a text where its font, its level or its kind (ink or space) changes, and at the edges."""
    parts: list[tuple[int, str, int, int, bool]] = []
    at = 0
    for one in graphemes(text):
        parts.append((at, one, setting.family.face_of(one), levels[at], one.isspace()))
        at += len(one)
    cuts = [0]
    for before, after in pairwise(parts):
        apart = setting.spacing != 0 and not is_cursive(before[1] + after[1])
        if before[2:] != after[2:] or after[0] in edges or apart:
            cuts.append(after[0])
    cuts.append(len(text))
    fonts = {start: (face, level) for start, _, face, level, _ in parts}
    found = []
    for start, end in pairwise(cuts):
        if start == end:
            continue
        face = setting.family.faces[fonts[start][0]]
        level = fonts[start][1]
        width = face.width(text[start:end], bool(level % 2))
        found.append(_Piece(start, end, text[start:end], face, level, width + setting.spacing))
    return found


def _runs(pieces: Sequence[_Piece], left: float) -> list[Run]:
    runs = []
    x = left
    for piece in pieces:
        if not piece.text.isspace():
            runs.append(
                Run(piece.text, piece.start, piece.end, piece.face, bool(piece.level % 2), x, piece.width)
            )
        x += piece.width
    return runs
