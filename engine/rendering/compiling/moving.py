"""Where a fitted picture lies at each frame: transforms become matrices, from the fitted picture's pixels to the canvas's."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.timeline import Effect
from engine.editing.curves import eased
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.values import entry_of, highest, number, text, values_of
from engine.rendering.graph import Numbers, Values
from engine.rendering.walking import at

TRANSFORM, PIP, KEN_BURNS = "transform", "picture_in_picture", "ken_burns"
# CSS Easing Functions, 2.2: ease-in-out.
SMOOTH: Final = (0.42, 0.0, 0.58, 1.0)
DIGITS: Final = 6  # of a pixel: what is smaller cannot be seen, and would keep equal places from being equal

Affine = tuple[float, float, float, float, float, float]
Edges = tuple[float, float, float, float]
IDENTITY: Final[Affine] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class Moved(Struct, frozen=True, kw_only=True):
    """Matrices (xx, xy, x0, yx, yy, y0) and what is cut off (left, top, right, bottom, in pixels), one for each frame.

    `largest` is the highest scale anywhere in the clip. `still`: nothing moves, turns or mirrors.
    """

    matrices: tuple[Affine, ...]
    edges: tuple[Edges, ...]
    opacity: Numbers
    largest: float
    still: bool


def moved(
    effects: Sequence[Effect],
    size: tuple[float, float],
    given: Given,
    times: Sequence[Fraction],
    duration: Fraction,
    *,
    where: str,
) -> Moved | None:
    """Return where the picture lies; None where nothing moves it from the middle of the canvas.

    Args:
        effects: those that place; the first acts first.
        size: the fitted picture's, in pixels of the canvas.
        given: the canvas.
        times: clip time of each frame.
        duration: the clip's, seconds.
        where: whose effects these are.
    """
    acting = [one for one in effects if one.name in (TRANSFORM, PIP, KEN_BURNS)]
    if not acting:
        return None
    middle = _moved((given.width - size[0]) / 2, (given.height - size[1]) / 2)
    matrices: list[Affine] = [middle] * len(times)
    edges: list[Edges] = [(0.0, 0.0, 0.0, 0.0)] * len(times)
    opacity: list[float] = [1.0] * len(times)
    largest, still = 1.0, True
    canvas = (float(given.width), float(given.height))
    for number_, effect in enumerate(acting):
        entry = entry_of(effect.name, "effect", where)
        values = values_of(entry, effect.parameters, times, where=where, notice=given.notice)
        own = size if number_ == 0 else canvas
        way = _WAYS[effect.name](values, own, canvas, times, duration)
        if number_ == 0:
            matrices = [way(place) for place in range(len(times))]
        else:
            matrices = [_after(way(place), matrices[place]) for place in range(len(times))]
        if effect.name == TRANSFORM:
            opacity = [old * at(number(values, "opacity"), place) for place, old in enumerate(opacity)]
            if number_ == 0:
                edges = [_cut(values, size, place) for place in range(len(times))]
            scale, x, y = (
                highest(spec, effect.parameters.get(spec.name))
                for spec in entry.parameters
                if spec.name in ("scale", "stretch_x", "stretch_y")
            )
            largest *= scale * max(x, y)
        elif effect.name == KEN_BURNS:
            largest *= max(number(values, "from_scale")[0], number(values, "to_scale")[0])
        else:
            spec = entry.parameter("size")
            assert spec is not None, "the catalogue has it"
            largest *= highest(spec, effect.parameters.get("size")) * canvas[0] / own[0]
        animated = any(isinstance(one, tuple) for one in effect.parameters.values())
        still = still and not animated and effect.name != KEN_BURNS
    first = matrices[0]
    upright = abs(first[1]) < 1e-9 and abs(first[3]) < 1e-9 and first[0] > 0 and first[4] > 0
    return Moved(
        matrices=tuple(_rounded(one) for one in matrices),
        edges=tuple(edges),
        opacity=tuple(opacity) if len(set(opacity)) > 1 else (opacity[0],),
        largest=max(largest, 1e-3),
        still=still and upright,
    )


Way = Callable[[int], Affine]


def _transform(
    values: Values,
    own: tuple[float, float],
    canvas: tuple[float, float],
    _times: Sequence[Fraction],
    _d: Fraction,
) -> Way:
    def way(place: int) -> Affine:
        def one(name: str) -> float:
            return at(number(values, name), place)

        scale_x = one("scale") * one("stretch_x") * (-1 if one("flip_x") else 1)
        scale_y = one("scale") * one("stretch_y") * (-1 if one("flip_y") else 1)
        angle = math.radians(one("rotation"))
        cos, sin = math.cos(angle), math.sin(angle)
        anchored = _moved(-one("anchor_x") * own[0], -one("anchor_y") * own[1])
        turned = (cos * scale_x, -sin * scale_y, 0.0, sin * scale_x, cos * scale_y, 0.0)
        return _after(_moved(one("x") * canvas[0], one("y") * canvas[1]), _after(turned, anchored))

    return way


def _in_corner(
    values: Values,
    own: tuple[float, float],
    canvas: tuple[float, float],
    _times: Sequence[Fraction],
    _d: Fraction,
) -> Way:
    corner = text(values, "corner")

    def way(place: int) -> Affine:
        scale = at(number(values, "size"), place) * canvas[0] / own[0]
        margin = at(number(values, "margin"), place) * canvas[0]
        width, height = own[0] * scale, own[1] * scale
        x, y = (canvas[0] - width) / 2, (canvas[1] - height) / 2
        if corner != "center":
            x = margin if corner.endswith("left") else canvas[0] - margin - width
            y = margin if corner.startswith("top") else canvas[1] - margin - height
        return (scale, 0.0, x, 0.0, scale, y)

    return way


def _ken_burns(
    values: Values,
    own: tuple[float, float],
    canvas: tuple[float, float],
    times: Sequence[Fraction],
    duration: Fraction,
) -> Way:
    def said(name: str) -> float:
        return number(values, name)[0]

    smooth = text(values, "ease") == "smooth"

    def way(place: int) -> Affine:
        part = float(min(max(times[place] / duration, Fraction(0)), Fraction(1)))
        part = eased(SMOOTH, part) if smooth else part
        # A zoom looks even when each step multiplies by as much.
        scale = said("from_scale") * (said("to_scale") / said("from_scale")) ** part
        middle = [said(f"from_{axis}") + (said(f"to_{axis}") - said(f"from_{axis}")) * part for axis in "xy"]
        corner = [
            canvas[side] / 2 - _inside(middle[side] * own[side] * scale, own[side] * scale, canvas[side])
            for side in (0, 1)
        ]
        return (scale, 0.0, corner[0], 0.0, scale, corner[1])

    return way


_WAYS: Final = {TRANSFORM: _transform, PIP: _in_corner, KEN_BURNS: _ken_burns}


def _inside(middle: float, size: float, canvas: float) -> float:
    """Hold the middle of a view so that the view stays inside the picture, as far as the picture is large enough."""
    if size <= canvas:
        return size / 2
    return min(max(middle, canvas / 2), size - canvas / 2)


def _cut(values: Values, size: tuple[float, float], place: int) -> Edges:
    left, top, right, bottom = (
        at(number(values, f"crop_{side}"), place) for side in ("left", "top", "right", "bottom")
    )
    return left * size[0], top * size[1], right * size[0], bottom * size[1]


def _moved(x: float, y: float) -> Affine:
    return (1.0, 0.0, x, 0.0, 1.0, y)


def _after(second: Affine, first: Affine) -> Affine:
    a, b, c, d, e, f = second
    g, h, i, j, k, m = first
    return (a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f)


def _rounded(one: Affine) -> Affine:
    a, b, c, d, e, f = (
        round(value, DIGITS + 3 if place % 3 < 2 else DIGITS) for place, value in enumerate(one)
    )
    return (a, b, c, d, e, f)
