"""What the tester says of a film held against its footage: words that are cut, what was removed, who fell out of the picture."""

from collections.abc import Sequence
from fractions import Fraction

from cutroom_sdk.wire.editing import CutPlan, PlanSource
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.timeline import TimeRange
from engine.editing.checks import splits_speech
from engine.rendering.knowing import Known
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_form import ENGINE, checked, not_applicable, seconds_text


def words(plan: RenderPlan, cut_plan: CutPlan | None, known: Known) -> Check:
    """Say where a cut lies inside speech: of what a planner has heard, else of what an analysis has."""
    heard = _heard(plan, cut_plan, known)
    if not heard:
        return not_applicable("words", "nobody listened for speech: analyse the footage for it")
    frame = 1 / plan.encoder.rate
    broken = [
        f"{asset_id[:8]} at {seconds_text(edge)}"
        for asset_id, source in heard.items()
        for edge in _edges(plan.kept.get(asset_id, ()))
        if splits_speech(edge, source, frame)
    ]
    return checked(
        "words",
        not broken,
        f"{len(broken)} cut in half",
        "none",
        "stretches of speech (Silero VAD)",
        at=broken,
        fix="plan anew with whole sentences",
    )


def _heard(plan: RenderPlan, cut_plan: CutPlan | None, known: Known) -> dict[str, PlanSource]:
    found = {
        asset_id: PlanSource(
            asset_id=asset_id,
            asset=known.assets[asset_id].name,
            duration=known.assets[asset_id].duration,
            speech=tuple(TimeRange(start=one.start, duration=one.end - one.start) for one in speech),
        )
        for asset_id, speech in known.speech.items()
        if asset_id in plan.kept
    }
    planned = cut_plan.sources if cut_plan else ()
    return found | {one.asset_id: one for one in planned if one.speech is not None}


def non_pass_through(plan: RenderPlan, cut_plan: CutPlan | None, known: Known) -> Check:
    """Say what of the footage is not in the film; a planner that leaves everything as it was has done nothing."""
    seen = {one: known.assets[one].duration for one in plan.kept if one in known.assets}
    seen |= {one.asset_id: one.duration for one in cut_plan.sources} if cut_plan else {}
    if not seen:
        return not_applicable("non_pass_through", "the film shows no footage")
    frame = 1 / plan.encoder.rate
    removed = [
        (asset_id, start, end)
        for asset_id, lasts in sorted(seen.items())
        for start, end in _missing(plan.kept.get(asset_id, ()), lasts)
        if end - start > frame or not plan.kept.get(asset_id)
    ]
    total = sum((end - start for _, start, end in removed), Fraction(0))
    as_it_was = len(seen) == 1 and not removed
    if as_it_was and cut_plan is None:
        return not_applicable("non_pass_through", "the timeline shows its source whole")
    changed = f", changed: {', '.join(cut_plan.post)}" if cut_plan and cut_plan.post else ""
    return checked(
        "non_pass_through",
        not as_it_was or bool(changed),
        f"nothing was removed{changed}" if as_it_was else f"{seconds_text(total)} removed",
        "the film is not its source",
        ENGINE,
        at=[f"{asset[:8]} {seconds_text(start)} to {seconds_text(end)}" for asset, start, end in removed],
        fix="ask for a shorter film",
    )


def _missing(kept: Sequence[tuple[Fraction, Fraction]], lasts: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Return the spans of a source that no clip shows."""
    gaps, reached = [], Fraction(0)
    for start, end in sorted(kept):
        if start > reached:
            gaps.append((reached, start))
        reached = max(reached, end)
    if reached < lasts:
        gaps.append((reached, lasts))
    return gaps


def _edges(spans: Sequence[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """Return where a source is really cut: edges that meet are none."""
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    return sorted(starts ^ ends)
