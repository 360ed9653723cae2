"""Folds the log from where it begins with today's reducers, and compares what it comes to with what is published."""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from operator import attrgetter
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.log import Difference, ReplayProof
from engine.kernel import beginning, chain, checkpoint
from engine.kernel.beginning import FIRST, Beginning
from engine.kernel.changes import Change, read_after, read_live, read_span
from engine.kernel.database import Database, looking
from engine.kernel.log import Row, read_rows
from engine.kernel.proof import DAMAGE
from engine.kernel.rebuild import Rebuild
from engine.kernel.reducer import Aggregate

PAGE: Final = 500
_KEY: Final = attrgetter("partition", "key")


class Replay:
    """One comparison; `difference` is the first place where the two come apart.

    It begins with the checkpoint that the log begins with. A compaction that comes between two pages makes it begin anew.
    """

    def __init__(self, aggregates: Mapping[str, Aggregate[Any, Any, Any]], head: int) -> None:
        self._aggregates = aggregates
        self._head = head
        self._begin(FIRST)

    def _begin(self, begins: Beginning) -> None:
        self.rebuild = Rebuild(self._aggregates)
        self.begins = begins
        self.position = begins.position
        self.difference: Difference | None = None

    def _follow_beginning(self, connection: sqlite3.Connection) -> None:
        begins = beginning.read(connection)
        if begins.position != self.begins.position:
            self._begin(begins)
            at = begins.position
            streams, resources = checkpoint.streams(connection, at), checkpoint.resources(connection, at)
            self.rebuild.begin_at(begins.shapes, streams, resources)

    def go_on_to(self, head: int) -> None:
        """Take in what was appended meanwhile as well."""
        self._head = head

    def page(self, connection: sqlite3.Connection) -> bool:
        """Fold and compare one page; tell whether there may be more."""
        with looking(connection):
            return self._page(connection)

    def _page(self, connection: sqlite3.Connection) -> bool:
        self._follow_beginning(connection)
        rows = read_rows(connection, self.position, min(PAGE, self._head - self.position))
        if not rows:
            return False
        history: dict[int, list[Row]] = {}
        for told in read_span(connection, self.position, rows[-1][0]):
            history.setdefault(told[0], []).append(told)
        for row in rows:
            values = chain.values_of(connection, row) if row[4] == chain.RECORDS_TYPE else ()
            self._step(row, values, history.pop(row[0], ()))
            if self.difference is not None:
                return False
        for left in history.values():
            self._differ(Change(*left[0]), None, "is in the history at a position that has no event")
        return self.difference is None and self.position < self._head

    def _step(self, row: Row, values: chain.Values, live: Sequence[Row]) -> None:
        self.position = row[0]
        try:
            rebuilt = self.rebuild.fold(row, values, published=bool(live))
        except (LookupError, msgspec.MsgspecError, ValueError) as error:
            self.difference = Difference(
                partition=row[1],
                key=row[2],
                position=row[0],
                detail=f"the event at {row[0]} cannot be folded: {error}",
            )
            return
        # A request that published nothing leaves no trace of where it ended; so the order in which the next one's streams
        # were told, which is that of their first events, cannot be known. What was told can.
        if len(live) == len(rebuilt) == 1 and _same(live[0], rebuilt[0]):
            return  # nearly always
        written = sorted(map(Change.of, live), key=_KEY)
        for there, here in zip_longest(written, sorted(rebuilt, key=_KEY)):
            if there is None or here is None or _shown(there) != _shown(here):
                self._differ(there, here, "is not what the log comes to")
                return

    def compare_live(self, connection: sqlite3.Connection) -> None:
        """Compare the live table with the newest writes, and see that the history ends there; all of the same moment."""
        for beyond in read_after(connection, self._head, 1):
            self._differ(beyond, None, "is in the history beyond the end of the log")
            return
        left = dict(self.rebuild.live)
        for there in read_live(connection):
            here = left.pop((there.partition, there.key), None)
            if here is None or _shown(here) != _shown(there):
                self._differ(there, here, "is published otherwise than the log has it")
                return
        for here in left.values():
            self._differ(None, here, "is in the log and not published")
            return

    def _differ(self, live: Change | None, rebuilt: Change | None, what: str) -> None:
        named = rebuilt or live
        assert named is not None
        self.difference = self.difference or Difference(
            partition=named.partition,
            key=named.key,
            position=named.position,
            detail=f"{named.key} {what}",
            live=_told(live),
            rebuilt=_told(rebuilt),
        )

    def unreadable(self, error: Exception) -> None:
        """Take down that the file cannot be read on."""
        self.difference = self.difference or Difference(
            partition="",
            key="",
            position=self.position,
            detail=f"the file cannot be read after position {self.position}: {error}",
        )

    def report(self) -> ReplayProof:
        """Return what was found."""
        return ReplayProof(
            equal=self.difference is None,
            events=self.rebuild.events,
            position=self.position,
            streams=len(self.rebuild.streams),
            resources=sum(change.value is not None for change in self.rebuild.live.values()),
            difference=self.difference,
            oldest=self.begins.position,
        )


async def check(database: Database, aggregates: Mapping[str, Aggregate[Any, Any, Any]]) -> ReplayProof:
    """Fold the log up to where it is and compare; nothing is changed. What cannot be read is a difference."""
    replay = Replay(aggregates, await database.read(_head))
    try:
        while await database.read(replay.page):
            pass
        # Writes go on meanwhile: the tables are compared in the same look at the file in which nothing was left.
        while not await database.read(lambda connection: _caught_up(connection, replay)):
            pass
    except DAMAGE as error:
        replay.unreadable(error)
    return replay.report()


def _caught_up(connection: sqlite3.Connection, replay: Replay) -> bool:
    with looking(connection):
        replay.go_on_to(_head(connection))
        if replay.page(connection):
            return False
        if replay.difference is None:
            replay.compare_live(connection)
        return True


def _head(connection: sqlite3.Connection) -> int:
    row: tuple[int] = connection.execute("SELECT COALESCE(MAX(position), 0) FROM events").fetchone()
    return row[0]


def _shown(change: Change) -> tuple[object, ...]:
    # All but the ordinal, which the live table does not keep.
    return (change.position, *change.row()[2:])


def _same(row: Row, change: Change) -> bool:
    return row[0] == change.position and row[2:] == change.row()[2:]


def _told(change: Change | None) -> msgspec.Raw | None:
    if change is None:
        return None
    value = None if change.value is None else msgspec.Raw(change.value)
    told: dict[str, Any] = {"rev": change.rev, "position": change.position, "value": value}
    told |= {"updated_at_ms": change.updated_at_ms, "updated_by": change.updated_by}
    told |= {"ttl_ms": change.ttl_ms, "expires_at_ms": change.expires_at_ms}
    return msgspec.Raw(encode(told))
