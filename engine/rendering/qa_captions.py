"""What the tester says of a film's captions as they were delivered: whether all are where they are wanted."""

from typing import Final

from cutroom_sdk.wire.renders import Check
from engine.editing.interchange.cues import cues_of
from engine.editing.interchange.formats import FORMS
from engine.editing.interchange.losses import Losses
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.kernel.errors import Invalid
from engine.rendering.captioning import Beside
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_form import checked, not_applicable
from engine.rendering.smartcopy.work import CutFound
from engine.rendering.work import Inspection

NAME: Final = "captions_delivered"


def captions(plan: RenderPlan, found: Inspection | CutFound) -> Check:
    """Say whether tracks of text and files of captions hold what they should; what is drawn is part of the picture."""
    if plan.captions == "none":
        return not_applicable(NAME, "none are wanted")
    if not plan.subtitles and not plan.beside:
        return not_applicable(NAME, "they are on the picture, or there are none")
    texts = found.texts if isinstance(found, Inspection) else ()
    wanted = [f"{one.name}: {len(one.cues)} in the film" for one in plan.subtitles]
    shown = [
        f"{one.name}: {count} in the film"
        for one, count in zip(plan.subtitles, (*texts, *[0] * len(plan.subtitles)), strict=False)
    ]
    wanted += [f"{one.track}: {one.captions} as {one.format}" for one in plan.beside]
    shown += [f"{one.track}: {_read(plan, one)} as {one.format}" for one in plan.beside]
    return checked(
        NAME,
        shown == wanted,
        "; ".join(shown),
        "; ".join(wanted),
        f"the timeline; captions: {plan.captions}",
        at=[
            f"{one.format}: {' '.join(part for part in (loss.where, loss.what) if part)} ({loss.why})"
            for one in plan.beside
            for loss in one.losses
        ],
        fix="take out the texts that the format has no way to hold, or choose another way to have captions",
    )


def _read(plan: RenderPlan, one: Beside) -> int:
    """Return how many captions a file holds for whoever reads it."""
    asked = Asked(name="film", rate=plan.encoder.rate, width=16, height=16, sample_rate=48_000)
    try:
        read = FORMS[one.format].read(one.text.encode(), asked, Shelf())
    except Invalid:
        return 0
    return len(cues_of(read.timeline, Losses()))
