"""Programs on a kernel of their own that come by every failpoint of it, and can be begun again after any death.

Request `n` puts a blob, then writes two records (one lives for a millisecond) and counts on `counter/n`, all in one
commit: 5 leads to a command that may be repeated and is echoed by a reaction, 7 to one that must not be. An
acknowledgement is the line `n position`; position 0: it was there already.
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from cutroom_sdk.wire.resources import Operation
from engine.kernel import backups, compactor, database, records, transfer
from engine.kernel.commands import Command
from engine.kernel.context import Claim
from engine.kernel.database import Database
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Conflict
from engine.kernel.kernel import DATABASE_NAME, Kernel, with_own
from engine.kernel.log import Event
from engine.kernel.outbox import Effect
from engine.kernel.records import WriteRecords
from engine.kernel.reducer import Aggregate
from tests.kernel_kit import ADA, COUNTER, Add, Added, Shout, Whisper, put, running

SINK: Final = "sink"
BACKUP: Final = "backup"
WRITERS: Final = 2
CHECKPOINT_BYTES: Final = 40_000  # so that a short life comes by checkpoints
BY_KIND: Final[dict[str, Aggregate[Any, Any, Any]]] = with_own([COUNTER])


def live(folder: str, first: int, count: int) -> None:
    """Carry out the requests from `first` on, see that all they lead to is done, and end in peace."""
    asyncio.run(_live(Path(folder), first, count))


def restore(folder: str, backup: str) -> None:
    """Put a backup in the place of the log."""
    asyncio.run(backups.restore(Path(folder), Path(backup), DATABASE_NAME, BY_KIND))


def take_in(folder: str, lines: str) -> None:
    """Take an exported log into a folder without one; one that has it already is left as it is."""
    asyncio.run(_take_in(Path(folder), Path(lines)))


def compact(folder: str) -> None:
    """Compact all there is, in small pieces."""
    compactor.STEP, compactor.PAGES = 10, 2
    asyncio.run(_compact(Path(folder)))


async def _compact(folder: Path) -> None:
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        await kernel.compactor.compact(kernel.dispatch.head + 1, ADA)


async def _live(folder: Path, first: int, count: int) -> None:
    database.CHECKPOINT_BYTES = CHECKPOINT_BYTES
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        numbers = range(first, first + count)
        await asyncio.gather(*(_write(kernel, numbers[writer::WRITERS]) for writer in range(WRITERS)))
        copy = folder / BACKUP
        copy.unlink(missing_ok=True)  # one that a death left unfinished
        await backups.back_up(kernel.database, copy)
        await settled(kernel)


def prepare(kernel: Kernel, folder: Path) -> None:
    """Carry commands out by a line in the sink; it is there before anybody hears that it is done."""

    async def say(command: Shout | Whisper, effect: Effect) -> None:
        descriptor = os.open(folder / SINK, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{type(command).__name__} {effect.key} {effect.attempt}\n".encode())
        os.close(descriptor)

    kernel.outbox.handle(Shout, say)
    kernel.outbox.handle(Whisper, say, idempotent=False)
    kernel.reactions.on(Added, "echo", _echo)


def _echo(event: Added, _recorded: Event) -> Sequence[Asked]:
    return (Asked("counter/echo", Add(by=(1,))),) if event.by == 5 else ()


async def settled(kernel: Kernel) -> None:
    """Wait until nothing is left to do: commands, echoes, records whose time is up."""
    async with asyncio.timeout(30):
        while True:
            news = kernel.subscriptions.signal
            commands = await kernel.resources.values("outbox", Command)
            waiting = [one for one in commands if one.state in ("pending", "attempted")]
            fading = (await kernel.resources.page("team/fading")).items
            echo, _ = await kernel.dispatch.state("counter/echo", ADA.partition)
            if not waiting and not fading and echo.total == await _fives(kernel):
                return
            await news.wait()


async def _fives(kernel: Kernel) -> int:
    query = (
        "SELECT COUNT(*) FROM events WHERE type = 'counter.added' AND CAST(data AS TEXT) LIKE '%\"by\":5}%'"
    )
    return await kernel.database.read(lambda connection: int(connection.execute(query).fetchone()[0]))


async def _write(kernel: Kernel, numbers: Sequence[int]) -> None:
    for number in numbers:
        print(number, await request(kernel, number), flush=True)  # noqa: T201
        await kernel.anchor.write()


async def request(kernel: Kernel, number: int) -> int:
    """Make request `number`; return its position, 0 when it was there already."""
    blob = kernel.blobs.put(f"the content of {number}".encode())
    written = (
        put(f"project/{number}", {"blob": blob, "note": "x" * 500}, if_match_rev=0),
        Operation(op="put", key=f"team/fading/{number}", value=number, ttl_ms=1),
    )
    counted = Asked(f"counter/{number}", Add(by=(1, 5, 7)), 0)
    claim = Claim(actor="local/dev/ada", key=f"request-{number}", request_hash=str(number))
    try:
        _, accepted = await kernel.dispatch.propose_many(
            [Asked(records.STREAM, WriteRecords(operations=written)), counted], replace(ADA, claim=claim)
        )
    except Conflict:
        return 0
    return int(accepted.events[0].position)


async def _take_in(folder: Path, lines: Path) -> None:
    opened = await Database.open(folder / DATABASE_NAME)
    try:
        with lines.open("rb") as file, contextlib.suppress(Conflict):
            await transfer.take_in(opened, folder, file, BY_KIND)
    finally:
        await opened.close()


async def some_log(folder: Path, first: int, count: int) -> None:
    """Make a log in this process: what backups, exports and older schemas are made from."""
    folder.mkdir(exist_ok=True)
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        for number in range(first, first + count):
            await request(kernel, number)
        await settled(kernel)
