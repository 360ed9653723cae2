"""A program that writes as fast as it can and says what was acknowledged, until somebody kills it.

    python -m tests.fault.writer FOLDER FIRST

It writes the records `project/{n}` for n = FIRST, FIRST + 1, ..., and prints `{n} {position}` when a write is
acknowledged, position 0 when it was there already: the kill before came between the commit and its answer. Beside them
counters grow, whose commands go to the file `sink` and whose additions are echoed by a reaction.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.kernel import database
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Conflict
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.outbox import Effect
from tests.kernel_kit import ADA, Add, Added, Shout, put, running, write

WRITERS: Final = 6
SINK: Final = "sink"


def echo(event: Added, recorded: Event) -> Sequence[Asked]:
    """Have `counter/echo` add one for every five that is added elsewhere."""
    return (Asked("counter/echo", Add(by=(1,))),) if event.by == 5 else ()


def prepare(kernel: Kernel, folder: Path) -> None:
    """Carry commands out by a line in the sink; it is there before anybody hears that it is done."""

    async def shout(_command: Shout, effect: Effect) -> None:
        descriptor = os.open(folder / SINK, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{effect.key} {effect.attempt}\n".encode())
        os.close(descriptor)

    kernel.outbox.handle(Shout, shout)
    kernel.reactions.on(Added, "echo", echo)


async def _write(kernel: Kernel, first: int) -> None:
    for number in range(first, sys.maxsize, WRITERS):
        try:
            position = (await write(kernel, put(f"project/{number}", "x" * 500, if_match_rev=0))).position
        except Conflict:
            position = 0
        print(number, position, flush=True)  # noqa: T201
        await kernel.dispatch.propose(f"counter/{number % 3}", Add(by=(1, 5)), ADA)


async def main(folder: Path, first: int) -> None:
    database.CHECKPOINT_BYTES = 60_000  # so that kills meet checkpoints as well
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        await asyncio.gather(*(_write(kernel, first + writer) for writer in range(WRITERS)))


def run(folder: str, first: int) -> None:
    """Be this program in a process that is forked."""
    asyncio.run(main(Path(folder), first))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
