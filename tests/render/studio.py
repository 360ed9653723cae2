"""The rendering room on a real kernel with real worker processes, and the material a run would be given."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest, to_builtins
from cutroom_sdk.wire.editing import Cut, CutPlan, Goal, PlanSource
from cutroom_sdk.wire.media import Artifact
from cutroom_sdk.wire.renders import Render, Segment
from cutroom_sdk.wire.timeline import Clip, Timeline, TimeRange
from engine.editing.profiles import profile_named
from engine.editing.reducer import TIMELINE
from engine.editing.timeline import asset_of
from engine.http.app import build_app
from engine.kernel.clock import SystemClock
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.kernel.resources import Reader
from engine.kernel.tools import ToolContext
from engine.media.cache import FRAME_INDEX, make_artifact
from engine.media.files import guard_of
from engine.media.pool import Pool
from engine.media.reducer import ARTIFACT, ASSET, Record, Register
from engine.media.registering import Registrar
from engine.rendering import effects
from engine.rendering.executor import Executor
from engine.rendering.ordering import Wanted
from engine.rendering.reducer import RENDER, Queue
from engine.rendering.reducer_proxy import PROXY
from engine.rendering.reducer_segment import SEGMENT
from engine.runs.reducer import RUN
from tests.render.workshop import Source

HOST = "127.0.0.1:7717"

EDITOR = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
WORKERS = (
    "engine.media.probe",
    "engine.rendering.streaming.tasks",
    "engine.rendering.worker",
    "engine.rendering.smartcopy.tasks",
    "engine.rendering.proxies.tasks",
)

# The worker processes that tests share (`warm_workers`), by the loop in which they were started.
lent: dict[asyncio.AbstractEventLoop, Pool] = {}


@dataclass
class Studio:
    """A kernel with the rendering room on it. `told` is what was reported of the work's progress."""

    kernel: Kernel
    pool: Pool
    renders: effects.Renders
    told: list[tuple[float, float, str]] = field(default_factory=list)

    def run(self, *refs: str, attempt: int = 1, run_id: str = "run-1") -> ToolContext:
        """What a run with these refs has at hand."""

        async def propose(stream: str, proposal: Any) -> Any:
            return (await self.kernel.dispatch.propose(stream, proposal, EDITOR)).state

        def report(done: float, total: float, note: str = "") -> None:
            self.told.append((done, total, note))

        return ToolContext(
            run_id=run_id, context=EDITOR, refs=refs, propose=propose,
            resources=Reader(self.kernel.resources, EDITOR.partition), blobs=self.kernel.blobs, report=report,
            now_ms=self.kernel.clock.now_ms, attempt=attempt, mission_id="m1",
        )  # fmt: skip

    async def segments(self) -> list[Segment]:
        """Wait until there is a segment, and return those there are."""
        while True:
            news = self.kernel.subscriptions.signal
            if found := await self.kernel.resources.values("segment", Segment):
                return found
            await news.wait()

    async def take_in(self, source: Source) -> str:
        """Register a source as ingesting does; return the ref of its frame index."""
        asset = source.asset
        guarded = replace(asset, path=str(source.path), guard=guard_of(source.path.stat()))
        await self.kernel.dispatch.propose(f"asset/{asset.asset_id}", Register(asset=guarded), EDITOR)
        assert source.index is not None
        index = make_artifact(asset, FRAME_INDEX, {}, source.index.to_bytes(), self.kernel.blobs)
        await self.kernel.dispatch.propose(f"artifact/{index.artifact_id}", Record(artifact=index), EDITOR)
        return f"artifact/{index.artifact_id}"

    async def plan(self, timeline: Timeline, sources: Sequence[Source], **more: Any) -> str:
        """Record a cut plan as planning does; return its ref."""
        names = {one.asset.asset_id: one.asset for one in sources}
        clips = [item for track in timeline.tracks[:1] for item in track.items if isinstance(item, Clip)]
        cuts = tuple(
            Cut(
                asset_id=asset_of(clip), asset=names[asset_of(clip)].name, start=clip.source_range.start,
                end=clip.source_range.end, start_frame=0, end_frame=0, score=1.0, reasons=("it is good",),
            )
            for clip in clips
        )  # fmt: skip
        speech: tuple[TimeRange, ...] | None = more.pop("speech", None)
        plan = CutPlan(
            goal=Goal(text="a test"), profile="source", timeline=timeline, cuts=cuts, removed=(),
            duration=sum((clip.source_range.duration for clip in clips), start=cuts[0].start * 0),
            sources=tuple(
                PlanSource(asset_id=one.asset.asset_id, asset=one.asset.name, duration=one.asset.duration, speech=speech)
                for one in sources
            ),
        )  # fmt: skip
        return await self._record(sources[0].asset.asset_id, "cut_plan", data=to_builtins(plan))

    async def rendered(self, film: Timeline, profile: str) -> Render:
        """Ask for a film as a client does, and wait until it is there or failed.

        Raises:
            StudioError: it was refused at once.
        """
        jobs = self.renders.jobs
        ordered = await jobs.order(Wanted(timeline=film, profile=profile_named(profile)), EDITOR)
        await self.kernel.dispatch.propose(ordered.stream, Queue(order=ordered.order), EDITOR)
        while True:
            news = self.kernel.subscriptions.signal
            render = await self.kernel.resources.value(ordered.stream, Render)
            if render is not None and render.state in ("completed", "failed"):
                await jobs.rest(EDITOR.partition, ordered.render_id)
                return render
            await news.wait()

    async def _record(self, asset_id: str, kind: str, *, data: Any = None, blob: str | None = None) -> str:
        key = digest((asset_id, kind, data, blob))
        artifact = Artifact(
            artifact_id=key[:32], asset_id=asset_id, kind=kind, schema=1, cache_key=key, params={}, backend="test",
            backend_version="1", data=data, data_blob=blob,
        )  # fmt: skip
        await self.kernel.dispatch.propose(f"artifact/{key[:32]}", Record(artifact=artifact), EDITOR)
        return f"artifact/{key[:32]}"


def workers() -> Pool:
    """Describe a studio's worker processes."""
    return Pool(modules=WORKERS, workers=2)


@asynccontextmanager
async def _workers(own: Pool | None) -> AsyncIterator[Pool]:
    if own is None and (pool := lent.get(asyncio.get_running_loop())) is not None:
        yield pool
        return
    async with own or workers() as pool:
        yield pool


@asynccontextmanager
async def studio(
    folder: Path, executor: Executor | None = None, pool: Pool | None = None
) -> AsyncIterator[Studio]:
    """Open a state directory; opening it again is what a restart sees.

    `executor` makes the segments, else the pool. `pool` is one of its own, which is closed with it.
    """
    folder.mkdir(exist_ok=True)
    kernel = await Kernel.open(
        folder, (ASSET, ARTIFACT, TIMELINE, RUN, RENDER, SEGMENT, PROXY), SystemClock()
    )
    async with _workers(pool) as at_work:
        registrar = Registrar(kernel, at_work, (Path("/"),))
        renders = effects.register(kernel, at_work, registrar, executor=executor)
        async with kernel.running():
            yield Studio(kernel, at_work, renders)


@asynccontextmanager
async def client_of(room: Studio, routes: Any, **state: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Routes over a studio, and a client that may edit; `state` is what the routes look for in the app."""
    app = build_app(
        room.kernel,
        features=routes,
        check_token={"ada": EDITOR}.get,
        hosts=lambda: frozenset({HOST}),
        health=dict,
        readiness=dict,
    )
    for name, value in state.items():
        setattr(app.state, name, value)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"http://{HOST}",
        headers={"Authorization": "Bearer ada"},
        verify=False,
        trust_env=False,
    ) as client:
        yield client
