"""Texts made into sheets: set in lines, then laid down layer by layer: box, shadow, outline, letters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.rendering.compositor.text.faces import PEN_STEPS, Coverage, Family, Ink, family
from engine.rendering.compositor.text.layout import Block, Row, Run, Setting, set_text
from engine.rendering.compositor.text.sheet import Colour, Pixels, Sheet, covered, softened
from engine.rendering.compositor.text.style import Style

SMALLEST: Final = 8.0  # pixels: smaller letters cannot be read whatever they say
STEP: Final = 0.94
SHADOW_BLUR, SHADOW_DROP = 0.07, 0.045  # parts of the letters' size
KEPT_BYTES: Final = 96 << 20
BLOCKS_KEPT: Final = 64

Tint = Callable[[Run], Colour | None]


@dataclass(frozen=True)
class Written:
    """A text on a sheet. `x`, `y`: where the block's upper left corner is on the sheet; `box` is all that must be seen.

    `box` (left, top, right, bottom) holds the letters with their outlines and what is behind them, not the shadow; pixels
    of the sheet.
    """

    sheet: Sheet
    block: Block
    x: float
    y: float
    box: tuple[float, float, float, float]


_set: OrderedDict[Hashable, Block] = OrderedDict()


def set_to_fit(text: str, style: Style, files: Mapping[str, bytes], edges: Collection[int] = ()) -> Block:
    """Set a text; letters grow smaller until there are no more lines than asked for and they fit into the zone."""
    key = (text, style, frozenset(edges))
    if key not in _set:
        _set[key] = _fitted(text, style, files, edges)
        while len(_set) > BLOCKS_KEPT:
            _set.popitem(last=False)
    _set.move_to_end(key)
    return _set[key]


def _fitted(text: str, style: Style, files: Mapping[str, bytes], edges: Collection[int]) -> Block:
    size = style.size
    while True:
        block = set_text(text, _setting(style, size, files), edges)
        many = style.lines and len(block.rows) > style.lines
        if not (many or block.height > style.tallest or block.width > style.room) or size <= SMALLEST:
            return block
        size = max(SMALLEST, size * STEP)


def _setting(style: Style, size: float, files: Mapping[str, bytes]) -> Setting:
    fonts: Family = family(style.fonts, files, size, style.features)
    return Setting(
        family=fonts,
        size=size,
        room=style.room,
        pitch=size * style.line_height,
        spacing=style.spacing * size / style.size,
        align=style.align,
    )


def write(
    block: Block,
    style: Style,
    *,
    tint: Tint | None = None,
    pills: Collection[tuple[Row, Run]] = (),
    pill_colour: Colour | None = None,
    until: int | None = None,
) -> Written:
    """Return a text's sheet.

    Args:
        block: the text, set.
        style: how it looks.
        tint: the colour of a run where it is not the style's.
        pills: runs with a box of their own behind them.
        pill_colour: the colour of these boxes.
        until: only the characters before this place are written; None: all.
    """
    part = block.size / style.size
    shadow_reach = block.size * (3 * SHADOW_BLUR + SHADOW_DROP) if style.shadow else 0.0
    around = int(style.outline + shadow_reach + style.box_padding + block.size * 0.6) + 2
    width, height = int(block.width) + 2 * around, int(block.height) + 2 * around
    sheet = Sheet.empty(width + width % 2, height + height % 2)
    size = sheet.pixels.shape[1], sheet.pixels.shape[0]
    boxes = _boxes(block, style, around)
    if style.has_box and boxes:
        shape = covered(*size, boxes[0], style.box_radius)
        for one in boxes[1:]:
            np.maximum(shape, covered(*size, one, style.box_radius), out=shape)
        sheet.over(shape, style.box_colour, 0, 0)
    if pill_colour is not None:
        for row, run in pills:
            sheet.over(
                covered(*size, _pill(row, run, block.size, around), block.size * 0.18), pill_colour, 0, 0
            )
    runs = [(row, run, _clip(run, until)) for row, run in block.runs if until is None or run.start < until]
    if style.shadow:
        _lay_shadow(sheet, runs, style, block.size, around)
    outline = style.outline * part
    if outline > 0:
        for row, run, clip in runs:
            ink, left, top = _placed(row, run, around, outline)
            if ink.colours is None:
                sheet.over(_clipped(ink.coverage, clip, run.rtl), style.outline_colour, left, top)
    for row, run, clip in runs:
        ink, left, top = _placed(row, run, around, 0.0)
        colour = (tint(run) if tint else None) or style.colour
        if ink.colours is None:
            sheet.over(_clipped(ink.coverage, clip, run.rtl), colour, left, top)
        elif clip is None:
            sheet.picture(ink.colours, colour[3], left, top)
    return Written(sheet, block, around, around, _extent(sheet, style, boxes, block, around))


def _boxes(block: Block, style: Style, around: int) -> list[tuple[float, float, float, float]]:
    pad = style.box_padding
    if not style.box_by_line:
        return [
            (around - pad, around - pad * 0.6, around + block.width + pad, around + block.height + pad * 0.6)
        ]
    return [
        (
            around + row.left - pad,
            around + row.top - pad * 0.3,
            around + row.right + pad,
            around + row.bottom + pad * 0.3,
        )
        for row in block.rows
        if row.runs
    ]


def _pill(row: Row, run: Run, size: float, around: int) -> tuple[float, float, float, float]:
    side, rise = size * 0.14, size * 0.04
    face = run.face
    return (
        around + run.x - side,
        around + row.baseline - face.ascent * 0.98 - rise,
        around + run.x + run.width + side,
        around + row.baseline + face.descent * 0.98 + rise,
    )


def _clip(run: Run, until: int | None) -> float | None:
    """Return how much of a run's width is written; None: all of it."""
    if until is None or run.end <= until:
        return None
    return run.face.width(run.text[: until - run.start], run.rtl) / max(run.width, 1e-6)


def _clipped(coverage: Coverage, clip: float | None, rtl: bool) -> Coverage:
    if clip is None:
        return coverage
    shown = round(coverage.shape[1] * clip)
    part = coverage.copy()
    if rtl:
        part[:, : part.shape[1] - shown] = 0
    else:
        part[:, shown:] = 0
    return part


def _placed(row: Row, run: Run, around: int, stroke: float) -> tuple[Ink, int, int]:
    steps = round((around + run.x) * PEN_STEPS)
    ink = run.face.ink(run.text, run.rtl, steps % PEN_STEPS, round(stroke * 4) / 4)
    return ink, steps // PEN_STEPS + ink.left, around + round(row.baseline) + ink.top


def _lay_shadow(
    sheet: Sheet, runs: list[tuple[Row, Run, float | None]], style: Style, size: float, around: int
) -> None:
    fat = Sheet.empty(sheet.pixels.shape[1], sheet.pixels.shape[0])
    for row, run, clip in runs:
        ink, left, top = _placed(row, run, around, style.outline * size / style.size)
        fat.over(_clipped(ink.coverage, clip, run.rtl), (0, 0, 0, 1), left, top)
    drop = max(1, round(size * SHADOW_DROP))
    soft: Pixels = softened(fat.pixels[:, :, 3], size * SHADOW_BLUR)
    sheet.over(soft, (0, 0, 0, style.shadow), 0, drop)


def _extent(
    sheet: Sheet, style: Style, boxes: list[tuple[float, float, float, float]], block: Block, around: int
) -> tuple[float, float, float, float]:
    """Return what has to stay inside the safe zone: letters as they are inked, their outline, the box."""
    rim = style.outline * block.size / style.size
    found = [(around - rim, around - rim, around + block.width + rim, around + block.height + rim)]
    for row, run in block.runs:
        ink, left, top = _placed(row, run, around, rim)
        if ink.coverage.size:
            found.append((left, top, left + ink.coverage.shape[1], top + ink.coverage.shape[0]))
    if style.has_box:
        found += boxes
    lows = [min(one[side] for one in found) for side in (0, 1)]
    highs = [max(one[side] for one in found) for side in (2, 3)]
    return lows[0], lows[1], highs[0], highs[1]


_kept: OrderedDict[Hashable, Written] = OrderedDict()


def kept(key: Hashable, make: Callable[[], Written]) -> Written:
    """Return what was written under this key before, or write it now."""
    if key not in _kept:
        _kept[key] = make()
        while len(_kept) > 1 and sum(one.sheet.pixels.nbytes for one in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def without_box(style: Style) -> Style:
    """Return the style with nothing behind the letters."""
    return replace(style, box_colour=(0, 0, 0, 0), box_padding=0.0)
