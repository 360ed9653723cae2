"""How pictures come onto the canvas: what is seen at chosen places, compiled and made as a render does it."""

from fractions import Fraction

import numpy as np
import pytest

from cutroom_sdk.wire.timeline import Clip, Effect, Generator, Nested, Timeline, TimeRange, Track
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.scene import Scene
from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.evaluate import Evaluator
from engine.rendering.reading import Sources
from tests.render.effects.kit import Reals, rgb_of

RATE, LENGTH = Fraction(25), Fraction(2)


def timeline(clip: Clip, width: int, height: int) -> Timeline:
    track = Track(kind="video", name="V1", items=(clip,))
    return Timeline(name="t", rate=RATE, width=width, height=height, sample_rate=48000, tracks=(track,))


def clip(media: Generator | Nested, *effects: Effect) -> Clip:
    span = TimeRange(start=Fraction(0), duration=LENGTH)
    return Clip(id="c", media=media, source_range=span, effects=effects)


def frame(made: Timeline, number: int) -> Picture:
    given = Given(assets={}, indexes={}, width=made.width, height=made.height, rate=RATE)
    node, _ = Scene(made, given).picture((number,))
    return Evaluator(node, made.width, made.height, Sources((), ()), {}).picture(0)


def colour(picture: Picture, x: float, y: float) -> Reals:
    return np.asarray(rgb_of(picture)[int(y * picture.height), int(x * picture.width)])


@pytest.mark.parametrize(("mode", "beside"), [("contain", 0.0), ("cover", 1.0), ("fill", 1.0)])
def test_fit_brings_a_square_onto_a_wide_canvas(mode: str, beside: float) -> None:
    square = timeline(clip(Generator(kind="solid", parameters={"colour": "#ff0000"})), 180, 180)
    picture = frame(
        timeline(clip(Nested(timeline=square), Effect(name="fit", parameters={"mode": mode})), 320, 180), 0
    )
    assert colour(picture, 0.5, 0.5) == pytest.approx([1, 0, 0], abs=0.02)
    for x in (0.05, 0.95):
        assert colour(picture, x, 0.5) == pytest.approx([beside, 0, 0], abs=0.02)


def test_ken_burns_goes_from_the_whole_picture_into_its_middle() -> None:
    moved = Effect(name="ken_burns", parameters={"from_scale": 1.0, "to_scale": 2.0, "ease": "linear"})
    bars = Generator(kind="bars")
    plain, first, last = (
        frame(timeline(clip(bars, *effects), 320, 180), number)
        for effects, number in (((), 0), ((moved,), 0), ((moved,), int(LENGTH * RATE) - 1))
    )
    for x in (0.06, 0.31, 0.56, 0.94):
        assert colour(first, x, 0.3) == pytest.approx(colour(plain, x, 0.3), abs=0.03)
        assert colour(last, x, 0.3) == pytest.approx(colour(plain, 0.5 + (x - 0.5) / 2, 0.4), abs=0.03)
