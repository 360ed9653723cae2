"""Where the log begins: at its first event, or after a checkpoint that stands for all that came before (`compactor`).

What lies at or before the beginning is on its way out and is nobody's to read. Who reads events or history says first what
it read and looks at the beginning afterwards: nothing is taken away before the beginning has moved, so a read that came
too late is always found out.
"""

import sqlite3
from typing import Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import encode
from engine.kernel.chain import START
from engine.kernel.errors import Compacted


class Beginning(Struct, frozen=True, kw_only=True):
    """The place after which the log begins.

    `hash` is what the chain had come to at `position`, `checkpoint` the hash over the checkpoint, empty where there is
    none, `shapes` those of the states in it by kind. `swept`: what lay before is gone.
    """

    position: int = 0
    hash: bytes = START
    checkpoint: str = ""
    shapes: dict[str, str] = {}
    swept: bool = True


FIRST: Final = Beginning()


def read(connection: sqlite3.Connection) -> Beginning:
    """Return where the log begins."""
    query = "SELECT position, hash, checkpoint, shapes, swept FROM log_beginning"
    row = connection.execute(query).fetchone()
    if row is None:
        return FIRST
    position, hash_, checkpoint, shapes, swept = row
    return Beginning(
        position=position,
        hash=hash_,
        checkpoint=checkpoint,
        shapes=msgspec.json.decode(shapes, type=dict[str, str]),
        swept=bool(swept),
    )


def oldest(connection: sqlite3.Connection) -> int:
    """Return the oldest position that can be read on from; 0: from the first event."""
    row = connection.execute("SELECT position FROM log_beginning").fetchone()
    return row[0] if row else 0


def write(connection: sqlite3.Connection, beginning: Beginning) -> None:
    """Have the log begin here, inside the caller's transaction."""
    connection.execute("DELETE FROM log_beginning")
    connection.execute(
        "INSERT INTO log_beginning (position, hash, checkpoint, shapes, swept) VALUES (?, ?, ?, ?, ?)",
        (
            beginning.position,
            beginning.hash,
            beginning.checkpoint,
            encode(beginning.shapes),
            beginning.swept,
        ),
    )


def check(connection: sqlite3.Connection, position: int) -> None:
    """Check, after a read of what came after `position`, that it was all there.

    Raises:
        Compacted: it may not have been.
    """
    refuse_before(oldest(connection), position)


def refuse_before(begins: int, position: int) -> None:
    """Refuse a position before the beginning.

    Raises:
        Compacted: with the oldest position there is.
    """
    if position < begins:
        raise Compacted(
            f"the log begins after {begins} and no longer reaches back to {position}; read what is there now, and go on "
            "from its position",
            oldest=begins,
        )
