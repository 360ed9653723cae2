"""How a picture of one shape comes onto a canvas of another, before anything moves it."""

from fractions import Fraction
from typing import Literal

from msgspec import Struct

from cutroom_sdk.wire.timeline import Effect
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.values import entry_of, number, text, values_of
from engine.rendering.graph import Numbers

FIT, REFRAME = "fit", "reframe"
Mode = Literal["contain", "cover", "fill", "blur_fill"]


class Fitted(Struct, frozen=True, kw_only=True):
    """A picture's size on the canvas, in its pixels, and whether what is beyond the canvas's shape is cut off."""

    width: float
    height: float
    mode: Mode
    center_x: Numbers = (0.5,)
    center_y: Numbers = (0.5,)
    dim: float = 0.0

    @property
    def cut(self) -> bool:
        """Whether a window of the picture is shown rather than all of it."""
        return self.mode == "cover"


def fitted(
    effects: list[Effect],
    shown: tuple[int, int],
    given: Given,
    times: list[Fraction],
    *,
    usual: Mode,
    where: str,
) -> Fitted:
    """Return how a picture of `shown` pixels fits; the last `fit` or `reframe` counts, without one it is the `usual`."""
    mode, centers, dim = usual, ((0.5,), (0.5,)), 0.0
    chosen: tuple[Numbers, Numbers] = centers
    said = False
    for effect in effects:
        if effect.name == FIT:
            entry = entry_of(FIT, "effect", where)
            values = values_of(entry, effect.parameters, times, where=where, notice=given.notice)
            mode, said = _mode(text(values, "mode")), True
            dim = number(values, "dim")[0]
        elif effect.name == REFRAME:
            entry = entry_of(REFRAME, "effect", where)
            values = values_of(entry, effect.parameters, times, where=where, notice=given.notice)
            mode, said = "cover", True
            chosen = (number(values, "center_x"), number(values, "center_y"))
    same = shown[0] * given.height == shown[1] * given.width
    if same:
        return Fitted(
            width=given.width, height=given.height, mode="cover", center_x=chosen[0], center_y=chosen[1]
        )
    if not said and mode == "cover":
        given.default(f"{where}: cropped around the middle, as nothing says where")
    width, height = float(given.width), float(given.height)
    if mode in ("contain", "blur_fill"):
        scale = min(width / shown[0], height / shown[1])
        width, height = shown[0] * scale, shown[1] * scale
    return Fitted(width=width, height=height, mode=mode, center_x=chosen[0], center_y=chosen[1], dim=dim)


def _mode(name: str) -> Mode:
    match name:
        case "contain" | "cover" | "fill" | "blur_fill":
            return name
        case _:
            raise AssertionError("the catalogue names the modes")
