"""The log on its way as lines of JSON, and read back from them."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import msgspec

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.log import (
    Anchor,
    CheckpointHead,
    CheckpointLine,
    LogLine,
    ResourceLine,
    Restored,
    StreamLine,
)
from engine.kernel import (
    anchor,
    beginning,
    changes,
    checkpoint,
    compaction,
    failpoints,
    identity,
    log,
    reactions,
    records,
    shapes,
)
from engine.kernel.beginning import Beginning
from engine.kernel.chain import START, Values, values_of
from engine.kernel.changes import Change
from engine.kernel.checkpoint import Digest, Standing
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.database import Database, looking
from engine.kernel.errors import Conflict, Invalid
from engine.kernel.rebuild import Rebuild
from engine.kernel.reducer import Aggregate

PAGE: Final = 500
T = TypeVar("T")
LINE_MAX: Final = 256 << 20  # of an exported log: an event and all that it wrote
_NULL: Final = msgspec.Raw(b"null")
_CHECKPOINT: Final = b'{"checkpoint":'
_REACTION: Final = f"engine:{reactions.ACTOR}:"
reach = failpoints.points(
    "transfer",
    "import_read",
    "import_committed",
    "imported",
)


async def export(database: Database, after: int = 0) -> AsyncIterator[bytes]:
    """Yield the events after a position, oldest first, as whole lines of JSON; up to the head when it is reached.

    After 0 it is all there is: of a log that was compacted the checkpoint comes first.

    Raises:
        Compacted: the log begins later, or was compacted meanwhile.
    """
    begins = await database.read(beginning.read)
    if after == 0 and begins.position:
        async for lines in _checkpoint(database, begins):
            yield lines
        after = begins.position
    while True:
        position, lines = await database.read(partial(_lines, after=after))
        if position == after:
            return
        after = position
        yield lines


async def _checkpoint(database: Database, begins: Beginning) -> AsyncIterator[bytes]:
    """Yield the lines of the checkpoint that the log begins with."""
    at = begins.position

    def head(connection: sqlite3.Connection) -> bytes:
        told = CheckpointHead(
            position=at,
            hash=begins.hash.hex(),
            checkpoint=begins.checkpoint,
            shapes=begins.shapes,
            streams=checkpoint.count_streams(connection, at),
            resources=checkpoint.count_resources(connection, at),
        )
        return encode(CheckpointLine(checkpoint=told)) + b"\n"

    yield await _still(database, at, head)
    stream: Standing | None = None
    while streams := await _still(
        database, at, partial(checkpoint.page_of_streams, position=at, after=stream)
    ):
        yield b"".join(one.line() for one in streams)
        stream = streams[-1]
    last: Change | None = None
    while found := await _still(database, at, partial(checkpoint.page_of_resources, position=at, after=last)):
        yield b"".join(map(checkpoint.line_of, found))
        last = found[-1]


async def _still(database: Database, position: int, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what `work` reads of the checkpoint at `position`, while the log begins there."""

    def checked(connection: sqlite3.Connection) -> T:
        found = work(connection)
        beginning.check(connection, position)
        return found

    return await database.read(checked)


def _lines(connection: sqlite3.Connection, after: int) -> tuple[int, bytes]:
    with looking(connection):
        beginning.check(connection, after)
        return _told(connection, after)


def _told(connection: sqlite3.Connection, after: int) -> tuple[int, bytes]:
    lines = bytearray()
    for event in log.read_page(connection, after, PAGE):
        after = event.position
        hash_, published = connection.execute(
            "SELECT hash, EXISTS (SELECT 1 FROM resource_history WHERE position = ?1) FROM events WHERE position = ?1",
            (after,),
        ).fetchone()
        values = values_of(connection, event.row())
        line = LogLine(
            **{name: getattr(event, name) for name in log.Event.__struct_fields__},
            hash=hash_.hex(),
            values=tuple(_NULL if value is None else msgspec.Raw(value) for value in values),
            published=bool(published),
        )
        lines += encode(line) + b"\n"
    return after, bytes(lines)


def lines_of(file: IO[bytes], most: int = LINE_MAX) -> Iterator[bytes]:
    """Yield a file's lines, one in memory at a time.

    Raises:
        Invalid: a line does not end within `most` bytes.
    """
    for number in count(1):
        line = file.readline(most + 1)
        if len(line) > most:
            raise Invalid(f"line {number} is longer than {most} bytes", field="line")
        if not line:
            return
        yield line


async def take_in(
    database: Database,
    folder: Path,
    lines: Iterable[bytes],
    aggregates: Mapping[str, Aggregate[Any, Any, Any]],
) -> Restored:
    """Write an exported log into an empty database, its chain checked, and build from it what is published.

    It is all there, or nothing of it: one transaction.

    Raises:
        Conflict: the database is not empty.
        Invalid: a line is none, or does not follow from those before it; nothing was taken in.
    """

    def work(connection: sqlite3.Connection) -> Restored:
        if connection.execute("SELECT 1 FROM events LIMIT 1").fetchone():
            raise Conflict(f"{folder} holds a log already; name an empty --state-dir", expected=0, actual=1)
        identity.renew(connection)
        return _Import(aggregates).take(connection, lines)

    restored = await database.write(work)
    reach("import_committed")
    anchor.write(folder, Anchor(position=restored.position, hash=restored.hash))
    reach("imported")
    return restored


class _Import:
    """An exported log being taken in."""

    def __init__(self, aggregates: Mapping[str, Aggregate[Any, Any, Any]]) -> None:
        self._aggregates = aggregates
        self._rebuild = Rebuild(aggregates)
        self._line = 0
        self._position = 0
        self._hash = START
        self._reacted = 0
        self._checkpoint = ""
        self._attested = ""

    def take(self, connection: sqlite3.Connection, lines: Iterable[bytes]) -> Restored:
        """Take in all lines."""
        rest = iter(lines)
        first = next(rest, None)
        if first is not None and first.startswith(_CHECKPOINT):
            self._begin(connection, first, rest)
        elif first is not None:
            rest = chain((first,), rest)
        for line in rest:
            self._one(connection, line)
        if self._attested != self._checkpoint:
            raise Invalid("the checkpoint is not the one that the log's own event speaks of", field="line")
        reach("import_read")
        # Reactions leave their place in what they proposed; what came after it, they look at again.
        connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (reactions.NAME, self._reacted))
        return Restored(events=self._rebuild.events, position=self._position, hash=self._hash.hex())

    def _begin(self, connection: sqlite3.Connection, first: bytes, rest: Iterator[bytes]) -> None:
        """Take in the checkpoint that an export begins with."""
        self._line = 1
        try:
            head = decode(first, CheckpointLine).checkpoint
            begins = Beginning(
                position=head.position,
                hash=bytes.fromhex(head.hash),
                checkpoint=head.checkpoint,
                shapes=head.shapes,
            )
            shapes.check(begins.shapes, self._aggregates)
            digest = Digest(begins.position, begins.hash, begins.shapes)
            for lines in self._pages(digest, rest, head.streams):
                streams = [checkpoint.standing_of(decode(line, StreamLine)) for line in lines]
                checkpoint.store(connection, begins.position, streams)
                self._rebuild.begin_at(begins.shapes, streams, ())
            for lines in self._pages(digest, rest, head.resources):
                found = [checkpoint.change_of(decode(line, ResourceLine)) for line in lines]
                changes.insert(connection, found)
                self._rebuild.begin_at(begins.shapes, (), found)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, sqlite3.IntegrityError) as error:
            raise Invalid(f"line {self._line} is none of a checkpoint: {error}", field="line") from error
        if digest.hex() != begins.checkpoint:
            raise Invalid("the checkpoint was changed: its hash is another", field="line")
        beginning.write(connection, begins)
        self._position = self._reacted = begins.position
        self._hash, self._checkpoint = begins.hash, begins.checkpoint

    def _pages(self, digest: Digest, rest: Iterator[bytes], count: int) -> Iterator[list[bytes]]:
        """Yield the next `count` lines, some at a time."""
        while count > 0:
            lines = list(islice(rest, min(count, PAGE)))
            if not lines:
                raise ValueError("it ends before it is whole")
            self._line += len(lines)
            count -= len(lines)
            digest.take(line.rstrip(b"\r\n") + b"\n" for line in lines)
            yield lines

    def _one(self, connection: sqlite3.Connection, text: bytes) -> None:
        number = self._position + 1
        self._line += 1
        version = 0
        try:
            line = decode(text, LogLine)
            event = log.Event(**{name: getattr(line, name) for name in log.Event.__struct_fields__})
            version = self._rebuild.version(event.partition, event.stream) + 1
            values = _values(line)
            written = self._rebuild.fold(event.row(), values, published=line.published)
        except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, ValueError) as error:
            raise Invalid(
                f"line {self._line} is no event of an exported log: {error}", field="line"
            ) from error
        if (event.position, event.version) != (number, version):
            raise Invalid(
                f"line {self._line} is at position {event.position}, version {event.version} of {event.stream}, where "
                f"{number} and {version} are next; an export begins with the log's first event, or its checkpoint",
                field="line",
            )
        self._hash = log.insert(connection, [event], self._hash, {number: values})
        if self._hash.hex() != line.hash:
            raise Invalid(f"line {self._line} was changed: its hash is another", field="line")
        changes.insert(connection, written)
        self._position = number
        if (event.partition, event.stream) == (DEFAULT_PARTITION, compaction.STREAM):
            self._attest(event)
        if event.actor.startswith(_REACTION) and event.causation_id.isdigit():
            self._reacted = max(self._reacted, int(event.causation_id))

    def _attest(self, event: log.Event) -> None:
        told = decode(bytes(event.data), compaction.LogCompacted)
        if self._checkpoint and told.checkpoint == self._checkpoint:
            self._attested = told.checkpoint


def _values(line: LogLine) -> Values:
    if not line.values:
        return ()
    operations = decode(bytes(line.data), records.ResourcesChanged).operations
    return [None if one.deleted else bytes(value) for one, value in zip(operations, line.values, strict=True)]
