"""What stands in front of every call of a tool: who may let it pass is not known here (`engine.wiring.gate`)."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from msgspec import Struct

from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.tools import Tool
from engine.runs.types import Run, Work


class Question(Struct, frozen=True, kw_only=True):
    """A call that is about to be made. `may_wait`: what is under way may be called again from the beginning."""

    run: Run
    work: Work
    place: str
    tool: Tool
    arguments: Any
    may_wait: bool


class Pass(NamedTuple):
    """It may be made, with this leave where it needs one; `along` is accepted in the commit that records the call."""

    approval_id: str = ""
    along: tuple[Asked, ...] = ()


class Wait(NamedTuple):
    """It needs leave; `asks` is what is to be proposed so that somebody is asked."""

    asks: tuple[Asked, ...]


# Raises `Forbidden` (`blocked_policy`) when the call may not be made at all.
Gate = Callable[[Question, Context], Awaitable[Pass | Wait]]
