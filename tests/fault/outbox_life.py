"""A program whose commands meet all that can happen outside, until somebody kills it.

    python -m tests.fault.outbox_life FOLDER

Each call is a line `key attempt does` in the file `sink` before anything else happens; what it does follows from its key
and attempt, so that a repeat is what it was. Somebody redelivers and cancels what is stuck as they find it. For every
call a line goes to standard output.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Final

from engine.kernel import commands, delivery
from engine.kernel.delivery import Effect
from engine.kernel.errors import StudioError, Unavailable, WorkFailed
from engine.kernel.ids import derived_number
from engine.kernel.kernel import Kernel
from tests.kernel_kit import ADA, Add, Shout, Whisper, running
from tests.outbox_kit import Call, states

SINK: Final = "sink"
DOES: Final = ("works", "works", "works", "later", "no", "breaks", "hangs")


def calls(folder: Path) -> list[Call]:
    """What has reached the outside so far."""
    sink = folder / SINK
    lines = sink.read_text().splitlines() if sink.exists() else []
    return [Call(key, int(attempt), does) for key, attempt, does in map(str.split, lines)]


def prepare(kernel: Kernel, folder: Path) -> None:
    """Carry commands out, each in its own way."""

    async def call(_command: Any, effect: Effect) -> None:
        does = DOES[derived_number(effect.key, effect.attempt, below=len(DOES))]
        descriptor = os.open(folder / SINK, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{effect.key} {effect.attempt} {does}\n".encode())
        os.close(descriptor)
        print(does, flush=True)  # noqa: T201
        match does:
            case "later":
                raise Unavailable("not now")
            case "no":
                raise WorkFailed("never")
            case "breaks":
                raise ConnectionResetError("gone")
            case "hangs":
                await asyncio.Event().wait()

    kernel.outbox.handle(Shout, call, limit_s=0.05)
    kernel.outbox.handle(Whisper, call, idempotent=False, limit_s=0.05)


async def _meddle(kernel: Kernel) -> None:
    """Have what is stuck tried again, or dropped; sometimes drop what is not."""
    for number, one in enumerate(await states(kernel)):
        choice = derived_number(one.command_id, one.attempts, number, below=6)
        asked: commands.Proposal | None = None
        if one.state in ("dead", "unknown"):
            asked = commands.Cancel() if choice == 0 else commands.Redeliver()
        elif choice == 1:
            asked = commands.Cancel()
        if asked is not None:
            try:
                await kernel.dispatch.propose(f"outbox/{one.command_id}", asked, ADA)
            except StudioError:
                continue  # it went on in the meantime


async def main(folder: Path) -> None:
    delivery.PAUSE_FIRST_MS = 5  # type: ignore[misc]
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        for number in range(sys.maxsize):
            await kernel.dispatch.propose(f"counter/{number % 3}", Add(by=(5, 7, 7)), ADA)
            await _meddle(kernel)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
