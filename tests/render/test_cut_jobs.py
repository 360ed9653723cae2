"""Cuts as render jobs: what is copied, what is said of it, and what cannot be copied."""

from dataclasses import replace as moved
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.renders import CutKept, KeptFrames, Render
from cutroom_sdk.wire.timeline import Clip, Effect, Gap, Timeline, Track
from engine.editing.profiles import profile_named
from engine.kernel.errors import Invalid
from engine.rendering.capabilities import capabilities
from engine.rendering.plan import RenderPlan
from engine.rendering.smartcopy.compiling import FRAMES, compile_film
from tests.clips import Sound, make_clip, read_numbers
from tests.render.studio import Studio, studio
from tests.render.test_jobs import border, until
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """200 frames of 25 a second in closed groups of 20, with sound."""
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    return source_of(make_clip(path, frames=200, gop=20, audio=Sound()).path)


def timeline(source: Source, *spans: tuple[int, int]) -> Timeline:
    items = [span(source, *one, rate=PAL) for one in spans]
    heard = tuple(replace(item, id=f"{item.id}-heard") for item in items)
    made = timeline_of(items, rate=PAL)
    return replace(made, tracks=(*made.tracks, Track(kind="audio", name="sound", items=heard)))


def compiled(film: Timeline, source: Source, profile: str = "cut") -> RenderPlan:
    assert source.index is not None
    asset_id = source.asset.asset_id
    return compile_film(
        film, {asset_id: source.asset}, {asset_id: source.index}, profile_named(profile), capabilities()
    )


async def cut(room: Studio, client: httpx.AsyncClient, film: Timeline, profile: str = "cut") -> Render:
    asked = await client.post("/v1/renders", json={"profile": profile, "timeline": to_builtins(film)})
    assert asked.status_code == 202, asked.text
    return await until(room.kernel, asked.json()["render_id"], "completed", "failed")


async def test_a_cut_is_copied_between_its_edges_and_says_so(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        render = await cut(room, client, timeline(source, (10, 75), (100, 140)))
        assert render.output is not None, render.error
        assert read_numbers(Path(render.output.path)) == [*range(10, 75), *range(100, 140)]
        assert {check.name for check in render.checks if check.status == "fail"} == set()
        assert render.cut is not None
        assert [(one.start_frame, one.end_frame) for one in render.cut.spans] == [(10, 75), (100, 140)]
        assert (render.cut.copy, render.cut.render) == (2, 0)
        assert render.cut.edge >= 1
        assert render.progress.done_frames == render.progress.total_frames == 105


async def test_edges_are_found_again_and_copies_are_not_kept(tmp_path: Path, source: Source) -> None:
    """Another cut that begins at the same frame has that edge from the first; no copied packet lies in the cache."""
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        await cut(room, client, timeline(source, (10, 75)))
        kept = {one.key: one.count for one in await room.segments() if one.kind == "picture"}
        assert all(count < 20 for count in kept.values())
        second = await cut(room, client, timeline(source, (10, 120)))
        assert second.segments.cached == 1


async def test_a_cut_of_h265_stays_h265(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=120, codec="libx265", gop=20, open_gop=True)
    modern = source_of(clip.path)
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(modern)
        render = await cut(room, client, timeline_of([span(modern, 10, 75, rate=PAL)], rate=PAL))
        assert render.output is not None, render.error
        assert read_numbers(Path(render.output.path)) == list(range(10, 75))
        (codecs,) = [check for check in render.checks if check.name == "codecs"]
        assert (codecs.status, codecs.value) == ("pass", "mp4, hevc")
        assert {check.name for check in render.checks if check.status == "fail"} == set()
        assert render.cut is not None
        assert render.cut.copied_frames > 40


async def test_copying_only_widens_and_encodes_nothing(tmp_path: Path, source: Source) -> None:
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        render = await cut(room, client, timeline(source, (27, 41), (95, 100)), profile="copy")
        assert render.output is not None, render.error
        assert render.cut == CutKept(
            asset_id=source.asset.asset_id,
            spans=(KeptFrames(start_frame=20, end_frame=41), KeptFrames(start_frame=80, end_frame=100)),
            copy=2, edge=0, render=0, copied_frames=41,
        )  # fmt: skip
        assert read_numbers(Path(render.output.path)) == [*range(20, 41), *range(80, 100)]
        assert [one for one in await room.segments() if one.kind == "picture"] == []


async def test_a_mixed_film_renders_what_was_changed_alone_and_finds_it_again(
    tmp_path: Path, source: Source
) -> None:
    blur = Effect(name="blur", parameters={"radius": 3.0})
    items = [span(source, 10, 75, rate=PAL), span(source, 100, 130, rate=PAL, effects=(blur,))]
    film = timeline_of(items, rate=PAL)
    async with studio(tmp_path / "state") as room, border(room) as client:
        await room.take_in(source)
        render = await cut(room, client, film)
        assert render.output is not None, render.error
        assert read_numbers(Path(render.output.path)) == [*range(10, 75), *range(100, 130)]
        assert {check.name for check in render.checks if check.status == "fail"} == set()
        assert any("frames are copied" in one for one in render.notices), render.notices
        assert render.progress.done_frames == render.progress.total_frames == 95
        assert sum(one.count for one in await room.segments() if one.kind == "picture") < 50
        other = timeline_of([*items, span(source, 150, 151, rate=PAL)], rate=PAL)
        again = await cut(room, client, other)
        # Both edges and what is blurred; copies are made anew.
        assert again.segments.cached == 3


def test_spans_that_are_widened_into_each_other_become_one(source: Source) -> None:
    plan = compiled(timeline(source, (27, 33), (35, 40)), source, "copy")
    assert plan.splicing is not None
    assert plan.splicing.kept == ((20, 40),)


def test_spans_that_touch_are_one(source: Source) -> None:
    plan = compiled(timeline(source, (20, 50), (50, 60)), source)
    assert plan.splicing is not None
    assert plan.splicing.kept == ((20, 60),)
    assert plan.cuts == ()


def test_frames_that_the_timeline_names_count_before_times(source: Source) -> None:
    film = replace(timeline(source, (20, 50)), metadata={FRAMES: [[20, 47]]})
    plan = compiled(film, source)
    assert plan.splicing is not None
    assert plan.splicing.kept == ((20, 47),)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [({FRAMES: [[20]]}, "pairs of frames"), ({FRAMES: []}, "names 0 spans"), ({FRAMES: [[5, 500]]}, "with 200"),
     ({FRAMES: "all"}, "names 0 spans"), ({FRAMES: [[9, 3]]}, r"\[9, 3\)"), ({"cut_frame": []}, "did you mean")],
)  # fmt: skip
def test_frames_that_cannot_be_are_refused(source: Source, metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        compiled(replace(timeline(source, (20, 50)), metadata=metadata), source)


def test_what_is_more_than_spans_is_mixed_and_nothing_that_may_only_be_copied(source: Source) -> None:
    plain = timeline(source, (20, 50))
    (clip,) = plain.tracks[0].items
    assert isinstance(clip, Clip)
    effect = Effect(name="reframe", parameters={"center_x": 0.5})
    changed = replace(plain.tracks[0], items=(replace(clip, effects=(effect,)),))
    gap = replace(plain.tracks[0], items=(clip, Gap(duration=Fraction(1))))
    muted = replace(plain.tracks[1], items=(span(source, 30, 60, rate=PAL),))
    for tracks, why in (
        ((changed, plain.tracks[1]), "something is done to the clip"),
        ((gap,), "gaps or transitions"),
        ((plain.tracks[0], muted), "its sound is not that of its picture"),
    ):
        film = replace(plain, tracks=tracks)
        plan = compiled(film, source)
        assert plan.splicing is not None
        assert plan.splicing.mixed
        with pytest.raises(Invalid, match=why):
            compiled(film, source, "copy")


def test_a_source_of_another_codec_is_rendered(tmp_path: Path) -> None:
    other = source_of(make_clip(tmp_path / "clip.mkv", frames=30, codec="mpeg4", b_frames=0).path)
    plan = compiled(timeline_of([span(other, 3, 20, rate=PAL)], rate=PAL), other)
    assert plan.splicing is None
    assert any("mpeg4" in notice for notice in plan.notices)


def test_a_cut_without_an_entry_says_that_nothing_was_copied(source: Source) -> None:
    plan = compiled(timeline(source, (21, 39)), source)
    assert plan.splicing is not None
    assert [one.kind for one in plan.splicing.stretches] == ["render"]
    assert any("nothing was copied" in notice for notice in plan.notices)


def test_equal_cuts_have_equal_plans_and_another_source_another(tmp_path: Path, source: Source) -> None:
    one, again = (compiled(timeline(source, (10, 75)), source) for _ in range(2))
    assert one == again
    other = moved(source, asset=replace(source.asset, sha256="0" * 64))
    assert compiled(timeline(source, (10, 75)), other).plan_hash != one.plan_hash
