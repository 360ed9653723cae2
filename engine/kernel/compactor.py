"""Compaction: the events up to some position are replaced by a checkpoint of what they came to.

Each step is small and leaves something whole behind, so that a crash between any two leaves the old log or the new one:

    fold      prove the events that are to go, fold them, and compare what they come to with what is published
    store     write the checkpoint's streams, beside whatever checkpoint there is; nobody reads them yet
    switch    in one commit: the event `log.compacted`, and the place where the log begins; from here on it is the new log
    secure    bring the anchor past the beginning: nothing that it speaks of may go before
    sweep     delete what lies before the beginning, a bounded piece in each commit, so that writes go on in between
    give back return the pages that are free to the file system, again in pieces

What was left after `switch` is taken up at the next start. Nothing is compacted that does not prove sound, for the proof of
what is wrong would go with it. No request is cut in two: what it published lies at its last position. And no reaction is
left behind: the log begins at most where the slowest has come to.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cutroom_sdk.wire.log import CompactedLog
from engine.kernel import anchor, beginning, checkpoint, failpoints, reactions, shapes
from engine.kernel.beginning import Beginning
from engine.kernel.changes import Change
from engine.kernel.checkpoint import Digest, Standing, line_of
from engine.kernel.compaction import STREAM, Compact
from engine.kernel.context import Context
from engine.kernel.database import Database
from engine.kernel.dispatch import Accepted, Asked, Dispatch
from engine.kernel.errors import Conflict, StudioError, Unavailable
from engine.kernel.ids import kind_of
from engine.kernel.log import Log
from engine.kernel.proof import Walk
from engine.kernel.reducer import Aggregate
from engine.kernel.replay import Replay

STEP = 1000  # rows in one commit, so that nobody's write waits long behind it
PAGES = 512  # pages given back in one commit, 2 MiB

_log = logging.getLogger(__name__)
reach = failpoints.points(
    "compactor",
    "folded",
    "streams_stored",
    "stored",
    "switching",
    "switched",
    "secured",
    "piece_swept",
    "history_swept",
    "swept",
    "given_back",
    "ended",
)


class Folded(NamedTuple):
    """The checkpoint worked out: not yet written, but for its resources, which lie in the history."""

    begins: Beginning
    streams: list[Standing]
    events: int


class Compactor:
    """Compacts the log of a kernel, one compaction after the other."""

    def __init__(
        self,
        database: Database,
        log: Log,
        dispatch: Dispatch,
        aggregates: Mapping[str, Aggregate[Any, Any, Any]],
        keeper: anchor.Keeper,
        seen: Callable[[int], Awaitable[int]],
    ) -> None:
        """`seen(position)` says how far every reaction has come, once it is at `position` or takes too long."""
        self._database = database
        self._log = log
        self._dispatch = dispatch
        self._aggregates = aggregates
        self._keeper = keeper
        self._seen = seen
        self._one = asyncio.Lock()

    @property
    def folder(self) -> Path:
        """The state directory."""
        return self._database.path.parent

    async def position_at(self, at_ms: int) -> int:
        """Return the first position whose event is not before a time; one after the head when all are."""
        return await self._database.read(lambda connection: _first_since(connection, at_ms))

    async def compact(self, before: int, context: Context, *, also: Sequence[Asked] = ()) -> CompactedLog:
        """Replace the events before a position by a checkpoint, as far as that can be; return what it came to.

        `also` is accepted in the commit that puts the checkpoint in force, and only then.

        Raises:
            Conflict: `position_ahead`, the position is beyond the head; or what is to go does not prove sound.
            Unavailable: the disk is full. Before the switch nothing has changed; after it the rest is done at the next
                start, or by the next compaction.
        """
        head = self._dispatch.head
        if before > head + 1:
            raise Conflict(
                f"the position {before} is beyond the head {head}",
                expected=before,
                actual=head,
                code="position_ahead",
                head=head,
            )
        async with self._one:
            await self._clear_up()
            await self._database.fold_in()
            bytes_before = self._database.size
            wanted = await self._whole_requests(before - 1, head)
            seen = await self._seen(wanted)
            upto = await self._whole_requests(min(wanted, seen), head)
            held_by = reactions.NAME if upto < wanted else None
            if upto <= self._log.oldest:
                return await self._told(0, bytes_before, held_by)
            folded = await self._fold(upto)
            reach("folded")
            await self._store(folded)
            reach("stored")
            await self._switch(folded, context, also)
            reach("switched")
            await self._clear_up()
            reach("ended")
            return await self._told(folded.events, bytes_before, held_by)

    async def resume(self) -> None:
        """Take up what a crash or a full disk has left; what cannot be done now is left to the next time."""
        async with self._one:
            try:
                await self._clear_up()
            except StudioError as error:
                _log.warning("what lies before the log's beginning stays for now: %s", error.detail)

    async def _whole_requests(self, upto: int, head: int) -> int:
        """Return the last position up to `upto` at which a request has ended."""
        if upto >= head:
            return head
        return await self._database.read(lambda connection: _published(connection, upto))

    async def _fold(self, upto: int) -> Folded:
        walk, replay = Walk(upto), Replay(self._aggregates, upto)
        while await self._database.read(walk.page):
            pass
        hash_ = walk.hash
        walk.upto = None  # the event that speaks of the checkpoint there is may lie beyond what is to go
        while not walk.attested and await self._database.read(walk.page):
            pass
        walk.check_beginning()
        if walk.findings:
            raise _unsound(walk.findings[0].detail)
        while await self._database.read(replay.page):
            pass
        if replay.difference is not None:
            raise _unsound(replay.difference.detail)
        streams, kinds = await asyncio.to_thread(_standings, replay, self._aggregates)
        digest = Digest(upto, hash_, kinds).take(one.line() for one in streams)
        # As the history has them, not as they were folded: of what is written together the order is not known from events.
        last: Change | None = None
        while found := await self._database.read(
            partial(checkpoint.page_of_resources, position=upto, after=last)
        ):
            digest.take(map(line_of, found))
            last = found[-1]
        begins = Beginning(position=upto, hash=hash_, checkpoint=digest.hex(), shapes=kinds, swept=False)
        return Folded(begins, streams, replay.rebuild.events)

    async def _store(self, folded: Folded) -> None:
        for at in range(0, len(folded.streams), STEP):
            some = folded.streams[at : at + STEP]
            await self._database.write(
                partial(checkpoint.store, position=folded.begins.position, standings=some)
            )
            reach("streams_stored")

    async def _switch(self, folded: Folded, context: Context, also: Sequence[Asked]) -> None:
        begins = folded.begins
        compact = Compact(
            position=begins.position,
            hash=begins.hash.hex(),
            checkpoint=begins.checkpoint,
            events=folded.events,
        )

        def put_in_force(connection: sqlite3.Connection, _accepted: Sequence[Accepted]) -> None:
            beginning.write(connection, begins)
            reactions.pass_by(connection, begins.position)
            reach("switching")

        await self._dispatch.propose_many([Asked(STREAM, compact), *also], context, bookkeeping=put_in_force)

    async def _clear_up(self) -> None:
        """Bring what was left half way to its end; nothing where nothing was."""
        begins = await self._database.read(beginning.read)
        self._log.oldest = begins.position
        if not begins.swept:
            await self._secure(begins)
            reach("secured")
            await self._sweep(_delete_events, begins.position)
            await self._sweep_history(begins.position)
            reach("history_swept")
        if await self._database.read(lambda connection: _has_stale_streams(connection, begins.position)):
            await self._sweep(_delete_stale_streams, begins.position)
        if not begins.swept:
            reach("swept")
            await self._give_back()
            reach("given_back")
            await self._database.write(_set_swept)

    async def _secure(self, begins: Beginning) -> None:
        await self._keeper.write()
        told = await asyncio.to_thread(anchor.read, self.folder)
        if told is not None and told.position < begins.position:
            raise Unavailable(f"the anchor could not be brought past {begins.position}; free some space")

    async def _sweep(self, step: Callable[[sqlite3.Connection, int], int], position: int) -> None:
        while await self._database.write(lambda connection: step(connection, position)):
            reach("piece_swept")

    async def _sweep_history(self, position: int) -> None:
        after: tuple[int, int] | None = (0, -1)
        while after is not None:
            after = await self._database.write(partial(_delete_history, position=position, after=after))

    async def _give_back(self) -> None:
        while await self._database.write(_give_pages_back):
            pass
        await self._database.fold_in()

    async def _told(self, events: int, bytes_before: int, held_by: str | None) -> CompactedLog:
        def work(connection: sqlite3.Connection) -> tuple[Beginning, int, int]:
            begins = beginning.read(connection)
            at = begins.position
            return (
                begins,
                checkpoint.count_streams(connection, at),
                checkpoint.count_resources(connection, at),
            )

        begins, streams, resources = await self._database.read(work)
        return CompactedLog(
            position=begins.position,
            hash=begins.hash.hex(),
            checkpoint=begins.checkpoint,
            events=events,
            streams=streams,
            resources=resources,
            bytes_before=bytes_before,
            bytes_after=self._database.size,
            held_by=held_by,
        )


def _standings(
    replay: Replay, aggregates: Mapping[str, Aggregate[Any, Any, Any]]
) -> tuple[list[Standing], dict[str, str]]:
    """Return the streams that were folded as a checkpoint keeps them, and the shapes of their states."""
    streams = [
        Standing(*at, one.version, None if one.aggregate is None else shapes.keep(one.state, one.aggregate))
        for at, one in sorted(replay.rebuild.streams.items(), key=lambda item: item[0])
    ]
    kinds = sorted({kind_of(one.stream) for one in streams if one.state is not None})
    return streams, {kind: shapes.shape_of(aggregates[kind].state) for kind in kinds}


def _unsound(detail: str) -> Conflict:
    return Conflict(
        f"nothing is compacted: the proof of what is wrong would go with it. {detail}", expected=0, actual=1
    )


def _first_since(connection: sqlite3.Connection, at_ms: int) -> int:
    # Times never go back along the log, so they can be searched like the positions.
    low, high = connection.execute(
        "SELECT COALESCE(MIN(position), 1), COALESCE(MAX(position), 0) + 1 FROM events"
    ).fetchone()
    while low < high:
        middle = (low + high) // 2
        row = connection.execute("SELECT at_ms FROM events WHERE position = ?", (middle,)).fetchone()
        if row is not None and row[0] >= at_ms:
            high = middle
        else:
            low = middle + 1
    return int(low)


def _published(connection: sqlite3.Connection, upto: int) -> int:
    query = "SELECT MAX(position) FROM resource_history WHERE position <= ?"
    row: tuple[int | None] = connection.execute(query, (upto,)).fetchone()
    return row[0] or 0


def _delete_events(connection: sqlite3.Connection, position: int) -> int:
    return connection.execute(
        "DELETE FROM events WHERE position IN"
        " (SELECT position FROM events WHERE position <= ? ORDER BY position LIMIT ?)",
        (position, STEP),
    ).rowcount


def _delete_history(
    connection: sqlite3.Connection, position: int, after: tuple[int, int]
) -> tuple[int, int] | None:
    """Delete what is not the newest write of its key, among the rows that come next; return the last of them."""
    rows = connection.execute(
        "SELECT position, ordinal, partition, key FROM resource_history"
        " WHERE (position, ordinal) > (?, ?) AND position <= ? ORDER BY position, ordinal LIMIT ?",
        (*after, position, STEP),
    ).fetchall()
    connection.executemany(
        "DELETE FROM resource_history WHERE position = ?1 AND ordinal = ?2 AND EXISTS"
        " (SELECT 1 FROM resource_history AS newer WHERE newer.partition = ?3 AND newer.key = ?4"
        " AND newer.position <= ?5 AND (newer.position, newer.ordinal) > (?1, ?2))",
        [(*row, position) for row in rows],
    )
    return rows[-1][:2] if rows else None


def _has_stale_streams(connection: sqlite3.Connection, position: int) -> bool:
    query = "SELECT 1 FROM checkpoint_streams WHERE position < ?1 OR position > ?1 LIMIT 1"
    return connection.execute(query, (position,)).fetchone() is not None


def _delete_stale_streams(connection: sqlite3.Connection, position: int) -> int:
    """Delete streams of checkpoints that are no longer in force, or never came to be."""
    return connection.execute(
        "DELETE FROM checkpoint_streams WHERE (position, partition, stream) IN"
        " (SELECT position, partition, stream FROM checkpoint_streams WHERE position < ?1 OR position > ?1 LIMIT ?2)",
        (position, STEP),
    ).rowcount


def _give_pages_back(connection: sqlite3.Connection) -> int:
    """Give free pages back; return how many, 0 when there are none or the file cannot give any back."""
    (before,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(PAGES):
        # It gives a page back each time it is stepped, and Python steps a statement without columns once.
        connection.execute("PRAGMA incremental_vacuum(1)")
    (after,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(before - after)


def _set_swept(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE log_beginning SET swept = 1")
