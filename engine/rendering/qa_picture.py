"""What the tester says of a film's pictures: black, frozen, doubled, and whether they are the right ones."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.renders import Check
from engine.rendering.graph import Footage
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_form import ENGINE, checked, places
from engine.rendering.walking import every, graph_inputs
from engine.rendering.work import Inspection, Span

# A picture that stands still for most of its length is taken for slides or a screen, not for a fault.
STILL_FOOTAGE_PART: Final = Fraction(1, 2)
# So few doubled frames nobody sees; so many are footage of a lower rate, or drawn on twos, which is how it is meant.
DOUBLED_LEAST: Final = Fraction(1, 100)
DOUBLED_MOST: Final = Fraction(1, 8)
PLACES_MOST: Final = 20


def black(plan: RenderPlan, found: Inspection) -> Check:
    """Say where there is nothing to see, although the timeline shows something."""
    asked = [
        Span(start=one.first, end=one.first + one.work.count)
        for one in plan.segments
        if not graph_inputs(one.work.graph).sources
    ]
    spans = [one for one in found.black if not _covered(one, asked)]
    return checked(
        "black_frames",
        not spans,
        f"{sum(one.end - one.start for one in spans)} frames",
        "none for half a second or longer, gaps of the timeline aside",
        ENGINE,
        at=places(spans, plan.encoder.rate),
        fix="leave these out of the plan",
    )


def frozen(found: Inspection, rate: Fraction) -> Check:
    """Say where the source stands still."""
    still = sum(one.end - one.start for one in found.frozen)
    slides = still > STILL_FOOTAGE_PART * found.frames
    return checked(
        "frozen_frames",
        slides or not still,
        "still for most of its length: taken for slides or a screen" if slides else f"{still} frames",
        "the source never stands still for 2 s or longer",
        ENGINE,
        at=() if slides else places(found.frozen, rate),
        fix="leave these out of the plan",
    )


def doubled(plan: RenderPlan, found: Inspection) -> Check:
    """Say where movement stutters: a frame like the one before it, which the plan does not show twice."""
    planned = set(_shown_again(plan))
    frames = [one for one in found.doubled if one not in planned]
    part = Fraction(len(frames), max(1, found.moving))
    drawn = part > DOUBLED_MOST
    bad = DOUBLED_LEAST < part and not drawn
    value = f"{len(frames)} of {found.moving} frames that move"
    return checked(
        "duplicate_frames",
        not bad,
        f"{value}: taken for footage of a lower rate" if drawn else value,
        f"at most 1 in {1 / DOUBLED_LEAST}, as long as not more than 1 in {1 / DOUBLED_MOST} are",
        ENGINE,
        at=[f"frame {one}" for one in frames[:PLACES_MOST]] if bad else (),
        fix="bring the footage to an even rate, or leave these out of the plan",
    )


def right_frames(plan: RenderPlan, found: Inspection, *, whole: bool) -> Check:
    """Say whether the file shows the frames that were handed to the encoder."""
    wrong, cuts = found.mismatches, len(plan.cuts)
    where = f"around {cuts} {'cut' if cuts == 1 else 'cuts'}" if cuts else "at the film's ends"
    where = "of the whole film" if whole else where
    return checked(
        "cut_accuracy",
        not wrong,
        f"{found.compared - len(wrong)} of {found.compared} frames {where} are the right ones",
        "all",
        "decoded, and compared with the frames handed to the encoder",
        at=tuple(f"frame {one.frame}: {one.detail}" for one in wrong),
        fix="render anew",
    )


def _shown_again(plan: RenderPlan) -> Iterator[int]:
    """Yield the output frames of which the plan itself shows a source's frame once more."""
    for segment in plan.segments:
        for node in every(segment.work.graph):
            if isinstance(node, Footage):
                pairs = zip(node.pts, node.pts[1:], strict=False)
                yield from (
                    segment.first + place for place, (one, other) in enumerate(pairs, 1) if one == other
                )


def _covered(span: Span, by: Sequence[Span]) -> bool:
    inside = sum(max(0, min(span.end, one.end) - max(span.start, one.start)) for one in by)
    return inside >= span.end - span.start
