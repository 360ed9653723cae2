"""The search's own file: what memories say, as words. A projection, made from the log and the ciphertext, and no truth.

What is taken out of it is gone from the file: full text keeps the words of deleted rows until its segments are merged, so
each deletion merges them (from SQLite 3.42 on `secure-delete` would do), and freed pages are overwritten.
"""

import asyncio
import logging
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from cutroom_sdk.wire.memory import Memory, MemoryDocument
from engine.kernel.errors import Invalid
from engine.memory.ranking import Candidate

FILE: Final = "memory.sqlite3"
LAYOUT: Final = 1
CANDIDATES: Final = 500
TERMS_MAX: Final = 32
T = TypeVar("T")
Key = tuple[str, str]  # partition, memory id
_log = logging.getLogger(__name__)
_TERM: Final = re.compile(r'"([^"]*)"|(#?)(\w+)(\*?)')
_WORD: Final = re.compile(r"\w+")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, partition TEXT NOT NULL, memory_id TEXT NOT NULL, content_hash TEXT NOT NULL, tier TEXT NOT NULL,
    workspace TEXT NOT NULL, project TEXT NOT NULL, restricted INTEGER NOT NULL, changed_at_ms INTEGER NOT NULL, vector BLOB,
    model TEXT, UNIQUE (partition, memory_id)
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(text, tags, tokenize = 'unicode61 remove_diacritics 2');
"""


class Scope(NamedTuple):
    """Where to look: a tier, in one place or, with None, in all of the partition."""

    tier: str
    workspace: str | None
    project: str | None


class Entry(NamedTuple):
    """What the search knows of a memory."""

    memory: Memory
    document: MemoryDocument
    vector: bytes | None = None
    model: str | None = None


def expression(query: str) -> str:
    """Return a query as full text takes it: every word quoted, so that no word of it is an operator.

    Raises:
        Invalid: there is no word in it, or too many.

    >>> expression('cut "the pauses" AND fade* #reels')
    '"cut" OR "the pauses" OR "AND" OR "fade"* OR tags:"reels"'
    """
    terms = []
    for phrase, tag, word, star in _TERM.findall(query):
        words = _WORD.findall(phrase)
        if words:
            terms.append(f'"{" ".join(words)}"')
        elif word:
            terms.append(f'{"tags:" if tag else ""}"{word}"{star}')
    if not 1 <= len(terms) <= TERMS_MAX:
        raise Invalid(f"the query has {len(terms)} words; 1 to {TERMS_MAX} are taken", field="query")
    return " OR ".join(terms)


def words_of(document: MemoryDocument) -> str:
    """Return all that a memory says, as one text."""
    capsule = document.capsule
    parts = (capsule.problem, capsule.approach, *capsule.evidence, capsule.outcome) if capsule else ()
    return "\n".join(one for one in (document.text, *parts) if one)


class Index:
    """The file, and the one thread that owns it."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory-index")
        self._connection = self._thread.submit(_opened, path).result()

    async def known(self) -> dict[Key, tuple[str, str, str | None]]:
        """Return what is in it: content hash, tier and the model of its vector, by partition and id."""
        rows = await self._do(
            lambda connection: connection.execute(
                "SELECT partition, memory_id, content_hash, tier, model FROM entries"
            ).fetchall()
        )
        return {
            (partition, memory_id): (hash_, tier, model) for partition, memory_id, hash_, tier, model in rows
        }

    async def put(self, partition: str, entry: Entry) -> None:
        """Take a memory in, in place of what was known of it."""
        await self._do(lambda connection: _put(connection, partition, entry))

    async def drop(self, keys: Iterable[Key]) -> None:
        """Forget memories, leaving nothing of them in the file."""
        gone = list(keys)
        await self._do(lambda connection: _drop(connection, gone))

    async def find(self, partition: str, query: str, scopes: Sequence[Scope]) -> list[Candidate]:
        """Return what has words of the query, or a vector, in these scopes; the relevance of what has none is 0."""
        match = expression(query)
        return await self._do(lambda connection: _find(connection, partition, match, scopes))

    async def check(self) -> str:
        """Return what is wrong with the file, empty when nothing is."""
        return await self._do(_faults)

    def close(self) -> None:
        """Be done with the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work, self._connection))


def _opened(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        if layout in (0, LAYOUT) and not (layout and _faults(connection)):
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version={LAYOUT}")
            return connection
    except sqlite3.DatabaseError:
        _log.warning("the index of memory is damaged", exc_info=True)
    _log.warning("the index of memory is made anew")
    connection.close()
    path.unlink(missing_ok=True)
    path.with_name(path.name + "-journal").unlink(missing_ok=True)
    connection = _connect(path)
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version={LAYOUT}")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # No write-ahead log: it would hold pages of what was deleted until it is folded in.
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA temp_store=MEMORY")
    except sqlite3.DatabaseError:
        _log.warning("%s is no database", path.name)
    path.chmod(0o600)
    return connection


def _faults(connection: sqlite3.Connection) -> str:
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        return str(said)
    rows = (
        "SELECT id FROM entries EXCEPT SELECT rowid FROM texts",
        "SELECT rowid FROM texts EXCEPT SELECT id FROM entries",
    )
    odd = any(connection.execute(one).fetchone() for one in rows)
    return "what it finds and what it knows of that are not the same rows" if odd else ""


def _put(connection: sqlite3.Connection, partition: str, entry: Entry) -> None:
    memory, document = entry.memory, entry.document
    connection.execute("BEGIN")
    try:
        replaced = _delete(connection, (partition, memory.memory_id))
        cursor = connection.execute(
            "INSERT INTO entries (partition, memory_id, content_hash, tier, workspace, project, restricted, changed_at_ms,"
            " vector, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                partition,
                memory.memory_id,
                memory.content_hash,
                memory.tier,
                memory.workspace,
                memory.project,
                memory.classification == "restricted",
                memory.changed_at_ms,
                entry.vector,
                entry.model,
            ),
        )
        connection.execute(
            "INSERT INTO texts (rowid, text, tags) VALUES (?, ?, ?)",
            (cursor.lastrowid, words_of(document), " ".join(document.tags)),
        )
        _purge(connection, replaced)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _drop(connection: sqlite3.Connection, keys: Sequence[Key]) -> None:
    connection.execute("BEGIN")
    try:
        _purge(connection, sum(_delete(connection, key) for key in keys) > 0)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _delete(connection: sqlite3.Connection, key: Key) -> bool:
    row = connection.execute("SELECT id FROM entries WHERE partition = ? AND memory_id = ?", key).fetchone()
    if row is None:
        return False
    connection.execute("DELETE FROM texts WHERE rowid = ?", row)
    connection.execute("DELETE FROM entries WHERE id = ?", row)
    return True


def _purge(connection: sqlite3.Connection, needed: bool) -> None:
    """Merge what full text has in segments, so that the words of deleted rows are gone."""
    if needed:
        connection.execute("INSERT INTO texts (texts) VALUES ('optimize')")


def _find(
    connection: sqlite3.Connection, partition: str, match: str, scopes: Sequence[Scope]
) -> list[Candidate]:
    if not scopes:
        return []
    where, values = _within(scopes)
    columns = "e.memory_id, e.content_hash, e.tier, e.changed_at_ms, e.vector, e.model"
    found = connection.execute(
        f"SELECT {columns}, -bm25(texts, 1.0, 2.0) AS relevance FROM texts JOIN entries e ON e.id = texts.rowid"
        f" WHERE texts MATCH ? AND e.partition = ? AND ({where}) ORDER BY relevance DESC LIMIT {CANDIDATES}",
        (match, partition, *values),
    ).fetchall()
    others = connection.execute(
        f"SELECT {columns}, 0.0 FROM entries e WHERE e.vector IS NOT NULL AND e.partition = ? AND ({where})",
        (partition, *values),
    ).fetchall()
    candidates = {row[0]: Candidate(*row) for row in others}
    return list((candidates | {row[0]: Candidate(*row) for row in found}).values())


def _within(scopes: Sequence[Scope]) -> tuple[str, list[str]]:
    """Return scopes as a condition; what is restricted is in those alone that name its whole place."""
    clauses, values = [], list[str]()
    for scope in scopes:
        clause = ["e.tier = ?"]
        values.append(scope.tier)
        for column, value in (("workspace", scope.workspace), ("project", scope.project)):
            if value is not None:
                clause.append(f"e.{column} = ?")
                values.append(value)
        if scope.workspace is None or scope.project is None:
            clause.append("NOT e.restricted")
        clauses.append(f"({' AND '.join(clause)})")
    return " OR ".join(clauses), values
