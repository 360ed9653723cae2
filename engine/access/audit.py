"""Puts on record who was refused, without letting a flood of refusals flood the log.

The first refusal of its kind is recorded at once, before its answer goes out. Those alike (the same caller, code and
capability) within the next minute are counted, and the count is recorded when the minute is over: two events a minute and
kind at most. What administers the engine is never counted together.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from engine.access import sessions, tokens
from engine.access.reducer_audit import KIND, Entry, Note
from engine.http.gate import Noted
from engine.kernel.clock import Clock, sleep_until
from engine.kernel.context import DEFAULT_PARTITION, Context, engine_context
from engine.kernel.dispatch import Asked, Dispatch
from engine.kernel.errors import StudioError

WINDOW_MS: Final = 60_000
WINDOWS_MAX: Final = 512
REASON_MAX: Final = 300
ACTION_MAX: Final = 200
_SECRET: Final = re.compile(f"({re.escape(tokens.PREFIX)}|{re.escape(sessions.PREFIX)})[A-Za-z0-9_.-]+")
_log = logging.getLogger(__name__)

_Kind = tuple[str, str, str, str]  # partition, actor, code, capability
_MANY: Final[_Kind] = (DEFAULT_PARTITION, "", "many", "")


class _Window:
    """Refusals of one kind since the first: `entry` is the newest, `count` those that are not recorded yet."""

    def __init__(self, partition: str, entry: Entry, since_ms: int) -> None:
        self.partition = partition
        self.entry = entry
        self.since_ms = since_ms
        self.count = 0


class Auditor:
    """What the border tells of refusals and administration, on its way to the log."""

    def __init__(self, dispatch: Dispatch, clock: Clock) -> None:
        self._dispatch = dispatch
        self._clock = clock
        self._windows: dict[_Kind, _Window] = {}  # the oldest first: all are equally long
        self._opened = asyncio.Event()

    async def note(self, noted: Noted) -> None:
        """Take in what the border has refused or carried out; never fails the request that it is about."""
        entry = _entry(noted, self._clock.now_ms())
        partition = noted.context.partition if noted.context else DEFAULT_PARTITION
        if noted.error is None:
            await self._record(partition, entry)
            return
        kind = (partition, entry.actor, entry.code, entry.capability)
        if kind not in self._windows and len(self._windows) >= WINDOWS_MAX:
            kind, partition = _MANY, DEFAULT_PARTITION
        window = self._windows.get(kind)
        if window is None:
            self._windows[kind] = _Window(partition, entry, entry.since_ms)
            self._opened.set()
            await self._record(partition, entry)
        else:
            window.entry = entry
            window.count += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Record counts as their minutes end, for as long as the block lasts; at its end all that are left."""
        task = asyncio.create_task(self._run(), name="audit")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            while self._windows:
                await self._close_oldest()

    async def _run(self) -> None:
        while True:
            self._opened.clear()
            while self._windows:
                oldest = next(iter(self._windows.values()))
                await sleep_until(self._clock, oldest.since_ms + WINDOW_MS)
                await self._close_oldest()
            await self._opened.wait()

    async def _close_oldest(self) -> None:
        window = self._windows.pop(next(iter(self._windows)))
        if window.count:
            counted = replace(window.entry, count=window.count, since_ms=window.since_ms)
            await self._record(window.partition, counted)

    async def _record(self, partition: str, entry: Entry) -> None:
        try:
            asked = note(entry, self._clock.now_ms())
            await self._dispatch.propose_many([asked], engine_context("access", partition=partition))
        except StudioError as error:
            # A full disk or a stopping log: the refusal itself stands.
            _log.warning("the audit lost an entry (%s %s): %s", entry.action, entry.code, error.detail)


def note(entry: Entry, at_ms: int) -> Asked:
    """Return the proposal that puts `entry` on record in the stream of its day (UTC)."""
    day = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d")
    return Asked(f"{KIND}/{day}", Note(entry=entry))


def administered(
    context: Context, *, action: str, target: str, capability: str, at_ms: int, address: str
) -> Asked:
    """Return the proposal that records, in the commit of the deed itself, that somebody administers the engine."""
    entry = Entry(
        actor=context.actor,
        token_id=context.token_id,
        action=action,
        outcome="done",
        capability=capability,
        target=target,
        address=address,
        since_ms=at_ms,
    )
    return note(entry, at_ms)


def _entry(noted: Noted, at_ms: int) -> Entry:
    context, error = noted.context, noted.error
    method, _, path = noted.action.partition(" ")
    # What somebody unknown asks for may be anything, a secret in the wrong place too: its beginning is enough.
    told = path if context else "/".join(path.split("/")[:3])[:40]
    return Entry(
        actor=context.actor if context else "",
        token_id=context.token_id if context else "",
        action=_told(f"{method} {told}", ACTION_MAX),
        outcome="done" if error is None else "refused",
        code=error.code if error else "",
        reason=_told(error.detail, REASON_MAX) if error else "",
        capability=noted.capability,
        address=noted.address,
        since_ms=at_ms,
    )


def _told(text: str, most: int) -> str:
    """Return a text without what looks like a token or a cookie: some paste one where an id belongs."""
    return _SECRET.sub(r"\1...", text)[:most]
