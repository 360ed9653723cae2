"""Leases: which start of the daemon may carry which command out, and until when.

    starts  (number)                                              one row: how often a daemon has started on this log
    leases  (partition, command_id) -> holder, attempt, until_ms  one row for each attempt that is under way

A lease is written in the commit of its attempt and goes in that of the outcome. A new start takes all of them over. An
outcome is only written while its lease still is its holder's: a daemon that another start has overtaken (a process that
was stopped and woke up again, a state directory served from two machines) finds that out before it changes anything.
Both tables are bookkeeping: the log says what was attempted and how it ended, they say who may say so.
"""

import sqlite3
from collections.abc import Sequence

from engine.kernel.database import Database
from engine.kernel.dispatch import Accepted, Bookkeeping
from engine.kernel.errors import Unavailable


class Fenced(Unavailable):
    """Another start of the daemon has taken this log over: nothing is left to be done here but to end."""


class Leases:
    """The leases of one start of the daemon; `number` is 0 until it has taken over."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.number = 0

    async def take_over(self) -> None:
        """Become the newest start; what older ones held is this one's from here on."""
        self.number = await self._database.write(_take_over)

    def claimed(self, partition: str, command_id: str, until_ms: int) -> Bookkeeping:
        """Return what is to be written with an attempt: that it is under way until `until_ms`.

        Raises, when it is written:
            Fenced: another start has taken over.
        """
        number = self.number

        def write(connection: sqlite3.Connection, accepted: Sequence[Accepted]) -> None:
            if connection.execute("SELECT number FROM starts").fetchone()[0] != number:
                raise _fenced(command_id)
            connection.execute(
                "INSERT OR REPLACE INTO leases (partition, command_id, holder, attempt, until_ms)"
                " VALUES (?, ?, ?, ?, ?)",
                (partition, command_id, number, accepted[0].state.attempts, until_ms),
            )

        return write

    def released(self, partition: str, command_id: str) -> Bookkeeping:
        """Return what is to be written with an outcome: that the attempt is no longer under way.

        Raises, when it is written:
            Fenced: the lease is another start's by now.
        """
        number = self.number

        def write(connection: sqlite3.Connection, _accepted: Sequence[Accepted]) -> None:
            if connection.execute("SELECT number FROM starts").fetchone()[0] != number:
                raise _fenced(command_id)
            connection.execute(
                "DELETE FROM leases WHERE partition = ? AND command_id = ?", (partition, command_id)
            )

        return write


def _take_over(connection: sqlite3.Connection) -> int:
    connection.execute("UPDATE starts SET number = number + 1")
    (number,) = connection.execute("SELECT number FROM starts").fetchone()
    connection.execute("UPDATE leases SET holder = ?", (number,))
    found: int = number
    return found


def _fenced(command_id: str) -> Fenced:
    return Fenced(
        f"another start of the daemon has taken this log over, the command {command_id} with it; this one ends"
    )
