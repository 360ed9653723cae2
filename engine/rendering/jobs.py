"""Render jobs: put into the queue, carried out in turn, ended when somebody no longer wants them.

What is asked for is compiled at once, so that a mistake is told to who made it, and the plan's hash is known. The work is
done by the outbox: it survives whatever ends the daemon, and is taken up with what is missing. A job waits for its turn by
priority; urgent ones (previews) have turns of their own, and go before the others in the pool.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact
from cutroom_sdk.wire.missions import Priority
from cutroom_sdk.wire.renders import Profile, Render
from cutroom_sdk.wire.timeline import Timeline
from engine.editing.mastering import mastered
from engine.editing.profiles import profile_named
from engine.kernel.context import Context
from engine.kernel.dispatch import Told
from engine.kernel.errors import Rejected, StudioError, Unavailable
from engine.kernel.ids import derived_id
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.patience import insist
from engine.kernel.turns import Party, Turns, on_behalf_of
from engine.media.files import source_path
from engine.media.pool import Pool, serving
from engine.media.registering import Registrar
from engine.rendering.cache import SegmentCache
from engine.rendering.captioning import captioned
from engine.rendering.choosing import EncoderChoice
from engine.rendering.compiler import Compiler
from engine.rendering.encoders import size_of
from engine.rendering.executor import Executor
from engine.rendering.failures import failure_of
from engine.rendering.knowing import known_of
from engine.rendering.making import Making, SegmentFailed, check_room
from engine.rendering.ordering import Ordered, Wanted, input_hash, sidecars_of
from engine.rendering.plan import RenderPlan
from engine.rendering.proxies.drafting import with_proxies
from engine.rendering.proxies.jobs import Proxies
from engine.rendering.qa import judged
from engine.rendering.qa_faces import cropped_assets
from engine.rendering.reducer import (
    KIND,
    OVER,
    Complete,
    Fail,
    Job,
    MakeRender,
    Order,
    Start,
    StopRender,
)
from engine.rendering.smartcopy.compiling import kept_of
from engine.rendering.smartcopy.making import CopyMaking
from engine.rendering.sources import Forgive, Material, ReadTimeline, gather, named, read_plan, resolved

QUEUE_MOST: Final = 100
AT_ONCE: Final[dict[Priority, int]] = {"low": 2, "normal": 2, "high": 4}
# A job may wait for its turn for so long; each of its steps has a limit of its own.
LIMIT_S: Final = 30 * 24 * 3600.0
HANDLERS: Final = 10_000
RETRY_AFTER_S: Final = 10
Report = Callable[[float, float, str], None]
At = tuple[str, str]  # partition and render id
_log = logging.getLogger(__name__)


@dataclass
class _Work:
    task: "asyncio.Task[None]"
    tries: int


@dataclass
class Jobs:
    """The jobs of one daemon. `read` gives a timeline at a version.

    `executor` makes segments, else `pool`.
    """

    kernel: Kernel
    pool: Pool
    registrar: Registrar
    read: ReadTimeline
    compiler: Compiler
    queue_most: int = QUEUE_MOST
    executor: Executor | None = None
    _work: dict[At, _Work] = field(default_factory=dict)
    _reports: dict[At, list[Report]] = field(default_factory=dict)
    _lanes: dict[bool, Turns] = field(
        default_factory=lambda: {True: Turns(AT_ONCE["high"]), False: Turns(AT_ONCE["normal"])}
    )
    _waiting: set[At] = field(default_factory=set)
    _coming: int = 0

    def __post_init__(self) -> None:
        self.encoders = EncoderChoice(self.pool)
        self.cache = SegmentCache(self.kernel)
        self.proxies = Proxies(self.kernel, self.pool, self.registrar, self.cache, self.executor or self.pool)
        self.kernel.dispatch.listen(self._hear)
        outbox = self.kernel.outbox
        outbox.handle(MakeRender, self.make, concurrency=HANDLERS, limit_s=LIMIT_S)
        outbox.handle(StopRender, self.stop)

    async def compiled(
        self, timeline: Timeline, profile: Profile, context: Context
    ) -> tuple[RenderPlan, Material]:
        """Return the plan of a timeline for a profile, and what it was compiled from.

        Raises:
            StudioError: as `order`.
        """
        alone = await resolved(timeline, self.read, context)
        material = await self.gathered(alone, profile, context)
        settled, _ = await self.encoders.settled(profile, context)
        return await self.compiler.plan(alone, material, settled), material

    async def gathered(
        self, timeline: Timeline, profile: Profile, context: Context, *, forgive: Forgive | None = None
    ) -> Material:
        """Return what a resolved timeline is compiled from; for a draft, proxies, and those that are missing are asked for.

        Where what is missing is told to `forgive`, nothing is asked for.

        Raises:
            Invalid: the profile's size cannot be.
            NotFound, Rejected: as `gather`.
        """
        material = await gather(timeline, self.registrar, context, self.kernel.blobs, forgive=forgive)
        if not profile.proxies:
            return material
        lines = min(size_of(timeline, profile))
        return await with_proxies(material, lines, self.proxies, context, ask=forgive is None)

    async def order(self, wanted: Wanted, context: Context) -> Ordered:
        """Compile what is wanted, and keep the timeline, so that the job can be proposed.

        Raises:
            Invalid: it cannot be rendered; the text says what and where.
            NotFound: something that it needs is not there.
            Rejected: `asset_stale`.
            Unavailable: `insufficient_storage`.
        """
        within = () if wanted.timeline_id is None else (wanted.timeline_id,)
        timeline = await resolved(wanted.timeline, self.read, context, within)
        material = await self.gathered(timeline, wanted.profile, context)
        profile, said = await self.encoders.settled(
            captioned(wanted.profile, timeline, wanted.captions), context
        )
        plan = await self.compiler.plan(timeline, material, profile)
        content = encode(timeline)
        render_id = wanted.job_id or derived_id(KIND, plan.plan_hash)
        job: Job = (await self.kernel.dispatch.state(f"{KIND}/{render_id}", context.partition))[0]
        if job.state in ("new", "failed", "canceled"):
            check_room(plan, self.kernel.blobs)
        order = Order(
            profile=wanted.profile.name,
            plan_hash=plan.plan_hash,
            # Under an id of somebody's own choice it is the input that counts: a newer engine makes another plan of it.
            input_hash=plan.plan_hash if wanted.job_id is None else input_hash(content, wanted, plan),
            timeline=await asyncio.to_thread(self.kernel.blobs.put, content),
            timeline_id=wanted.timeline_id,
            timeline_version=wanted.timeline_version,
            cut_plan=wanted.cut_plan,
            total_frames=plan.frames,
            notices=(*plan.notices, *plan.defaults, *material.preview_warnings, *said),
            party=wanted.party or f"{KIND}/{render_id}",
            priority=wanted.priority or wanted.profile.priority,
            anew=wanted.anew,
            asked_by=wanted.asked_by,
            cut=kept_of(plan.splicing),
            captions=wanted.captions,
        )
        return Ordered(render_id=render_id, order=order, job=job, plan=plan)

    @contextlib.contextmanager
    def place(self, ordered: Ordered, context: Context) -> Iterator[None]:
        """Keep a place in the queue while the block proposes the job; what is in it, or done, needs none.

        Raises:
            Unavailable: the queue is full; `retry_after_s` says when to look again.
        """
        if ordered.job.state in ("queued", "running", "paused", "completed"):
            yield
            return
        if len(self._waiting) + self._coming >= self.queue_most:
            raise Unavailable(
                f"{len(self._waiting)} renders wait already, {self.queue_most} are the most; try again later",
                retry_after_s=RETRY_AFTER_S,
            )
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    async def recover(self) -> None:
        """Count what waits, and what is kept, since before this start."""
        await self.cache.load()
        await self.cache.sweep()
        for partition, record in await self.kernel.resources.everything(KIND):
            render = decode(record.value, Render)
            if render.state == "queued":
                self._waiting.add((partition, render.render_id))

    def busy(self) -> bool:
        """Tell whether a job is at work, or waits for its turn."""
        return bool(self._work) or self.proxies.busy()

    async def rest(self, partition: str, render_id: str) -> None:
        """Wait until nobody is at work on a job any more: its state says so first."""
        while work := self._work.get((partition, render_id)):
            await asyncio.wait((work.task,))
            await asyncio.sleep(0)

    @contextlib.contextmanager
    def reporting(self, partition: str, render_id: str, report: Report) -> Iterator[None]:
        """Have `report` told of a job's progress for as long as the block lasts."""
        listeners = self._reports.setdefault((partition, render_id), [])
        listeners.append(report)
        try:
            yield
        finally:
            listeners.remove(report)
            if not listeners:
                self._reports.pop((partition, render_id), None)

    def _hear(self, told: Told) -> None:
        for event in told.events:
            kind, _, render_id = event.stream.partition("/")
            if kind != KIND:
                continue
            at = (event.partition, render_id)
            if event.type in ("render.queued", "render.resumed"):
                self._waiting.add(at)
            else:
                self._waiting.discard(at)

    async def stop(self, command: StopRender, effect: Effect) -> None:
        """End the work of a job that was paused or canceled; there is none when it waits, or the daemon is new."""
        at = (effect.context.partition, command.render_id)
        work = self._work.get(at)
        if work is not None and work.tries <= command.tries:
            work.task.cancel()
            await asyncio.wait((work.task,))

    async def make(self, command: MakeRender, effect: Effect) -> None:
        """Carry a job out and record how it ended; one that is over, or was queued again since, is left alone.

        Cancelling this, as the daemon does when it ends, leaves the job as it is: the next start takes it up.

        Raises:
            Unavailable: something is missing for now; it is tried again later.
        """
        at = (effect.context.partition, command.render_id)
        await self.rest(*at)
        task = asyncio.create_task(self._made(command, effect), name=effect.stream)
        self._work[at] = _Work(task, command.tries)
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
            await asyncio.wait((task,))
            del self._work[at]
            self.kernel.progress.clear(*_progress_key(at))
        if not task.cancelled():
            task.result()

    async def _made(self, command: MakeRender, effect: Effect) -> None:
        job = await self._job(effect)
        if job.order is None or job.tries != command.tries or job.state not in ("queued", "running"):
            return
        with on_behalf_of(Party(job.order.party, job.order.priority)):
            async with self._lanes[job.order.priority == "high"].turn():
                try:
                    outcome = await self._outcome(job, job.order, effect)
                except Unavailable as error:
                    if error.code == Unavailable.default_code and not effect.last:
                        raise
                    outcome = Fail(error=failure_of(error))
                except Rejected as error:
                    if error.reason == OVER:
                        return
                    outcome = Fail(error=failure_of(error))
                except (SegmentFailed, StudioError) as error:
                    outcome = Fail(error=failure_of(error))
                except Exception as error:
                    _log.exception("the render %s broke", effect.stream)
                    outcome = Fail(error=failure_of(error))
        with contextlib.suppress(Rejected):  # somebody canceled it at the last moment
            # The work is done: a full disk must not make it be done again.
            await insist(lambda: effect.propose(effect.stream, outcome), self.kernel.clock)
        await self.cache.sweep()

    async def _outcome(self, job: Job, order: Order, effect: Effect) -> Complete | Fail:
        blobs, context = self.kernel.blobs, effect.context
        timeline = decode(await asyncio.to_thread(blobs.read, order.timeline), Timeline)
        wanted = captioned(mastered(profile_named(order.profile), timeline), timeline, order.captions)
        profile, said = await self.encoders.settled(wanted, context)
        material = await self.gathered(timeline, wanted, context)
        plan = await self.compiler.plan(timeline, material, profile)
        await effect.propose(
            effect.stream,
            Start(
                plan_hash=plan.plan_hash,
                total_frames=plan.frames,
                tries=job.tries,
                notices=(*plan.notices, *plan.defaults, *material.preview_warnings, *said),
            ),
        )
        with self.cache.at_work(), serving(context.partition):
            making = self._making(job, order, plan, material, context)
            making.whole, making.named = profile.decode_whole, named(timeline)
            film = await making.film()
        # What was read must still be what was planned for.
        for asset in material.assets.values():
            source_path(asset, blobs)
        checks = judged(
            plan,
            profile,
            film,
            timeline,
            await self._cut_plan(order, context),
            await known_of(material, cropped_assets(plan), self.registrar, context, blobs),
        )
        return Complete(
            output=film.output,
            checks=checks,
            notices=(*film.notices, *film.pictures),
            sidecars=await asyncio.to_thread(sidecars_of, plan, blobs),
        )

    def _making(
        self, job: Job, order: Order, plan: RenderPlan, material: Material, context: Context
    ) -> Making:
        blobs, at = self.kernel.blobs, (context.partition, job.render_id)

        def report(done: float, total: float, note: str) -> None:
            self.kernel.progress.report(*_progress_key(at), done, total, note)
            for listener in self._reports.get(at, ()):
                listener(done, total, note)

        kind = Making if plan.splicing is None else CopyMaking
        return kind(
            plan=plan,
            render_id=job.render_id,
            files={asset_id: source_path(asset, blobs) for asset_id, asset in material.assets.items()},
            index_files={asset_id: blobs.path(blob) for asset_id, blob in material.index_blobs.items()},
            proxies={
                one.sha256: (blobs.path(one.sha256), blobs.path(one.index_blob))
                for one in material.stand_ins.values()
            },
            anew=order.anew,
            cache=self.cache,
            pool=self.pool,
            executor=self.executor or self.pool,
            blobs=blobs,
            dispatch=self.kernel.dispatch,
            context=context,
            report=report,
        )

    async def _cut_plan(self, order: Order, context: Context) -> CutPlan | None:
        if order.cut_plan is None:
            return None
        artifact = await self.kernel.resources.value(order.cut_plan, Artifact, context.partition)
        return None if artifact is None else read_plan(artifact, self.kernel.blobs)

    async def _job(self, effect: Effect) -> Job:
        job: Job = (await self.kernel.dispatch.state(effect.stream, effect.context.partition))[0]
        return job


def _progress_key(at: At) -> tuple[str, str]:
    return at[0], f"{KIND}/{at[1]}"
