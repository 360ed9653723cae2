"""The log as a copy of the whole database, and the way back to one."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from cutroom_sdk.wire.log import Anchor, BackedUp, LogProof, Restored
from engine.kernel import anchor, failpoints, identity, replay
from engine.kernel.blobs import hash_file
from engine.kernel.database import Database
from engine.kernel.errors import Invalid, NotFound, Unavailable
from engine.kernel.proof import DAMAGE, prove_file
from engine.kernel.reducer import Aggregate
from engine.kernel.republish import republish

reach = failpoints.points("backups", "copied", "fetched", "proved", "moved_aside", "renamed", "restored")


async def back_up(database: Database, target: Path) -> BackedUp:
    """Copy the database as it is at one moment into `target`, a file of its own that is on disk when this returns.

    A daemon that writes goes on; what it commits meanwhile is not in the copy. Blobs are not in it either.

    Raises:
        Unavailable: the copy cannot be written.
    """
    try:
        position = await database.read(lambda connection: _copy(connection, target))
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"{target} cannot be written: {error}") from error
    reach("copied")
    return BackedUp(file=str(target), position=position, sha256=await asyncio.to_thread(_settle, target))


def _copy(connection: sqlite3.Connection, target: Path) -> int:
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        connection.backup(copy)
        # One file and nothing beside it, whatever the original needs.
        copy.execute("PRAGMA journal_mode=DELETE")
        row: tuple[int] = copy.execute("SELECT COALESCE(MAX(position), 0) FROM events").fetchone()
        return row[0]


def _settle(file: Path) -> str:
    file.chmod(0o600)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    anchor.sync_folder(file.parent)
    return hash_file(file)


async def restore(
    folder: Path, backup: Path, name: str, aggregates: Mapping[str, Aggregate[Any, Any, Any]]
) -> Restored:
    """Put a backup in the place of the database `name` and write the anchor anew; nobody else may have it open.

    What was there is moved aside, into a folder `replaced-N`. A backup whose log does not prove sound changes nothing.
    What is published is compared with what the log comes to, and where it differs written anew from the log: `rebuilt`.
    The log gets a new name, so that copies of what was there are not taken further.

    Raises:
        NotFound: there is no such backup.
        Invalid: it is none, or is damaged.
        Unavailable: it is of a newer version, or cannot be copied.
    """
    coming = folder / f"restoring-{name}"
    try:
        await asyncio.to_thread(_fetch, backup, coming)
        reach("fetched")
        proof, rebuilt = await _made_ready(backup, coming, aggregates)
        await asyncio.to_thread(_settle, coming)
        reach("proved")
        _replace(folder, coming, name)
    except OSError as error:
        raise Unavailable(f"{backup} cannot be restored: {error}") from error
    finally:
        _clear(coming)
    reach("renamed")
    anchor.write(folder, Anchor(position=proof.position, hash=proof.hash))
    reach("restored")
    return Restored(events=proof.events, position=proof.position, hash=proof.hash, rebuilt=rebuilt)


async def _made_ready(
    backup: Path, coming: Path, aggregates: Mapping[str, Aggregate[Any, Any, Any]]
) -> tuple[LogProof, bool]:
    """Prove the copy of a backup, see that it publishes what its log comes to, and give the log a new name."""
    database = await Database.open(coming)
    try:
        proof = await database.read(prove_file)
        if not proof.sound:
            raise Invalid(f"{backup} is damaged: {proof.findings[0].detail}", field="file")
        rebuilt = not (await replay.check(database, aggregates)).equal
        if rebuilt:
            await database.write(partial(_rebuild, backup=backup, aggregates=aggregates))
        await database.write(identity.renew)
    finally:
        await database.close()
    return proof, rebuilt


def _rebuild(
    connection: sqlite3.Connection, *, backup: Path, aggregates: Mapping[str, Aggregate[Any, Any, Any]]
) -> None:
    try:
        republish(connection, aggregates)
    except DAMAGE as error:
        raise Invalid(f"{backup} cannot be read by this version: {error}", field="file") from error


def _fetch(backup: Path, coming: Path) -> None:
    if not backup.is_file():
        raise NotFound(f"there is no file {backup}")
    _clear(coming)
    shutil.copyfile(backup, coming)
    _check_schema(backup, coming)


def _check_schema(backup: Path, coming: Path) -> None:
    """Refuse a file that would run statements of its own, before it is opened as a log."""
    try:
        with contextlib.closing(sqlite3.connect(f"{coming.absolute().as_uri()}?mode=ro", uri=True)) as found:
            found.execute("PRAGMA trusted_schema=OFF")
            rows = found.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    except sqlite3.DatabaseError:
        return  # no database: where it is opened, that is said
    for kind, name, sql in rows:
        if kind not in ("table", "index") or "VIRTUAL" in (sql or "").upper().split():
            raise Invalid(f"{backup} is no backup of ours: it has a {kind} {name} of its own", field="file")


def _clear(coming: Path) -> None:
    for left in coming.parent.glob(f"{coming.name}*"):
        left.unlink()


def _replace(folder: Path, coming: Path, name: str) -> None:
    # Should this end half way, the anchor still speaks of the log that was there, and no daemon starts on an empty one.
    aside = next(path for number in count(1) if not (path := folder / f"replaced-{number}").exists())
    aside.mkdir(mode=0o700)
    for old in (name, f"{name}-wal", f"{name}-shm", anchor.ANCHOR_FILE):
        with contextlib.suppress(FileNotFoundError):
            if old == anchor.ANCHOR_FILE:
                shutil.copyfile(folder / old, aside / old)
            else:
                (folder / old).rename(aside / old)
    reach("moved_aside")
    coming.rename(folder / name)
    anchor.sync_folder(folder)
