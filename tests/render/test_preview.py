"""A preview is the export's own picture: the frame handed to the encoder, byte for byte, wherever one looks."""

import hashlib
import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Mask,
    Nested,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.kernel.errors import Invalid
from engine.media.tasks import Files, no_report
from engine.rendering import worker
from engine.rendering.graph import Node
from engine.rendering.picture import frames_of
from engine.rendering.plan import RenderPlan
from engine.rendering.previews import frame_of
from engine.rendering.stills import StillWork
from engine.rendering.walking import graph_inputs
from tests.clips import make_clip, read_number
from tests.render.workshop import Opened, Source, plan_of, source_of, span, timeline_of

PAL = Fraction(25)
POINTS = 200


def whole_catalogue_of_places(source: Source, wide: Source) -> Timeline:
    """Everything at which a frame by itself might come out otherwise than among its neighbours."""

    def moving(low: float, high: float) -> tuple[Keyframe, ...]:
        return (
            Keyframe(at=Fraction(0), value=low),
            Keyframe(at=Fraction(2), value=high, ease=(0.4, 0, 0.6, 1)),
        )

    def paced(clip: Clip, frames: int, speed: Fraction, name: str) -> Clip:
        return replace(
            clip, id=name, speed=speed,
            source_range=TimeRange(start=clip.source_range.start, duration=frames / PAL),
        )  # fmt: skip

    reframed = Effect(name="reframe", parameters={"center_x": moving(0.3, 0.7)})
    turned = Effect(name="transform", parameters={"rotation": moving(-20, 35), "scale": moving(0.3, 0.8)})
    masked = Effect(
        name="exposure", parameters={"stops": moving(-1, 1)},
        mask=Mask(shape="ellipse", x=moving(0.2, 0.8), feather=0.2),
    )  # fmt: skip
    slow = Effect(name="slow_motion", parameters={"quality": "fast"})
    inside = timeline_of([span(source, 5, 40, rate=PAL)], rate=PAL, width=160, height=120)
    lower: list[Clip | Gap | Transition] = [
        span(source, 0, 30, rate=PAL),
        span(wide, 0, 50, rate=PAL, effects=[reframed]),
        Transition(kind="dissolve", in_offset=10 / PAL, out_offset=8 / PAL),
        span(source, 30, 60, rate=PAL, effects=[masked]),
        paced(span(source, 40, 50, rate=PAL), 20, Fraction(-1), "back"),
        paced(span(source, 60, 70, rate=PAL, effects=[slow]), 20, Fraction(1, 3), "slow"),
        Clip(
            id="inside",
            media=Nested(timeline=inside),
            source_range=TimeRange(start=Fraction(0), duration=30 / PAL),
        ),
        Gap(duration=10 / PAL),
    ]
    upper: list[Clip | Gap | Transition] = [
        Gap(duration=20 / PAL),
        replace(span(source, 10, 60, rate=PAL, effects=[turned]), id="above"),
        Clip(
            id="tint",
            media=Generator(kind="solid", parameters={"colour": "#2040a080"}),
            source_range=TimeRange(start=Fraction(0), duration=60 / PAL),
            effects=(Effect(name="blend", parameters={"mode": "screen", "opacity": moving(0.1, 0.9)}),),
        ),
    ]
    whole = timeline_of([], rate=PAL)
    return replace(
        whole,
        tracks=(
            Track(kind="video", name="low", items=tuple(lower)),
            Track(kind="video", name="high", items=tuple(upper)),
        ),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[RenderPlan, dict[str, Source], Path]:
    folder = tmp_path_factory.mktemp("preview")
    source = source_of(make_clip(folder / "clip.mp4", frames=100, gop=12, open_gop=True).path)
    wide = source_of(make_clip(folder / "wide.mp4", frames=80, width=640, height=240, gop=30).path)
    plan = plan_of(whole_catalogue_of_places(source, wide), [source, wide])
    return plan, {one.asset.sha256: one for one in (source, wide)}, folder


def inputs(graph: Node, sources: dict[str, Source], folder: Path) -> list[Path]:
    paths: list[Path] = []
    for sha256 in graph_inputs(graph).sources:
        index = folder / f"{sha256}.index"
        found = sources[sha256].index
        assert found is not None
        index.write_bytes(found.to_bytes())
        paths += [sources[sha256].path, index]
    return paths


def hashes(graph: Node, count: int, plan: RenderPlan, files: Files) -> list[str]:
    encoder = plan.encoder
    return [
        hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()
        for frame, _ in frames_of(graph, count, encoder.width, encoder.height, files.inputs)
    ]


def test_a_preview_is_the_frame_that_the_encoder_gets(
    made: tuple[RenderPlan, dict[str, Source], Path],
) -> None:
    plan, sources, folder = made
    exported: list[str] = []
    for segment in plan.segments:
        with Opened(inputs(segment.work.graph, sources, folder), []) as files:
            exported += hashes(segment.work.graph, segment.work.count, plan, files)
    assert len(exported) == plan.frames
    assert len(set(exported)) > plan.frames * 0.85, "the pictures differ, or the test says nothing"
    for number in np.random.default_rng(6).integers(0, plan.frames, POINTS):
        graph, _ = frame_of(plan, int(number))
        with Opened(inputs(graph, sources, folder), []) as files:
            assert hashes(graph, 1, plan, files) == [exported[number]], int(number)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_still_shows_the_frame_in_its_colours(
    made: tuple[RenderPlan, dict[str, Source], Path], kind: str
) -> None:
    plan, sources, folder = made
    graph, _ = frame_of(plan, 7)
    assert kind in ("png", "jpeg")
    work = StillWork(graph=graph, width=320, height=180, format=kind)  # type: ignore[arg-type]  # as asserted
    with Opened(inputs(graph, sources, folder), []) as files:
        done = worker.make_still(work, files, no_report)
    picture = Image.open(io.BytesIO(done.data))
    assert (picture.format, picture.size) == (kind.upper(), (320, 180))
    assert read_number(np.asarray(picture.convert("L"))) == 7


def test_frames_with_equal_names_have_equal_pictures_whatever_else_is_edited(
    made: tuple[RenderPlan, dict[str, Source], Path],
) -> None:
    _, sources, _ = made
    (source, wide) = sources.values()
    timeline = whole_catalogue_of_places(source, wide)
    low, high = timeline.tracks
    shorter = replace(timeline, tracks=(replace(low, items=low.items[1:]), high))
    edited = plan_of(replace(shorter, tracks=shorter.tracks[:1]), [source, wide])
    alone = plan_of(replace(timeline, tracks=timeline.tracks[:1]), [source, wide])
    assert frame_of(edited, 100)[1] == frame_of(alone, 130)[1]
    assert frame_of(edited, 100)[1] != frame_of(alone, 131)[1]


def test_a_frame_beyond_the_film_is_refused(made: tuple[RenderPlan, dict[str, Source], Path]) -> None:
    plan, _, _ = made
    with pytest.raises(Invalid, match=f"which has 0 to {plan.frames - 1}"):
        frame_of(plan, plan.frames)
