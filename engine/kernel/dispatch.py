"""The one write path: a proposal is decided, folded, committed with all it leads to, and then told.

Requests wait in one queue. The committer takes all that wait, works them out one after the other on the heads, and
commits once: the sync to disk is paid once a batch. A refusal is its own request's alone and never reaches SQL; it is
told after the commit all the same, for what it refers to may be another request of the batch.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from engine.kernel import changes, claims, failpoints, log
from engine.kernel.chain import START
from engine.kernel.clock import Clock, monotonic_s
from engine.kernel.context import Answer, Context
from engine.kernel.database import Database
from engine.kernel.errors import Unavailable
from engine.kernel.fold import Accepted, Asked, Draft, Overlay
from engine.kernel.heads import Heads, Held
from engine.kernel.measures import Measures
from engine.kernel.reducer import Aggregate

__all__ = ["Accepted", "Asked", "Bookkeeping", "Dispatch", "Told"]

BATCH: Final = 512
Bookkeeping = Callable[[sqlite3.Connection, Sequence[Accepted]], None]
Screen = Callable[[Sequence[Asked], Context], Sequence[Asked]]
reach = failpoints.points(
    "dispatch",
    "queued",
    "taken",
    "worked_out",
    "events_written",
    "changes_written",
    "bookkeeping_written",
    "claimed",
    "durable",
    "kept",
    "answered",
    "told",
    "ending",
)


class Told(NamedTuple):
    """What subscribers hear of one commit."""

    events: Sequence[log.Event]
    changes: Sequence[changes.Change]
    enqueued: Sequence[tuple[str, str]]  # (partition, command id)


@dataclass(slots=True)
class _Request:
    asked: Sequence[Asked]
    context: Context
    bookkeeping: Bookkeeping | None
    answer: "asyncio.Future[tuple[Accepted, ...]]"
    kept: Answer | None = None


class Dispatch:
    """Takes proposals; see `propose`."""

    def __init__(
        self, database: Database, heads: Heads, aggregates: dict[str, Aggregate[Any, Any, Any]], clock: Clock
    ) -> None:
        self._database = database
        self._heads = heads
        self._aggregates = aggregates
        self._clock = clock
        self._waiting: deque[_Request] = deque()
        self._news = asyncio.Event()  # somebody waits, or it is over
        self.ended = False  # nothing more is taken
        self._listeners: list[Callable[[Told], None]] = []
        self.measures = Measures()
        self.head = 0
        self.hash = START
        self.committing: Mapping[
            tuple[str, str], Held
        ] = {}  # what is being written, and may be on disk already
        self._last_at_ms = 0
        self._screen: Screen = lambda asked, _context: asked

    def start_at(self, head: int, at_ms: int, hash_: bytes = START) -> None:
        """Take over where the log ends and what its chain has come to; before the first proposal."""
        self.head, self._last_at_ms, self.hash = head, at_ms, hash_

    def listen(self, listener: Callable[[Told], None]) -> None:
        """Have `listener` called after every commit, in log order."""
        self._listeners.append(listener)

    def screen_with(self, screen: Screen) -> None:
        """Have `screen` take out of proposals what must not be appended, before they are decided."""
        self._screen = screen

    async def state(self, stream: str, partition: str) -> tuple[Any, int]:
        """Return a stream's committed state and version; a stream without events has its initial state and 0."""
        return await self._heads.look(partition, stream)

    async def propose(
        self, stream: str, proposal: Any, context: Context, *, expected_version: int | None = None
    ) -> Accepted:
        """Ask for one thing; return when what came of it is durable.

        A caller that is cancelled while it waits does not know the outcome: the commit goes on.

        Raises:
            StudioError: whatever `decide` refuses with; Conflict when `expected_version` is not the stream's;
                Unavailable when the log cannot be written.
        """
        return (await self.propose_many([Asked(stream, proposal, expected_version)], context))[0]

    async def propose_many(
        self, asked: Sequence[Asked], context: Context, *, bookkeeping: Bookkeeping | None = None
    ) -> tuple[Accepted, ...]:
        """Ask for several things that are accepted together, in one transaction, or not at all.

        `bookkeeping` writes rows that are no state (a checkpoint, a lease) in the same transaction, and sees what was
        accepted. What it raises refuses the whole batch: it is for finding that the log is another's by now.
        """
        return await self.offer(asked, context, bookkeeping)

    def offer(
        self, asked: Sequence[Asked], context: Context, bookkeeping: Bookkeeping | None = None
    ) -> "asyncio.Future[tuple[Accepted, ...]]":
        """Put a request into the queue, as `propose_many` does, and return what will have its outcome.

        Raises:
            Unavailable: the daemon is stopping.
        """
        if self.ended:
            raise Unavailable("the daemon is stopping and takes nothing more")
        answer: asyncio.Future[tuple[Accepted, ...]] = asyncio.get_running_loop().create_future()
        asked = self._screen(asked, context)
        self._waiting.append(_Request(asked, context, bookkeeping, answer))
        self._news.set()
        reach("queued")
        return answer

    async def run(self) -> None:
        """Commit batches until `stop`; nobody is left waiting, whatever ends it."""
        batch: list[_Request] = []
        try:
            while self._waiting or not self.ended:
                await self._news.wait()
                batch = self._next()
                await self._commit(batch)
        finally:
            self.ended = True
            reach("ending")
            for request in (*batch, *self._waiting):
                _refuse(request, Unavailable("the daemon stopped; whether this was written is not known"))

    def stop(self) -> None:
        """Have `run` commit what waits and return; nothing more is taken."""
        self.ended = True
        self._news.set()

    def _next(self) -> list[_Request]:
        """Take what waits, up to a batch."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
        if not self._waiting and not self.ended:
            self._news.clear()
        return batch

    async def _commit(self, batch: list[_Request]) -> None:
        reach("taken")
        began_s = monotonic_s()
        overlay, position = Overlay(self._heads), self.head
        at_ms = max(self._clock.now_ms(), self._last_at_ms)
        done: list[tuple[_Request, Draft, tuple[Accepted, ...]]] = []
        refused: list[tuple[_Request, Exception]] = []
        for request in batch:
            draft = Draft(overlay, self._aggregates, request.context, position, at_ms)
            try:
                accepted = await draft.work_out(request.asked)
                request.kept = _answer(request.context, accepted)
            except Exception as refusal:
                # A bug in a reducer is its caller's 500 and nobody else's; the committer goes on.
                refused.append((request, refusal))
                continue
            overlay.streams.update(draft.streams)
            overlay.records.update(draft.records)
            position = draft.position
            done.append((request, draft, accepted))
        hash_ = self.hash
        reach("worked_out")
        try:
            if any(draft.events or request.bookkeeping or request.kept for request, draft, _ in done):
                self.committing = overlay.records
                hash_ = await self._database.write(
                    lambda connection: _write(connection, done, self.hash, at_ms)
                )
                took_s = monotonic_s() - began_s
                self.measures.committed(took_s, requests=len(done), events=position - self.head)
        except Exception as failure:
            self.committing = {}
            for request in batch:
                _refuse(request, failure)
            return
        reach("durable")
        self.head, self._last_at_ms, self.hash = position, at_ms, hash_
        self._heads.keep(overlay.streams, overlay.records)
        reach("kept")
        self._tell(done)
        self.committing = {}
        reach("told")
        for request, reason in refused:
            _refuse(request, reason)

    def _tell(self, done: list[tuple[_Request, Draft, tuple[Accepted, ...]]]) -> None:
        for request, _, accepted in done:
            if not request.answer.done():
                request.answer.set_result(accepted)
                reach("answered")
        told = Told(
            [event for _, draft, _ in done for event in draft.events],
            [change for _, draft, _ in done for change in draft.changes],
            [
                (request.context.partition, command)
                for request, draft, _ in done
                for command in draft.enqueued
            ],
        )
        if told.events:
            for listener in self._listeners:
                listener(told)


def _write(
    connection: sqlite3.Connection,
    done: list[tuple[_Request, Draft, tuple[Accepted, ...]]],
    hash_: bytes,
    at_ms: int,
) -> bytes:
    """Write a batch of the time `at_ms` and return the hash that the chain comes to."""
    events = [event for _, draft, _ in done for event in draft.events]
    values = {position: kept for _, draft, _ in done for position, kept in draft.values.items()}
    hash_ = log.insert(connection, events, hash_, values)
    reach("events_written")
    changes.insert(connection, [change for _, draft, _ in done for change in draft.changes])
    reach("changes_written")
    for request, draft, accepted in done:
        if request.bookkeeping:
            request.bookkeeping(connection, accepted)
            reach("bookkeeping_written")
        if request.context.claim and (draft.events or request.kept):
            claims.keep(connection, request.context.claim, request.kept, at_ms)
            reach("claimed")
    return hash_


def _answer(context: Context, accepted: Sequence[Accepted]) -> Answer | None:
    claim = context.claim
    return None if claim is None or claim.answer is None else claim.answer(accepted)


def _refuse(request: _Request, error: Exception) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)
