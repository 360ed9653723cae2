"""Whatever the footage and the goal, a plan keeps its promises."""

import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.editing import CutPlan
from engine.editing.checks import check_plan
from engine.editing.explain import nothing_removed
from engine.editing.planner.atoms import Style, take_apart
from engine.editing.planner.grid import Span, overlap
from engine.editing.planner.plan import is_pass_through
from engine.editing.planner.score import Judge
from engine.editing.planner.select import TOLERANCE_S
from engine.editing.planner.source import Source, places
from engine.editing.planner.stretches import layout
from engine.editing.profiles import profile_named
from tests import planned

PROFILES = st.sampled_from(["reels", "source", "square", "shorts"])


def statuses(plan: CutPlan, *sources: Source) -> dict[str, str]:
    indexes = {source.asset_id: source.index for source in sources}
    return {check.name: check.status for check in check_plan(plan, indexes, profile_named(plan.profile))}


@given(planned.sources(), planned.goals, PROFILES)
def test_no_word_is_ever_cut_in_half(source: Source, goal: str, profile: str) -> None:
    plan = planned.plan(goal, source, profile=profile)
    assert planned.split_words(plan) == []
    assert statuses(plan, source)["whole_words"] != "fail"


@given(planned.sources(), planned.sources("b" * 32), planned.goals, PROFILES)
def test_cuts_lie_inside_their_sources_in_order_and_apart(
    first: Source, second: Source, goal: str, profile: str
) -> None:
    plan = planned.plan(goal, first, second, profile=profile)
    assert plan.cuts
    order = [cut.asset_id for cut in plan.cuts]
    assert order == sorted(order)
    for source in (first, second):
        cuts = [cut for cut in plan.cuts if cut.asset_id == source.asset_id]
        for cut in cuts:
            assert 0 <= cut.start < cut.end <= source.index.duration
            assert 0 <= cut.start_frame < cut.end_frame <= source.index.count
        for before, after in pairwise(cuts):
            assert before.end < after.start
    assert statuses(plan, first, second)["inside_source"] == "pass"


@given(planned.sources(), planned.goals, PROFILES)
def test_every_cut_is_whole_frames_and_the_timeline_is_the_plan(
    source: Source, goal: str, profile: str
) -> None:
    plan = planned.plan(goal, source, profile=profile)
    rate = plan.timeline.rate
    assert all(((cut.end - cut.start) * rate).denominator == 1 for cut in plan.cuts)
    assert sum(cut.end - cut.start for cut in plan.cuts) == plan.duration
    assert statuses(plan, source)["frame_exact"] == "pass"
    least = profile_named(profile).min_duration or 0
    assert statuses(plan, source)["profile_limits"] == ("pass" if plan.duration >= least else "fail")


@given(planned.sources(), planned.goals)
def test_kept_and_left_out_together_are_the_footage(source: Source, goal: str) -> None:
    plan = planned.plan(goal, source)
    frame = 1 / plan.timeline.rate
    at = Fraction(0)
    parts = [(cut.start, cut.end) for cut in plan.cuts] + [(gone.start, gone.end) for gone in plan.removed]
    for start, end in sorted(parts):
        assert abs(start - at) < frame
        at = end
    assert source.index.duration - at < frame
    assert all(gone.reason for gone in plan.removed)
    assert all(cut.reasons for cut in plan.cuts)


@given(planned.sources(), st.integers(1, 60))
def test_the_length_is_hit_or_a_notice_says_why_not(source: Source, seconds: int) -> None:
    plan = planned.plan(f"{seconds} second highlight", source)
    if plan.goal.target is None:
        assert any("not shorter than the footage" in notice for notice in plan.notices)
    elif abs(plan.duration - seconds) > TOLERANCE_S:
        assert any("is missed" in notice for notice in plan.notices)
        assert statuses(plan, source)["duration"] == "fail"
    else:
        assert statuses(plan, source)["duration"] == "pass"


@given(planned.sources(), planned.goals)
def test_footage_is_never_passed_through_in_silence(source: Source, goal: str) -> None:
    plan = planned.plan(goal, source)
    assert is_pass_through(plan) == (not plan.removed)
    if is_pass_through(plan):
        assert nothing_removed(plan.goal, plan.sources, by_hand=False)[0] in plan.notices
        assert statuses(plan, source)["non_pass_through"] == "fail"


@given(planned.sources(), planned.goals, PROFILES)
@settings(max_examples=25)
def test_the_same_footage_and_goal_give_the_same_plan(source: Source, goal: str, profile: str) -> None:
    assert planned.plan(goal, source, profile=profile) == planned.plan(goal, source, profile=profile)


@given(planned.sources(), st.integers(2, 30))
@settings(max_examples=25)
def test_a_refused_plan_is_not_proposed_again_unless_there_is_no_other(source: Source, seconds: int) -> None:
    goal = f"{seconds} second highlight"
    first = planned.plan(goal, source)
    second = planned.plan(goal, source, refused=(first.cuts,))
    if places(second.cuts) == places(first.cuts):
        assert any("refused already" in notice for notice in second.notices)
    assert planned.split_words(second) == []


@given(
    planned.sources(), st.lists(st.tuples(st.integers(0, 590), st.integers(1, 100)), min_size=1, max_size=4)
)
def test_a_reviewers_spans_are_kept_and_split_no_word(source: Source, spans: list[tuple[int, int]]) -> None:
    end = int(source.index.duration * 10)
    asked = [(min(start, end - 1), length) for start, length in spans]
    keep = planned.keep(*((f"{start}/10", f"{start + length}/10") for start, length in asked))
    plan = planned.plan("20 second highlight", source, keep=keep)
    step = 1 / plan.timeline.rate
    for span in keep:
        inside = [cut for cut in plan.cuts if cut.start <= span.start + step and span.start < cut.end]
        assert inside
        assert inside[0].end >= min(span.end, source.index.duration) - step
    assert planned.split_words(plan) == []
    assert plan.chosen_by == "reviewer"


@given(planned.sources())
def test_air_never_reaches_another_word_whichever_way_footage_is_taken_apart(source: Source) -> None:
    laid = layout(source, source.rate)
    for style in (Style(), Style(longest=Fraction(0), fillers=True), Style(pause=Fraction(1, 5))):
        for atom in take_apart(0, laid, Judge(source, laid, talks=True), style).atoms:
            span = Span(atom.body.start - atom.head.most, atom.body.end + atom.tail.most)
            assert span.start >= 0
            assert span.end <= laid.grid.length
            assert overlap(span, laid.words) == overlap(atom.body, laid.words)
            assert atom.head.least <= atom.head.usual <= atom.head.most
            assert atom.tail.least <= atom.tail.usual <= atom.tail.most


HASHES = """
from tests import planned
source = planned.make_source(shots=(8, 15, 30), bad=((17, 20),), moving=((26, 31),))
other = planned.make_source(20, None, asset_id="b" * 32, shots=(4, 9))
print(planned.plan("20 second highlight", source, other).plan_hash)
print(planned.plan("cut the pauses", source).plan_hash)
"""


def test_another_process_with_another_hash_seed_makes_the_same_plans() -> None:
    def hashes(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        ran = subprocess.run(
            [sys.executable, "-c", HASHES], env=environment, capture_output=True, text=True, check=True
        )
        return ran.stdout

    assert hashes("1") == hashes("4711")
