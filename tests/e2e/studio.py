"""The command line as a person uses it, against a daemon of its own."""

import asyncio
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.renders import Render
from tests.daemons import Daemon


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    talk: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return msgspec.json.decode(self.out)


async def spawn(
    daemon: Daemon, *arguments: str | Path, given: str | None = None
) -> asyncio.subprocess.Process:
    """Start `cutroom ...` without a terminal; with `given`, something is to come on its standard input."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "clients.cli.main",
        *map(str, arguments),
        env=daemon.environment,
        stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def said(process: asyncio.subprocess.Process, given: str | None = None) -> Said:
    """Wait for a command's end."""
    out, talk = await process.communicate(None if given is None else given.encode())
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), talk.decode())


async def cutroom(daemon: Daemon, *arguments: str | Path, given: str | None = None) -> Said:
    """Run `cutroom ...` to its end, with `given` on its standard input."""
    return await said(await spawn(daemon, *arguments, given=given), given)


def edit(
    footage: Path, output: Path, *, goal: str = "8 second highlight", profile: str = "square"
) -> tuple[str | Path, ...]:
    """Return the arguments of the main job, in small."""
    wanted = ("--goal", goal, "--profile", profile, "--approve", "auto")
    return ("--json", "edit", footage, *wanted, "-o", output)


async def at_work(daemon: Daemon) -> None:
    """Wait until a render has finished a part of its frames."""
    async with daemon.client() as client:
        replica = Replica(partial(client.resource_stream, prefixes=["render"]))
        async with replica.following():

            def begun() -> bool | None:
                return any(one.progress.done_frames for one in replica.shelf.values("render", Render)) or None

            await replica.until(begun)
