"""A program whose calls are recorded: it writes all that a daemon keeps on disk, and says what it may be held to.

    python -m tests.fault.recorded FOLDER [careless]

It prints `record {n} {position}`, `blob {sha256}`, `anchor {position}` and `secret {text}` as soon as each is promised.
`careless` has it sync at checkpoints only: the mistake that a kill alone never shows.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.status import Endpoint
from engine.access.secrets import kept_secret
from engine.kernel import anchor, database
from engine.kernel.kernel import Kernel
from engine.state import published
from tests.fault.writer import prepare
from tests.kernel_kit import ADA, Add, put, running, write

SECRET: Final = "operator.token"
WRITERS: Final = 3
RECORDS: Final = 8  # each writer's; a dozen checkpoints come between


def _say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


async def _write(kernel: Kernel, folder: Path, writer: int) -> None:
    for number in range(writer, WRITERS * RECORDS, WRITERS):
        accepted = await write(kernel, put(f"project/{number}", "x" * 700, if_match_rev=0))
        _say("record", number, accepted.position)
        await kernel.dispatch.propose(f"counter/{number % 3}", Add(by=(1, 5)), ADA)
        if number % 4 == 1:
            _say("blob", await asyncio.to_thread(kernel.blobs.put, bytes([number]) * 1500))
        if writer == 0 and number % 2:
            await kernel.anchor.write()
            kept = anchor.read(folder)
            assert kept is not None
            _say("anchor", kept.position)


async def main(folder: Path) -> None:
    database.CHECKPOINT_BYTES = 60_000
    _say("secret", kept_secret(folder / SECRET))
    async with running(folder, prepare=lambda kernel: prepare(kernel, folder)) as kernel:
        endpoint = Endpoint(url="http://127.0.0.1:7717", pid=1, started_at_ms=1, version="0")
        with published(folder, endpoint):
            await asyncio.gather(*(_write(kernel, folder, writer) for writer in range(WRITERS)))


def _be_careless() -> None:
    prepared = database.Database._prepare

    def careless(self: database.Database) -> None:
        prepared(self)
        self._connection.execute("PRAGMA synchronous=NORMAL")

    database.Database._prepare = careless  # type: ignore[method-assign]


if __name__ == "__main__":
    if "careless" in sys.argv[2:]:
        _be_careless()
    asyncio.run(main(Path(sys.argv[1])))
