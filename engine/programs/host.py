"""The process that a tool of a package runs in: it fences itself in, then it looks at the package for the first time.

Started as `python -m engine.programs.host` by `process.carry_out`. What it has to say goes to the channel, one line of JSON
each; what the tool prints goes where it is read and bounded.
"""

import asyncio
import inspect
import json
import os
import sys
import traceback
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from cutroom_sdk.tooling import Call, Tool
from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.programs import Seconds, ToolArgument
from engine.kernel.clock import monotonic_s
from engine.media import sandbox
from engine.programs.process import Setup

PROGRESS_EVERY_S = 0.1


class Asked(Struct, frozen=True, kw_only=True):
    """A call: the arguments, with paths for files, and what else a tool is told."""

    given: dict[str, Any]
    folder: str
    refs: tuple[str, ...]
    reasons: tuple[str, ...]
    attempt: int
    role: str = ""


class Visit(Setup, frozen=True, kw_only=True):
    """Which tool to load, `module:attribute`, and what to have it do; `asked` None: say what it is."""

    name: str
    value: str
    asked: Asked | None = None


class Described(Struct, frozen=True, kw_only=True, tag="described"):
    """What a tool is."""

    title: str
    arguments: dict[str, ToolArgument]
    effect: Literal["none", "local", "external"]
    limit_s: Seconds
    repeatable: bool


class Progress(Struct, frozen=True, kw_only=True, tag="progress"):
    """How far it is."""

    done: float
    total: float
    note: str


class Made(Struct, frozen=True, kw_only=True, tag="made"):
    """What the tool has returned."""

    output: dict[str, Any]


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """Why it has not; `code` is `invalid_request` when it is no tool at all."""

    detail: str


Message = Described | Progress | Made | Failed


def main() -> None:
    """Do what was asked, and say how it went."""
    told = decode(sys.stdin.buffer.readline(), Visit)
    sandbox.die_with_parent(told.parent)
    channel = int(os.environ.pop("CUTROOM_CHANNEL"))
    if told.fence is not None:
        sandbox.lock_down(memory_bytes=told.memory_bytes, file_bytes=told.file_bytes, fence=told.fence)
    try:
        answer: Message = _answer(told, channel)
    except MemoryError:
        answer = Failed(detail="it takes more memory than is allowed")
    except BaseException as error:
        traceback.print_exc()
        answer = Failed(detail=f"{type(error).__name__}: {error}"[:2000])
    sys.stdout.flush()
    _say(channel, answer)
    # Threads that the tool has left behind are nobody's any more.
    os._exit(0)


def _answer(told: Visit, channel: int) -> Message:
    tool = EntryPoint(name=told.name, value=told.value, group="").load()
    if not isinstance(tool, Tool):
        return Failed(detail=f"{told.value} is no cutroom_sdk.tooling.Tool but a {type(tool).__name__}")
    if told.asked is None:
        plain = msgspec.to_builtins(dict(tool.arguments))
        return Described(
            title=tool.title,
            arguments=msgspec.convert(plain, dict[str, ToolArgument]),
            effect=tool.effect,
            limit_s=tool.limit_s,
            repeatable=tool.repeatable,
        )
    return _called(tool, told.asked, channel)


def _called(tool: Tool, asked: Asked, channel: int) -> Message:
    told_s = 0.0

    def report(done: float, total: float, note: str = "") -> None:
        nonlocal told_s
        if monotonic_s() - told_s >= PROGRESS_EVERY_S:
            told_s = monotonic_s()
            _say(channel, Progress(done=float(done), total=float(total), note=str(note)[:200]))

    call = Call(
        folder=Path(asked.folder),
        refs=asked.refs,
        reasons=asked.reasons,
        attempt=asked.attempt,
        report=report,
        role=asked.role,
    )
    made = tool.run(asked.given, call)
    if inspect.isawaitable(made):
        made = asyncio.run(_awaited(made))
    if made is not None and not isinstance(made, Mapping):
        return Failed(detail=f"it gave a {type(made).__name__}, which is no JSON object")
    try:
        text = json.dumps({} if made is None else dict(made), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return Failed(detail=f"what it gave is no JSON: {error}")
    return Made(output=json.loads(text))


async def _awaited(made: Any) -> Any:
    return await made


def _say(channel: int, message: Message) -> None:
    left = memoryview(encode(message) + b"\n")
    while left:
        left = left[os.write(channel, left) :]


if __name__ == "__main__":
    main()
