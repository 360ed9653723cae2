"""Proves a log: the hash chain, positions and versions without gaps, the anchor beside it, and the file itself.

It reads page by page and changes nothing, so it can run beside a daemon that writes: what is appended meanwhile is
proved as well.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.log import Anchor, Finding, LogProof
from engine.kernel import anchor
from engine.kernel.chain import START, link, values_of
from engine.kernel.database import Database
from engine.kernel.errors import Unavailable

PAGE: Final = 500
FINDINGS_MAX: Final = 10
_QUERY: Final = (
    "SELECT position, partition, stream, version, type, at_ms, actor, correlation_id, causation_id, data, hash"
    " FROM events WHERE position > ? ORDER BY position LIMIT ?"
)
# What SQLite, decoders and our own checks say of damaged pages, columns of another type, and values that are not there.
DAMAGE: Final = (
    sqlite3.DatabaseError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
    LookupError,
    AssertionError,
    TypeError,
)


class Walk:
    """One walk along the log; `hash` is what the chain has come to, `findings` what was wrong on the way."""

    def __init__(self) -> None:
        self.events = 0
        self.position = 0
        self.hash = START
        self.findings: list[Finding] = []
        self._versions: dict[tuple[str, str], int] = {}

    @property
    def enough(self) -> bool:
        """Whether so much is wrong that more would tell nothing."""
        return len(self.findings) >= FINDINGS_MAX

    def found(self, detail: str, position: int = 0) -> None:
        """Take down what is wrong."""
        self.findings.append(Finding(position=position, detail=detail))

    def page(self, connection: sqlite3.Connection) -> bool:
        """Walk on by one page; tell whether there may be more."""
        rows = connection.execute(_QUERY, (self.position, PAGE)).fetchall()
        for row in rows:
            self._step(connection, row)
            if self.enough:
                return False
        return len(rows) == PAGE

    def _step(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
        position, partition, stream, version = row[:4]
        if position != self.position + 1:
            self.found(f"the positions {self.position + 1} to {position - 1} are missing", self.position + 1)
        expected = self._versions.get((partition, stream), 0) + 1
        if version != expected:
            self.found(f"{stream} goes on with version {version} where {expected} is next", position)
        self._versions[partition, stream] = version
        try:
            hash_ = link(self.hash, row[:10], values_of(connection, row))
            if hash_ != row[10]:
                self.found(
                    f"the event at {position}, a record that it wrote, or its hash was changed", position
                )
        except DAMAGE as error:
            self.found(f"the event at {position} cannot be read: {error}", position)
        # On from what the event says of itself, so that one change is one finding and not all that follow.
        self.hash = row[10] if isinstance(row[10], bytes) else START
        self.position = position
        self.events += 1


async def prove(database: Database, folder: Path) -> LogProof:
    """Return whether the log of a state directory is what was written, and what is wrong where it is not."""
    walk = Walk()
    try:
        found = anchor.read(folder)  # before the log is read: it must not be ahead even then
    except Unavailable as error:
        walk.found(error.detail)
        found = None
    try:
        while await database.read(walk.page):
            pass
        await _check_anchor(database, walk, found)
        if not walk.enough:
            await database.read(lambda connection: _check_file(connection, walk))
    except DAMAGE as error:
        walk.found(f"the file cannot be read after position {walk.position}: {error}", walk.position)
    return _report(walk, found)


def prove_file(connection: sqlite3.Connection) -> LogProof:
    """Return the same for a copy that lies apart; there is no anchor to compare it with."""
    walk = Walk()
    try:
        while walk.page(connection):
            pass
        _check_file(connection, walk)
    except DAMAGE as error:
        walk.found(f"the file cannot be read after position {walk.position}: {error}", walk.position)
    return _report(walk, None)


async def _check_anchor(database: Database, walk: Walk, found: Anchor | None) -> None:
    if found is None or found.position == 0:
        return
    if found.position > walk.position and not walk.enough:
        walk.found(
            f"the log had come to {found.position} and ends at {walk.position}: its end is lost",
            walk.position,
        )
        return
    row = await database.read(
        lambda connection: connection.execute(
            "SELECT hash FROM events WHERE position = ?", (found.position,)
        ).fetchone()
    )
    if row is not None and row[0].hex() != found.hash:
        walk.found(f"the hash at {found.position} is not the one beside the log", found.position)


def _check_file(connection: sqlite3.Connection, walk: Walk) -> None:
    for (said,) in connection.execute(f"PRAGMA integrity_check({FINDINGS_MAX})"):
        if said != "ok":
            walk.found(f"the database file: {said}")


def _report(walk: Walk, found: Anchor | None) -> LogProof:
    return LogProof(
        sound=not walk.findings,
        events=walk.events,
        position=walk.position,
        hash=walk.hash.hex(),
        anchor=found,
        findings=tuple(walk.findings[:FINDINGS_MAX]),
    )
