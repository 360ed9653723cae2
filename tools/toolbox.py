"""The reference page of the tools that a run may call, from the registry of a daemon that is put together and not run."""

import asyncio
import inspect
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from engine.config import Settings
from engine.features import AGGREGATES, Features
from engine.kernel.clock import SystemClock
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool
from tools.markdown import page, table


def tools_page() -> str:
    """Every tool: what it takes, how far it reaches, whether it can check its own result."""
    parts = [_section(tool) for tool in asyncio.run(registered())]
    intro = (
        "What a work item's `kind` may name. Effect `none` computes, `local` writes on this machine, `external` leaves "
        "it. A tool that checks its results can be tested by the engine: gates with decider `auto`."
    )
    return page("Tools", intro, *parts)


async def registered() -> list[Tool]:
    """Return all tools, sorted by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kernel = await Kernel.open(folder, AGGREGATES, SystemClock())
        try:
            Features(kernel, Settings(), folder)
            return [kernel.tools.get(tool) for tool in kernel.tools.names()]
        finally:
            await kernel.database.close()


def _section(tool: Tool) -> str:
    facts = [
        ("effect", f"`{tool.effect}`"),
        ("needs", f"`{tool.capability}`"),
        ("ends after", f"{tool.limit_s:g} s"),
        ("called again after a crash", "yes" if tool.idempotent else "no"),
        ("checks its results", "yes" if tool.check else "no"),
    ]
    told = inspect.cleandoc(tool.input.__doc__ or "").partition("\n\n")[2]
    fields = table(("input", "type", "default"), [_field(one) for one in msgspec.structs.fields(tool.input)])
    parts = [f"## `{tool.name}`", f"{tool.title}.", table(("", ""), facts), fields]
    return "\n\n".join([*parts, told] if told else parts)


def _field(field: msgspec.structs.FieldInfo) -> tuple[str, str, str]:
    default = "" if field.required else f"`{_default(field)}`"
    return (f"`{field.encode_name}`", f"`{type_text(field.type)}`", default or "must be given")


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if callable(field.default_factory) else ""


def type_text(kind: Any) -> str:
    """Return a type as it reads: without the modules that its parts come from.

    >>> type_text(tuple[str, ...] | None)
    'tuple[str, ...] | None'
    """
    if isinstance(kind, type) and not hasattr(kind, "__args__"):
        return kind.__name__
    text = str(kind).replace("typing.", "").replace("NoneType", "None")
    return ".".join(text.split(".")[-1:]) if text.startswith("cutroom_sdk") else text
