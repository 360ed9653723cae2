"""The daemon as a process of this machine: found, started in a session of its own, ended."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from clients.cli.options import CommandError, Setup
from clients.clock import monotonic_s
from cutroom_sdk.client import Client
from cutroom_sdk.discovery import read_endpoint
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.problems import CONFLICT, UNAVAILABLE

START_S: Final = 30.0
STOP_S: Final = 10.0
IDLE_EXIT_S: Final = 600
LOOK_S: Final = 0.05
# -P: a folder called `engine` where the user happens to be must not be taken for ours.
SERVE: Final = (sys.executable, "-P", "-m", "engine.daemon", "serve")


class Started:
    """A daemon that this command started; it ends by itself after ten idle minutes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._errors = folder / "logs" / "start.log"
        self._process = self._launch()

    def _launch(self) -> "subprocess.Popen[bytes]":
        # One after the other: with `parents` the state directory itself would be readable by whoever the umask lets.
        for folder in (self._folder, self._errors.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = ("--state-dir", str(self._folder), "--port", "0", "--idle-exit-s", str(IDLE_EXIT_S))
        with self._errors.open("wb") as errors:
            return subprocess.Popen(
                [*SERVE, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                cwd=self._folder,
            )

    def gone(self) -> bool:
        """Tell whether the process has ended."""
        return self._process.poll() is not None

    def restart(self) -> None:
        """Start it again after it has ended."""
        assert self.gone()
        self._process = self._launch()

    def last_words(self) -> str:
        """Return the last line that the process wrote before it ended."""
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("cutroom: ") if lines else f"see {self._errors.parent / 'daemon.log'}"

    async def wait(self, client: Client) -> None:
        """Return when the daemon answers.

        Raises:
            CommandError: it ended, or did not answer in time.
        """
        until_s = monotonic_s() + START_S
        while monotonic_s() < until_s:
            if await answers(client):
                return
            # Another command may have been faster; then its daemon holds the folder and answers in a moment.
            if self.gone() and self._process.returncode != CONFLICT:
                raise CommandError(f"the daemon did not start: {self.last_words()}", UNAVAILABLE)
            await asyncio.sleep(LOOK_S)
        raise CommandError(f"the daemon does not answer: {self.last_words()}", UNAVAILABLE)

    def end(self) -> None:
        """End the daemon, and return when it is gone."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def answers(client: Client) -> bool:
    """Tell whether a daemon answers."""
    try:
        await client.health()
    except SdkError as error:
        return error.status != 0
    return True


@contextlib.asynccontextmanager
async def connected(setup: Setup, *, start: bool) -> AsyncIterator[tuple[Client, Started | None]]:
    """Yield a client of the daemon, and the daemon if it had to be started.

    Raises:
        CommandError: none runs (with `start`: none could be started).
    """
    async with Client(setup.locate) as client:
        if setup.locate() is not None and await answers(client):
            yield client, None
        elif start and not setup.remote:
            setup.talk().print("starting the daemon", style="dim")
            started = Started(setup.folder)
            await started.wait(client)
            yield client, started
        elif setup.remote:
            address = setup.locate()
            raise CommandError(f"no daemon answers at {address.url if address else setup.url}", UNAVAILABLE)
        else:
            raise CommandError(f"no daemon runs for {setup.folder}; 'cutroom serve' starts one", UNAVAILABLE)


def serve(folder: Path, host: str | None, port: int | None) -> None:
    """Become the daemon: this process is replaced, so that signals reach it directly."""
    options = ["--state-dir", str(folder)]
    options += ["--host", host] if host else []
    options += ["--port", str(port)] if port is not None else []
    os.execv(sys.executable, [*SERVE, *options])


async def stop(folder: Path) -> int | None:
    """End the daemon of a state directory; return its process id once it is gone, None when none ran.

    Raises:
        CommandError: it does not end.
    """
    endpoint = read_endpoint(folder)
    if endpoint is None:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(endpoint.pid, signal.SIGTERM)
    until_s = monotonic_s() + STOP_S
    while monotonic_s() < until_s:
        now = read_endpoint(folder)
        if now is None or now.pid != endpoint.pid:
            return endpoint.pid
        await asyncio.sleep(LOOK_S)
    raise CommandError(
        f"the daemon {endpoint.pid} does not end; 'kill -9 {endpoint.pid}' ends it", UNAVAILABLE
    )
