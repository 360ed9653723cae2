"""Processes that stand by: each has served nobody, and loads what it was told to until it is taken.

Who takes one waits only for what it has not loaded yet. What is taken is replaced: at once where that is quick, and what takes
long to load when those who ask have been served, for it would take a core from them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Final

from engine.media.process import Worker

SETTLE_S: Final = 1.0
# So much memory has to be free, bytes, before another process stands by.
ROOM: Final = 3 << 29
_MEMORY: Final = Path("/proc/meminfo")
_log = logging.getLogger(__name__)
Kind = tuple[str, ...]


class Reserve:
    """So many processes, each of a kind: the modules that it loads."""

    def __init__(
        self, kinds: Sequence[Kind], spawn: Callable[[Worker, Kind], Coroutine[None, None, None]]
    ) -> None:
        """Describe them; nothing is started yet.

        Args:
            kinds: what they load, the quickest first.
            spawn: starts a process that loads these.
        """
        self._kinds, self._spawn = tuple(kinds), spawn
        self._standing: dict[Kind, Worker] = {}
        self._filling: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def standing(self) -> tuple[int, ...]:
        """Return the ids of the processes, the quickest first, once those that are being started are there."""
        if self._filling is not None:
            await asyncio.wait((self._filling,))
        return tuple(self._standing[kind].pid for kind in self._kinds if kind in self._standing)

    def fill(self, is_free: Callable[[], bool]) -> None:
        """Begin to replace what was taken, for as long as `is_free` says that nobody needs the core more."""
        missing = len(self._standing) < len(self._kinds)
        if missing and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._filled(is_free))

    async def take(self, wanted: frozenset[str]) -> Worker | None:
        """Return a process that will have what is wanted soonest; None: nobody stands by."""
        while self._standing:
            missing = {kind: len(wanted.difference(kind)) for kind in self._standing}
            worker = self._standing.pop(min(missing, key=lambda kind: (missing[kind], len(kind))))
            if worker.is_alive:
                return worker
            await worker.kill()
        return None

    async def close(self) -> None:
        """End them all. Nothing may be filled any more."""
        self._closing.set()
        if self._filling is not None:
            await asyncio.wait((self._filling,))
        while self._standing:
            await self._standing.popitem()[1].kill()

    async def _filled(self, is_free: Callable[[], bool]) -> None:
        for place, kind in enumerate(self._kinds):
            if kind in self._standing:
                continue
            if place:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), SETTLE_S)
            if self._closing.is_set() or not is_free() or _free_memory() < ROOM:
                return
            worker = Worker()
            try:
                await self._spawn(worker, kind)
            except OSError:
                _log.warning("no process can be started to stand by", exc_info=True)
                await worker.kill()
                return
            self._standing[kind] = worker


def _free_memory() -> int:
    """Return how much memory could be taken without anything being swapped out, bytes; 0 where nobody says (proc(5))."""
    try:
        lines = _MEMORY.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)
