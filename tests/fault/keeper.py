"""A program that writes a log, has it anchored, says so, and waits to be killed: all of it lies in the write-ahead log.

python -m tests.fault.keeper FOLDER
"""

import asyncio
import sys
from pathlib import Path

from tests.kernel_kit import ADA, Add, put, running, write


async def main(folder: Path) -> None:
    async with running(folder) as kernel:  # nobody carries its commands out: nothing comes after the anchor
        for number in range(40):
            await write(kernel, put(f"project/{number % 30}", {"note": "x" * 200, "number": number}))
            await kernel.dispatch.propose(f"counter/{number % 3}", Add(by=(1, 5)), ADA)
        await kernel.anchor.write()
        print(kernel.dispatch.head, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
