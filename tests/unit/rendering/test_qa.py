"""The tester of a film says what it found, what it wanted, and fails on each fault by itself."""

from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.editing import CutPlan, Goal, PlanSource
from cutroom_sdk.wire.media import Speech
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.timeline import Clip, Gap, TimeRange
from engine.rendering.knowing import Known
from engine.rendering.plan import RenderPlan
from engine.rendering.qa import check_film
from engine.rendering.work import Inspection, Mismatch, Span
from tests.render.workshop import PROFILE
from tests.unit.rendering.material import a_clip, a_plan, a_timeline, an_asset

REELS = replace(
    PROFILE, name="reels", loudness_lufs=-14.0, true_peak_dbtp=-1.0, min_duration=Fraction(3), max_duration=Fraction(90),
    max_bytes=2000,
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
        frozen=(), keyframe_distance=50, moving=180,
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
    checks = check_film(plan, REELS, found, cut_plan=cuts, **{"size": 1000} | more)
    return [check.name for check in checks if check.status == "fail"]


def check_named(name: str, plan: RenderPlan, found: Inspection, **more: Any) -> Check:
    return next(
        check for check in check_film(plan, REELS, found, **{"size": 1000} | more) if check.name == name
    )


def test_a_film_without_faults_passes_everything() -> None:
    plan = plan_of()
    checks = check_film(plan, REELS, found_in(plan), size=1000, cut_plan=cut_plan(("1", "3"), ("13", "15")))
    passed = [check for check in checks if check.status == "pass"]
    beside = {check.name for check in checks if check.status == "not_applicable"}
    assert (len(passed) + len(beside), beside) == (len(checks), {"faces_in_frame", "captions_delivered"})
    assert all(check.value and check.limit and check.source and not check.fix for check in passed)


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
        ({"keyframe_distance": 51}, "seeking"),
        ({"seek_misses": (50,)}, "seeking"),
        ({"start_offset": Fraction(1, 500)}, "av_sync"),
        ({"sound_gap": Fraction(1, 100)}, "av_sync"),
        ({"doubled": (20, 30, 40)}, "duplicate_frames"),
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
    assert check_named(name, plan, found_in(plan, **fault)).fix


def test_a_file_that_is_too_large_or_a_film_that_is_too_short_or_too_long_fails_with_the_limit_and_its_source() -> (
    None
):
    plan = plan_of()
    assert failing(plan, found_in(plan), size=2001) == ["file_size"]
    large = check_named("file_size", plan, found_in(plan), size=2001)
    assert (large.value, large.limit, large.source) == (
        "2001 bytes",
        "at most 2000 bytes",
        "reels: Instagram",
    )
    assert "shorter" in large.fix
    short = plan_of(a_clip(ASSET, 0, 74))
    found = check_named("duration", short, found_in(short))
    assert (found.status, found.fix) == ("fail", "ask for a longer film")
    assert "at least 3.000 s, at most 90.000 s" in found.limit
    assert failing(plan_of(a_clip(ASSET, 0, 75)), found_in(plan_of(a_clip(ASSET, 0, 75)))) == []
    unlimited = check_film(plan, PROFILE, found_in(plan), size=10**12)
    assert next(one for one in unlimited if one.name == "file_size").status == "not_applicable"


def test_a_master_has_to_be_decoded_from_end_to_end() -> None:
    plan = plan_of()
    master = replace(REELS, decode_whole=True)
    edges = check_film(plan, master, found_in(plan), size=1000)
    assert [one.name for one in edges if one.status == "fail"] == ["decoded"]
    whole = check_film(plan, master, found_in(plan, compared=200), size=1000)
    assert [one.name for one in whole if one.status == "fail"] == []
    assert (
        "200 of 200 frames of the whole film"
        in next(one for one in whole if one.name == "cut_accuracy").value
    )


def test_frames_that_the_plan_shows_twice_and_footage_on_twos_are_no_duplicates() -> None:
    plan = plan_of(a_clip(ASSET, 0, 100, speed=Fraction(1, 2)), a_clip(ASSET, 300, 400))
    again = tuple(range(1, 100, 2))
    assert failing(plan, found_in(plan, doubled=again)) == []
    assert failing(plan, found_in(plan, doubled=(*again, 20, 40, 110))) == ["duplicate_frames"]
    twos = plan_of()
    assert failing(twos, found_in(twos, doubled=tuple(range(1, 180, 2)))) == []
    assert failing(twos, found_in(twos, doubled=(20,))) == [], "one in a hundred nobody sees"


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


def test_each_span_that_was_removed_is_listed() -> None:
    plan = plan_of()
    for known in ({"cuts": cut_plan(("1", "3"))}, {"known": Known(assets={ASSET.asset_id: ASSET})}):
        more = {"cut_plan": known["cuts"]} if "cuts" in known else known
        check = check_named("non_pass_through", plan, found_in(plan), **more)
        assert (check.status, check.value) == ("pass", "32.000 s removed")
        assert [one.partition(" ")[2] for one in check.at] == ["4.000 s to 12.000 s", "16.000 s to 40.000 s"]
    whole = plan_of(a_clip(ASSET, 0, 1000))
    known_whole = check_named(
        "non_pass_through", whole, found_in(whole), known=Known(assets={ASSET.asset_id: ASSET})
    )
    assert known_whole.status == "not_applicable", "who renders a file whole by hand wants it so"


def test_what_an_analysis_has_heard_counts_where_no_planner_listened() -> None:
    plan = plan_of()
    said = (Speech(start=Fraction(3), end=Fraction(5), confidence=0.9),)
    known = Known(assets={ASSET.asset_id: ASSET}, speech={ASSET.asset_id: said})
    check = check_named("words", plan, found_in(plan), known=known)
    assert (check.status, [one.rpartition(" at ")[2] for one in check.at]) == ("fail", ["4.000 s"])
    assert check_named("words", plan, found_in(plan)).status == "not_applicable"


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
