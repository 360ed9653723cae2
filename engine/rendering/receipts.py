"""The receipt of a render that no mission delivers: what went in, what was done, what was checked."""

import asyncio

from cutroom_sdk.wire.codec import decode, to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact, Asset
from cutroom_sdk.wire.renders import Receipt
from cutroom_sdk.wire.timeline import Timeline
from engine import __version__
from engine.kernel.context import Context
from engine.kernel.errors import NotFound
from engine.kernel.kernel import Kernel
from engine.rendering.capabilities import capabilities
from engine.rendering.delivering import input_of
from engine.rendering.reducer import KIND, Job
from engine.rendering.sources import named, read_plan


async def receipt_of(kernel: Kernel, render_id: str, context: Context) -> Receipt:
    """Return the receipt of a render's file; whoever puts the file somewhere says in it where.

    Raises:
        NotFound: there is no such render, or it has no file.
    """
    job: Job = (await kernel.dispatch.state(f"{KIND}/{render_id}", context.partition))[0]
    if job.output is None:
        state = "not known" if job.state == "new" else job.state
        raise NotFound(
            f"the render {render_id[:64]} has no file to give a receipt for (it is {state})",
            render_id=render_id[:64],
        )
    inputs: list[Asset] = []
    if job.order is not None:
        timeline = decode(await asyncio.to_thread(kernel.blobs.read, job.order.timeline), Timeline)
        for asset_id in named(timeline):
            asset = await kernel.resources.value(f"asset/{asset_id}", Asset, context.partition)
            if asset is not None:
                inputs.append(asset)
    plan = await _cut_plan(kernel, job, context)
    return Receipt(
        output=job.output,
        mission_id="",
        plan_hash=job.plan_hash,
        inputs=tuple(input_of(asset) for asset in inputs),
        versions={"cutroom": __version__, **capabilities().libraries},
        checks=job.checks,
        approvals=(),
        log_position=kernel.dispatch.head,
        cuts=tuple(to_builtins(cut) for cut in plan.cuts) if plan else (),
        render_id=render_id,
        profile=job.profile,
        notices=job.notices,
        sidecars=job.sidecars,
    )


async def _cut_plan(kernel: Kernel, job: Job, context: Context) -> CutPlan | None:
    if job.cut_plan is None:
        return None
    artifact = await kernel.resources.value(job.cut_plan, Artifact, context.partition)
    return None if artifact is None else read_plan(artifact, kernel.blobs)
