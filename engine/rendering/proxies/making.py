"""One attempt at a proxy: its pieces side by side in the workers, as segments are made, then joined to its file.

Pieces are kept as they are finished, so that an attempt after a crash makes what is missing, and forgotten once the proxy is
there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.renders import Segment
from engine.kernel import failpoints
from engine.kernel.blobs import Blobs
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked, Dispatch
from engine.media.pool import Pool
from engine.rendering.cache import SegmentCache
from engine.rendering.executor import Executor
from engine.rendering.making import (
    FILM_LIMIT_S,
    SEGMENT_LIMIT_S,
    WORKER,
    SegmentTask,
    first_of,
    joined,
    twice,
)
from engine.rendering.proxies.ladder import Recipe, index_key
from engine.rendering.proxies.work import JoinProxyWork, ProxyDone
from engine.rendering.reducer_proxy import PROXY_KIND, CompleteProxy
from engine.rendering.reducer_segment import SEGMENT_KIND, Forget, Keep
from engine.rendering.work import PictureWork, SegmentDone

JOIN: Final = "engine.rendering.proxies.tasks:join_proxy"
reach = failpoints.points("proxies", "piece_recorded", "joined", "recorded")


@dataclass
class ProxyMaking:
    """Makes the proxy that a recipe says; `source` is the asset's file, `index` its frame index. `report` is told frames."""

    recipe: Recipe
    tries: int
    source: Path
    index: Path
    cache: SegmentCache
    pool: Pool
    executor: Executor
    blobs: Blobs
    dispatch: Dispatch
    context: Context
    report: Callable[[float, float, str], None]
    _frames: dict[str, float] = field(default_factory=dict)

    async def make(self) -> None:
        """Make it and have it recorded, file and frame index in one commit.

        Cancelling it ends the processes at work; finished pieces are kept.

        Raises:
            StudioError: a piece cannot be made, or does not fit.
        """
        try:
            async with asyncio.TaskGroup() as group:
                pieces = [group.create_task(self._piece(key, work)) for key, work in self.recipe.chunks]
        except ExceptionGroup as failures:
            raise first_of(failures) from None
        parts = [self.blobs.path(piece.result().blob) for piece in pieces]
        with self.blobs.staged() as (_, staged), self.blobs.staged() as (_, staged_index):
            async with joined(parts, self.blobs) as few:
                done = await self.pool.run(
                    JOIN,
                    JoinProxyWork(encoder=self.recipe.encoder),
                    ProxyDone,
                    inputs=[self.index, *few],
                    outputs=[staged, staged_index],
                    limit_s=FILM_LIMIT_S,
                )
            reach("joined")
            blob = await asyncio.to_thread(self.blobs.adopt, staged)
            index_blob = await asyncio.to_thread(self.blobs.adopt, staged_index)
        await self._record(done, blob, index_blob)

    async def _record(self, done: ProxyDone, blob: str, index_blob: str) -> None:
        recipe, stream = self.recipe, f"{PROXY_KIND}/{self.recipe.proxy_id}"
        kept = (
            Segment(
                key=recipe.key, kind="proxy", blob=blob, bytes=done.bytes, count=recipe.frames, owner=stream
            ),
            Segment(
                key=index_key(recipe.key), kind="index", blob=index_blob, bytes=done.index_bytes,
                count=recipe.frames, owner=stream,
            ),
        )  # fmt: skip
        complete = CompleteProxy(tries=self.tries, bytes=done.bytes, sha256=blob)
        await self.dispatch.propose_many(
            [
                *(Asked(f"{SEGMENT_KIND}/{one.key}", Keep(segment=one)) for one in kept),
                Asked(stream, complete),
                *(Asked(f"{SEGMENT_KIND}/{key}", Forget()) for key in dict(recipe.chunks)),
            ],
            self.context,
        )
        reach("recorded")

    async def _piece(self, key: str, work: PictureWork) -> Segment:
        kept = await self.cache.peek(key, self.context.partition)
        if kept is None:
            kept = await twice(lambda: self._made(key, work), f"{PROXY_KIND}/{self.recipe.proxy_id}")
            await self.dispatch.propose(f"{SEGMENT_KIND}/{key}", Keep(segment=kept), self.context)
            reach("piece_recorded")
        self._say(key, work.count)
        return kept

    async def _made(self, key: str, work: PictureWork) -> Segment:
        task = SegmentTask(name=f"{WORKER}:render_segment", work=work, inputs=[self.source, self.index])
        with self.blobs.staged() as (_, staged):
            done = await self.executor.run(
                task.name,
                task.work,
                SegmentDone,
                inputs=task.inputs,
                outputs=[staged],
                report=lambda frames, _: self._say(key, frames),
                limit_s=SEGMENT_LIMIT_S,
            )
            blob = await asyncio.to_thread(self.blobs.adopt, staged)
        return Segment(key=key, kind="picture", blob=blob, bytes=done.bytes, count=work.count)

    def _say(self, key: str, frames: float) -> None:
        self._frames[key] = frames
        done = sum(self._frames.values())
        self.report(
            done,
            self.recipe.frames,
            f"proxy of {self.recipe.size} lines: {done:.0f} of {self.recipe.frames} frames",
        )
