"""Track mattes: another track says, frame by frame, what is seen of a picture."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from cutroom_sdk.wire.timeline import Clip, Effect, Gap, Generator, Keyframe, Mask, Timeline, TimeRange, Track
from engine.kernel.errors import Invalid
from engine.rendering.compositor.evaluate import Evaluator
from engine.rendering.reading import Sources
from engine.rendering.walking import graph_inputs
from tests.clips import draw_number, make_clip
from tests.render.workshop import Opened, index_file, plan_of, source_of, span

PAL = Fraction(25)
SIZE = (128, 72)
FRAMES = 20


def made(kind: str, *, effects: Sequence[Effect] = (), frames: int = FRAMES, **parameters: Any) -> Clip:
    return Clip(
        id=kind + str(len(effects)),
        media=Generator(kind=kind, parameters=parameters),
        source_range=TimeRange(start=Fraction(0), duration=frames / PAL),
        effects=tuple(effects),
    )


def layers(**tracks: tuple[Clip | Gap, ...]) -> Timeline:
    """Picture tracks by name, the lowest first."""
    return Timeline(
        name="t", rate=PAL, width=SIZE[0], height=SIZE[1], sample_rate=48_000,
        tracks=tuple(Track(kind="video", name=name, items=items) for name, items in tracks.items()),
    )  # fmt: skip


def matte(track: str = "matte", **more: Any) -> Effect:
    return Effect(name="track_matte", parameters={"track": track, **more})


def luma(timeline: Timeline, frame: int) -> NDArray[np.float64]:
    """The brightness of one frame, as a render has it."""
    segment = next(
        one for one in plan_of(timeline, []).segments if one.first <= frame < one.first + one.work.count
    )
    picture = Evaluator(segment.work.graph, *SIZE, Sources((), ()), {}).picture(frame - segment.first)
    return picture.y.astype(np.float64)


RED, WHITE = "#ff0000", "#ffffff"
BACK, FRONT = 16 + 219 * 0.0722, 16 + 219 * 0.2126  # of blue and of red (ITU-R BT.709)


def back() -> tuple[Clip, ...]:
    return (made("solid", colour="#0000ff"),)


def front(*effects: Effect) -> tuple[Clip, ...]:
    return (made("solid", colour=RED, effects=effects),)


def test_a_track_matte_keeps_as_much_as_the_matte_is_bright() -> None:
    grey = (made("solid", colour="#404040"),)
    shown = luma(layers(back=back(), front=front(matte()), matte=grey), 3)
    assert np.abs(shown - (BACK + (FRONT - BACK) * 0x40 / 255)).max() <= 1.5
    hidden = luma(layers(back=back(), front=front(matte(invert=1.0)), matte=grey), 3)
    assert np.abs(hidden - (FRONT + (BACK - FRONT) * 0x40 / 255)).max() <= 1.5


def test_a_track_matte_of_alpha_moves_with_what_is_opaque_on_its_track() -> None:
    """A quarter of the canvas goes from the left to the right; what is seen of the picture goes with it."""
    across = (Keyframe(at=Fraction(0), value=0.25), Keyframe(at=Fraction(20) / PAL, value=0.75))
    window = Effect(name="transform", parameters={"scale": 0.5, "x": across})
    black = (made("solid", colour="#000000", effects=(window,)),)
    timeline = layers(back=back(), front=front(matte(channel="alpha")), matte=black)
    for frame in (0, 10):
        shown = luma(timeline, frame)
        left = round(SIZE[0] * (0.25 + 0.5 * frame / 20 - 0.25))
        inside = shown[20:52, left + 3 : left + 61]
        assert np.abs(inside - FRONT).max() <= 1.5
        assert np.abs(shown[:, left + 67 :] - BACK).max() <= 1.5
        assert np.abs(shown[:15] - BACK).max() <= 1.5
    # The matte is black: by its brightness nothing would be seen.
    dark = luma(layers(back=back(), front=front(matte(channel="luma")), matte=black), 10)
    assert np.abs(dark - BACK).max() <= 1.5


def test_a_track_matte_hides_where_its_track_has_nothing_and_is_not_shown_itself() -> None:
    late = (Gap(duration=Fraction(8) / PAL), made("solid", colour=WHITE, frames=6))
    plan = plan_of(layers(back=back(), front=front(matte()), matte=late), [])
    assert [segment.first for segment in plan.segments] == [0, 8, 14]
    assert plan.frames == FRAMES
    timeline = layers(back=back(), front=front(matte()), matte=late)
    assert [round(luma(timeline, frame).mean()) for frame in (7, 8, 13, 14)] == [
        round(BACK),
        round(FRONT),
        round(FRONT),
        round(BACK),
    ]
    turned = layers(back=back(), front=front(matte(invert=1.0)), matte=late)
    assert [round(luma(turned, frame).mean()) for frame in (7, 8)] == [round(FRONT), round(BACK)]


def test_a_whole_track_has_a_matte_too_and_a_matte_has_one_itself() -> None:
    grey, half = (
        (made("solid", colour="#808080"),),
        (made("solid", colour="#808080", effects=(matte("inner"),)),),
    )
    timeline = layers(back=back(), front=front(), matte=grey)
    below, above, by = timeline.tracks
    shown = luma(replace(timeline, tracks=(below, replace(above, effects=(matte(),)), by)), 0)
    part = 0x80 / 255
    assert np.abs(shown - (BACK + (FRONT - BACK) * part)).max() <= 1.5
    twice = luma(layers(back=back(), front=front(matte()), matte=half, inner=grey), 0)
    assert np.abs(twice - (BACK + (FRONT - BACK) * part**2)).max() <= 1.5


def test_footage_is_a_matte_frame_by_frame(tmp_path: Path) -> None:
    """The matte's background goes from dark to bright, and what is seen of the picture with it."""
    levels = [round(16 + 7 * number) for number in range(FRAMES)]
    clip = make_clip(
        tmp_path / "m.mkv", frames=FRAMES, width=SIZE[0], height=SIZE[1], codec="ffv1", backgrounds=levels
    )
    source = source_of(clip.path)
    timeline = layers(back=back(), front=front(matte()), matte=(span(source, 0, FRAMES, rate=PAL),))
    (segment,) = plan_of(timeline, [source]).segments
    assert source.asset.sha256 in graph_inputs(segment.work.graph).sources
    with Opened([clip.path, index_file(tmp_path, source)], []) as files:
        sources = Sources((source.asset.sha256,), files.inputs)
        evaluator = Evaluator(segment.work.graph, *SIZE, sources, {})
        for frame in (0, 7, 19):
            corner = evaluator.picture(frame).y[:8, :8].astype(float)
            bright = draw_number(frame, *SIZE, background=levels[frame])[:8, :8].astype(float)
            wanted = BACK + (FRONT - BACK) * (bright - 16) / 219
            assert np.abs(corner - wanted).max() <= 1.5
        sources.close()


@pytest.mark.parametrize(
    ("tracks", "said"),
    [
        (
            {"front": front(matte("mat"))},
            "no picture track 'mat' with something on it; there are 'back', 'front'",
        ),
        ({"front": front(matte("front"))}, "the track 'front' would be its own matte"),
        (
            {"front": front(matte("a")), "a": front(matte("b")), "b": front(matte("a"))},
            "the track 'a' would be its own matte",
        ),
        ({"front": front(matte(channel="red")), "matte": back()}, "channel is 'red': one of luma, alpha"),
    ],
)
def test_a_matte_that_cannot_be_is_refused(tracks: dict[str, tuple[Clip, ...]], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        plan_of(layers(back=back(), **tracks), [])


def test_a_region_moves_by_its_keyframes() -> None:
    across = (Keyframe(at=Fraction(0), value=0.25), Keyframe(at=Fraction(20) / PAL, value=0.75))
    grown = (Keyframe(at=Fraction(0), value=0.2), Keyframe(at=Fraction(20) / PAL, value=0.6))
    brighter = Effect(
        name="exposure",
        parameters={"stops": 2.0},
        mask=Mask(shape="rectangle", x=across, y=0.5, width=grown, height=1.0),
    )
    timeline = layers(back=(made("solid", colour="#404040", effects=(brighter,)),))
    dark, bright = luma(timeline, 0)[0, 0], luma(timeline, 0)[36, 32]
    assert bright > dark + 40
    for frame in (0, 5, 15):
        part = frame / 20
        middle, width = 0.25 + 0.5 * part, 0.2 + 0.4 * part
        row = luma(timeline, frame)[36] > (dark + bright) / 2
        lit = np.flatnonzero(row)
        assert lit[0] == pytest.approx((middle - width / 2) * SIZE[0], abs=1)
        assert lit[-1] + 1 == pytest.approx(min(1, middle + width / 2) * SIZE[0], abs=1)
