"""The TypeScript SDK as a way to the daemon: a program that does one step for each line that it is sent."""

import asyncio
import json
from asyncio.subprocess import PIPE
from typing import Any

from tests.conformance.drivers import WAIT_S, Driver, Step
from tests.deno import DENO, ENVIRONMENT, OFFLINE, SDK


class TypeScript(Driver):
    """`clients/sdk-ts/live/driver.ts`."""

    async def begin(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            DENO, "run", *OFFLINE, "--allow-net=127.0.0.1", f"--allow-read={self.folder}", "live/driver.ts",
            str(self.folder), cwd=SDK, env=ENVIRONMENT, stdin=PIPE, stdout=PIPE, stderr=PIPE,
            limit=16 << 20,
        )  # fmt: skip
        self.exit.push_async_callback(self._end)

    async def do(self, step: Step) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(step).encode() + b"\n")
        await process.stdin.drain()
        async with asyncio.timeout(WAIT_S):
            line = await process.stdout.readline()
        if not line:
            _, complaint = await process.communicate()
            raise AssertionError(complaint.decode())
        found: dict[str, Any] = json.loads(line)
        return found

    async def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(WAIT_S):
            assert await self._process.wait() == 0
