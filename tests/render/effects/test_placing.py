"""How pictures come onto the canvas: what is seen at chosen places, compiled and made as a render does it."""

from fractions import Fraction

import numpy as np
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Generator,
    Keyframe,
    Nested,
    Timeline,
    TimeRange,
    Track,
)
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


def halves(width: int, height: int) -> Timeline:
    """The upper half green, the lower half red."""
    below = clip(Generator(kind="solid", parameters={"colour": "#ff0000"}))
    lifted = Effect(name="transform", parameters={"crop_bottom": 0.5})
    above = replace(clip(Generator(kind="solid", parameters={"colour": "#00ff00"}), lifted), id="d")
    tracks = [Track(kind="video", name=one.id, items=(one,)) for one in (below, above)]
    return replace(timeline(below, width, height), tracks=tuple(tracks))


def test_a_nested_timeline_stands_before_a_blurred_one_of_itself() -> None:
    tall = Nested(timeline=halves(90, 160))
    blur = Effect(name="fit", parameters={"mode": "blur_fill", "dim": 1.0})
    picture = frame(timeline(clip(tall, blur), 320, 180), 0)
    green, red = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    for y, wanted in ((0.05, green), (0.95, red)):
        assert colour(picture, 0.5, y) == pytest.approx(wanted, abs=0.02)
        for x in (0.02, 0.98):
            beside = colour(picture, x, y)
            assert beside.argmax() == wanted.argmax()
            assert 0.3 < beside.max() < 0.9, "a stop darker"
    edge = [colour(picture, 0.05, 0.5 + off) for off in (-0.04, 0.04)]
    assert all(min(one[0], one[1]) > 0.05 for one in edge), "the edge between the halves is soft there"
    assert colour(picture, 0.5, 0.46) == pytest.approx(green, abs=0.05)


@pytest.mark.parametrize(("center", "seen"), [(0.0, [0, 1, 0]), (1.0, [1, 0, 0])])
def test_a_reframed_nested_timeline_is_cut_around_the_centre_that_is_named(
    center: float, seen: list[float]
) -> None:
    tall = Nested(timeline=halves(90, 160))
    crop = Effect(name="reframe", parameters={"center_x": 0.5, "center_y": center})
    picture = frame(timeline(clip(tall, crop), 320, 180), 0)
    for x, y in ((0.02, 0.02), (0.98, 0.98), (0.5, 0.5)):
        assert colour(picture, x, y) == pytest.approx(seen, abs=0.02)


def test_a_reframed_nested_timeline_follows_its_keyframes_and_is_placed_as_it_was_cut() -> None:
    keys = (Keyframe(at=Fraction(0), value=0.0, ease="hold"), Keyframe(at=Fraction(1), value=1.0))
    crop = Effect(name="reframe", parameters={"center_x": 0.5, "center_y": keys})
    half = Effect(name="transform", parameters={"scale": 0.5})
    film = timeline(clip(Nested(timeline=halves(90, 160)), crop, half), 320, 180)
    for number, seen in ((0, [0, 1, 0]), (49, [1, 0, 0])):
        picture = frame(film, number)
        assert colour(picture, 0.5, 0.5) == pytest.approx(seen, abs=0.02)
        assert colour(picture, 0.3, 0.3) == pytest.approx(seen, abs=0.02)
        assert colour(picture, 0.5, 0.15) == pytest.approx([0, 0, 0], abs=0.02), "what was cut off stays off"
