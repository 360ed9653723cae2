"""The engine's own test of a plan finds what a broken planner would do."""

from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.editing import Cut, CutPlan
from cutroom_sdk.wire.renders import Check
from engine.editing.checks import check_plan
from engine.editing.profiles import profile_named
from tests.planned import make_source, plan

SOURCE = make_source()
GOOD = plan("20 second highlight", SOURCE)


def checked(made: CutPlan, profile: str = "reels") -> dict[str, Check]:
    found = check_plan(made, {SOURCE.asset_id: SOURCE.index}, profile_named(profile))
    return {check.name: check for check in found}


def with_first_cut(**changes: Any) -> CutPlan:
    first: Cut = replace(GOOD.cuts[0], **changes)
    return replace(GOOD, cuts=(first, *GOOD.cuts[1:]))


def test_a_good_plan_passes_everything() -> None:
    assert {name: check.status for name, check in checked(GOOD).items()} == dict.fromkeys(
        ("duration", "whole_words", "non_pass_through", "inside_source", "frame_exact", "profile_limits"),
        "pass",
    )


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (replace(GOOD, duration=GOOD.duration + 1), "duration"),
        (replace(GOOD, duration=GOOD.duration + 1), "frame_exact"),
        (with_first_cut(end=GOOD.cuts[0].end - Fraction(1, 2)), "whole_words"),
        (with_first_cut(end=GOOD.cuts[0].end - Fraction(1, 2)), "frame_exact"),
        (replace(GOOD, removed=()), "non_pass_through"),
        (with_first_cut(start=Fraction(-1)), "inside_source"),
        (with_first_cut(end=Fraction(61)), "inside_source"),
        (replace(GOOD, cuts=tuple(reversed(GOOD.cuts))), "inside_source"),
        (replace(GOOD, cuts=()), "inside_source"),
        (with_first_cut(asset_id="f" * 32), "inside_source"),
        (with_first_cut(start_frame=GOOD.cuts[0].start_frame + 1), "frame_exact"),
        (with_first_cut(end_frame=GOOD.cuts[0].end_frame + 2), "frame_exact"),
        (with_first_cut(end_frame=GOOD.cuts[0].end_frame - 2), "frame_exact"),
        (with_first_cut(end=GOOD.cuts[0].end + Fraction(1, 1000)), "frame_exact"),
        (replace(GOOD, timeline=replace(GOOD.timeline, rate=Fraction(61))), "profile_limits"),
        (replace(GOOD, timeline=replace(GOOD.timeline, width=720)), "profile_limits"),
        (replace(GOOD, duration=Fraction(901)), "profile_limits"),
    ],
)
def test_a_broken_plan_is_caught(broken: CutPlan, name: str) -> None:
    assert checked(broken)[name].status == "fail"


def test_a_failing_check_says_where_and_what_helps() -> None:
    split = checked(with_first_cut(end=GOOD.cuts[0].end - Fraction(1, 2)))["whole_words"]
    assert len(split.at) == 1
    assert split.fix
    all_kept = replace(plan("cut the pauses", SOURCE), removed=())
    nothing = checked(all_kept)["non_pass_through"]
    assert "20 second highlight" in nothing.fix


def test_a_length_is_not_held_against_a_reviewers_own_spans() -> None:
    by_hand = replace(GOOD, chosen_by="reviewer", duration=GOOD.duration + 5)
    assert checked(by_hand)["duration"].status == "not_applicable"


def test_a_goal_without_a_length_has_none_to_miss() -> None:
    assert checked(plan("cut the pauses", SOURCE))["duration"].status == "not_applicable"


def test_words_cannot_be_judged_where_no_speech_is_known() -> None:
    deaf = replace(GOOD, sources=tuple(replace(source, speech=None) for source in GOOD.sources))
    assert checked(deaf)["whole_words"].status == "not_applicable"
