"""What tests of the outbox share: an outside that notes its calls, and a look at the commands."""

import asyncio
from collections.abc import Callable
from typing import Any

from engine.kernel.commands import Command
from engine.kernel.delivery import Effect
from engine.kernel.kernel import Kernel
from tests.kernel_kit import events_of


class Sink:
    """The outside: notes what reached it; fails as told."""

    def __init__(self, *failures: Exception) -> None:
        self.calls: list[tuple[Any, Effect]] = []
        self.failures = list(failures)

    async def __call__(self, command: Any, effect: Effect) -> None:
        self.calls.append((command, effect))
        if self.failures:
            raise self.failures.pop(0)

    @property
    def attempts(self) -> list[int]:
        return [effect.attempt for _, effect in self.calls]

    @property
    def keys(self) -> set[str]:
        return {effect.key for _, effect in self.calls}


async def states(kernel: Kernel) -> list[Command]:
    return await kernel.resources.values("outbox", Command)


async def trail(kernel: Kernel) -> list[str]:
    """The types of the commands' events, in order."""
    return [event.type for event in await events_of(kernel) if event.stream.startswith("outbox/")]


async def reached(kernel: Kernel, holds: Callable[[list[Command]], bool]) -> list[Command]:
    """Wait until the commands that are not finished are as wanted; return them."""
    async with asyncio.timeout(10):
        while True:
            news = kernel.subscriptions.signal
            found = await states(kernel)
            if holds(found):
                return found
            await news.wait()


async def settled(kernel: Kernel) -> list[Command]:
    """Wait until no command is pending or under way; return those that wait for a person."""
    return await reached(
        kernel, lambda found: not any(one.state in ("pending", "attempted") for one in found)
    )
