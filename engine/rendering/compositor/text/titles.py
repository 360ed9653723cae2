"""Titles, lower thirds and callouts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from engine.rendering.compositor.patches import Patch
from engine.rendering.compositor.table import At, generator
from engine.rendering.compositor.text.breaking import graphemes
from engine.rendering.compositor.text.moving import Move, move_at, place, shown
from engine.rendering.compositor.text.sheet import Pixels, Sheet, colour_of, covered
from engine.rendering.compositor.text.style import Style, cased, style_of, unit
from engine.rendering.compositor.text.writing import Written, kept, set_to_fit, without_box, write

SECOND_LINE: Final = 0.62  # how large the second text of a lower third is, measured by the first


@generator("title")
def title(width: int, height: int, at: At) -> Patch | None:
    """Write a text."""
    style, text, move = (
        style_of(width, height, at),
        cased(at.text("text"), at.text("case")),
        move_at(at, width, height),
    )
    until = written_until(text, move)
    key = ("title", text, style, until)
    written = kept(key, lambda: write(set_to_fit(text, style, at.files or {}), style, until=until))
    return stand(key, written, at, move, width, height)


def written_until(text: str, move: Move) -> int | None:
    """Return before which character a text that is being typed ends; None: all of it is there."""
    if move.written >= 1:
        return None
    parts = graphemes(text)
    return sum(len(one) for one in parts[: int(move.written * len(parts))])


def stand(key: object, written: Written, at: At, move: Move, width: int, height: int) -> Patch | None:
    """Return what is written, at its place."""
    x, y = place(written, at, width, height)
    return shown(key, written.sheet, x, y, move, width, height)


@generator("lower_third")
def lower_third(width: int, height: int, at: At) -> Patch | None:
    """Write a name with a smaller line below it, on a box with a bar of another colour at its side."""
    style, move = style_of(width, height, at), move_at(at, width, height)
    texts = cased(at.text("text"), at.text("case")), at.text("second")
    bar = colour_of(at.text("accent_colour")), at.number("accent") * unit(width, height)
    key = ("lower_third", texts, style, bar)
    written = kept(key, lambda: _lower_third(texts, style, bar, at))
    return stand(key, written, at, move, width, height)


def _lower_third(
    texts: tuple[str, str], style: Style, bar: tuple[tuple[float, float, float, float], float], at: At
) -> Written:
    plain = without_box(style)
    files = at.files or {}
    blocks = [write(set_to_fit(texts[0], plain, files), plain)]
    if texts[1]:
        small = replace(plain, size=plain.size * SECOND_LINE, spacing=plain.spacing * SECOND_LINE)
        blocks.append(write(set_to_fit(texts[1], small, files), small))
    wide = max(one.block.width for one in blocks)
    tall = sum(one.block.height for one in blocks)
    pad, rise = style.box_padding, style.box_padding * 0.6
    around = max(int(one.x) for one in blocks) + int(pad) + 2
    size = int(wide + 2 * around + bar[1]) // 2 * 2 + 2, int(tall + 2 * around) // 2 * 2 + 2
    sheet = Sheet.empty(*size)
    left = around + bar[1] + (pad if bar[1] else 0)
    box = (around + bar[1] - 0.0, around - rise, left + wide + pad, around + tall + rise)
    if not bar[1]:
        box = (left - pad, box[1], box[2], box[3])
    rtl = at.text("align") in ("right", "end")
    if rtl:
        left = around + pad
        box = (around, box[1], left + wide + pad, box[3])
    if style.has_box:
        sheet.over(covered(*size, box, style.box_radius), style.box_colour, 0, 0)
    side = box[2] if rtl else box[0] - bar[1]
    strip = (side, box[1], side + bar[1], box[3])
    if bar[1]:
        sheet.over(covered(*size, strip, 0.0), bar[0], 0, 0)
    top = float(around)
    for one in blocks:
        free = wide - one.block.width
        shift = {"center": free / 2, "right": free, "end": free}.get(at.text("align"), 0.0)
        sheet.put(one.sheet, round(left + shift - one.x), round(top - one.y))
        top += one.block.height
    extent = (min(box[0], strip[0]), box[1], max(box[2], strip[2]), box[3])
    return Written(sheet, blocks[0].block, left, around, extent)


@generator("callout")
def callout(width: int, height: int, at: At) -> Patch | None:
    """Write a text on a box with a pointer to a place on the canvas."""
    style, move = style_of(width, height, at), move_at(at, width, height)
    text = cased(at.text("text"), at.text("case"))
    until = written_until(text, move)
    key = ("callout", text, style, until)
    written = kept(key, lambda: write(set_to_fit(text, style, at.files or {}), style, until=until))
    x, y = place(written, at, width, height)
    target = at.number("target_x") * width, at.number("target_y") * height
    whole = (*key, round(x), round(y), target)
    pointing = kept(
        whole,
        lambda: _pointing(
            written, style, round(x), round(y), target, at.number("pointer") * unit(width, height)
        ),
    )
    return shown(whole, pointing.sheet, pointing.x, pointing.y, move, width, height)


def _pointing(
    written: Written, style: Style, x: int, y: int, target: tuple[float, float], base: float
) -> Written:
    """Return the text with a triangle from its box to a place; `x`, `y` of what is returned are its place on the canvas."""
    left, top, right, bottom = (edge + (y if place % 2 else x) for place, edge in enumerate(written.box))
    reach = 4
    low = int(min(x, target[0])) - reach, int(min(y, target[1])) - reach
    wide = int(max(x + written.sheet.pixels.shape[1], target[0])) + reach - low[0]
    high = int(max(y + written.sheet.pixels.shape[0], target[1])) + reach - low[1]
    sheet = Sheet.empty(wide + wide % 2, high + high % 2)
    inside = left <= target[0] <= right and top <= target[1] <= bottom
    if base > 0 and style.has_box and not inside:
        shape = _triangle(
            (sheet.pixels.shape[1], sheet.pixels.shape[0]),
            _corners((left, top, right, bottom), target, base, style.box_radius),
            low,
        )
        box = (left - low[0], top - low[1], right - low[0], bottom - low[1])
        # Where box and pointer meet, neither is laid twice.
        shape *= 1 - covered(shape.shape[1], shape.shape[0], box, style.box_radius)
        sheet.over(shape, style.box_colour, 0, 0)
    sheet.put(written.sheet, x - low[0], y - low[1])
    return Written(sheet, written.block, low[0], low[1], written.box)


def _corners(
    box: tuple[float, float, float, float], target: tuple[float, float], base: float, radius: float
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
    """Return the pointer's tip and the two ends of its foot, which stands on the box's nearest side."""
    left, top, right, bottom = box
    middle = (left + right) / 2, (top + bottom) / 2
    away = target[0] - middle[0], target[1] - middle[1]
    wide, high = max(1.0, right - left), max(1.0, bottom - top)
    if abs(away[0]) / wide > abs(away[1]) / high:
        side = right - 1 if away[0] > 0 else left + 1
        foot = min(
            max(target[1], top + radius + base / 2), max(top + radius + base / 2, bottom - radius - base / 2)
        )
        return target, (side, foot - base / 2), (side, foot + base / 2)
    side = bottom - 1 if away[1] > 0 else top + 1
    foot = min(
        max(target[0], left + radius + base / 2), max(left + radius + base / 2, right - radius - base / 2)
    )
    return target, (foot - base / 2, side), (foot + base / 2, side)


def _triangle(
    size: tuple[int, int], corners: tuple[tuple[float, float], ...], origin: tuple[int, int]
) -> Pixels:
    """Return the coverage of a triangle: how far each pixel is inside of all three sides."""
    points = [(x - origin[0], y - origin[1]) for x, y in corners]
    (ax, ay), (bx, by), (cx, cy) = points
    turn = 1.0 if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) > 0 else -1.0
    across = np.arange(size[0], dtype=np.float32)[None, :] + 0.5
    down = np.arange(size[1], dtype=np.float32)[:, None] + 0.5
    inside = np.full((size[1], size[0]), np.inf, np.float32)
    for (px, py), (qx, qy) in ((points[0], points[1]), (points[1], points[2]), (points[2], points[0])):
        long = max(1e-6, float(np.hypot(qx - px, qy - py)))
        inside = np.minimum(inside, turn * ((qx - px) * (down - py) - (qy - py) * (across - px)) / long)
    return np.asarray(np.clip(inside + 0.5, 0, 1), np.float32)
