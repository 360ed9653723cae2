"""A tiny package that brings tools, made by the test; and a studio that has loaded it."""

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.wire.missions import Attempt, Budgets
from cutroom_sdk.wire.programs import AllowedCommand
from engine.kernel.kernel import Kernel
from engine.missions import types as t
from engine.programs import effects
from engine.programs.packages import found
from tests.missions_kit import ADA, item, studio, until

LIMIT_S = 60.0  # on a machine that has much else to do
HEAD = """
import asyncio, ctypes, os, pathlib, socket, subprocess, sys, threading, time
from cutroom_sdk.tooling import Tool, ToolArgument
TEXT = {"text": ToolArgument(type="text", default="")}
"""


def install(folder: Path, code: str, *tools: str, module: str = "tiny") -> None:
    """Write a package with these tools: `name` stands for `module:name`, `name=value` for any other entry point."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(HEAD + code)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    points = [f"{one} = {module}:{one}" if "=" not in one else one for one in tools]
    (info / "entry_points.txt").write_text("\n".join(["[cutroom.tools]", *points, ""]))


class Room:
    """A studio whose registry has the tools of packages and of the operator's commands."""

    def __init__(self, kernel: Kernel, programs: effects.Programs) -> None:
        self.kernel = kernel
        self.programs = programs
        self._missions = 0

    async def run(self, kind: str, **given: Any) -> Attempt:
        """Have a mission of one item carried out; return the item's only attempt."""
        mission_id = await self.begin(kind, **given)
        ended: list[Attempt] = []

        async def over() -> bool:
            mission: t.Mission = (await self.kernel.dispatch.state(f"mission/{mission_id}", ADA.partition))[0]
            ended[:] = mission.items[0].attempts[-1:]
            return mission.over

        await until(self.kernel, over, LIMIT_S)
        return ended[0]

    async def begin(self, kind: str, **given: Any) -> str:
        """Begin a mission of one item and return its id."""
        self._missions += 1
        mission_id = f"m{self._missions}"
        create = t.Create(
            title="x",
            goal="x",
            items=(item("it", kind=kind, given=given),),
            start=True,
            budgets=Budgets(max_attempts=1),
            capabilities=("*",),
        )
        await self.kernel.dispatch.propose(f"mission/{mission_id}", create, ADA)
        return mission_id


@contextlib.asynccontextmanager
async def room(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    fenced: bool = True,
    commands: dict[str, AllowedCommand] | None = None,
) -> AsyncIterator[Room]:
    """A studio in `folder/state` with the packages that `folder/packages` holds."""
    packages, made = folder / "packages", list[effects.Programs]()
    packages.mkdir(exist_ok=True)
    (folder / "state").mkdir(exist_ok=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])

    def prepare(kernel: Kernel) -> None:
        made.append(effects.register(kernel, folder / "state", commands or {}, fenced=fenced))

    async with studio(folder / "state", prepare=prepare) as kernel:
        await made[0].load(found([str(packages)]))
        yield Room(kernel, made[0])
