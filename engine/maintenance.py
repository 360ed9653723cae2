"""What can be done with a log while no daemon runs; whoever does it holds the state directory.

    python -m engine.maintenance verify|replay|backup FILE|restore FILE|export [--after P] [-o FILE]|import FILE
    python -m engine.maintenance compact --before P|--before-ms T

The answer is one JSON document on standard output, an export's is its lines. `cutroom log ...` starts this where no daemon
answers.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final

from msgspec.structs import replace

from cutroom_sdk.discovery import state_dir
from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.problems import DONE, FAILED
from engine.access.audit import administered
from engine.features import AGGREGATES
from engine.kernel import backups, failpoints, transfer
from engine.kernel.clock import SystemClock
from engine.kernel.context import engine_context
from engine.kernel.database import Database
from engine.kernel.errors import Conflict, NotFound, StudioError
from engine.kernel.kernel import DATABASE_NAME, Kernel, with_own
from engine.kernel.proof import prove
from engine.kernel.reducer import Aggregate
from engine.kernel.replay import check
from engine.state import held

_BY_KIND: Final[dict[str, Aggregate[Any, Any, Any]]] = with_own(AGGREGATES)


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Database]:
    if not (folder / DATABASE_NAME).exists():
        raise NotFound(f"there is no log in {folder}")
    database = await Database.open(folder / DATABASE_NAME)
    try:
        yield database
    finally:
        await database.close()


async def verify(folder: Path) -> int:
    """Prove the log; 1 when it is not sound."""
    async with _opened(folder) as database:
        proof = await prove(database, folder)
    _say(proof)
    return DONE if proof.sound else FAILED


async def replay(folder: Path) -> int:
    """Compare what is published with what the log comes to; 1 when they differ."""
    async with _opened(folder) as database:
        proof = await check(database, _BY_KIND)
    _say(proof)
    return DONE if proof.equal else FAILED


async def backup(folder: Path, target: Path) -> int:
    """Copy the database into a new file."""
    _check_free(target)
    async with _opened(folder) as database:
        _say(await backups.back_up(database, target))
    return DONE


async def restore(folder: Path, source: Path) -> int:
    """Put a backup in the database's place."""
    _say(await backups.restore(folder, source, DATABASE_NAME, _BY_KIND))
    return DONE


async def export(folder: Path, after: int, target: Path | None) -> int:
    """Write the log's lines to a file, or to standard output."""
    async with _opened(folder) as database:
        with _sink(target) as out:
            async for lines in transfer.export(database, after):
                out.write(lines)
    return DONE


async def take_in(folder: Path, source: Path) -> int:
    """Take an exported log into an empty state directory."""
    with _source(source) as lines:
        database = await Database.open(folder / DATABASE_NAME)
        try:
            _say(await transfer.take_in(database, folder, transfer.lines_of(lines), _BY_KIND))
        finally:
            await database.close()
    return DONE


async def compact(folder: Path, before: int | None, before_at_ms: int) -> int:
    """Replace events before a position or a time by a checkpoint, and write the file anew without what is free in it."""
    if not (folder / DATABASE_NAME).exists():
        raise NotFound(f"there is no log in {folder}")
    kernel = await Kernel.open(folder, AGGREGATES, SystemClock())
    async with kernel.writing():
        position = await kernel.compactor.position_at(before_at_ms) if before is None else before
        context = engine_context("maintenance")
        deed = administered(
            context,
            action="log compact",
            target=f"events before {position}",
            capability="log:admin",
            at_ms=kernel.clock.now_ms(),
            address="",
        )
        told = await kernel.compactor.compact(position, context, also=[deed])
        await kernel.database.rewrite()
        _say(replace(told, bytes_after=kernel.database.size))
    return DONE


def _check_free(target: Path) -> None:
    if target.exists():
        raise Conflict(f"{target} is there already; name another file", expected=0, actual=1)


def _sink(target: Path | None) -> IO[bytes]:
    if target is None:
        return open(sys.stdout.fileno(), "wb", closefd=False)
    _check_free(target)
    return target.open("xb")


def _source(file: Path) -> IO[bytes]:
    if not file.is_file():
        raise NotFound(f"there is no file {file}")
    return file.open("rb")


def _say(told: Any) -> None:
    sys.stdout.write(encode(told).decode() + "\n")


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m engine.maintenance", description="Work on a log that no daemon holds."
    )
    parser.add_argument("--state-dir")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("verify", "replay"):
        commands.add_parser(name)
    for name in ("backup", "restore", "import"):
        commands.add_parser(name).add_argument("file", type=Path)
    compacted = commands.add_parser("compact").add_mutually_exclusive_group(required=True)
    compacted.add_argument("--before", type=int)
    compacted.add_argument("--before-ms", type=int, default=0)
    exported = commands.add_parser("export")
    exported.add_argument("--after", type=int, default=0)
    exported.add_argument("-o", "--output", type=Path)
    return parser.parse_args(arguments)


async def _run(folder: Path, asked: argparse.Namespace) -> int:
    match asked.command:
        case "verify":
            return await verify(folder)
        case "replay":
            return await replay(folder)
        case "backup":
            return await backup(folder, asked.file.absolute())
        case "restore":
            return await restore(folder, asked.file.absolute())
        case "compact":
            return await compact(folder, asked.before, asked.before_ms)
        case "import":
            return await take_in(folder, asked.file.absolute())
        case _:
            return await export(folder, asked.after, asked.output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one thing; return the exit code."""
    asked = _arguments(sys.argv[1:] if arguments is None else arguments)
    folder = state_dir(asked.state_dir)
    try:
        failpoints.arm(os.environ)
        with held(folder):
            return asyncio.run(_run(folder, asked))
    except StudioError as error:
        print(f"cutroom: {error.detail}", file=sys.stderr)  # noqa: T201
        return error.meaning.exit
    except BrokenPipeError:
        return DONE


if __name__ == "__main__":
    sys.exit(main())
