"""The kernel put together: what features get, and the tasks that keep it going."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.kernel import anchor, beginning, failpoints, identity, shapes
from engine.kernel.blobs import Blobs
from engine.kernel.chain import START
from engine.kernel.clock import Clock
from engine.kernel.commands import COMMAND
from engine.kernel.compaction import COMPACTION
from engine.kernel.compactor import Compactor
from engine.kernel.database import Database
from engine.kernel.dispatch import Dispatch
from engine.kernel.expiry import Sweeper
from engine.kernel.heads import Heads
from engine.kernel.latest import Latest
from engine.kernel.log import Log
from engine.kernel.outbox import Outbox
from engine.kernel.progress import Progress
from engine.kernel.reactions import Reactions
from engine.kernel.reducer import Aggregate
from engine.kernel.resources import Store
from engine.kernel.subscriptions import Subscriptions
from engine.kernel.tools import Tools
from engine.kernel.upcasts import Upcasts
from engine.kernel.vault import Vault

_log = logging.getLogger(__name__)
DATABASE_NAME: Final = "cutroom.sqlite3"
reach = failpoints.points(
    "kernel", "anchor_checked", "committing", "running", "effects_ended", "committer_ended"
)
OWN: Final[tuple[Aggregate[Any, Any, Any], ...]] = (COMMAND, COMPACTION)


def with_own(aggregates: Sequence[Aggregate[Any, Any, Any]]) -> dict[str, Aggregate[Any, Any, Any]]:
    """Return the aggregates of features and the kernel's own, by their kind."""
    by_kind = {aggregate.kind: aggregate for aggregate in (*OWN, *aggregates)}
    assert len(by_kind) == len(OWN) + len(aggregates), "two aggregates share a kind"
    return by_kind


@dataclass(frozen=True)
class Kernel:
    """What features build on."""

    database: Database
    log: Log
    dispatch: Dispatch
    resources: Store
    latest: Latest
    subscriptions: Subscriptions
    progress: Progress
    outbox: Outbox
    reactions: Reactions
    expiry: Sweeper
    tools: Tools
    blobs: Blobs
    anchor: anchor.Keeper
    vault: Vault
    compactor: Compactor
    clock: Clock
    aggregates: dict[str, Aggregate[Any, Any, Any]]

    @classmethod
    async def open(
        cls, folder: Path, aggregates: Sequence[Aggregate[Any, Any, Any]], clock: Clock
    ) -> "Kernel":
        """Open the state directory's files; nothing runs yet, so that features can register themselves.

        Raises:
            Unavailable: the files cannot be used, or the log is not the one that it was.
        """
        by_kind = with_own(aggregates)
        vault = Vault.open(folder)
        database = await Database.open(folder / DATABASE_NAME)
        log = Log(database, Upcasts({kind: up for one in aggregates for kind, up in one.upcasts.items()}))
        try:
            begins = await database.read(beginning.read)
            log.oldest = begins.position
            log.id = await database.read(identity.read)
            shapes.check(begins.shapes, by_kind)
            await anchor.check(folder, log)
        except BaseException:
            await database.close()
            raise
        dispatch = Dispatch(database, Heads(database, log, by_kind), by_kind, clock)
        subscriptions = Subscriptions(database, log)
        store = Store(database)
        head, at_ms = await log.head()
        dispatch.start_at(head, at_ms, await log.hash_at(head) or START)
        subscriptions.start_at(head)
        dispatch.listen(subscriptions.publish)
        dispatch.screen_with(vault.screened)
        blobs = Blobs(folder / "blobs")
        reach("anchor_checked")
        blobs.clear_staging()
        reactions = Reactions(dispatch, subscriptions, database, clock)
        keeper = anchor.Keeper(folder, dispatch)
        return cls(
            database=database,
            log=log,
            dispatch=dispatch,
            resources=store,
            latest=Latest(store, dispatch),
            subscriptions=subscriptions,
            progress=Progress(subscriptions.wake),
            outbox=Outbox(dispatch, store, database, clock),
            reactions=reactions,
            expiry=Sweeper(dispatch, database, clock),
            tools=Tools(),
            blobs=blobs,
            anchor=keeper,
            compactor=Compactor(database, log, dispatch, by_kind, keeper, reactions.seen),
            vault=vault,
            clock=clock,
            aggregates=by_kind,
        )

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Run the committer alone for as long as the block lasts; the anchor then says where the log has ended."""
        committer = self._started(self.dispatch.run(), "committer")
        try:
            yield
        finally:
            self.dispatch.stop()
            await asyncio.gather(committer, return_exceptions=True)
            reach("committer_ended")
            await self.anchor.write()
            await self.database.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the committer, the outbox, the reactions, the sweeper and the anchor for as long as the block lasts.

        What expired while nothing ran is gone when the block begins. At the end the outbox is drained and effects are
        cancelled first, then the committer, once it has written what waits.
        """
        async with self.writing(), self._effects():
            yield

    @asynccontextmanager
    async def _effects(self) -> AsyncIterator[None]:
        effects: list[asyncio.Task[None]] = []
        try:
            reach("committing")
            await self.outbox.take_over()
            await self.expiry.catch_up()
            effects.append(self._started(self.outbox.run(), "outbox"))
            effects.append(self._started(self.reactions.run(), "reactions"))
            effects.append(self._started(self.expiry.run(), "expiry"))
            effects.append(self._started(self.anchor.run(), "anchor"))
            effects.append(self._started(self.compactor.resume(), "compactor"))
            reach("running")
            yield
        finally:
            await self.outbox.drain()
            await _end(*effects)
            reach("effects_ended")
            await self.reactions.keep_place()

    def _started(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._watch)
        return task

    def _watch(self, task: "asyncio.Task[None]") -> None:
        """A kernel task that ends by itself is a bug: stop the daemon rather than go on half alive."""
        if not task.cancelled() and (error := task.exception()):
            _log.error("the task %s ended", task.get_name(), exc_info=error)
            self.database.broken.set()


async def _end(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
