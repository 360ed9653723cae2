"""Which log this is: a name that is made with the log, and anew when another past is put in its place.

Positions and revs alone do not tell a log that was set back, and has grown on since, from the one that it was. Whoever
keeps a copy compares the name (`log_id` in `ready`) before going on from a position.
"""

import sqlite3

from engine.kernel.ids import new_identity


def renew(connection: sqlite3.Connection) -> None:
    """Give the log a name that no log has had, inside the caller's transaction."""
    connection.execute("DELETE FROM log_identity")
    connection.execute("INSERT INTO log_identity (id) VALUES (?)", (new_identity(),))


def read(connection: sqlite3.Connection) -> str:
    """Return the log's name."""
    row: tuple[str] = connection.execute("SELECT id FROM log_identity").fetchone()
    return row[0]
