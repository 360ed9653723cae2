"""Records whose time is up: deleted by an event, like any other change.

Until that event a record is there, for every reader alike; a clock alone changes nothing. The sweeper sleeps until the
next one is due, and is woken by a write that is due earlier. What a client writes in between lives on, for the sweeper
names the rev that it saw.
"""

import asyncio
import logging
import sqlite3
from collections import defaultdict
from typing import Final

from engine.kernel import failpoints, records
from engine.kernel.clock import Clock, sleep_until
from engine.kernel.context import engine_context
from engine.kernel.database import Database
from engine.kernel.dispatch import Dispatch, Told
from engine.kernel.errors import Unavailable
from engine.kernel.patience import insist
from engine.kernel.records import Expiry, WriteRecords

PAGE: Final = 500
_log = logging.getLogger(__name__)
reach = failpoints.points("expiry", "found", "deleted")


class Sweeper:
    """Proposes the deletion of what has expired."""

    def __init__(self, dispatch: Dispatch, database: Database, clock: Clock) -> None:
        self._dispatch = dispatch
        self._database = database
        self._clock = clock
        self._due_at_ms: int | None = None
        self._earlier = asyncio.Event()
        dispatch.listen(self._hear)

    async def catch_up(self) -> None:
        """Delete what expired while the daemon was away; a full disk does not keep it from starting."""
        try:
            await self.sweep()
        except Unavailable as error:
            _log.warning("what has expired stays for now: %s", error.detail)

    async def run(self) -> None:
        """Sweep whenever a record is due, until cancelled."""
        while True:
            self._earlier.clear()
            self._due_at_ms = None  # while this looks, every write with a time counts as news
            self._due_at_ms = await self._database.read(_next_due)
            await self._until(self._due_at_ms)
            await insist(self.sweep, self._clock)

    async def sweep(self) -> None:
        """Delete every record whose time is up, those of a partition together.

        Raises:
            Unavailable: the disk is full, or the daemon stops.
        """
        while overdue := await self._overdue():
            for partition, expired in overdue.items():
                reach("found")
                await self._dispatch.propose(
                    records.STREAM,
                    WriteRecords(operations=tuple(expired)),
                    engine_context("expiry", partition=partition),
                )
                reach("deleted")

    async def _overdue(self) -> dict[str, list[Expiry]]:
        now_ms = self._clock.now_ms()

        def work(connection: sqlite3.Connection) -> dict[str, list[Expiry]]:
            found: dict[str, list[Expiry]] = defaultdict(list)
            query = "SELECT partition, key, rev FROM resources WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?"
            for partition, key, rev in connection.execute(query, (now_ms, PAGE)):
                found[partition].append(Expiry(key=key, rev=rev))
            return found

        return await self._database.read(work)

    def _hear(self, told: Told) -> None:
        for change in told.changes:
            due_at_ms = change.expires_at_ms
            if due_at_ms is not None and (self._due_at_ms is None or due_at_ms < self._due_at_ms):
                self._earlier.set()

    async def _until(self, due_at_ms: int | None) -> None:
        """Return when the wall clock says so, or when something is due earlier."""
        waiting = [asyncio.create_task(self._heard())]
        if due_at_ms is not None:
            waiting.append(asyncio.create_task(sleep_until(self._clock, due_at_ms)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _heard(self) -> None:
        await self._earlier.wait()


def _next_due(connection: sqlite3.Connection) -> int | None:
    query = "SELECT MIN(expires_at_ms) FROM resources WHERE expires_at_ms IS NOT NULL"
    due_at_ms: int | None = connection.execute(query).fetchone()[0]
    return due_at_ms
