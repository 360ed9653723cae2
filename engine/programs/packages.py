"""Tools that installed packages bring, by the entry points `cutroom.tools`; see `cutroom_sdk.tooling`.

Their code is never imported here: a process says once, at the start, what a tool is, and another one carries out each call.
"""

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from typing import Any, Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.status import Feature
from engine.kernel.errors import Invalid, StudioError, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.programs.arguments import given, input_type
from engine.programs.host import Asked, Described, Failed, Made, Message, Progress, Visit
from engine.programs.process import Ended, Workshop, carry_out

GROUP: Final = "cutroom.tools"
DESCRIBE_S: Final = 20.0
CAPABILITY: Final = "programs:run"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Found:
    """An entry point, and the package that has it."""

    package: str
    point: EntryPoint


def found(path: Sequence[str] | None = None) -> list[Found]:
    """Return the entry points of installed packages, by name; nothing of the packages is run."""
    places = list(sys.path if path is None else path)
    every = [
        Found(f"{one.metadata['Name']} {one.version}", point)
        for one in distributions(path=places)
        for point in one.entry_points
        if point.group == GROUP
    ]
    return sorted(every, key=lambda one: (one.point.name, one.package))


class Packages:
    """The tools of packages, and what became of those that cannot be used."""

    def __init__(self, kernel: Kernel, workshop: Workshop) -> None:
        self._kernel = kernel
        self._workshop = workshop
        self.features: tuple[Feature, ...] = ()

    async def load(self, points: Sequence[Found]) -> None:
        """Ask each what it is, and put those that say so onto the registry; of the others `features` tells why not."""
        self.features = tuple(await asyncio.gather(*(self._load(one) for one in points)))

    async def _load(self, one: Found) -> Feature:
        name, detail, ok = one.point.name, one.package, True
        try:
            self._kernel.tools.add(await self._tool(one))
        except StudioError as error:
            ok, detail = False, f"{one.package}: {error.detail}"
        except (TypeError, ValueError) as error:  # numbers in its description that no type can have
            ok, detail = False, f"{one.package}: its description is wrong: {error}"
        return Feature(
            name=f"tool.{name}",
            ok=ok,
            detail=detail,
            unlocks=f"work items of the kind {name}",
            how="" if ok else f"mend or remove the package {one.package}, then start the daemon anew",
        )

    async def _tool(self, one: Found) -> Tool:
        name = one.point.name
        if not _NAME.fullmatch(name):
            raise Invalid(f"{name!r} is no name for a tool: small letters, digits and _")
        if name in self._kernel.tools.names():
            raise Invalid(f"there is another tool called {name}")
        async with self._workshop.folder() as folder:
            plain = self._workshop.setup_of(_python(), folder)
            visit = Visit(**msgspec.structs.asdict(plain), name=name, value=one.point.value)
            told = await _visited(visit, folder, DESCRIBE_S, "the package", None)
        if not isinstance(told, Described):
            raise WorkFailed("it did not say what it is")
        if name in self._kernel.tools.names():  # one that was asked at the same time
            raise Invalid(f"there is another tool called {name}")
        caller = _Caller(name, one.point.value, told, self._workshop)
        return Tool(
            name=name,
            title=told.title,
            input=input_type(name, told.arguments),
            call=caller.call,
            effect=told.effect,
            capability=CAPABILITY,
            limit_s=min(told.limit_s + 30, 86_400.0),
            idempotent=told.repeatable,
            touches=lambda _asked: (
                f"runs {one.package}" + (", which leaves this machine" if told.effect == "external" else ""),
            ),
        )


@dataclass(frozen=True)
class _Caller:
    """Calls one tool."""

    name: str
    value: str
    told: Described
    workshop: Workshop

    async def call(self, read: Struct, context: ToolContext) -> ToolResult:
        """Call it in a process of its own; the files that it leaves in its folder are kept.

        Raises:
            WorkFailed: it failed, or did anything else than to answer.
            NotFound, Rejected: a file that it is given is not there, or was changed.
            Unavailable: this machine cannot fence it in.
        """
        values, paths = await given(read, self.told.arguments, context)
        async with self.workshop.folder() as folder:
            plain = self.workshop.setup_of(
                (*_python(), *paths), folder, network=self.told.effect == "external"
            )
            asked = Asked(
                given=values,
                folder=str(folder),
                refs=context.refs,
                reasons=context.reasons,
                attempt=context.attempt,
                role=context.role,
            )
            visit = Visit(**msgspec.structs.asdict(plain), name=self.name, value=self.value, asked=asked)
            said = await _visited(visit, folder, self.told.limit_s, self.name, context)
            if not isinstance(said, Made):
                raise WorkFailed(f"{self.name} did not say what it has made")
            files = await self.workshop.keep(folder)
        return ToolResult(refs=context.refs, output=said.output | ({"files": files} if files else {}))


async def _visited(
    visit: Visit, folder: Any, limit_s: float, what: str, context: ToolContext | None
) -> Message:
    """Have a process do what it is asked and return what it said last.

    Raises:
        WorkFailed: it failed, said nothing, or nothing that can be understood.
    """
    said: list[Message] = []
    garbled: list[bytes] = []

    def heard(line: bytes) -> None:
        try:
            message: Message = decode(line, Message)  # type: ignore[arg-type]
        except msgspec.MsgspecError:
            garbled[:] = [line]
            return
        if isinstance(message, Progress):
            if context is not None:
                context.report(message.done, message.total, message.note)
            return
        said[:] = [message]

    ended: Ended = await carry_out("engine.programs.host", visit, folder=folder, limit_s=limit_s, heard=heard)
    if garbled:
        raise WorkFailed(f"{what} said something that is no answer: {garbled[0][:100]!r}", cause="answer")
    if not said:
        raise ended.failure(what)
    if isinstance(said[0], Failed):
        raise WorkFailed(f"{what} failed: {said[0].detail}", cause="error", log_tail=ended.printed)
    return said[0]


def _python() -> tuple[str, ...]:
    """Return where this Python and its packages lie."""
    return (sys.prefix, sys.base_prefix, *(entry for entry in sys.path if entry))
