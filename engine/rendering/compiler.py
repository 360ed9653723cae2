"""Timelines compiled with what this machine has: its encoders and its fonts."""

import asyncio

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Timeline
from engine.editing.mastering import mastered
from engine.editing.mending import mended
from engine.editing.timeline import check
from engine.kernel.blobs import Blobs
from engine.rendering.capabilities import capabilities
from engine.rendering.captioning import as_wanted, written
from engine.rendering.lettering import Letterer
from engine.rendering.plan import RenderPlan, hashed
from engine.rendering.smartcopy.compiling import compile_film
from engine.rendering.sources import Material


class Compiler:
    """Compiles timelines; the fonts that a plan names are put among the blobs, where every worker can have them."""

    def __init__(self, blobs: Blobs) -> None:
        """Keep fonts in `blobs`."""
        self._blobs = blobs

    async def plan(
        self,
        timeline: Timeline,
        material: Material,
        profile: Profile,
        *,
        lenient: bool = False,
        warnings: tuple[str, ...] = (),
    ) -> RenderPlan:
        """Return the plan of a resolved timeline, brought to today's catalogue and as loud as it asks for.

        Its captions are where the profile has them. `lenient` and `warnings` as `compile_plan` has them.

        Raises:
            Invalid: it cannot be rendered; the text names the clip.
            Unavailable: a font is gone since it was found.
        """

        def compiled() -> RenderPlan:
            whole, repaired = mended(timeline)
            check(whole)
            target = mastered(profile, whole)
            shown, said = as_wanted(whole, profile.captions)
            letter = Letterer(target)
            plan = compile_film(
                shown,
                material.assets,
                material.indexes,
                target,
                capabilities(),
                letter=letter,
                analyses=material.analyses,
                stand_ins=material.stand_ins,
                lenient=lenient,
                warnings=warnings,
            )
            letter.keep(self._blobs)
            files = written(whole, profile.captions, plan.duration)
            plan = hashed(replace(plan, captions=profile.captions, beside=files))
            return replace(plan, notices=(*repaired, *said, *plan.notices))

        return await asyncio.to_thread(compiled)
