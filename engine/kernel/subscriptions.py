"""A consumer's place in the log: catch up from a position, then live.

Nothing is queued for a consumer. It is woken, and reads what lies after its place: from the last commits kept in memory
when it is near the head, from the database when it is behind. A slow one costs reads, never memory, and misses nothing.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from engine.kernel import beginning, changes
from engine.kernel.changes import Change
from engine.kernel.database import Database
from engine.kernel.dispatch import Told
from engine.kernel.log import Event, Log

RECENT: Final = 2048  # commits kept in memory for those near the head, and no more bytes than:
RECENT_BYTES: Final = 16 << 20
PAGE: Final = 500


class Recent(NamedTuple):
    """Changes after a place, and the position reached with them."""

    changes: Sequence[Change]
    reached: int


class Subscriptions:
    """Wakes consumers after every commit and hands them what is new."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        self._recent: deque[Told] = deque()
        self._recent_bytes = 0
        self._news = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self.head = 0
        self._floor = 0  # everything after this position is in `_recent`

    def start_at(self, head: int) -> None:
        """Take over where the log ends; before the first commit."""
        self.head = self._floor = head

    def publish(self, told: Told) -> None:
        """Take over a commit; called in log order."""
        self.head = told.events[-1].position
        self._recent.append(told)
        self._recent_bytes += _size(told)
        while len(self._recent) > RECENT or self._recent_bytes > RECENT_BYTES:
            gone = self._recent.popleft()
            self._recent_bytes -= _size(gone)
            self._floor = gone.events[-1].position
        self.wake()

    def wake(self) -> None:
        """Wake everybody who waits for news."""
        self._news.set()
        self._news = asyncio.Event()
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called at all news; it must not wait."""
        self._listeners.append(listener)

    @property
    def signal(self) -> asyncio.Event:
        """Set at the next news. Take it before looking, wait for it when there was nothing to see."""
        return self._news

    async def changes_after(self, position: int) -> tuple[Sequence[Change], int]:
        """Return changes after `position` of all partitions, in order, and the position reached.

        Changes of one position are never separated. No changes and `position` reached: the consumer is at the head.
        A consumer that read the database may be ahead of what has been told; it never goes back.

        Raises:
            Compacted: the log begins after `position`.
        """
        recent = self.recent_after(position)
        if recent is not None:
            return recent
        head = self.head
        found = await self._database.read(lambda connection: _read(connection, position))
        return found, (found[-1].position if found else head)

    def recent_after(self, position: int) -> Recent | None:
        """Return what `changes_after` does, as far as memory reaches back; None: the database has to be asked."""
        if position < self._floor:
            return None
        found: list[Change] = []
        for told in self._newer(position):
            # Of a commit's changes some may have been seen already, by who came back or read the database.
            whole = told.events[0].position > position
            found.extend(told.changes if whole else [one for one in told.changes if one.position > position])
            if len(found) >= PAGE:
                return Recent(found, told.events[-1].position)
        return Recent(found, max(position, self.head))

    async def events_after(self, position: int) -> tuple[Sequence[Event], int]:
        """Return events after `position` of all partitions, in order, and the position reached.

        Raises:
            Compacted: the log begins after `position`.
        """
        if position >= self._floor:
            found: list[Event] = []
            for told in self._newer(position):
                found.extend(event for event in told.events if event.position > position)
                if len(found) >= PAGE:
                    break
            return found, (found[-1].position if found else max(position, self.head))
        head = self.head
        found = await self._log.read(after=position, limit=PAGE)
        return found, (found[-1].position if found else head)

    async def follow_events(self, after: int) -> AsyncIterator[Event]:
        """Yield every event after `after`, for ever."""
        position = after
        while True:
            news = self.signal
            found, position = await self.events_after(position)
            for event in found:
                yield event
            if not found:
                await news.wait()

    def _newer(self, position: int) -> list[Told]:
        newer: list[Told] = []
        for told in reversed(self._recent):
            if told.events[-1].position <= position:
                break
            newer.append(told)
        newer.reverse()
        return newer


def _read(connection: sqlite3.Connection, position: int) -> list[Change]:
    found = changes.read_after(connection, position, PAGE)
    beginning.check(connection, position)
    return found


def _size(told: Told) -> int:
    return sum(memoryview(event.data).nbytes for event in told.events) + sum(
        change.size for change in told.changes
    )
