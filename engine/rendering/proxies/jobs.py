"""Proxies of one daemon: asked for, made in turn, found again, removed.

They are made through the outbox, one after the other and after everything that is more urgent: a crash loses the pieces that
were being made, and nothing else. Asking twice for the same is asking once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.proxies import Proxy
from engine.kernel.context import Context, engine_context
from engine.kernel.dispatch import Asked, Told
from engine.kernel.errors import NotFound, Rejected, StudioError, Unavailable
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.patience import insist
from engine.kernel.turns import Party, Turns, on_behalf_of
from engine.media.files import source_path
from engine.media.index import FrameIndex
from engine.media.pool import Pool, serving
from engine.media.registering import Registrar
from engine.rendering.cache import SegmentCache
from engine.rendering.capabilities import capabilities
from engine.rendering.executor import Executor
from engine.rendering.failures import failure_of
from engine.rendering.proxies import ladder
from engine.rendering.proxies.making import ProxyMaking
from engine.rendering.reducer_proxy import (
    ALIVE,
    PROXY_KIND,
    PROXY_OVER,
    FailProxy,
    MakeProxy,
    ProxyJob,
    QueueProxy,
    RemoveProxy,
    StartProxy,
    StopProxy,
)
from engine.rendering.reducer_segment import SEGMENT_KIND, Forget
from engine.rendering.standins import StandIn

LIMIT_S: Final = 30 * 24 * 3600.0  # of waiting for a turn; each step of the work has a limit of its own
HANDLERS: Final = 10_000
AT_ONCE: Final = 1
PARTY: Final = Party("proxies", "low")
At = tuple[str, str]  # partition and proxy id
_log = logging.getLogger(__name__)


class Proxies:
    """Has proxies made, and finds those there are. `changes` counts how often there came to be others."""

    def __init__(
        self, kernel: Kernel, pool: Pool, registrar: Registrar, cache: SegmentCache, executor: Executor
    ) -> None:
        self._kernel, self._pool, self._registrar = kernel, pool, registrar
        self._cache, self._executor = cache, executor
        self._work: dict[At, asyncio.Task[None]] = {}
        self._turns = Turns(AT_ONCE)
        self.changes = 0
        kernel.dispatch.listen(self._hear)
        kernel.outbox.handle(MakeProxy, self.make, concurrency=HANDLERS, limit_s=LIMIT_S)
        kernel.outbox.handle(StopProxy, self.stop)

    def busy(self) -> bool:
        """Tell whether a proxy is being made, or waits for its turn."""
        return bool(self._work)

    async def asked(self, asset_id: str, size: int, context: Context, *, again: bool = True) -> list[Asked]:
        """Return what is to be proposed so that an asset's proxy gets made: the proxy comes first.

        Args:
            asset_id: whose proxy.
            size: of the ladder.
            context: who asks.
            again: also where it was canceled or had failed.

        Raises:
            Invalid: the asset has no picture, or is smaller itself.
            NotFound, Rejected: as `Registrar.check`.
        """
        asset = (await self._registrar.check(asset_id, context)).asset
        wanted = await self._described(asset, size, context)
        known = await self._known(wanted.proxy_id, context.partition)
        lost = known is not None and known.state == "ready" and not await self._kept(known, context.partition)
        stream = f"{PROXY_KIND}/{wanted.proxy_id}"
        queue = Asked(stream, QueueProxy(proxy=wanted, again=again, lost=lost))
        outdated = known is not None and known.key != wanted.key
        return [queue, *(_forgotten(known) if known is not None and outdated else ())]

    async def removed(self, proxy_id: str, context: Context) -> tuple[Proxy, list[Asked]]:
        """Return a proxy, and what is to be proposed so that it and its file go.

        Raises:
            NotFound: there is no such proxy.
        """
        known = await self._known(proxy_id, context.partition)
        if known is None:
            raise NotFound(f"there is no proxy {proxy_id[:64]}", proxy_id=proxy_id[:64])
        return known, [Asked(f"{PROXY_KIND}/{proxy_id}", RemoveProxy()), *_forgotten(known)]

    async def stand_in(self, asset: Asset, index_blob: str, lines: int, context: Context) -> StandIn | None:
        """Return the smallest proxy there is that has all that `lines` of an asset's shorter side can show; None: none.

        Args:
            asset: one with a picture.
            index_blob: its frame index; a proxy that was made by another one is none of it.
            lines: of the canvas's shorter side.
            context: for whom.
        """
        assert asset.video is not None, "only pictures have proxies"
        fitting = [size for size in ladder.sizes_of(asset.video) if size >= lines]
        for size in sorted(fitting):
            found = await self._known(ladder.proxy_id(asset.asset_id, size), context.partition)
            if found is None or found.state != "ready":
                continue
            if found.key != ladder.key_of(asset, size, index_blob, capabilities()):
                continue
            file = await self._cache.find(found.key, context.partition)
            index = await self._cache.find(ladder.index_key(found.key), context.partition)
            if file is None or index is None:
                continue
            content = await asyncio.to_thread(self._kernel.blobs.read, index.blob)
            return StandIn(
                proxy_id=found.proxy_id,
                sha256=file.blob,
                index=FrameIndex.from_bytes(content),
                index_blob=index.blob,
                width=found.width,
                height=found.height,
                size=found.size,
            )
        return None

    async def want(self, asset: Asset, lines: int, context: Context) -> bool:
        """Have the proxy made that a canvas of `lines` wants of an asset, unless it was given up; tell whether it will be."""
        assert asset.video is not None, "only pictures have proxies"
        size = ladder.size_for(asset.video, lines)
        assert size is not None, "small pictures are read themselves"
        asker = engine_context("rendering", partition=context.partition)
        accepted = await self._kernel.dispatch.propose_many(
            await self.asked(asset.asset_id, size, asker, again=False), asker
        )
        proxy: Proxy = accepted[0].state.proxy
        return proxy.state in ALIVE

    async def make(self, command: MakeProxy, effect: Effect) -> None:
        """Make a proxy and record how that ended; one that was asked for anew since is left alone.

        Cancelling this, as the daemon does when it ends, leaves it as it is: the next start takes it up.

        Raises:
            Unavailable: something is missing for now; it is tried again later.
        """
        at = (effect.context.partition, command.proxy_id)
        while before := self._work.get(at):
            before.cancel()  # of an earlier time that it was asked for
            await asyncio.wait((before,))
            await asyncio.sleep(0)
        task = asyncio.create_task(self._made(command, effect), name=effect.stream)
        self._work[at] = task
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
            await asyncio.wait((task,))
            del self._work[at]
            self._kernel.progress.clear(at[0], effect.stream)
        if not task.cancelled():
            task.result()

    async def stop(self, command: StopProxy, effect: Effect) -> None:
        """End the work on a proxy that was canceled or removed; there is none when it waits, or the daemon is new."""
        job = await self._job(command.proxy_id, effect.context.partition)
        task = self._work.get((effect.context.partition, command.proxy_id))
        if task is not None and job.tries == command.tries:
            task.cancel()
            await asyncio.wait((task,))

    async def _made(self, command: MakeProxy, effect: Effect) -> None:
        with on_behalf_of(PARTY):
            async with self._turns.turn():
                job = await self._job(command.proxy_id, effect.context.partition)
                if job.proxy is None or job.tries != command.tries or job.proxy.state not in ALIVE:
                    return
                try:
                    await self._outcome(job.proxy, command.tries, effect)
                    failed = None
                except Unavailable as error:
                    if error.code == Unavailable.default_code and not effect.last:
                        raise
                    failed = failure_of(error)
                except Rejected as error:
                    if error.reason == PROXY_OVER:
                        return
                    failed = failure_of(error)
                except StudioError as error:
                    failed = failure_of(error)
                except Exception as error:
                    _log.exception("the %s broke", effect.stream)
                    failed = failure_of(error)
        if failed is not None:
            fail = FailProxy(tries=command.tries, error=failed)
            with contextlib.suppress(Rejected):  # somebody canceled it at the last moment
                await insist(lambda: effect.propose(effect.stream, fail), self._kernel.clock)
        await self._cache.sweep()

    async def _outcome(self, proxy: Proxy, tries: int, effect: Effect) -> None:
        context, blobs = effect.context, self._kernel.blobs
        asset = (await self._registrar.check(proxy.asset_id, context)).asset
        recipe, index_blob = await self._recipe(asset, proxy.size, context)
        if recipe.key != proxy.key:  # asked for before the footage was read anew: that is another proxy
            await effect.propose_many(await self.asked(proxy.asset_id, proxy.size, context))
            return
        await effect.propose(effect.stream, StartProxy(tries=tries))

        def report(done: float, total: float, note: str) -> None:
            self._kernel.progress.report(context.partition, effect.stream, done, total, note)

        making = ProxyMaking(
            recipe=recipe,
            tries=tries,
            source=source_path(asset, blobs),
            index=blobs.path(index_blob),
            cache=self._cache,
            pool=self._pool,
            executor=self._executor,
            blobs=blobs,
            dispatch=self._kernel.dispatch,
            context=context,
            report=report,
        )
        with self._cache.at_work(), serving(context.partition):
            await making.make()

    async def _recipe(self, asset: Asset, size: int, context: Context) -> tuple[ladder.Recipe, str]:
        index, index_blob = await self._index(asset, context)
        recipe = await asyncio.to_thread(
            ladder.recipe_of, asset, FrameIndex.from_bytes(index), index_blob, size, capabilities()
        )
        return recipe, index_blob

    async def _index(self, asset: Asset, context: Context) -> tuple[bytes, str]:
        index = await self._registrar.index_of(asset, context)
        assert index is not None, "checked assets have one"
        assert index.data_blob is not None, "an index lies among the blobs"
        return await asyncio.to_thread(self._kernel.blobs.read, index.data_blob), index.data_blob

    async def _described(self, asset: Asset, size: int, context: Context) -> Proxy:
        """Return a proxy as it is before it was made."""
        video = ladder.check_size(asset, size)
        _, index_blob = await self._index(asset, context)
        width, height = ladder.canvas(video, size)
        return Proxy(
            proxy_id=ladder.proxy_id(asset.asset_id, size),
            asset_id=asset.asset_id,
            size=size,
            state="queued",
            width=width,
            height=height,
            frames=video.frame_count,
            key=ladder.key_of(asset, size, index_blob, capabilities()),
        )

    async def _kept(self, proxy: Proxy, partition: str) -> bool:
        file = await self._cache.peek(proxy.key, partition)
        return file is not None and await self._cache.peek(ladder.index_key(proxy.key), partition) is not None

    async def _known(self, proxy_id: str, partition: str) -> Proxy | None:
        return (await self._job(proxy_id, partition)).proxy

    async def _job(self, proxy_id: str, partition: str) -> ProxyJob:
        job: ProxyJob = (await self._kernel.dispatch.state(f"{PROXY_KIND}/{proxy_id}", partition))[0]
        return job

    def _hear(self, told: Told) -> None:
        if any(event.type in ("proxy.completed", "proxy.removed", "proxy.queued") for event in told.events):
            self.changes += 1


def _forgotten(proxy: Proxy) -> Sequence[Asked]:
    keys = (proxy.key, ladder.index_key(proxy.key))
    return [Asked(f"{SEGMENT_KIND}/{key}", Forget()) for key in keys]
