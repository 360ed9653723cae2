"""Wakes routines when their next tick fires: one task over a heap, however many there are.

It decides nothing. What is due, and what becomes of it, is the reducer's to say from the log's own time; here is only who
has to be asked next. The wall clock may jump and the machine sleep, so no sleep is longer than half a minute.
"""

import asyncio
import heapq
import logging
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.routines import Chain, Watch
from engine.kernel.clock import SLEEP_MAX_S
from engine.kernel.context import engine_context
from engine.kernel.dispatch import Told
from engine.kernel.errors import StudioError
from engine.kernel.kernel import Kernel
from engine.routines.types import Wake

PREFIX: Final = "routine/"
AT_ONCE: Final = 512
RETRY_MS: Final = 1_000
_log = logging.getLogger(__name__)
Name = tuple[str, str]  # (partition, routine id)


class _Head(Struct, frozen=True, kw_only=True):
    """What matters here of a published routine."""

    status: str
    next_fire_at_ms: int | None = None
    watch: Watch | None = None
    chain: Chain | None = None


class Scheduler:
    """Knows when each active routine fires next, from what is published, and asks it to when the time has come."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._next: dict[Name, int] = {}
        self._heap: list[tuple[int, Name]] = []  # entries that `_next` does not confirm are left over
        self._awaiting: set[Name] = set()
        self._news = asyncio.Event()
        self.watched: dict[Name, Watch] = {}
        kernel.dispatch.listen(self._hear)

    def active(self) -> int:
        """Return how many routines may still fire by themselves."""
        return len(self._awaiting)

    async def load(self) -> None:
        """Take up the routines that there are."""
        for partition, record in await self._kernel.resources.everything("routine"):
            self._note((partition, record.key.removeprefix(PREFIX)), record.value)

    async def run(self) -> None:
        """Wake whoever is due, for ever."""
        while True:
            self._news.clear()
            due_at_ms = await self.look()
            left_s = SLEEP_MAX_S
            if due_at_ms is not None:
                left_s = min(max((due_at_ms - self._kernel.clock.now_ms()) / 1000, 0), SLEEP_MAX_S)
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    def turn(self) -> None:
        """Look at the clock at once: it was turned."""
        self._news.set()

    async def look(self) -> int | None:
        """Wake all that are due, until none is; return when the next one fires, None when none will."""
        while due := self._take():
            await asyncio.gather(*map(self._wake, due))
        return self._heap[0][0] if self._heap else None

    def _take(self) -> list[Name]:
        """Take up to `AT_ONCE` routines that are due off the heap."""
        now_ms, due = self._kernel.clock.now_ms(), list[Name]()
        while self._heap and len(due) < AT_ONCE:
            at_ms, name = self._heap[0]
            if self._next.get(name) != at_ms:
                heapq.heappop(self._heap)
            elif at_ms <= now_ms:
                heapq.heappop(self._heap)
                del self._next[name]
                due.append(name)
            else:
                break
        return due

    async def _wake(self, name: Name) -> None:
        partition, routine_id = name
        context = engine_context("routines", partition=partition)
        try:
            accepted = await self._kernel.dispatch.propose(f"routine/{routine_id}", Wake(), context)
        except StudioError as error:
            _log.warning("the routine %s could not be woken: %s", routine_id, error.detail)
        except Exception:
            _log.exception("the routine %s could not be woken", routine_id)
        else:
            if accepted.events:
                return
        # What it decided would have been heard of. Asked again a little later: it must neither be lost nor spin.
        if name in self._awaiting and name not in self._next:
            self._set(name, self._kernel.clock.now_ms() + RETRY_MS)

    def _hear(self, told: Told) -> None:
        for change in told.changes:
            if change.key.startswith(PREFIX):
                self._note((change.partition, change.key.removeprefix(PREFIX)), change.value)

    def _note(self, name: Name, value: bytes | None) -> None:
        head = None if value is None else decode(value, _Head)
        if head is None or head.status != "active":
            head = _Head(status="gone")
        if head.watch is not None:
            self.watched[name] = head.watch
        else:
            self.watched.pop(name, None)
        if head.next_fire_at_ms is not None or head.watch is not None or head.chain is not None:
            self._awaiting.add(name)
        else:
            self._awaiting.discard(name)
        if head.next_fire_at_ms is None:
            self._next.pop(name, None)
        elif self._next.get(name) != head.next_fire_at_ms:
            self._set(name, head.next_fire_at_ms)

    def _set(self, name: Name, at_ms: int) -> None:
        earlier = not self._heap or at_ms < self._heap[0][0]
        self._next[name] = at_ms
        heapq.heappush(self._heap, (at_ms, name))
        if earlier:
            self._news.set()
