"""How a text comes and goes, and where it stands: sheets become a picture of the canvas."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.patches import Patch
from engine.rendering.compositor.table import At
from engine.rendering.compositor.text.sheet import Sheet, on_canvas
from engine.rendering.compositor.text.style import Zone, zone_of
from engine.rendering.compositor.text.writing import Written

SLIDE: Final = 0.06  # of the canvas's shorter side
POP_FROM: Final = 0.82
PATCHES_KEPT: Final = 8
_SLIDES: Final = {"slide_up": (0, 1), "slide_down": (0, -1), "slide_left": (1, 0), "slide_right": (-1, 0)}


@dataclass(frozen=True)
class Move:
    """How a text stands at an instant of its coming or going: moved (pixels), scaled, seen (0..1), written (0..1)."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    opacity: float = 1.0
    written: float = 1.0


def move_at(at: At, width: int, height: int) -> Move:
    """Return how a text stands at a frame."""
    lasts = at.number("animate_seconds")
    reach = SLIDE * min(width, height)
    come = _step(at.text("animate_in"), at.seconds, lasts, reach)
    gone = (
        Move()
        if at.text("animate_out") == "none"
        else _step(at.text("animate_out"), at.lasts - at.seconds, lasts, reach, back=True)
    )
    return Move(
        x=round(come.x + gone.x, 2),
        y=round(come.y + gone.y, 2),
        scale=round(come.scale * gone.scale, 4),
        opacity=come.opacity * gone.opacity * at.number("opacity"),
        written=come.written,
    )


def _step(kind: str, passed: float, lasts: float, reach: float, *, back: bool = False) -> Move:
    part = 1.0 if lasts <= 0 else min(1.0, max(0.0, passed / lasts))
    if kind == "none" or part == 1:
        return Move()
    eased = 1 - (1 - part) ** 3
    if kind == "type":
        return Move(written=part)
    if kind == "fade":
        return Move(opacity=part)
    if kind == "pop":
        # A little too large on its way, then at rest.
        scale = POP_FROM + (1 - POP_FROM) * (eased + 0.9 * part * (1 - part) ** 2)
        return Move(scale=scale, opacity=min(1.0, part * 2))
    side, down = _SLIDES[kind]
    away = reach * (1 - eased) * (-1 if back else 1)
    return Move(x=side * away, y=down * away, opacity=eased)


def place(written: Written, at: At, width: int, height: int) -> tuple[float, float]:
    """Return where on the canvas the sheet's upper left corner is, moved into the safe zone as far as it fits."""
    left, top, right, bottom = written.box
    x, y = at.number("x") * width, at.number("y") * height
    align, anchor = at.text("align"), at.text("anchor")
    x -= {"left": left, "start": left, "right": right, "end": right}.get(align, (left + right) / 2)
    y -= {"top": top, "bottom": bottom}.get(anchor, (top + bottom) / 2)
    zone = zone_of(width, height, at)
    if at.text("safe_zone") != "none":
        x, y = _inside(x, y, written.box, zone)
    return x, y


def _inside(x: float, y: float, box: tuple[float, float, float, float], zone: Zone) -> tuple[float, float]:
    left, top, right, bottom = box
    x = max(min(x, zone.right - right), zone.left - left)
    y = max(min(y, zone.bottom - bottom), zone.top - top)
    return x, y


_patches: OrderedDict[Hashable, Patch | None] = OrderedDict()


def shown(
    key: Hashable, sheet: Sheet, x: float, y: float, move: Move, width: int, height: int
) -> Patch | None:
    """Return what is seen of a sheet at its place, moved; what stands still is made once."""
    if move.opacity <= 0:
        return None
    seen = _whole(key, sheet, x, y, replace(move, opacity=1.0), width, height)
    if seen is None or move.opacity >= 1 or seen.picture.alpha is None:
        return seen
    # Only how much is seen of it is another: the planes are those that are kept.
    alpha = cv2.convertScaleAbs(seen.picture.alpha, alpha=move.opacity)
    picture = Picture(seen.picture.y, seen.picture.u, seen.picture.v, np.asarray(alpha, np.uint8))
    return Patch(picture, seen.left, seen.top, shared=True)


def _whole(
    key: Hashable, sheet: Sheet, x: float, y: float, move: Move, width: int, height: int
) -> Patch | None:
    full = (key, x, y, move, width, height)
    if full not in _patches:
        # Whole pixels where nothing moves: letters stay as sharp as they were drawn.
        still = move.x == move.y == 0 and move.scale == 1
        at = Sheet(sheet.pixels, round(x), round(y)) if still else Sheet(sheet.pixels, x, y)
        _patches[full] = on_canvas(at.moved(move.x, move.y, move.scale), width, height)
        while len(_patches) > PATCHES_KEPT:
            _patches.popitem(last=False)
    _patches.move_to_end(full)
    return _patches[full]
