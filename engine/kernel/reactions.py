"""Pure code that turns an event of one stream into proposals for others.

Each event is reacted to exactly once: the proposals and the place reached are committed in one transaction. When they
are refused (the other stream has moved on) none of them is accepted and the program's log says so. A full disk is no
refusal: the reaction waits. A mistake in the code costs its own reaction, with a trace; were it to end the daemon, every
next start would meet the same event and end again.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from engine.kernel import failpoints
from engine.kernel.clock import Clock
from engine.kernel.context import engine_context
from engine.kernel.database import Database
from engine.kernel.dispatch import Asked, Bookkeeping, Dispatch
from engine.kernel.errors import StudioError, Unavailable
from engine.kernel.log import Event
from engine.kernel.patience import insist
from engine.kernel.reducer import tag_of
from engine.kernel.subscriptions import Subscriptions

NAME: Final = "reactions"
ACTOR: Final = "reaction"
KEEP_EVERY: Final = (
    1000  # events without a reaction, until the place is kept all the same: they are not read again
)
PATIENCE_S: Final = 5.0
_log = logging.getLogger(__name__)
reach = failpoints.points("reactions", "before", "answered", "done")

React = Callable[[Any, Event], Sequence[Asked]]


class Reactions:
    """The registered reactions and the one reader that runs them."""

    def __init__(
        self, dispatch: Dispatch, subscriptions: Subscriptions, database: Database, clock: Clock
    ) -> None:
        self._dispatch = dispatch
        self._subscriptions = subscriptions
        self._database = database
        self._clock = clock
        self._by_type: dict[str, tuple[str, type[Struct], React]] = {}
        self._reached: int | None = None  # None: they do not run
        self._kept = 0
        self._moved = asyncio.Event()

    def on(self, event: type[Struct], name: str, react: React) -> None:
        """Have `react(event, recorded)` answer every event of this type with proposals; `name` is for people.

        One reaction an event type: all that follows from an event is accepted together.
        """
        tag = tag_of(event)
        assert tag not in self._by_type, f"two reactions to {tag}"
        self._by_type[tag] = (name, event, react)

    async def run(self) -> None:
        """React to everything after the checkpoint, in order, until cancelled."""
        after = self._reached = self._kept = await self._database.read(_checkpoint)
        async for recorded in self._subscriptions.follow_events(after):
            if recorded.type in self._by_type:
                reach("before")
                await self._react(recorded)
                reach("done")
            self._reached = recorded.position
            self._moved.set()
            if recorded.position - self._kept >= KEEP_EVERY:
                await self.keep_place()

    async def keep_place(self) -> None:
        """Put on disk how far the reactions have come, past what concerned none of them.

        Where that cannot be (a full disk) they look at some events again after the next start, and pass them by again.
        """
        reached = self._reached
        if reached is not None and self._kept < reached:
            with contextlib.suppress(Unavailable):
                await self._dispatch.propose_many((), engine_context(ACTOR), bookkeeping=_reached(reached))
                self._kept = reached

    async def seen(self, position: int) -> int:
        """Return how far every reaction has come, once it is at `position`; after `PATIENCE_S` what it is by then.

        Where they do not run it is the place that they have kept.
        """
        if self._reached is None:
            return await self._database.read(_checkpoint)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._reached < position:
                    self._moved.clear()
                    await self._moved.wait()
        return self._reached

    async def _react(self, recorded: Event) -> None:
        name, kind, react = self._by_type[recorded.type]
        try:
            asked = react(decode(bytes(recorded.data), kind), recorded)
            if asked:
                reach("answered")
                await self._propose(name, asked, recorded)
        except Unavailable:
            raise
        except StudioError as refusal:
            _log.info("the reaction %s to %s was refused: %s", name, recorded.position, refusal.detail)
            await self._propose(name, (), recorded)
        except Exception:
            _log.exception("the reaction %s to %s failed and is left out", name, recorded.position)
            await self._propose(name, (), recorded)

    async def _propose(self, name: str, asked: Sequence[Asked], recorded: Event) -> None:
        context = engine_context(
            f"{ACTOR}:{name}",
            partition=recorded.partition,
            correlation_id=recorded.correlation_id,
            causation_id=str(recorded.position),
        )
        await insist(
            lambda: self._dispatch.propose_many(asked, context, bookkeeping=_reached(recorded.position)),
            self._clock,
        )


def _checkpoint(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT position FROM checkpoints WHERE name = ?", (NAME,)).fetchone()
    return row[0] if row else 0


def pass_by(connection: sqlite3.Connection, position: int) -> None:
    """Keep that what lies up to a position needs no look any more, inside the caller's transaction; never go back.

    Whoever is cancelled while a reaction is committed does not know of it, and stands further back than the disk says.
    """
    connection.execute(
        "INSERT INTO checkpoints (name, position) VALUES (?1, ?2)"
        " ON CONFLICT (name) DO UPDATE SET position = MAX(position, ?2)",
        (NAME, position),
    )


def _reached(position: int) -> Bookkeeping:
    return lambda connection, _accepted: pass_by(connection, position)
