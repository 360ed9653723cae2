"""Captions: what is said, written where it can be read, with the word that is being said set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from engine.rendering.compositor.patches import Patch
from engine.rendering.compositor.table import At, generator
from engine.rendering.compositor.text.layout import Block, Row, Run
from engine.rendering.compositor.text.moving import Move, move_at, place
from engine.rendering.compositor.text.sheet import Colour, colour_of
from engine.rendering.compositor.text.spoken import Spoken, written
from engine.rendering.compositor.text.style import Style, cased, style_of
from engine.rendering.compositor.text.titles import stand, written_until
from engine.rendering.compositor.text.writing import Written, kept, set_to_fit, without_box, write

# A word stays set apart through a pause this long, so that it does not flicker between words; seconds.
HELD: Final = 0.25


@dataclass(frozen=True)
class _Said:
    """All that decides what a caption looks like. `page` are its lines `[start, end)`."""

    kind: str
    text: str
    style: Style
    spoken: tuple[Spoken, ...]


@generator("caption")
def caption(width: int, height: int, at: At) -> Patch | None:
    """Write what is said. `style`: plain, box, outline; highlight, pill: the word being said; karaoke: filled as it is said."""
    kind, case, move = at.text("style"), at.text("case"), move_at(at, width, height)
    if kind == "soft":
        return None
    words = [structs.replace(word, text=cased(word.text, case)) for word in at.words]
    text, spoken = written(cased(at.text("text"), case), words)
    said = _Said(kind, text, _styled(style_of(width, height, at), kind), spoken)
    block, page = _page(said, at)
    until = written_until(text, move)
    key = ("caption", said, page, until)
    accent = colour_of(at.text("highlight_colour"))
    if kind == "karaoke":
        return _karaoke(key, block, said, accent, until, at, move, width, height)
    word = _now(spoken, at.seconds) if kind in ("highlight", "pill") else None
    whole = (*key, word, accent if word else None)
    return stand(
        whole, kept(whole, lambda: _apart(block, said, accent, word, until)), at, move, width, height
    )


def _styled(style: Style, kind: str) -> Style:
    """Return the style with what its kind leaves out left out."""
    if kind != "box":
        style = without_box(style)
    return replace(style, outline=0.0) if kind in ("plain", "box") else style


def _page(said: _Said, at: At) -> tuple[Block, tuple[int, int]]:
    """Return the lines that are shown at a frame.

    Words whose times are known and that need more lines than there may be are shown page by page, each from its first word
    on. Where times are not known, letters grow smaller instead.
    """
    edges = {edge for one in said.spoken for edge in (one.start, one.end)}
    files, lines = at.files or {}, said.style.lines
    if not (said.spoken and lines):
        block = set_to_fit(said.text, said.style, files, edges)
        return block, (0, len(block.rows))
    block = set_to_fit(said.text, replace(said.style, lines=0, tallest=float("inf")), files, edges)
    if len(block.rows) <= lines:
        return set_to_fit(said.text, said.style, files, edges), (0, len(block.rows))
    begun = [one.start for one in said.spoken if one.said <= at.seconds]
    reached = begun[-1] if begun else 0
    row = max([0, *(place for place, one in enumerate(block.rows) if _first(one) <= reached)])
    first = row // lines * lines
    last = min(first + lines, len(block.rows))
    return _rows(block, first, last), (first, last)


def _first(row: Row) -> int:
    return min((run.start for run in row.runs), default=0)


def _rows(block: Block, first: int, last: int) -> Block:
    rows = block.rows[first:last]
    up = rows[0].top
    moved = tuple(
        replace(row, top=row.top - up, bottom=row.bottom - up, baseline=row.baseline - up) for row in rows
    )
    return replace(block, rows=moved, height=moved[-1].bottom)


def _now(spoken: Sequence[Spoken], seconds: float) -> Spoken | None:
    """Return the word that is being said, or was until just now."""
    begun = [one for one in spoken if one.said <= seconds]
    return begun[-1] if begun and seconds < begun[-1].until + HELD else None


def _apart(block: Block, said: _Said, accent: Colour, word: Spoken | None, until: int | None) -> Written:
    """Write a caption with one word set apart."""
    if word is None:
        return write(block, said.style, until=until)
    if said.kind == "pill":
        pills = [(row, _joined(runs)) for row, runs in _runs_of(block, word)]
        return write(block, said.style, pills=pills, pill_colour=accent, until=until)
    return write(block, said.style, tint=lambda run: accent if _within(run, word) else None, until=until)


def _within(run: Run, word: Spoken) -> bool:
    return word.start <= run.start and run.end <= word.end


def _runs_of(block: Block, word: Spoken) -> list[tuple[Row, list[Run]]]:
    found = [(row, [run for run in row.runs if _within(run, word)]) for row in block.rows]
    return [(row, runs) for row, runs in found if runs]


def _joined(runs: Sequence[Run]) -> Run:
    left, right = min(run.x for run in runs), max(run.x + run.width for run in runs)
    return replace(runs[0], x=left, width=right - left)


def _karaoke(
    key: tuple[object, ...],
    block: Block,
    said: _Said,
    accent: Colour,
    until: int | None,
    at: At,
    move: Move,
    width: int,
    height: int,
) -> Patch | None:
    """Write a caption twice, before and after it is sung, and take of each word as much as has been sung."""
    before = kept(key, lambda: write(block, said.style, until=until))
    sung_key = (*key, accent)
    after = kept(sung_key, lambda: write(block, said.style, tint=lambda _run: accent, until=until))
    words = stand(key, before, at, move, width, height)
    sung = stand(sung_key, after, at, move, width, height)
    if words is None or sung is None:
        return words
    words = Patch(words.picture.copy(), words.left, words.top)
    x, y = place(before, at, width, height)
    for one in said.spoken:
        part = min(1.0, max(0.0, (at.seconds - one.said) / max(one.until - one.said, 1e-6)))
        if part == 0:
            continue
        for row, runs in _runs_of(block, one):
            box = _sung(block, row, runs, part)
            corner = before.x, before.y
            _copy(words, sung, _on_canvas(box, corner, (x, y), before, move))
    return words


def _sung(block: Block, row: Row, runs: Sequence[Run], part: float) -> tuple[float, float, float, float]:
    """Return the box of a word that has been sung, in the block; outer lines reach as far as their letters may."""
    word, slack = _joined(runs), block.size * 0.05
    top = row.top if row is not block.rows[0] else row.top - block.size
    bottom = row.bottom if row is not block.rows[-1] else row.bottom + block.size
    done = word.width * part
    end = slack if part == 1 else 0.0
    if word.rtl:
        return word.x + word.width - done - end, top, word.x + word.width + slack, bottom
    return word.x - slack, top, word.x + done + end, bottom


def _on_canvas(
    box: tuple[float, float, float, float],
    corner: tuple[float, float],
    placed: tuple[float, float],
    written: Written,
    move: Move,
) -> tuple[int, int, int, int]:
    """Return where a box of the block lies on the canvas once the sheet is moved."""
    high, wide = written.sheet.pixels.shape[:2]
    placed = (round(placed[0]), round(placed[1])) if move.scale == 1 and move.x == move.y == 0 else placed
    middle = placed[0] + wide / 2, placed[1] + high / 2
    found = []
    for side, value in enumerate(box):
        axis = side % 2
        at = placed[axis] + corner[axis] + value
        found.append(round(middle[axis] + move.scale * (at - middle[axis]) + (move.y if axis else move.x)))
    return found[0], found[1], found[2], found[3]


def _copy(below: Patch, other: Patch, box: tuple[int, int, int, int]) -> None:
    """Take a part of another patch; colour has half the resolution, and goes with the pixel on its left and top."""
    pairs = ((below.picture, below), (other.picture, other))
    left, top = (
        max(edge, *(getattr(one, side) for _, one in pairs))
        for edge, side in ((box[0], "left"), (box[1], "top"))
    )
    right = min(box[2], *(one.left + picture.width for picture, one in pairs))
    bottom = min(box[3], *(one.top + picture.height for picture, one in pairs))
    if right <= left or bottom <= top:
        return
    (mine, here), (theirs, there) = (
        (picture, _window(one, left, top, right, bottom)) for picture, one in pairs
    )
    mine.y[here[0]] = theirs.y[there[0]]
    mine.u[here[1]] = theirs.u[there[1]]
    mine.v[here[1]] = theirs.v[there[1]]
    if mine.alpha is not None and theirs.alpha is not None:
        mine.alpha[here[0]] = theirs.alpha[there[0]]


Window = tuple[slice, slice]


def _window(patch: Patch, left: int, top: int, right: int, bottom: int) -> tuple[Window, Window]:
    """Return where pixels of the canvas lie in a patch, and where their colours do."""
    x, y, until_x, until_y = left - patch.left, top - patch.top, right - patch.left, bottom - patch.top
    halves = slice((y + 1) // 2, (until_y + 1) // 2), slice((x + 1) // 2, (until_x + 1) // 2)
    return (slice(y, until_y), slice(x, until_x)), halves
