"""A program that wants to write so many records, on a disk that fails now and then, and is begun again until it has.

    python -m tests.fault.stubborn FOLDER

It prints `record {n} {position}` when a record is acknowledged, position 0 when it was there already, and `full` when it
is told that the disk is full; then it asks again. An error of the disk ends it with `ENDED`, as it ends a daemon.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from engine.kernel import database
from engine.kernel.errors import Conflict, StudioError, Unavailable
from engine.kernel.kernel import Kernel
from tests.fault.writer import prepare
from tests.kernel_kit import ADA, Add, put, running, write

T = TypeVar("T")
RECORDS: Final = 40
ENDED: Final = 3
FULL_MAX: Final = 20  # in one life: a disk that stays full is another test's


def _say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def _insist(ask: Callable[[], Awaitable[T]]) -> T:
    for _ in range(FULL_MAX):
        try:
            return await ask()
        except Unavailable as error:
            if error.code != "insufficient_storage":
                raise
            _say("full")
    raise Unavailable("full for good")


async def _record(kernel: Kernel, number: int) -> int:
    await asyncio.to_thread(kernel.blobs.put, b"%d" % number)
    try:
        return (await write(kernel, put(f"project/{number}", "x" * 900, if_match_rev=0))).position
    except Conflict:
        return 0


async def _write(kernel: Kernel) -> None:
    for number in range(RECORDS):
        _say("record", number, await _insist(partial(_record, kernel, number)))
        if number % 4 == 0:
            add = partial(kernel.dispatch.propose, f"counter/{number % 3}", Add(by=(1, 5)), ADA)
            await _insist(add)
            await kernel.anchor.write()


async def _broken(kernel: Kernel) -> None:
    await kernel.database.broken.wait()
    raise Unavailable("the log cannot be written")


async def main(folder: Path) -> int:
    database.CHECKPOINT_BYTES = 60_000
    try:
        async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
            ends = [asyncio.create_task(_write(kernel)), asyncio.create_task(_broken(kernel))]
            done, left = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            for task in done:
                task.result()
            return ENDED if kernel.database.broken.is_set() else 0
    except (StudioError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return ENDED


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
