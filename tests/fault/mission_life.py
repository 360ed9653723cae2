"""A mission with an outside, which can be killed at any moment and begun again.

Each call of a tool is a line `tool key` in the file `sink` before anything else happens. `look` may be called again and is
tested by its checks, `send` must not be, `tell` fails the first time. What a life ends with is its last line: `over`, or
`unknown` when a person has to look.
"""

import asyncio
import os
from pathlib import Path
from typing import Final, Literal

from cutroom_sdk.wire.renders import Check
from engine.kernel import commands
from engine.kernel.commands import Command
from engine.kernel.errors import Rejected, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.tools import ToolContext, ToolResult
from engine.missions import types as t
from tests.missions_kit import ADA, FakeTool, WorkInput, item, mission_until, studio, until

SINK: Final = "sink"
STREAM: Final = "mission/m1"
Word = Literal["", "redeliver", "cancel"]


def live(folder: str, word: Word) -> None:
    """Carry the mission on until it is over, or until nobody knows what has happened and `word` is empty."""
    asyncio.run(_live(Path(folder), word))


def calls(folder: Path) -> list[tuple[str, str]]:
    """What has reached the outside: the tool and the key."""
    sink = folder / SINK
    lines = sink.read_text().splitlines() if sink.exists() else []
    return [(tool, key) for tool, key in map(str.split, lines)]


async def _live(folder: Path, word: Word) -> None:
    async with studio(folder, *_tools(folder)) as kernel:
        try:
            await kernel.dispatch.propose(STREAM, _asked(), ADA)
        except Rejected:
            pass  # an earlier life has asked
        while await _stuck(kernel):
            if not word:
                print("unknown", flush=True)  # noqa: T201
                return
            await _say(kernel, word)
        print("over", flush=True)  # noqa: T201


def _asked() -> t.Create:
    items = (
        item("look", kind="look", test="auto"),
        item("send", "look", kind="send"),
        item("tell", "send", kind="tell"),
    )
    return t.Create(title="x", goal="x", items=items, start=True, capabilities=("*",))


def _tools(folder: Path) -> list[FakeTool]:
    def reach(name: str, context: ToolContext) -> ToolResult:
        descriptor = os.open(folder / SINK, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{name} {context.run_id}\n".encode())
        os.close(descriptor)
        return ToolResult(refs=(f"artifact/{name}",), output={"by": name, "of": list(context.refs)})

    async def look(_given: WorkInput, context: ToolContext) -> ToolResult:
        return reach("look", context)

    async def send(_given: WorkInput, context: ToolContext) -> ToolResult:
        return reach("send", context)

    async def tell(_given: WorkInput, context: ToolContext) -> ToolResult:
        made = reach("tell", context)
        if context.attempt == 1:
            raise WorkFailed("nobody listens")
        return made

    async def check(_result: ToolResult, _context: ToolContext) -> tuple[Check, ...]:
        return (Check(name="seen", status="pass", value="yes"),)

    return [
        FakeTool("look", call=look, check=check),
        FakeTool("send", call=send, idempotent=False),
        FakeTool("tell", call=tell),
    ]


async def _stuck(kernel: Kernel) -> list[Command]:
    """Wait until the mission is over and all is done, or a command is unknown; return those that are."""
    found: list[Command] = []

    async def settled() -> bool:
        every = await kernel.resources.values("outbox", Command)
        mission: t.Mission = (await kernel.dispatch.state(STREAM, ADA.partition))[0]
        found[:] = [one for one in every if one.state == "unknown"]
        busy = any(one.state in ("pending", "attempted") for one in every)
        return bool(found) or (mission.over and not busy)

    await until(kernel, settled, 30)
    return found


async def _say(kernel: Kernel, word: Word) -> None:
    """Do as a person does who has looked."""
    (command,) = await _stuck(kernel)
    proposal = commands.Redeliver() if word == "redeliver" else commands.Cancel()
    await kernel.dispatch.propose(f"outbox/{command.command_id}", proposal, ADA)
    if word == "cancel":
        await mission_until(kernel, "m1", lambda mission: mission.status == "paused")
        await kernel.dispatch.propose(STREAM, t.Resume(), ADA)
