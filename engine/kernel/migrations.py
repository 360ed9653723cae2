"""The schema, step by step. A step is never edited once it has shipped; the file's `user_version` counts them.

events            the log: what happened, in order
resources         published state, one row a key; a deleted one stays as a tombstone so that its rev goes on growing
resource_history  every write of a resource, by position: what streams and `?at=` read
idempotency       answers kept for repeated requests (bookkeeping, not state)
checkpoints       how far a reaction has read (bookkeeping)
starts, leases    who carries which command out (bookkeeping, see `leases`)

Step 2 gives records a time to live: when they expire, in the live table (indexed: the sweeper asks for the next) and in
the history, so that the past is answered whole. Step 3 gives every event its hash (`chain`), those of old included. Step 4
counts the starts of the daemon and keeps the leases of what is attempted. Step 5 lets the
log begin after a checkpoint:

log_beginning       where the log begins, in one row; none: at its first event (`beginning`)
checkpoint_streams  each stream's state and version at a checkpoint, by its position (`checkpoint`)

Step 6 gives the log a name (`identity`).
"""

import sqlite3
from pathlib import Path
from typing import Final

from engine.kernel import chain, failpoints, identity
from engine.kernel.errors import Unavailable

STEPS: Final = (
    """
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        partition TEXT NOT NULL,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        type TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        correlation_id TEXT NOT NULL,
        causation_id TEXT NOT NULL,
        data BLOB NOT NULL
    );
    CREATE UNIQUE INDEX events_by_stream ON events (partition, stream, version);
    CREATE TABLE resources (
        partition TEXT NOT NULL,
        key TEXT NOT NULL,
        rev INTEGER NOT NULL,
        value BLOB,
        position INTEGER NOT NULL,
        updated_at_ms INTEGER NOT NULL,
        updated_by TEXT NOT NULL,
        PRIMARY KEY (partition, key)
    ) WITHOUT ROWID;
    CREATE TABLE resource_history (
        position INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        partition TEXT NOT NULL,
        key TEXT NOT NULL,
        rev INTEGER NOT NULL,
        value BLOB,
        updated_at_ms INTEGER NOT NULL,
        updated_by TEXT NOT NULL,
        PRIMARY KEY (position, ordinal)
    ) WITHOUT ROWID;
    CREATE INDEX history_by_key ON resource_history (partition, key, position);
    CREATE TABLE idempotency (
        actor TEXT NOT NULL,
        key TEXT NOT NULL,
        request_hash TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        status INTEGER,
        headers BLOB,
        body BLOB,
        PRIMARY KEY (actor, key)
    ) WITHOUT ROWID;
    CREATE TABLE checkpoints (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE resources ADD COLUMN ttl_ms INTEGER;
    ALTER TABLE resources ADD COLUMN expires_at_ms INTEGER;
    ALTER TABLE resource_history ADD COLUMN ttl_ms INTEGER;
    ALTER TABLE resource_history ADD COLUMN expires_at_ms INTEGER;
    CREATE INDEX resources_expiring ON resources (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
    """,
    "ALTER TABLE events ADD COLUMN hash BLOB",
    """
    CREATE TABLE starts (number INTEGER NOT NULL);
    INSERT INTO starts (number) VALUES (0);
    CREATE TABLE leases (
        partition TEXT NOT NULL,
        command_id TEXT NOT NULL,
        holder INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        PRIMARY KEY (partition, command_id)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE log_beginning (
        position INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        checkpoint TEXT NOT NULL,
        shapes BLOB NOT NULL,
        swept INTEGER NOT NULL
    );
    CREATE TABLE checkpoint_streams (
        position INTEGER NOT NULL,
        partition TEXT NOT NULL,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        state BLOB,
        PRIMARY KEY (position, partition, stream)
    ) WITHOUT ROWID;
    """,
    "CREATE TABLE log_identity (id TEXT NOT NULL)",
)
FILLS: Final = {
    3: chain.fill,
    6: identity.renew,
}  # what a step computes, after its statements and in the same transaction
reach = failpoints.points("migrations", "before_backup", "backed_up", "before_step_commit", "step_done")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to the newest step, each step in a transaction of its own; a copy is made first.

    Raises:
        Unavailable: the file is newer than this program.
    """
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    if done > len(STEPS):
        raise Unavailable(
            f"the state directory was written by a newer Cutroom (schema {done}, this one knows {len(STEPS)}); "
            "install that version, or name another --state-dir"
        )
    if 0 < done < len(STEPS):
        reach("before_backup")
        _back_up(connection, path.with_name(f"{path.name}.schema-{done}"))
        reach("backed_up")
    for number, step in enumerate(STEPS[done:], start=done + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in step.split(";"):
            if statement.strip():
                connection.execute(statement)
        if number in FILLS:
            FILLS[number](connection)
        connection.execute(f"PRAGMA user_version={number}")
        reach("before_step_commit")
        connection.execute("COMMIT")
        reach("step_done")


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
    finally:
        copy.close()
