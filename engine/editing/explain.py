"""Why a plan is as it is, in words that a person reads."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from cutroom_sdk.wire.editing import CutPlan, Goal, PlanSource
from engine.editing.goals import spoken
from engine.editing.planner.atoms import AIR_LEAST_S, AIR_MOST_S, Atom
from engine.editing.planner.fit import Block
from engine.editing.planner.score import Score
from engine.media.timecode import clock_text

STRONG: Final = 0.75
WEAK: Final = 0.25
SENTENCE_LEAST_S: Final = Fraction(1)  # less is a few words

NOTHING_REMOVED: Final = "nothing can be left out: nobody pauses and no picture is bad"
BY_HAND: Final = "what the reviewer kept, widened to whole words, is all of the footage: nothing is left out"
THROUGHOUT: Final = "somebody speaks throughout: there is no pause to cut at without splitting a word"

# What a signal says when it is strong and when it is weak; None: nothing worth saying.
_SAYINGS: Final[dict[str, tuple[str | None, str | None]]] = {
    "speech": ("speech throughout", None),
    "picture": ("sharp and well lit", "a poor picture"),
    "motion": ("much movement", "little movement"),
    "loudness": ("louder than the rest", "quieter than the rest"),
    "length": (None, "short"),
    "place": (None, None),
}


def cut_reasons(atoms: list[Atom], block: Block, score: Score, rate: Fraction) -> tuple[str, ...]:
    """Return why a stretch is kept: what it is, what speaks for and against it, where it begins and ends."""
    speech = [atom for atom in atoms if atom.kind == "speech"]
    reasons = [_what(atoms, speech, block, rate)]
    for name, value in score.signals.items():
        strong, weak = _SAYINGS[name]
        said = strong if value >= STRONG else weak if value <= WEAK else None
        if said is not None:
            reasons.append(f"{said} ({name} {value:.2f}, weight {score.weights[name]:.2f})")
    if atoms[0].kind == "speech" and block.head > 0:
        reasons.append(f"{_ms(block.head, rate)} of air kept before the first word")
    if atoms[-1].kind == "speech" and block.tail > 0:
        reasons.append(f"{_ms(block.tail, rate)} of air kept after the last word")
    if atoms[0].head.edge and block.head == atoms[0].head.most:
        reasons.append("begins with a shot")
    if atoms[-1].tail.edge and block.tail == atoms[-1].tail.most:
        reasons.append("ends with a shot")
    return tuple(reasons)


def _what(atoms: list[Atom], speech: list[Atom], block: Block, rate: Fraction) -> str:
    if not speech:
        return f"{spoken(block.span.length / rate)} of picture without words"
    lasts = Fraction(sum(atom.body.length for atom in speech)) / rate
    whole = "a whole sentence" if lasts >= SENTENCE_LEAST_S else "a few words"
    said = f"{whole if len(speech) == 1 else f'{len(speech)} whole sentences in a row'}, {spoken(lasts)}"
    pictures = [atom.body.length for atom in atoms if atom.kind == "picture"]
    return f"{said} and {spoken(sum(pictures) / rate)} of picture without words" if pictures else said


def sentence_reason(score: float, weakest: float, *, refused: bool) -> str:
    """Return why a sentence is left out: by its score, as it was refused before, or since it did not fit beside the others."""
    if score < weakest:
        return f"a sentence that scored lower ({score:.2f}; the weakest kept has {weakest:.2f})"
    if refused:
        return f"a sentence (score {score:.2f}) that was in a plan that was refused"
    return f"a sentence (score {score:.2f}) that did not fit the length beside the others"


def pause_reason(seconds: Fraction) -> str:
    """Return why a stretch without words is left out."""
    return f"nobody speaks for {spoken(seconds)}"


def nothing_removed(goal: Goal, sources: Sequence[PlanSource], *, by_hand: bool) -> tuple[str, str]:
    """Return why a plan leaves nothing out, and what would help.

    Args:
        goal: as fitted to the footage.
        sources: the footage and where somebody speaks in it; at least one.
        by_hand: a reviewer chose what to keep.
    """
    unbroken = all(_unbroken(source) for source in sources)
    # One whole source of several can be left out without a pause in any, so a length may help there.
    shorter_helps = goal.target is None and not (unbroken and len(sources) == 1)
    if by_hand:
        why = BY_HAND
    else:
        why = THROUGHOUT if unbroken and not shorter_helps else NOTHING_REMOVED
    if shorter_helps:
        return why, "name a length shorter than the footage, such as 'a 20 second highlight'"
    return why, "give footage with a pause in it" if unbroken else "keep spans by hand, or give other footage"


def _unbroken(source: PlanSource) -> bool:
    """Tell whether somebody speaks from end to end, with no pause that has room for air on both sides of a cut."""
    if not source.speech:
        return False
    first, last = source.speech[0].start, source.duration - source.speech[-1].end
    pauses = [after.start - before.end for before, after in pairwise(source.speech)]
    return max(first, last) < AIR_MOST_S and all(pause < 2 * AIR_LEAST_S for pause in pauses)


def lines(plan: CutPlan) -> tuple[str, ...]:
    """Return a plan as lines: what was understood, each cut with its reasons, what goes and why."""
    count = len(plan.cuts)
    result = [
        f"{plan.goal.text}: {spoken(plan.duration)} in {count} {'cut' if count == 1 else 'cuts'} for {plan.profile}"
    ]
    result += [f"note: {notice}" for notice in plan.notices]
    for number, cut in enumerate(plan.cuts, start=1):
        place = f"{clock_text(cut.start)} to {clock_text(cut.end)}"
        result.append(f"{number}. keep {cut.asset} {place}: {'; '.join(cut.reasons)}")
    for gone in plan.removed:
        place = f"{clock_text(gone.start)} to {clock_text(gone.end)}"
        result.append(f"- leave out {gone.asset} {place}: {gone.reason}")
    return tuple(result)


def _ms(frames: int, rate: Fraction) -> str:
    return f"{round(frames / rate * 1000)} ms"
