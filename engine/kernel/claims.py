"""Idempotency keys: who claimed one, and the answer that is kept for a repeat. Bookkeeping, one row for each key.

A row comes with the commit of the effect that the key is for, and with it the answer where that follows from the commit.
Without an answer the row says that the request was carried out and no more.
"""

import sqlite3
from typing import NamedTuple

from engine.kernel.context import KEPT_MS, Answer, Claim


class Kept(NamedTuple):
    """What is known of a key: the request that it was used for, and its answer, None when that was not kept."""

    request_hash: str
    answer: Answer | None


def keep(connection: sqlite3.Connection, claim: Claim, answer: Answer | None, at_ms: int) -> None:
    """Claim a key at the time `at_ms`, and keep its answer if there is one.

    A request that commits twice claims its key once, and the newest answer stands. A claim that has run out is taken over.
    """
    told = (None, None, None) if answer is None else (answer.status, answer.headers, answer.content)
    connection.execute(
        "INSERT INTO idempotency (actor, key, request_hash, at_ms, status, headers, body)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (actor, key) DO UPDATE SET"
        " request_hash = ?3, at_ms = ?4, status = ?5, headers = ?6, body = ?7 WHERE at_ms <= ?8 OR ?5 IS NOT NULL",
        (claim.actor, claim.key, claim.request_hash, at_ms, *told, at_ms - KEPT_MS),
    )


def find(connection: sqlite3.Connection, claim: Claim, now_ms: int) -> Kept | None:
    """Return what is known of a key; None: it is free."""
    row = connection.execute(
        "SELECT request_hash, status, headers, body FROM idempotency WHERE actor = ? AND key = ? AND at_ms > ?",
        (claim.actor, claim.key, now_ms - KEPT_MS),
    ).fetchone()
    if row is None:
        return None
    request_hash, *told = row
    return Kept(request_hash, None if told[0] is None else Answer(*told))


def prune(connection: sqlite3.Connection, now_ms: int) -> None:
    """Throw away what is older than a day."""
    connection.execute("DELETE FROM idempotency WHERE at_ms <= ?", (now_ms - KEPT_MS,))
