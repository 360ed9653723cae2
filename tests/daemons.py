"""A real daemon in a process of its own, for tests that look at it from outside."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from cutroom_sdk.client import Client
from cutroom_sdk.discovery import find

READY_S: Final = 30


class Daemon:
    """A daemon for one state directory. `start` and `kill` may follow each other."""

    def __init__(self, folder: Path, *flags: str, **environment: str) -> None:
        self.folder = folder
        self._flags = flags
        # A process in reserve loads for seconds, which is nothing to most tests.
        self._environment = {"CUTROOM_RESERVE_WORKER": "0", **environment}
        self.process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What programs that are to find this daemon need in their environment."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_")}
        return {**clean, "CUTROOM_HOME": str(self.folder), **self._environment}

    def spawn(self) -> subprocess.Popen[str]:
        """Start a process, and wait for nothing."""
        return subprocess.Popen(
            [sys.executable, "-m", "engine.daemon", "serve", "--port", "0", *self._flags],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> str:
        """Start it and return the line with which it says that it is ready."""
        self.process = self.spawn()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "ready" not in line:
            _, said = self.process.communicate(timeout=READY_S)
            raise AssertionError(f"the daemon did not start: {said}")
        return line

    def kill(self) -> None:
        """End it as a power cut would: it does not hear of it."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=READY_S)
        code, self.process = self.process.returncode, None
        return code

    def stop_others(self) -> None:
        """End a daemon that somebody else has started for the same state directory."""
        subprocess.run(
            [sys.executable, "-m", "clients.cli.main", "stop"],
            env=self.environment,
            check=True,
            capture_output=True,
            timeout=READY_S,
        )

    def client(self) -> Client:
        """Return a client with the operator's token."""
        return Client(lambda: find(self.folder))

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client with the operator's token that shows answers as they come."""
        address = find(self.folder)
        assert address is not None
        headers = {"Authorization": f"Bearer {address.token}"}
        async with httpx.AsyncClient(
            base_url=address.url, headers=headers, timeout=20, verify=False, trust_env=False
        ) as client:
            yield client

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            await asyncio.to_thread(self.stop)
