"""The cut planner: footage, a goal and a target in, a plan with its reasons out. Pure: same in, same out.

sources --layout--> ruler --take_apart--> pieces --score, choose--> chosen --fit--> spans --> cuts, timeline, reasons
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.editing import Cut, CutPlan, Goal, PlanSource, Removed
from cutroom_sdk.wire.timeline import AssetReference, Clip, Gap, Timeline, TimeRange, Track
from engine.editing.explain import cut_reasons, nothing_removed
from engine.editing.goals import fit_goal, spoken
from engine.editing.planner.fit import Block
from engine.editing.planner.frame import result_rate, result_size
from engine.editing.planner.grid import source_span
from engine.editing.planner.keep import kept_by_hand
from engine.editing.planner.removed import removed_of
from engine.editing.planner.score import Judge
from engine.editing.planner.select import TOLERANCE_S, Footage, Selection, select
from engine.editing.planner.source import PlanRequest, Source, places
from engine.editing.planner.stretches import layout
from engine.editing.post import applied, asked_for, speed_of
from engine.editing.reframe import led_by_faces, reframe
from engine.editing.timeline import check, track_duration

# Part of every cache key: raise it when the same inputs may give another plan.
PLANNER_VERSION: Final = "3"
OTHERS_TRIED: Final = 6


def propose(request: PlanRequest) -> CutPlan:
    """Return the best plan for a request, other than those that were refused where there is another one.

    Raises:
        Invalid: there is no footage, or `keep` does not fit it.
    """
    footage = _footage(request)
    notices = (*request.notices, *(notice for laid in footage.layouts for notice in laid.notices))
    length = sum((source.index.duration for source in request.sources), Fraction(0))
    speed = speed_of(request.post)
    goal = fit_goal(request.goal, request.profile, length / speed)
    refused = {places(cuts) for cuts in request.refused}
    if request.keep is not None:
        kept = _plan(request, footage, goal, kept_by_hand(footage, request.keep), notices, by_hand=True)
        if places(kept.cuts) not in refused:
            return kept
        notices = (*notices, "the reviewer's own spans were refused since: the planner chooses again")
    used: list[tuple[Block, ...]] = []
    first: CutPlan | None = None
    for _ in range(len(refused) + OTHERS_TRIED):
        selection = select(
            footage, _unhurried(goal, speed), _times(request.profile.max_duration, speed), used
        )
        plan = _plan(request, footage, goal, selection, notices, by_hand=False)
        if places(plan.cuts) not in refused:
            return plan
        first = first or plan
        used.append(selection.blocks)
    assert first is not None
    said = "every other plan for this goal was refused already: the first is proposed again"
    return _hashed(replace(first, notices=(*first.notices, said)))


def _footage(request: PlanRequest) -> Footage:
    assert request.sources, "a plan needs footage with a picture"
    rate = result_rate(request.sources, request.profile)
    layouts = tuple(layout(source, rate) for source in request.sources)
    talks = any(laid.words for laid in layouts)
    judges = tuple(
        Judge(source, laid, talks=talks) for source, laid in zip(request.sources, layouts, strict=True)
    )
    return Footage(rate=rate, sources=request.sources, layouts=layouts, judges=judges)


def _plan(
    request: PlanRequest,
    footage: Footage,
    goal: Goal,
    selection: Selection,
    notices: tuple[str, ...],
    *,
    by_hand: bool,
) -> CutPlan:
    cuts = tuple(_cut(footage, selection, block, by_hand=by_hand) for block in selection.blocks)
    refused = [cut for plan in request.refused for cut in plan]
    removed = _removed(footage, selection, cuts, refused, by_hand=by_hand)
    timeline = _timeline(request, footage, cuts)
    done: tuple[str, ...] = ()
    if request.post is not None:
        lengths = {source.asset_id: source.index.duration for source in request.sources}
        timeline, done = applied(timeline, request.post, cuts, lengths)
    lasts = track_duration(timeline.tracks[0])
    said = [*goal.notices, *notices, *selection.notices, *done]
    sources = tuple(_source(source) for source in request.sources)
    if not removed and not asked_for(request.post):
        said.append(nothing_removed(goal, sources, by_hand=by_hand)[0])
    if by_hand and goal.target is not None and abs(lasts - goal.target) > TOLERANCE_S:
        said.append(f"the reviewer's spans last {spoken(lasts)}, the goal is {spoken(goal.target)}")
    plan = CutPlan(
        goal=goal,
        profile=request.profile.name,
        timeline=timeline,
        cuts=cuts,
        removed=removed,
        duration=lasts,
        sources=sources,
        notices=tuple(dict.fromkeys(said)),
        chosen_by="reviewer" if by_hand else "planner",
        post=asked_for(request.post),
    )
    return _hashed(plan)


def _unhurried(goal: Goal, speed: Fraction) -> Goal:
    """Return the goal in seconds of the footage: at twice the speed there is to be twice as much of it."""
    return replace(goal, target=_times(goal.target, speed))


def _times(seconds: Fraction | None, speed: Fraction) -> Fraction | None:
    return None if seconds is None else seconds * speed


def _hashed(plan: CutPlan) -> CutPlan:
    return replace(plan, plan_hash=digest(replace(plan, plan_hash="")))


def _cut(footage: Footage, selection: Selection, block: Block, *, by_hand: bool) -> Cut:
    source, laid = footage.sources[block.source], footage.layouts[block.source]
    start, end, first, last = source_span(source.index, laid.grid, block.span)
    score = footage.judges[block.source].score(block.span)
    atoms = [selection.atoms[number] for number in block.atoms]
    reasons = ("kept by the reviewer",) if by_hand else cut_reasons(atoms, block, score, footage.rate)
    return Cut(
        asset_id=source.asset_id,
        asset=source.name,
        start=start,
        end=end,
        start_frame=first,
        end_frame=last,
        score=score.total,
        reasons=reasons,
        signals=score.signals,
        weights=score.weights,
    )


def _removed(
    footage: Footage, selection: Selection, cuts: tuple[Cut, ...], refused: Sequence[Cut], *, by_hand: bool
) -> tuple[Removed, ...]:
    result: list[Removed] = []
    kept = [selection.atoms[number].score.total for block in selection.blocks for number in block.atoms]
    for number, (source, laid) in enumerate(zip(footage.sources, footage.layouts, strict=True)):
        result += removed_of(
            source,
            laid,
            [cut for cut, block in zip(cuts, selection.blocks, strict=True) if block.source == number],
            [atom for atom in selection.atoms if atom.source == number],
            [drop for place, drop in selection.dropped if place == number],
            refused=[cut for cut in refused if cut.asset_id == source.asset_id],
            weakest=min(kept),
            by_hand=by_hand,
        )
    # What lies beyond the last whole frame of the result is not a choice.
    return tuple(gone for gone in result if gone.end - gone.start >= 1 / footage.rate)


def _source(source: Source) -> PlanSource:
    heard = source.speech
    return PlanSource(
        asset_id=source.asset_id,
        asset=source.name,
        duration=source.index.duration,
        artifacts=source.artifacts,
        speech=None
        if heard is None
        else tuple(TimeRange(start=one.start, duration=one.end - one.start) for one in heard),
    )


def _timeline(request: PlanRequest, footage: Footage, cuts: tuple[Cut, ...]) -> Timeline:
    sources = {source.asset_id: source for source in request.sources}
    width, height = result_size(request.sources, request.profile)
    pictures: list[Clip | Gap] = []
    sounds: list[Clip | Gap] = []
    for number, cut in enumerate(cuts, start=1):
        source = sources[cut.asset_id]
        span = TimeRange(start=cut.start, duration=cut.end - cut.start)
        edges = [shot.start for shot in source.shots]
        effect = reframe(
            (source.width, source.height),
            (width, height),
            span,
            edges,
            led_by_faces(source.motion, source.faces),
        )
        picture = Clip(
            id=f"v{number:03}",
            media=AssetReference(asset_id=cut.asset_id),
            source_range=span,
            name=cut.asset,
            effects=() if effect is None else (effect,),
            link_group=f"cut-{number:03}",
            scoring=cut.signals,
            reasons=cut.reasons,
        )
        pictures.append(picture)
        sound = Clip(
            id=f"a{number:03}",
            media=picture.media,
            source_range=span,
            name=cut.asset,
            link_group=picture.link_group,
        )
        sounds.append(sound if source.has_sound else Gap(duration=span.duration))
    return check(
        Timeline(
            name=request.goal.text,
            rate=footage.rate,
            width=width,
            height=height,
            sample_rate=request.profile.sample_rate,
            tracks=(
                Track(kind="video", name="V1", items=tuple(pictures)),
                Track(kind="audio", name="A1", items=tuple(sounds)),
            ),
            metadata={"profile": request.profile.name},
        )
    )


def is_pass_through(plan: CutPlan) -> bool:
    """Tell whether a plan hands its footage on as it is: every source from end to end, nothing left out."""
    if plan.post:
        return False
    for source in plan.sources:
        cuts = [cut for cut in plan.cuts if cut.asset_id == source.asset_id]
        whole = bool(cuts) and cuts[0].start == 0 and all(a.end == b.start for a, b in pairwise(cuts))
        if not whole or source.duration - cuts[-1].end >= 1 / plan.timeline.rate:
            return False
    return True
