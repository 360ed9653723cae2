"""Proves a log: the hash chain, positions and versions without gaps, the anchor beside it, and the file itself.

A log that was compacted is proved from its checkpoint on, and the checkpoint by the event that put it there.

It reads page by page and changes nothing, so it can run beside a daemon that writes: what is appended meanwhile is
proved as well.
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Final

import msgspec

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.log import Anchor, Finding, LogProof
from engine.kernel import anchor, beginning, checkpoint, compaction
from engine.kernel.beginning import FIRST, Beginning
from engine.kernel.chain import START, link, values_of
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.database import Database, looking
from engine.kernel.errors import Unavailable
from engine.kernel.log import Log

PAGE: Final = 500
FINDINGS_MAX: Final = 10
INTEGER_MAX: Final = 2**63 - 1
_QUERY: Final = (
    "SELECT position, partition, stream, version, type, at_ms, actor, correlation_id, causation_id, data, hash"
    " FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
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
    """One walk along the log; `hash` is what the chain has come to, `findings` what was wrong on the way.

    It begins with the checkpoint that the log begins with, and ends at `upto`, None: where the log ends. A compaction that
    comes between two pages makes it begin anew.
    """

    def __init__(self, upto: int | None = None) -> None:
        self.upto = upto
        self._begin(FIRST)

    def _begin(self, begins: Beginning) -> None:
        self.begins = begins
        self.events = 0
        self.position = begins.position
        self.hash = begins.hash
        self.findings: list[Finding] = []
        self._versions: dict[tuple[str, str], int] = {}
        self._checkpoint = begins.checkpoint
        self._attested = ""

    @property
    def attested(self) -> bool:
        """Whether the event that speaks of the checkpoint was met; there is none to meet where there is no checkpoint."""
        return bool(self._attested) or not self.begins.position

    @property
    def enough(self) -> bool:
        """Whether so much is wrong that more would tell nothing."""
        return len(self.findings) >= FINDINGS_MAX

    def found(self, detail: str, position: int = 0) -> None:
        """Take down what is wrong."""
        self.findings.append(Finding(position=position, detail=detail))

    def page(self, connection: sqlite3.Connection) -> bool:
        """Walk on by one page; tell whether there may be more."""
        with looking(connection):
            return self._page(connection)

    def _follow_beginning(self, connection: sqlite3.Connection) -> None:
        begins = beginning.read(connection)
        if begins.position == self.begins.position:
            return
        self._begin(begins)
        at = begins.position
        self._versions = {
            (one.partition, one.stream): one.version for one in checkpoint.streams(connection, at)
        }
        self._checkpoint = checkpoint.digest_of(connection, at, begins.hash, begins.shapes)

    def check_beginning(self) -> None:
        """Take down, at the end, if the checkpoint is not the one that the log's own event speaks of."""
        if self.begins.position and not self.enough and self._attested != self._checkpoint:
            what = "was changed" if self._attested else "is one that no event of the log speaks of"
            self.found(f"the checkpoint at {self.begins.position} {what}", self.begins.position)

    def _page(self, connection: sqlite3.Connection) -> bool:
        self._follow_beginning(connection)
        upto = INTEGER_MAX if self.upto is None else self.upto
        rows = connection.execute(_QUERY, (self.position, upto, PAGE)).fetchall()
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
        if self.begins.position and (partition, stream) == (DEFAULT_PARTITION, compaction.STREAM):
            self._attest(row[9])
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

    def _attest(self, data: bytes) -> None:
        with contextlib.suppress(*DAMAGE):  # what is wrong with the event itself is found by its hash
            told = decode(data, compaction.LogCompacted)
            if told.position == self.begins.position:
                self._attested = told.checkpoint


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
        walk.check_beginning()
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
        walk.check_beginning()
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
    if found.position < walk.begins.position:
        walk.found(
            f"the anchor speaks of {found.position}, and the log begins after {walk.begins.position}",
            walk.begins.position,
        )
        return
    hash_ = await Log(database).hash_at(found.position)
    if hash_ is not None and hash_.hex() != found.hash:
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
        oldest=walk.begins.position,
    )
