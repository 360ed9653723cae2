"""What a package needs to bring a tool of its own: `Tool` behind an entry point of the group `cutroom.tools`.

    # pyproject.toml                         # shouting.py
    [project.entry-points."cutroom.tools"]   def shout(given, call):
    shout = "shouting:tool"                      (call.folder / "said.txt").write_text(given["text"].upper())
                                                 return {"length": len(given["text"])}

                                             tool = Tool("Say it louder", shout, {"text": ToolArgument(type="text")})

The tool's name is that of the entry point. The code never runs in the daemon: each call is a process of its own that sees
the package, the files it was given and an empty folder, and reaches the network only with effect `external`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from cutroom_sdk.wire.programs import ToolArgument

__all__ = ["Call", "Report", "Tool", "ToolArgument"]


class Report(Protocol):
    """Tells how far a call is."""

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """`done` of `total`, in any unit; `note` says what is being done."""
        ...


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a tool has at hand beside its arguments.

    `folder` is its own, and empty; the files that lie in it afterwards are kept. `refs` name what the items before have
    made, `reasons` why earlier attempts were sent back; `attempt` counts from 1, and `role` says as what the item is done.
    """

    folder: Path
    refs: tuple[str, ...]
    reasons: tuple[str, ...]
    attempt: int
    report: Report
    role: str = ""


Run = Callable[[dict[str, Any], Call], dict[str, Any] | Awaitable[dict[str, Any] | None] | None]


@dataclass(frozen=True)
class Tool:
    """A tool: its title, the function, what it takes, and how far it reaches.

    The function may be async; it returns a small JSON object (under 16 KiB) or None, and raises to fail. `external`: it
    leaves this machine. A call ends after `limit_s` seconds. `repeatable` tools are called again after a crash.
    """

    title: str
    run: Run
    arguments: Mapping[str, ToolArgument] = field(default_factory=dict)
    effect: Literal["none", "local", "external"] = "none"
    limit_s: float = 600.0
    repeatable: bool = True
