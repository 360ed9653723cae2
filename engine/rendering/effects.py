"""The tools `render` and `check`: a reviewed cut plan becomes a checked file among the blobs.

A run asks for a job as anybody does, and waits for its end. The same plan is the same job: what is finished answers at
once, what was interrupted goes on with what is missing, and two runs that want it at once wait for one. An attempt that a
tester sent back trusts nothing that lies there already.
"""

import asyncio
from collections import Counter
from typing import Final

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.renders import Check, CheckInput, Render, RenderInput
from cutroom_sdk.wire.runs import Run
from cutroom_sdk.wire.timeline import Timeline
from engine.editing.profiles import profile_named
from engine.editing.reading import read_timeline
from engine.kernel.blobs import hash_file
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, WorkCanceled, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.kernel.turns import current_party
from engine.media.pool import Pool
from engine.media.registering import Registrar
from engine.rendering import delivering
from engine.rendering.compiler import Compiler
from engine.rendering.executor import Executor
from engine.rendering.failures import error_of
from engine.rendering.jobs import Jobs
from engine.rendering.ordering import Ordered, Wanted
from engine.rendering.previews import Previews
from engine.rendering.reducer import KIND, Cancel, Queue
from engine.rendering.sources import planned

LIMIT_S: Final = 6 * 3600.0


class Renders:
    """What runs ask of the rendering room."""

    def __init__(self, kernel: Kernel, jobs: Jobs) -> None:
        self._kernel = kernel
        self.jobs = jobs
        self.previews = Previews(jobs)
        self._waiting: Counter[tuple[str, str]] = Counter()

    async def render(self, asked: RenderInput, context: ToolContext) -> ToolResult:
        """Make the file of the cut plan that the run was given.

        Raises:
            Invalid: the plan cannot be rendered, or something that it names is missing.
            WorkFailed: it was tried; `stage`, `segment`, `clip`, `asset`, `frame` say where it went wrong.
            WorkCanceled: somebody canceled the render, not the run.
            Unavailable: `insufficient_storage`, or too many renders wait.
        """
        profile = profile_named(asked.profile)
        plan_ref, cut_plan = await planned(context.refs, context.resources, context.blobs)
        party = current_party()
        ordered = await self.jobs.order(
            Wanted(
                timeline=cut_plan.timeline,
                profile=profile,
                cut_plan=plan_ref,
                captions=asked.captions,
                party=party.name,
                priority=party.priority,
                anew=context.attempt > 1,
                asked_by=f"{context.run_id}/{context.attempt}",
            ),
            context.context,
        )
        finished = await self._finished(ordered, context)
        render = finished or await self._made(ordered, context)
        return _result(render, ordered, plan_ref, reused=finished is not None)

    async def _finished(self, ordered: Ordered, context: ToolContext) -> Render | None:
        """Return what earlier work has left, None where there is nothing that may be used."""
        job = ordered.job
        mine = job.order is not None and job.order.asked_by == ordered.order.asked_by
        usable = job.state == "completed" and job.output is not None and (mine or not ordered.order.anew)
        if not usable or job.output is None or not context.blobs.has(job.output.sha256):
            return None
        render: Render = await context.resources.value(ordered.stream, Render)
        return render

    async def _made(self, ordered: Ordered, context: ToolContext) -> Render:
        at = (context.context.partition, ordered.render_id)
        self._waiting[at] += 1
        try:
            with self.jobs.reporting(*at, context.report):
                while True:
                    with self.jobs.place(ordered, context.context):
                        job = await context.propose(ordered.stream, Queue(order=ordered.order, again=True))
                    render = await self._ended(ordered, context)
                    # Somebody else's job may have been under way, which trusts what this one must not.
                    if not ordered.order.anew or job.order.asked_by == ordered.order.asked_by:
                        break
        except asyncio.CancelledError:
            if self._waiting[at] == 1:
                await self._give_up(ordered.stream, context)
            raise
        finally:
            self._waiting[at] -= 1
            self._waiting += Counter()  # forgets what nobody waits for
        if render.state == "canceled":
            raise WorkCanceled(f"{ordered.stream} was canceled")
        if render.error is not None:
            raise error_of(render.error)
        return render

    async def _ended(self, ordered: Ordered, context: ToolContext) -> Render:
        """Wait until a job is over; one that is paused is not."""
        while True:
            news = self._kernel.subscriptions.signal
            render: Render = await context.resources.value(ordered.stream, Render)
            if render.state in ("completed", "failed", "canceled"):
                await self.jobs.rest(context.context.partition, ordered.render_id)
                return render
            await news.wait()

    async def _give_up(self, stream: str, context: ToolContext) -> None:
        """Record that a render is no longer wanted when its run is not; when the daemon ends, it stays to be resumed."""
        run: Run | None = await context.resources.value(f"run/{context.run_id}", Run)
        if run is not None and run.status == "canceled":
            await context.propose(stream, Cancel())

    async def check(self, result: ToolResult, context: ToolContext) -> tuple[Check, ...]:
        """Return the checks on record of a render, and whether the file still is the one that was checked."""
        render = await _named(result.refs, context)
        if render is None or render.output is None:
            return (Check(name="file", status="fail", value="there is none", fix="render anew"),)
        return (await _file_check(render, context), *render.checks)

    async def look(self, _asked: CheckInput, context: ToolContext) -> ToolResult:
        """Hold the file of the render among the refs against what was measured in it, and say what was found.

        Raises:
            Invalid: there is no render among the refs.
            WorkFailed: a check fails; the text names all that do.
        """
        if not any(ref.startswith(f"{KIND}/") for ref in context.refs):
            raise Invalid("there is no render to check: render first", field="refs")
        checks = await self.check(ToolResult(refs=context.refs), context)
        failed = [f"{one.name}: {one.value}" for one in checks if one.status == "fail"]
        if failed:
            raise WorkFailed("; ".join(failed), checks=[one.name for one in checks if one.status == "fail"])
        return ToolResult(refs=context.refs, output={"checks": to_builtins(checks)})


async def _named(refs: tuple[str, ...], context: ToolContext) -> Render | None:
    keys = [ref for ref in refs if ref.startswith(f"{KIND}/")]
    found: Render | None = await context.resources.value(keys[0], Render) if keys else None
    return found


async def _file_check(render: Render, context: ToolContext) -> Check:
    assert render.output is not None
    path = context.blobs.path(render.output.sha256)
    whole = path.is_file() and await asyncio.to_thread(hash_file, path) == render.output.sha256
    return Check(
        name="file",
        status="pass" if whole else "fail",
        value=f"{render.output.bytes} bytes, sha256 {render.output.sha256[:12]}"
        if whole
        else "gone or damaged",
        limit="the bytes that were checked",
        source="engine",
        fix="" if whole else "render anew",
    )


def _result(render: Render, ordered: Ordered, plan_ref: str, *, reused: bool) -> ToolResult:
    assert render.output is not None, "a render that is completed has its output"
    counts, plan = render.segments, ordered.plan
    notices = list(render.notices)
    if not reused and counts.cached:
        notices.append(
            f"{counts.cached} of {counts.cached + counts.rendered} segments came from earlier work"
        )
    return ToolResult(
        refs=(ordered.stream, plan_ref, *(f"asset/{asset_id}" for asset_id in ordered.plan.assets)),
        reused=reused,
        notices=tuple(notices),
        output={
            "render_id": render.render_id,
            "plan_hash": render.plan_hash,
            "path": render.output.path,
            "sha256": render.output.sha256,
            "bytes": render.output.bytes,
            "frames": plan.frames,
            "duration_s": round(float(plan.duration), 3),
            "segments": {"rendered": counts.rendered, "cached": counts.cached},
        },
    )


def register(
    kernel: Kernel, pool: Pool, registrar: Registrar, *, executor: Executor | None = None
) -> Renders:
    """Put the tools on the registry and have the outbox carry jobs out.

    Args:
        kernel: gets the tools `render`, `check` and `deliver_folder`.
        pool: its modules must hold `engine.rendering.worker`.
        registrar: knows assets and their frame indexes.
        executor: makes segments; None: the pool does.
    """

    async def read(timeline_id: str, version: int | None, context: Context) -> tuple[Timeline, int]:
        found = await read_timeline(
            kernel.resources, kernel.log, timeline_id, context.partition, version=version
        )
        return found.timeline, found.version

    renders = Renders(
        kernel,
        Jobs(
            kernel=kernel,
            pool=pool,
            registrar=registrar,
            read=read,
            compiler=Compiler(kernel.blobs),
            executor=executor,
        ),
    )
    kernel.tools.add(
        Tool(
            name="render",
            title="Render the cut",
            input=RenderInput,
            call=renders.render,
            effect="none",
            capability="renders:write",
            limit_s=LIMIT_S,
            check=renders.check,
        )
    )
    kernel.tools.add(
        Tool(
            name="check",
            title="Check a rendered file",
            input=CheckInput,
            call=renders.look,
            effect="none",
            capability="renders:write",
            limit_s=LIMIT_S,
            check=renders.check,
        )
    )
    delivering.add_to(kernel)
    return renders
