"""What tests of the outbox share: an outside that notes its calls, a look at the commands, and what must always hold."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from cutroom_sdk.wire.codec import decode
from engine.kernel.commands import Attempted, Command, Enqueued
from engine.kernel.delivery import Effect
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
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


class Call(NamedTuple):
    """What reached the outside, and what it did then: `works later no breaks hangs`."""

    key: str
    attempt: int
    does: str


# What may come right before each step of a command's life; None: nothing does.
BEFORE: Final[Mapping[str, set[str | None]]] = {
    "command.enqueued": {None},
    "command.attempted": {"command.enqueued", "command.failed", "command.redelivered", "command.attempted"},
    "command.completed": {"command.attempted", "command.stop_asked"},
    "command.failed": {"command.attempted"},
    "command.gave_up": {"command.attempted", "command.stop_asked"},
    "command.lost": {"command.attempted", "command.stop_asked"},
    "command.stop_asked": {"command.attempted"},
    "command.redelivered": {"command.gave_up", "command.lost"},
    "command.canceled": {
        "command.enqueued",
        "command.failed",
        "command.gave_up",
        "command.lost",
        "command.redelivered",
        "command.stop_asked",
    },
}


def check_effects(events: Iterable[Event], calls: Iterable[Call], once: str) -> None:
    """I4: every call is of an attempt on record, one an attempt, under the command's own key; and of a command named `once`
    no attempt that may have had its effect is followed by another but when a person has it redelivered.
    """
    trails: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        kind, _, command_id = event.stream.partition("/")
        if kind == "outbox":
            trails[command_id].append(event)
    seen: dict[tuple[str, int], str] = {}
    for call in calls:
        assert (call.key, call.attempt) not in seen, "one attempt, one call"
        seen[call.key, call.attempt] = call.does
    recorded = {(key, attempt) for key, trail in trails.items() for attempt in _attempts(trail)}
    assert seen.keys() <= recorded, "the outside was touched by an attempt that is not on record"
    for key, trail in trails.items():
        named = decode(bytes(trail[0].data), Enqueued).command
        _check_trail(
            trail, {attempt: does for (of, attempt), does in seen.items() if of == key}, named == once
        )


def _attempts(trail: list[Event]) -> list[int]:
    return [
        decode(bytes(event.data), Attempted).attempt for event in trail if event.type == "command.attempted"
    ]


def _check_trail(trail: list[Event], calls: Mapping[int, str], once: bool) -> None:
    before, attempt = None, 0
    assert _attempts(trail) == list(range(1, len(_attempts(trail)) + 1))
    for event in trail:
        assert before in BEFORE[event.type], f"{event.stream}: {event.type} after {before}"
        attempt += event.type == "command.attempted"
        if once:
            assert (before, event.type) != ("command.attempted", "command.attempted"), f"{event.stream} again"
            harmless = calls.get(attempt, "was not called") in ("later", "was not called")
            again = event.type == "command.failed"
            dropped = (before, event.type) == ("command.stop_asked", "command.canceled")
            assert harmless or not (again or dropped), f"{event.stream}: it may have happened"
        else:
            assert event.type != "command.lost", f"{event.stream} can be repeated"
        before = event.type
