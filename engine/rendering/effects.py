"""The tool `render`: a reviewed cut plan becomes a checked file among the blobs.

The same plan is the same render: what is finished answers at once, what was interrupted goes on with what is missing, and
two runs that want it at once wait for one. An attempt that a tester sent back trusts nothing that lies there already.
"""

import asyncio
from typing import Final, Literal, get_args

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.renders import Check, CheckInput, Profile, Render, RenderError, RenderInput
from cutroom_sdk.wire.runs import Run
from engine.editing.profiles import profile_named
from engine.kernel.blobs import hash_file
from engine.kernel.errors import Invalid, Rejected, StudioError, WorkCanceled, WorkFailed
from engine.kernel.ids import derived_id
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.media.files import source_path
from engine.media.pool import Pool
from engine.rendering import delivering
from engine.rendering.capabilities import capabilities
from engine.rendering.making import Film, Making, SegmentFailed
from engine.rendering.plan import RenderPlan, compile_plan
from engine.rendering.qa import check_film
from engine.rendering.reducer import KIND, Cancel, Complete, Fail, Start, StopRender
from engine.rendering.sources import Material, gather

LIMIT_S: Final = 6 * 3600.0
Stage = Literal["probe", "decode", "filter", "encode", "mux", "publish"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
OVER: Final = "render_over"  # what a render refuses with that was canceled meanwhile


class Renders:
    """The renders that are being made in this process."""

    def __init__(self, kernel: Kernel, pool: Pool) -> None:
        self._kernel = kernel
        self._pool = pool
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._jobs: dict[tuple[str, str], asyncio.Task[Film]] = {}

    async def render(self, asked: RenderInput, context: ToolContext) -> ToolResult:
        """Make the file of the cut plan that the run was given.

        Raises:
            Invalid: the plan cannot be rendered, or something that it names is missing.
            WorkFailed: it was tried; `stage`, `segment`, `clip`, `asset`, `frame` say where it went wrong.
            WorkCanceled: somebody canceled the render, not the run.
            Unavailable: `insufficient_storage`.
        """
        profile = profile_named(asked.profile)
        material = await gather(context.refs, context.resources, context.blobs)
        plan = await asyncio.to_thread(
            compile_plan,
            material.cut_plan.timeline,
            material.assets,
            material.indexes,
            profile,
            capabilities(),
        )
        render_id = derived_id(KIND, plan.plan_hash)
        at = (context.context.partition, render_id)
        # Two missions may want the very same file: the second one waits and takes what the first has made.
        async with self._locks.setdefault(at, asyncio.Lock()):
            finished = None if context.attempt > 1 else await _finished(render_id, context)
            if finished is not None:
                return _result(finished, material, plan, reused=True)
            render = await self._make(render_id, plan, profile, material, context)
        return _result(render, material, plan, reused=False)

    async def stop(self, command: StopRender, effect: Effect) -> None:
        """End the work of a canceled render; there is none when the daemon was started anew since."""
        job = self._jobs.get((effect.context.partition, command.render_id))
        if job is not None:
            job.cancel()

    async def _make(
        self, render_id: str, plan: RenderPlan, profile: Profile, material: Material, context: ToolContext
    ) -> Render:
        stream, at = f"{KIND}/{render_id}", (context.context.partition, render_id)
        await context.propose(
            stream,
            Start(
                profile=profile.name,
                plan_hash=plan.plan_hash,
                cut_plan=material.cut_plan_ref,
                total_frames=plan.frames,
                notices=(*plan.notices, *plan.defaults),
            ),
        )
        try:
            making = self._making(render_id, plan, material, context)
            job = self._jobs[at] = asyncio.create_task(making.film(), name=stream)
            film = await self._awaited(job, stream, context)
            # What was read must still be what was planned for.
            for asset in material.assets.values():
                source_path(asset, context.blobs)
        except (SegmentFailed, StudioError) as error:
            if isinstance(error, WorkCanceled):
                raise
            if isinstance(error, Rejected) and error.reason == OVER:
                raise WorkCanceled(f"{stream} was canceled") from error
            failure = _failure(error)
            await context.propose(stream, Fail(error=failure))
            raise _raised(error, failure) from error
        finally:
            self._jobs.pop(at, None)
        checks = check_film(
            plan,
            profile,
            film.inspection,
            cut_plan=material.cut_plan,
            as_loud_as_can_be=bool(film.notices),
        )
        await context.propose(stream, Complete(output=film.output, checks=checks, notices=film.notices))
        render: Render = await context.resources.value(stream, Render)
        return render

    def _making(self, render_id: str, plan: RenderPlan, material: Material, context: ToolContext) -> Making:
        blobs = context.blobs
        return Making(
            plan=plan,
            render_id=render_id,
            files={asset_id: source_path(asset, blobs) for asset_id, asset in material.assets.items()},
            index_files={asset_id: blobs.path(blob) for asset_id, blob in material.index_blobs.items()},
            anew=context.attempt > 1,
            pool=self._pool,
            blobs=blobs,
            dispatch=self._kernel.dispatch,
            resources=context.resources,
            context=context.context,
            report=context.report,
        )

    async def _awaited(self, job: "asyncio.Task[Film]", stream: str, context: ToolContext) -> Film:
        """Wait for a job and tell apart who ended it: the render's cancel, the run's, or the daemon's end."""
        try:
            await asyncio.wait((job,))
        except asyncio.CancelledError:
            job.cancel()
            await asyncio.wait((job,))
            await self._give_up(stream, context)
            raise
        if job.cancelled():
            raise WorkCanceled(f"{stream} was canceled")
        return job.result()

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


async def _finished(render_id: str, context: ToolContext) -> Render | None:
    render: Render | None = await context.resources.value(f"{KIND}/{render_id}", Render)
    if render is None or render.state != "completed" or render.output is None:
        return None
    return render if context.blobs.has(render.output.sha256) else None


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


def _result(render: Render, material: Material, plan: RenderPlan, *, reused: bool) -> ToolResult:
    assert render.output is not None, "a render that is completed has its output"
    counts = render.segments
    notices = list(render.notices)
    if not reused and counts.cached:
        notices.append(
            f"{counts.cached} of {counts.cached + counts.rendered} segments came from earlier work"
        )
    return ToolResult(
        refs=(
            f"{KIND}/{render.render_id}",
            material.cut_plan_ref,
            *(f"asset/{asset_id}" for asset_id in material.assets),
        ),
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


def _failure(error: Exception) -> RenderError:
    """Return where and why it failed."""
    number, segment = (error.number, error.segment) if isinstance(error, SegmentFailed) else (None, None)
    cause = error.reason if isinstance(error, SegmentFailed) else error
    extra = cause.extra if isinstance(cause, StudioError) else {}
    usual: Stage = "decode" if isinstance(cause, Invalid) else "encode"
    stage = next((one for one in STAGES if one == extra.get("stage")), usual)
    frame = extra.get("frame")
    return RenderError(
        stage=stage,
        cause=cause.detail if isinstance(cause, StudioError) else f"{type(cause).__name__}: {cause}",
        segment=number,
        clip=segment.clip if segment else None,
        asset=segment.asset_id if segment else extra.get("asset_id"),
        frame=frame if isinstance(frame, int) else None,
        log_tail=str(extra.get("log_tail", ""))[-2000:],
    )


def _raised(error: Exception, failure: RenderError) -> StudioError:
    if isinstance(error, StudioError):
        return error
    where = f"segment {failure.segment} (clip {failure.clip or 'black'})"
    return WorkFailed(
        f"rendering failed at {where}, stage {failure.stage}: {failure.cause}",
        stage=failure.stage,
        segment=failure.segment,
        clip=failure.clip,
        asset=failure.asset,
        frame=failure.frame,
    )


def register(kernel: Kernel, pool: Pool) -> Renders:
    """Put the tools on the registry and have the outbox end canceled renders."""
    renders = Renders(kernel, pool)
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
    kernel.outbox.handle(StopRender, renders.stop)
    return renders
