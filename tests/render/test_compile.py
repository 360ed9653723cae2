"""Several tracks, speeds, transitions and timelines within timelines: every output frame shows what it should."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Faces, FaceTrack
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
from engine.editing.catalogue.spec import catalogue
from engine.kernel.errors import Invalid
from engine.media.tasks import no_report
from engine.rendering import worker
from engine.rendering.analyses import Analyses
from engine.rendering.capabilities import capabilities
from engine.rendering.graph import Effected, Footage, Placed
from engine.rendering.plan import RenderPlan, compile_plan
from engine.rendering.walking import every
from tests.clips import NTSC, make_clip, read_number, read_numbers, show
from tests.render.workshop import (
    PROFILE,
    Opened,
    Source,
    index_file,
    make_film,
    plan_of,
    source_of,
    span,
    timeline_of,
)

PAL = Fraction(25)
Item = Clip | Gap | Transition


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("source")
    return source_of(make_clip(folder / "clip.mp4", frames=100, gop=12).path)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Numbers from 1000 on."""
    folder = tmp_path_factory.mktemp("other")
    return source_of(make_clip(folder / "other.mp4", numbers=range(1000, 1100), backgrounds=[60] * 100).path)


def tracks_of(*tracks: Sequence[Item], **more: Any) -> Timeline:
    """Picture tracks, the first at the bottom."""
    whole = timeline_of([], rate=PAL)
    made = [Track(kind="video", name=str(place), items=tuple(one)) for place, one in enumerate(tracks)]
    return replace(whole, tracks=tuple(made), **more)


def gap(frames: int) -> Gap:
    return Gap(duration=frames / PAL)


def at_speed(clip: Clip, frames: int, **pace: Any) -> Clip:
    return replace(clip, source_range=TimeRange(start=clip.source_range.start, duration=frames / PAL), **pace)


SPEEDS = [
    (Fraction(2), 20, [10 + 2 * n for n in range(20)]),
    (Fraction(1, 2), 20, [10 + n // 2 for n in range(20)]),
    (Fraction(3, 2), 12, [10 + int((n + 0.5) * 1.5 - (0.5 if n else 0.75) + 0.25) for n in range(12)]),
    (Fraction(-1), 20, [29 - n for n in range(20)]),
    (Fraction(-2), 10, [29 - 2 * n for n in range(10)]),
    (Fraction(-1, 2), 20, [19 - n // 2 for n in range(20)]),
    (Fraction(0), 15, [10] * 15),
]


@pytest.mark.parametrize(("speed", "frames", "wanted"), SPEEDS, ids=[str(one[0]) for one in SPEEDS])
def test_a_speed_shows_the_frame_in_the_middle_of_each_output_frame(
    tmp_path: Path, source: Source, speed: Fraction, frames: int, wanted: list[int]
) -> None:
    clip = at_speed(span(source, 10, 12, rate=PAL), frames, speed=speed)
    if speed == Fraction(3, 2):
        middles = [10 + (n * 1.5 + (0.5 if n else 0)) for n in range(frames)]
        wanted = [int(one) for one in middles]
    assert read_numbers(make_film(tmp_path, timeline_of([clip], rate=PAL), [source]).path) == wanted


def test_a_ramp_moves_by_the_integral_of_its_speed(tmp_path: Path, source: Source) -> None:
    ramp = (
        Keyframe(at=Fraction(0), value=0.5),
        Keyframe(at=Fraction(1), value=2.5),
        Keyframe(at=Fraction(2), value=2.5),
    )
    clip = at_speed(span(source, 5, 7, rate=PAL), 40, ramp=ramp)

    def moved(time: float) -> float:
        return 0.5 * time + time * time if time <= 1 else 1.5 + 2.5 * (time - 1)

    def speed(time: float) -> float:
        return min(2.5, 0.5 + 2 * time)

    wanted = [5]
    for n in range(1, 40):
        time = n / 25
        wanted.append(5 + int(25 * moved(time + min(1 / 25, 1 / 25 / speed(time)) / 2) + 1e-9))
    assert read_numbers(make_film(tmp_path, timeline_of([clip], rate=PAL), [source]).path) == wanted


def test_a_ramp_that_turns_back_never_leaves_its_span(tmp_path: Path, source: Source) -> None:
    ramp = (Keyframe(at=Fraction(0), value=1.0), Keyframe(at=Fraction(2), value=-1.0))
    clip = at_speed(span(source, 30, 32, rate=PAL), 50, ramp=ramp)
    numbers = read_numbers(make_film(tmp_path, timeline_of([clip], rate=PAL), [source]).path)
    known = [one for one in numbers if one is not None]
    assert known == numbers
    assert (known[0], max(known), known[-1]) == (30, 42, 30)


def test_backwards_through_long_groups_of_pictures_in_small_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.rendering.reading.CHUNK_BYTES", 320 * 180 * 3 // 2 * 7)
    long = source_of(make_clip(tmp_path / "long.mp4", frames=90, gop=90).path)
    clip = at_speed(span(long, 3, 5, rate=PAL), 80, speed=Fraction(-1))
    film = make_film(tmp_path / "out", timeline_of([clip], rate=PAL), [long])
    assert read_numbers(film.path) == list(range(82, 2, -1))


def test_the_upper_track_hides_the_lower_and_its_gaps_show_it(
    tmp_path: Path, source: Source, other: Source
) -> None:
    upper: list[Item] = [gap(10), span(other, 0, 15, rate=PAL), gap(5), span(other, 50, 55, rate=PAL)]
    timeline = tracks_of([span(source, 20, 60, rate=PAL)], upper)
    numbers = read_numbers(make_film(tmp_path, timeline, [source, other]).path)
    assert numbers == [*range(20, 30), *range(1000, 1015), *range(45, 50), *range(1050, 1055), *range(55, 60)]


def test_tracks_and_clips_that_are_switched_off_are_not_seen(
    tmp_path: Path, source: Source, other: Source
) -> None:
    off = replace(span(other, 0, 5, rate=PAL), enabled=False)
    timeline = tracks_of([span(source, 0, 10, rate=PAL)], [off, span(other, 5, 10, rate=PAL)])
    assert read_numbers(make_film(tmp_path, timeline, [source, other]).path) == [
        *range(5),
        *range(1005, 1010),
    ]
    lower, upper = timeline.tracks
    hidden = replace(timeline, tracks=(lower, replace(upper, enabled=False)))
    assert read_numbers(make_film(tmp_path, hidden, [source, other]).path) == list(range(10))


def test_a_small_picture_above_a_large_one_lies_in_its_corner(
    tmp_path: Path, source: Source, other: Source
) -> None:
    small = Effect(name="picture_in_picture", parameters={"size": 0.5, "margin": 0.0, "corner": "top_left"})
    dark = Clip(
        id="dark", media=Generator(kind="solid", parameters={"colour": "#202020"}),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(1)),
    )  # fmt: skip
    timeline = tracks_of([dark], [span(other, 10, 35, rate=PAL, effects=[small])])
    film = make_film(tmp_path, timeline, [other])
    with av.open(str(film.path)) as container:
        pictures = [show(frame) for frame in container.decode(video=0)]
    assert [read_number(one[:90, :160]) for one in pictures] == list(range(1010, 1035))
    assert all(abs(one[120:, :].mean() - 32) <= 2 for one in pictures)


def test_a_zoom_into_a_large_source_is_as_sharp_as_the_source(tmp_path: Path) -> None:
    large = source_of(make_clip(tmp_path / "large.mp4", frames=5, width=1280, height=720).path)
    zoom = Effect(name="transform", parameters={"scale": 4.0, "rotation": 0.0001})
    plan = plan_of(timeline_of([span(large, 0, 5, rate=PAL, effects=[zoom])], rate=PAL), [large])
    (segment,) = plan.segments
    (placed,) = [one for one in every(segment.work.graph) if isinstance(one, Placed)]
    assert (placed.width, placed.height) == (1280, 720)


def crossed(tmp_path: Path, first: Source, second: Source, kind: str = "dissolve") -> Timeline:
    transition = Transition(kind=kind, in_offset=5 / PAL, out_offset=5 / PAL)
    return timeline_of(
        [span(first, 20, 40, rate=PAL), transition, span(second, 30, 50, rate=PAL)],  # type: ignore[list-item]
        rate=PAL,
    )


def decoded(path: Path) -> list[NDArray[np.float64]]:
    with av.open(str(path)) as container:
        return [show(frame).astype(np.float64) for frame in container.decode(video=0)]


def test_a_dissolve_mixes_the_frames_beyond_both_edges(tmp_path: Path, source: Source, other: Source) -> None:
    film = make_film(tmp_path, crossed(tmp_path, source, other), [source, other])
    seen = decoded(film.path)
    a, b = decoded(source.path), decoded(other.path)
    assert [read_number(one.astype(np.uint8)) for one in seen[:15]] == list(range(20, 35))
    assert [read_number(one.astype(np.uint8)) for one in seen[25:]] == list(range(1035, 1050))
    for place in range(15, 25):
        part = (place - 15 + 0.5) / 10
        wanted = a[20 + place] * (1 - part) + b[30 + place - 20] * part
        assert np.abs(seen[place] - wanted).mean() < 2.0
        # Neither neighbour would do as well.
        assert (
            np.abs(seen[place] - wanted).mean()
            < np.abs(seen[place] - (a[21 + place] * (1 - part) + b[11 + place] * part)).mean()
        )


def test_a_transition_is_shortened_to_the_media_there_is_and_says_so(source: Source, other: Source) -> None:
    transition = Transition(kind="dissolve", in_offset=Fraction(1), out_offset=Fraction(1))
    items = [span(source, 50, 98, rate=PAL), transition, span(other, 3, 50, rate=PAL)]
    plan = plan_of(timeline_of(items, rate=PAL), [source, other])  # type: ignore[arg-type]
    assert any("is 5 frames long, not 50: there is no more to show" in one for one in plan.notices)
    assert plan.cuts == (45, 50)
    none = [span(source, 50, 100, rate=PAL), transition, span(other, 0, 50, rate=PAL)]
    plan = plan_of(timeline_of(none, rate=PAL), [source, other])  # type: ignore[arg-type]
    assert plan.cuts == (50,)


def test_a_timeline_within_a_timeline_shows_its_own_frames(
    tmp_path: Path, source: Source, other: Source
) -> None:
    inside = replace(
        tracks_of([span(source, 0, 10, rate=PAL), span(other, 40, 50, rate=PAL)]), rate=PAL, name="inside"
    )
    clip = Clip(
        id="whole", media=Nested(timeline=inside),
        source_range=TimeRange(start=5 / PAL, duration=15 / PAL),
    )  # fmt: skip
    slow = replace(
        clip, id="slow", speed=Fraction(1, 2), source_range=TimeRange(start=8 / PAL, duration=8 / PAL)
    )
    back = replace(clip, id="back", speed=Fraction(-1))
    timeline = tracks_of([span(source, 90, 95, rate=PAL), clip, slow, back])
    numbers = read_numbers(make_film(tmp_path, timeline, [source, other]).path)
    wanted = [*range(5, 10), *range(1040, 1050)]
    assert numbers == [*range(90, 95), *wanted, 8, 8, 9, 9, 1040, 1040, 1041, 1041, *wanted[::-1]]


def test_a_nested_timeline_at_another_rate(tmp_path: Path, source: Source) -> None:
    inside = timeline_of([span(source, 10, 60, rate=PAL)], rate=PAL)
    clip = Clip(
        id="whole", media=Nested(timeline=inside),
        source_range=TimeRange(start=Fraction(0), duration=24 / NTSC),
    )  # fmt: skip
    numbers = read_numbers(make_film(tmp_path, timeline_of([clip], rate=NTSC), [source]).path)
    step = min(1 / NTSC, 1 / PAL) / 2
    assert numbers == [10 + int((n / NTSC + (step if n else 0)) * PAL) for n in range(24)]


def test_a_trim_early_on_leaves_what_comes_later_in_the_cache(source: Source, other: Source) -> None:
    def plan(first: int) -> set[str]:
        items = [
            span(source, 0, first, rate=PAL),
            span(source, 40, 90, rate=PAL),
            span(other, 0, 90, rate=PAL),
        ]
        small = Effect(name="picture_in_picture")
        above: list[Item] = [gap(first + 60), span(other, 20, 70, rate=PAL, effects=[small])]
        return {segment.key for segment in plan_of(tracks_of(items, above), [source, other]).segments}

    before, after = plan(30), plan(20)
    assert len(after - before) == 1


def test_plain_footage_stays_in_libav(source: Source, other: Source) -> None:
    plan = plan_of(tracks_of([span(source, 0, 50, rate=PAL)], [gap(50)]), [source])
    assert all(isinstance(segment.work.graph, Footage) for segment in plan.segments)


def test_slow_motion_is_between_its_neighbours(tmp_path: Path, source: Source) -> None:
    slow = Effect(name="slow_motion", parameters={"quality": "fast"})
    clip = at_speed(span(source, 10, 12, rate=PAL, effects=[slow]), 20, speed=Fraction(1, 2))
    film = make_film(tmp_path, timeline_of([clip], rate=PAL), [source])
    numbers = read_numbers(film.path)
    assert numbers[::2] == list(range(10, 20))
    assert any("slow motion" in one for one in film.plan.methods)


def test_slow_motion_across_a_cut_says_that_nothing_could_be_followed(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    path = tmp_path / "noise.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(10):
            planes = np.full((270, 320), 128, dtype=np.uint8)
            planes[:180] = np.kron(chance.integers(20, 230, (45, 80)), np.ones((4, 4)))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    noise = source_of(path)
    slow = Effect(name="slow_motion", parameters={"quality": "medium"})
    clip = at_speed(span(noise, 0, 5, rate=PAL, effects=[slow]), 10, speed=Fraction(1, 2))
    plan = plan_of(timeline_of([clip], rate=PAL), [noise])
    (work,) = [segment.work for segment in plan.segments]
    with Opened([path, index_file(tmp_path, noise)], [tmp_path / "out"]) as files:
        done = worker.render_segment(work, files, no_report)
    assert any("nothing could be followed" in one for one in done.notices)


def face(start: int, end: int, x: float) -> FaceTrack:
    times = (start / PAL, end / PAL)
    return FaceTrack(
        start=times[0], end=times[1], at=times, x=(x, x + 0.2), y=(0.4, 0.4), width=(0.1, 0.1), height=(0.2, 0.2),
        confidence=0.9,
    )  # fmt: skip


def test_an_effect_on_faces_follows_them_into_a_crop(source: Source) -> None:
    blur = Effect(name="exposure", parameters={"stops": 1.0}, mask=Mask(shape="faces", feather=0.1))
    clip = span(source, 10, 30, rate=PAL, effects=[blur])
    faces = {source.asset.asset_id: Faces(hop=Fraction(1, 5), tracks=(face(12, 22, 0.3), face(60, 70, 0.1)))}
    plan = faced(timeline_of([clip], rate=PAL, width=180, height=180), source, faces)
    (effected,) = [one for one in every(plan.segments[0].work.graph) if isinstance(one, Effected)]
    (region,) = effected.regions
    # At frame 17 the face is half way: at 0.4 of 320 pixels, 70 of which are cut off at the left.
    assert region.x[7] == pytest.approx((0.4 * 320 - 70) / 180, abs=0.005)
    assert region.width[7] == pytest.approx(0.1 * 1.25 * 320 / 180, abs=0.005)
    assert region.y[7] == pytest.approx(0.4)
    assert region.x[0] < 0
    assert region.x[19] < 0


@pytest.mark.parametrize("name", [one.name for one in catalogue().values() if one.region])
def test_what_acts_on_a_region_acts_on_a_shape_or_on_the_faces_that_were_found(
    source: Source, name: str
) -> None:
    found = {source.asset.asset_id: Faces(hop=Fraction(1, 5), tracks=(face(12, 22, 0.3), face(12, 22, 0.6)))}
    for mask, count in ((Mask(shape="ellipse", x=0.25), 1), (Mask(shape="faces"), 2)):
        worn = Effect(name=name, mask=mask)
        plan = faced(timeline_of([span(source, 12, 22, rate=PAL, effects=[worn])], rate=PAL), source, found)
        (effected,) = [one for one in every(plan.segments[0].work.graph) if isinstance(one, Effected)]
        assert (effected.name, len(effected.regions)) == (name, count)


def test_an_effect_on_faces_acts_nowhere_where_there_are_none_and_wants_to_know(source: Source) -> None:
    bright = Effect(name="exposure", parameters={"stops": 1.0}, mask=Mask(shape="faces"))
    timeline = timeline_of([span(source, 30, 50, rate=PAL, effects=[bright])], rate=PAL)
    nobody = {source.asset.asset_id: Faces(hop=Fraction(1, 5), tracks=())}
    assert isinstance(faced(timeline, source, nobody).segments[0].work.graph, Footage)
    with pytest.raises(Invalid, match=r'have it analysed: POST .*"faces"'):
        faced(timeline, source, {})
    outside = replace(bright, mask=Mask(shape="faces", inverted=True))
    turned = timeline_of([span(source, 30, 50, rate=PAL, effects=[outside])], rate=PAL)
    graph = faced(turned, source, nobody).segments[0].work.graph
    assert isinstance(graph, Effected)
    assert graph.regions == ()


def faced(timeline: Timeline, source: Source, faces: dict[str, Faces]) -> RenderPlan:
    assert source.index is not None
    names = {source.asset.asset_id: source.asset}
    return compile_plan(
        timeline,
        names,
        {source.asset.asset_id: source.index},
        PROFILE,
        capabilities(),
        analyses=Analyses(faces=faces),
    )
