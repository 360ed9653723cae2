"""The engine's own test of a plan, from the plan and the footage alone: nothing the planner thought is taken for granted."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.editing import Cut, CutPlan, PlanSource
from cutroom_sdk.wire.renders import Check, Profile
from cutroom_sdk.wire.timeline import Clip
from engine.editing.explain import nothing_removed
from engine.editing.goals import spoken
from engine.editing.post import played
from engine.editing.timeline import track_duration
from engine.media.index import FrameIndex
from engine.media.timecode import clock_text

TOLERANCE_S: Final = Fraction(1, 2)


def check_plan(plan: CutPlan, indexes: Mapping[str, FrameIndex], profile: Profile) -> tuple[Check, ...]:
    """Return what holds of a plan and what does not.

    Args:
        plan: the plan.
        indexes: the frame index of each asset that the plan names.
        profile: the target that it is for.
    """
    return (
        _duration(plan),
        _whole_words(plan),
        _non_pass_through(plan),
        _inside_source(plan, indexes),
        _frame_exact(plan, indexes),
        _profile_limits(plan, profile),
    )


def _duration(plan: CutPlan) -> Check:
    goal, lasts = plan.goal, spoken(plan.duration)
    if plan.chosen_by == "reviewer" or goal.target is None:
        why = "the reviewer's own spans" if plan.chosen_by == "reviewer" else "no length is wanted"
        return Check(name="duration", status="not_applicable", value=lasts, source=why)
    longest = goal.target if goal.at_most else goal.target + TOLERANCE_S
    return _check(
        "duration",
        goal.target - TOLERANCE_S <= plan.duration <= longest,
        value=lasts,
        limit=f"{'at most ' if goal.at_most else ''}{spoken(goal.target)}, within {spoken(TOLERANCE_S)}",
        source="the goal",
        fix="name another length, or keep spans by hand",
    )


def _whole_words(plan: CutPlan) -> Check:
    heard = [source for source in plan.sources if source.speech is not None]
    if not any(source.speech for source in heard):
        return Check(name="whole_words", status="not_applicable", value="no speech is known")
    split: list[str] = []
    for source in heard:
        cuts = [cut for cut in plan.cuts if cut.asset_id == source.asset_id]
        split += [
            f"{source.asset} {clock_text(edge)}"
            for cut in cuts
            for edge in (cut.start, cut.end)
            if splits_speech(edge, source, 1 / plan.timeline.rate)
        ]
    return _check(
        "whole_words",
        not split,
        value=f"{len(split)} of {2 * len(plan.cuts)} cut points inside speech",
        limit="0",
        source="speech analysis",
        at=split,
        fix="move these cut points into a pause",
    )


def splits_speech(edge: Fraction, source: PlanSource, frame: Fraction) -> bool:
    """Tell whether a cut at `edge` lies inside speech.

    Where the footage itself, or its last whole frame, ends in the middle of a word there is nothing to move.

    Args:
        edge: where a cut begins or ends, seconds of the source.
        source: the footage and where somebody speaks in it.
        frame: how long a frame of the result lasts, seconds.
    """
    inside = 0 < edge <= source.duration - frame
    return inside and any(span.start < edge < span.end for span in source.speech or ())


def _non_pass_through(plan: CutPlan) -> Check:
    gone = sum((part.end - part.start for part in plan.removed), Fraction(0))
    why, help_ = nothing_removed(plan.goal, plan.sources, by_hand=plan.chosen_by == "reviewer")
    return _check(
        "non_pass_through",
        gone > 0 or bool(plan.post),
        value=f"{spoken(gone)} left out" if gone or not plan.post else f"changed: {', '.join(plan.post)}",
        limit="something is left out or changed" if plan.post else "something is left out",
        source="a cut differs from its footage",
        fix=f"{why}; {help_}",
    )


def _inside_source(plan: CutPlan, indexes: Mapping[str, FrameIndex]) -> Check:
    outside = []
    ends: dict[str, Fraction] = {}
    for cut in plan.cuts:
        index = indexes.get(cut.asset_id)
        after_the_one_before = cut.start >= ends.get(cut.asset_id, Fraction(0))
        if index is None or not (after_the_one_before and cut.start < cut.end <= index.duration):
            outside.append(_place(cut))
        ends[cut.asset_id] = cut.end
    return _check(
        "inside_source",
        bool(plan.cuts) and not outside,
        value=f"{len(plan.cuts) - len(outside)} of {len(plan.cuts)} cuts",
        limit="all, in order, none overlapping",
        source="frame index",
        at=outside,
    )


def _frame_exact(plan: CutPlan, indexes: Mapping[str, FrameIndex]) -> Check:
    rate = plan.timeline.rate
    wrong = [_place(cut) for cut in plan.cuts if not _is_exact(cut, indexes.get(cut.asset_id), rate)]
    speed = Fraction(plan.post.get("speed", 1))
    shown = [(cut.start, cut.start + played(cut, speed, rate)) for cut in plan.cuts]
    pictures = [track for track in plan.timeline.tracks if track.kind == "video"]
    if len(pictures) != 1 or track_duration(pictures[0]) != plan.duration:
        wrong.append("the timeline's length is not the plan's")
    elif [_span(item) for item in pictures[0].items if isinstance(item, Clip)] != shown:
        wrong.append("the timeline's clips are not the plan's cuts")
    return _check(
        "frame_exact",
        not wrong,
        value=f"{len(wrong)} faults",
        limit=f"whole frames at {rate} a second, frames numbered as the source's index has them",
        source="frame index",
        at=wrong,
    )


def _is_exact(cut: Cut, index: FrameIndex | None, rate: Fraction) -> bool:
    if index is None or ((cut.end - cut.start) * rate).denominator != 1:
        return False
    frames = cut.start_frame < cut.end_frame <= index.count
    # The last frame seen begins before the cut's end and is still there, or the next one is not yet.
    return (
        frames
        and cut.start_frame == index.frame_at(cut.start)
        and index.time_of(cut.end_frame - 1) < cut.end
        and abs(index.time_of(cut.end_frame) - cut.end) <= max(1 / rate, _shown(index, cut.end_frame - 1))
    )


def _shown(index: FrameIndex, frame: int) -> Fraction:
    return index.time_of(frame + 1) - index.time_of(frame)


def _profile_limits(plan: CutPlan, profile: Profile) -> Check:
    timeline, wrong = plan.timeline, []
    if profile.max_duration is not None and plan.duration > profile.max_duration:
        wrong.append(f"it lasts {spoken(plan.duration)}, the most is {spoken(profile.max_duration)}")
    if profile.min_duration is not None and plan.duration < profile.min_duration:
        wrong.append(f"it lasts {spoken(plan.duration)}, the least is {spoken(profile.min_duration)}")
    if not profile.rate_min <= timeline.rate <= profile.rate_max:
        wrong.append(f"{timeline.rate} frames a second, not {profile.rate_min} to {profile.rate_max}")
    size = profile.width or timeline.width, profile.height or timeline.height
    if (timeline.width, timeline.height) != size:
        wrong.append(f"{timeline.width}x{timeline.height}, not {size[0]}x{size[1]}")
    return _check(
        "profile_limits",
        not wrong,
        value="; ".join(wrong) or f"{timeline.width}x{timeline.height}, {timeline.rate} a second",
        limit=profile.title,
        source=f"{profile.source} ({profile.read_on}, {profile.confidence})",
        fix="name another length, or another profile",
    )


def _span(clip: Clip) -> tuple[Fraction, Fraction]:
    return clip.source_range.start, clip.source_range.end


def _place(cut: Cut) -> str:
    return f"{cut.asset} {clock_text(cut.start)} to {clock_text(cut.end)}"


def _check(
    name: str,
    holds: bool,
    *,
    value: str,
    limit: str,
    source: str,
    at: Sequence[str] = (),
    fix: str = "",
) -> Check:
    return Check(
        name=name,
        status="pass" if holds else "fail",
        value=value,
        limit=limit,
        source=source,
        at=tuple(at),
        fix="" if holds else fix,
    )
