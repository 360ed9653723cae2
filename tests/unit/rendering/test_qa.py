"""The tester of a film says what it found, what it wanted, and fails on each fault by itself."""

from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.editing import CutPlan, Goal, PlanSource
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.timeline import Clip, Gap, TimeRange
from engine.rendering.plan import RenderPlan
from engine.rendering.qa import check_film
from engine.rendering.work import Inspection, Mismatch, Span
from tests.render.workshop import PROFILE
from tests.unit.rendering.material import a_clip, a_plan, a_timeline, an_asset

REELS = replace(
    PROFILE, name="reels", loudness_lufs=-14.0, true_peak_dbtp=-1.0, max_duration=Fraction(90),
    source="Instagram; loudness: convention",
)  # fmt: skip
ASSET = an_asset()


def plan_of(*items: Clip | Gap) -> RenderPlan:
    return a_plan(
        a_timeline(*(items or (a_clip(ASSET, 0, 100), a_clip(ASSET, 300, 400)))), ASSET, profile=REELS
    )


def found_in(plan: RenderPlan, **faults: Any) -> Inspection:
    """What is found in a film without faults, but for `faults`."""
    good = Inspection(
        container="mov,mp4,m4a", video_codec="h264", pixel_format="yuv420p", width=plan.encoder.width,
        height=plan.encoder.height, rate=plan.encoder.rate, frames=plan.frames, on_grid=True, duration=plan.duration,
        moov_first=True, audio_codec="aac", sample_rate=48_000, audio_duration=plan.duration,
        start_offset=Fraction(0), integrated_lufs=-14.2, true_peak_dbtp=-1.3, compared=6, mismatches=(), black=(),
        frozen=(),
    )  # fmt: skip
    return replace(good, **faults)


def cut_plan(*speech: tuple[str, str], duration: int = 40) -> CutPlan:
    heard = tuple(
        TimeRange(start=Fraction(start), duration=Fraction(end) - Fraction(start)) for start, end in speech
    )
    source = PlanSource(asset_id=ASSET.asset_id, asset="a.mp4", duration=Fraction(duration), speech=heard)
    return CutPlan(
        goal=Goal(text="g"), profile="reels", timeline=a_timeline(), cuts=(), removed=(), duration=Fraction(8),
        sources=(source,),
    )  # fmt: skip


def failing(plan: RenderPlan, found: Inspection, cuts: CutPlan | None = None, **more: Any) -> list[str]:
    checks = check_film(plan, REELS, found, cut_plan=cuts, **more)
    return [check.name for check in checks if check.status == "fail"]


def check_named(name: str, plan: RenderPlan, found: Inspection, **more: Any) -> Check:
    return next(check for check in check_film(plan, REELS, found, **more) if check.name == name)


def test_a_film_without_faults_passes_everything() -> None:
    plan = plan_of()
    checks = check_film(plan, REELS, found_in(plan), cut_plan=cut_plan(("1", "3"), ("13", "15")))
    assert {check.status for check in checks} == {"pass"}
    assert all(check.value and check.limit and check.source for check in checks)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"frames": 199}, "duration"),
        ({"duration": Fraction(9)}, "duration"),
        ({"audio_duration": Fraction(7)}, "duration"),
        ({"width": 720}, "resolution"),
        ({"rate": Fraction(30)}, "frame_rate"),
        ({"on_grid": False}, "frame_rate"),
        ({"video_codec": "hevc"}, "codecs"),
        ({"pixel_format": "yuv444p"}, "codecs"),
        ({"container": "matroska"}, "codecs"),
        ({"moov_first": False}, "fast_start"),
        ({"start_offset": Fraction(1, 500)}, "audio_present"),
        ({"integrated_lufs": -15.1}, "loudness"),
        ({"integrated_lufs": -12.9}, "loudness"),
        ({"true_peak_dbtp": -0.9}, "true_peak"),
        ({"black": (Span(start=10, end=40),)}, "black_frames"),
        ({"frozen": (Span(start=10, end=80),)}, "frozen_frames"),
        ({"mismatches": (Mismatch(frame=100, distance=9.0, detail="d"),)}, "cut_accuracy"),
    ],
)
def test_each_fault_fails_its_check_and_no_other(fault: dict[str, Any], name: str) -> None:
    plan = plan_of()
    assert failing(plan, found_in(plan, **fault)) == [name]


def test_a_missing_sound_is_noticed() -> None:
    plan = plan_of()
    found = found_in(plan, audio_codec=None, integrated_lufs=None, true_peak_dbtp=None)
    assert "audio_present" in failing(plan, found)


def test_a_cut_within_speech_fails_and_says_where() -> None:
    plan = plan_of()
    # The clips are [0, 4) and [12, 16) seconds of the source.
    assert failing(plan, found_in(plan), cut_plan(("3", "5"), ("15", "17"))) == ["words"]
    check = check_named("words", plan, found_in(plan), cut_plan=cut_plan(("3", "5"), ("15", "17")))
    assert [one.rpartition(" at ")[2] for one in check.at] == ["4.000 s", "16.000 s"]
    assert failing(plan, found_in(plan), cut_plan(("1", "4"), ("12", "13"))) == []


def test_one_cut_is_spoken_of_as_one() -> None:
    plan = plan_of()
    assert len(plan.cuts) == 1
    assert "around 1 cut are" in check_named("cut_accuracy", plan, found_in(plan)).value


def test_where_clips_meet_in_their_source_no_word_is_cut() -> None:
    plan = plan_of(a_clip(ASSET, 0, 100), a_clip(ASSET, 100, 200))
    assert failing(plan, found_in(plan), cut_plan(("3", "5"))) == []


def test_footage_that_ends_within_speech_may_be_kept_to_its_last_frame() -> None:
    plan = plan_of()
    last_frame = replace(cut_plan(("15", "16.03")).sources[0], duration=Fraction("16.03"))
    assert failing(plan, found_in(plan), replace(cut_plan(), sources=(last_frame,))) == []
    goes_on = replace(cut_plan(("15", "16.05")).sources[0], duration=Fraction("16.05"))
    assert failing(plan, found_in(plan), replace(cut_plan(), sources=(goes_on,))) == ["words"]


def test_a_film_that_is_its_source_fails() -> None:
    plan = plan_of(a_clip(ASSET, 0, 500), a_clip(ASSET, 500, 1000))
    assert failing(plan, found_in(plan), cut_plan(("1", "3"))) == ["non_pass_through"]


def test_black_that_was_asked_for_is_no_fault() -> None:
    plan = plan_of(a_clip(ASSET, 0, 100), Gap(duration=Fraction(2)), a_clip(ASSET, 300, 400))
    assert failing(plan, found_in(plan, black=(Span(start=100, end=150),))) == []
    assert failing(plan, found_in(plan, black=(Span(start=90, end=150),))) == ["black_frames"]


def test_a_source_that_hardly_ever_moves_is_no_fault() -> None:
    plan = plan_of()
    assert failing(plan, found_in(plan, frozen=(Span(start=0, end=180),))) == []


def test_sound_that_is_as_loud_as_it_can_be_does_not_fail() -> None:
    plan = plan_of()
    quiet = found_in(plan, integrated_lufs=-25.0)
    assert failing(plan, quiet) == ["loudness"]
    assert failing(plan, quiet, as_loud_as_can_be=True) == []


def test_a_limit_names_who_set_it() -> None:
    plan = plan_of()
    assert check_named("loudness", plan, found_in(plan)).source == "reels: loudness: convention"
    assert check_named("codecs", plan, found_in(plan)).source == "reels: Instagram"
