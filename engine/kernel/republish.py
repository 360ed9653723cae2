"""Writes what is published anew from the log: the history and the live table, each resource with its revs and positions.

At which positions something was published is the one thing that the history knows and the log does not; where a row lies
at a wrong position, what was written before it is published with what comes next.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from engine.kernel import beginning, changes, checkpoint
from engine.kernel.chain import values_of
from engine.kernel.changes import Change
from engine.kernel.log import read_rows
from engine.kernel.rebuild import Rebuild
from engine.kernel.reducer import Aggregate

PAGE: Final = 500


def republish(connection: sqlite3.Connection, aggregates: Mapping[str, Aggregate[Any, Any, Any]]) -> None:
    """Fold the log from where it begins and put what it comes to in the place of what is published.

    Inside the caller's transaction. The log has to be proved before: the records that clients wrote are taken from the
    history as it is, and are right where the hash chain is.

    Raises:
        LookupError: no reducer knows a stream.
        Unavailable: a state of the checkpoint is in a shape that nobody knows any more.
        msgspec.MsgspecError: an event is none that its reducer knows.
    """
    rebuild = Rebuild(aggregates)
    connection.execute("DELETE FROM resources")
    after = _begin(connection, rebuild)
    while rows := read_rows(connection, after, PAGE):
        last = rows[-1][0]
        span = (after, last)
        published = {
            position
            for (position,) in connection.execute(
                "SELECT DISTINCT position FROM resource_history WHERE position > ? AND position <= ?", span
            )
        }
        written: list[Change] = []
        for row in rows:
            written += rebuild.fold(row, values_of(connection, row), published=row[0] in published)
        connection.execute("DELETE FROM resource_history WHERE position > ? AND position <= ?", span)
        changes.insert(connection, written)
        after = last
    connection.execute("DELETE FROM resource_history WHERE position > ?", (after,))


def _begin(connection: sqlite3.Connection, rebuild: Rebuild) -> int:
    """Take up the checkpoint that the log begins with; return its position, 0 where there is none."""
    begins = beginning.read(connection)
    at = begins.position
    if at:
        resources = list(checkpoint.resources(connection, at))
        rebuild.begin_at(begins.shapes, checkpoint.streams(connection, at), resources)
        connection.execute("DELETE FROM resource_history WHERE position <= ?", (at,))
        changes.insert(connection, resources)
    return at
