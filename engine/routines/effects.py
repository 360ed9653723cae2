"""What routines do in the world: two tasks that look at the clock and at folders. What they see goes down the write path."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutroom_sdk.wire.routines import RoutineRequest
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.routines.definitions import Check, read
from engine.routines.scheduler import Scheduler
from engine.routines.types import Definition
from engine.routines.watching import Watcher

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Routines:
    """The routines of one daemon. `roots` are real paths."""

    kernel: Kernel
    scheduler: Scheduler
    watcher: Watcher
    roots: tuple[Path, ...]
    check: Check

    def read(self, asked: RoutineRequest, context: Context) -> tuple[Definition, tuple[str, ...]]:
        """Return what a request comes to; see `definitions.read`."""
        return read(asked, context, check=self.check, roots=self.roots)

    def busy(self) -> bool:
        """Tell whether any of them may still fire by itself."""
        return self.scheduler.active() > 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have them fire for as long as the block lasts; the kernel runs."""
        await self.scheduler.load()
        tasks = [
            self._started(self.scheduler.run(), "routines"),
            self._started(self.watcher.run(), "watched folders"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _started(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._watch)
        return task

    def _watch(self, task: "asyncio.Task[None]") -> None:
        """A task that ends by itself is a bug: stop the daemon rather than go on without routines."""
        if not task.cancelled() and (error := task.exception()):
            _log.error("the task %s ended", task.get_name(), exc_info=error)
            self.kernel.database.broken.set()


def register(kernel: Kernel, *, roots: Sequence[Path], check: Check) -> Routines:
    """Put routines onto the kernel. `roots` are the folders beneath which folders may be watched."""
    real = tuple(root.expanduser().resolve() for root in roots)
    scheduler = Scheduler(kernel)
    return Routines(
        kernel=kernel,
        scheduler=scheduler,
        watcher=Watcher(kernel, scheduler, real),
        roots=real,
        check=check,
    )
