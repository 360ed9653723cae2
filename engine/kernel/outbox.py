"""Carries out commands: claimed, attempted, completed, with every attempt on record before the outside is touched.

A handler is called at least once, always with the same key. `Unavailable` means "try again later", with growing
pauses; any other error puts the command among the dead, where a person can redeliver it. What a crash interrupted is
attempted again when its handler is idempotent; otherwise its outcome is `unknown` and waits for a person. On a full disk
the outcome of an attempt is held until it can be written.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from engine.kernel import commands, failpoints
from engine.kernel.clock import Clock, sleep_until
from engine.kernel.context import Context, engine_context
from engine.kernel.dispatch import Accepted, Dispatch, Told
from engine.kernel.errors import Rejected, StudioError, Unavailable
from engine.kernel.ids import IdempotencyKey
from engine.kernel.patience import insist
from engine.kernel.reducer import tag_of
from engine.kernel.resources import Store

ATTEMPTS_MAX: Final = 8
PAUSE_FIRST_MS: Final = 1_000
PAUSE_MAX_MS: Final = 300_000

_log = logging.getLogger(__name__)
reach = failpoints.points(
    "outbox", "before_lost", "lost", "before_attempt", "attempted", "called", "recorded"
)


@dataclass(frozen=True)
class Effect:
    """What a handler is told beside the command: `key` is the same on every attempt."""

    key: IdempotencyKey
    stream: str
    context: Context
    attempt: int
    propose: Callable[[str, Any], Awaitable[Accepted]]


Handler = Callable[[Any, Effect], Awaitable[None]]


@dataclass(frozen=True)
class _Handling:
    command: type[Struct]
    handler: Handler
    idempotent: bool
    slots: asyncio.Semaphore


class Outbox:
    """Hears of new commands from dispatch and calls their handlers, so many of a kind at once."""

    def __init__(self, dispatch: Dispatch, store: Store, clock: Clock) -> None:
        self._dispatch = dispatch
        self._store = store
        self._clock = clock
        self._handlings: dict[str, _Handling] = {}
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._under_way: set[tuple[str, str]] = set()
        dispatch.listen(self._hear)

    def handle(
        self, command: type[Struct], handler: Handler, *, idempotent: bool = True, concurrency: int = 8
    ) -> None:
        """Have `handler` carry out commands of this type, `concurrency` of them at once."""
        tag = tag_of(command)
        assert tag not in self._handlings, f"two handlers for {tag}"
        self._handlings[tag] = _Handling(command, handler, idempotent, asyncio.Semaphore(concurrency))

    async def run(self) -> None:
        """Take up what was left unfinished, then carry out what comes, until cancelled."""
        for partition, record in await self._store.everything(commands.KIND):
            command = decode(record.value, commands.Command)
            if command.state == "attempted" and not self._is_idempotent(command):
                reach("before_lost")
                await self._propose(partition, command.command_id, commands.Lose())
                reach("lost")
            elif command.state in ("pending", "attempted"):
                self._waiting.put_nowait((partition, command.command_id))
        async with asyncio.TaskGroup() as group:
            while True:
                partition, command_id = await self._waiting.get()
                group.create_task(self._deliver(partition, command_id), name=f"outbox:{command_id}")

    def _hear(self, told: Told) -> None:
        for one in told.enqueued:
            self._waiting.put_nowait(one)

    def redelivered(self, partition: str, command_id: str) -> None:
        """Take up a command that a person has had redelivered."""
        self._waiting.put_nowait((partition, command_id))

    async def _deliver(self, partition: str, command_id: str) -> None:
        if (partition, command_id) in self._under_way:
            # Enqueued while the outbox started: heard of, and found among the unfinished as well.
            return
        self._under_way.add((partition, command_id))
        try:
            await self._carry_out(partition, command_id)
        except StudioError:
            # The log refuses: the daemon is stopping, and the command is still there at the next start.
            _log.exception("the command %s was left as it is", command_id)
        finally:
            self._under_way.discard((partition, command_id))

    async def _carry_out(self, partition: str, command_id: str) -> None:
        command, _ = await self._dispatch.state(f"{commands.KIND}/{command_id}", partition)
        handling = self._handlings.get(command.type)
        if handling is None:
            _log.error("no handler for the command %s of type %s", command_id, command.type)
            return
        while command.state in ("pending", "attempted"):
            await sleep_until(self._clock, command.not_before_ms)
            async with handling.slots:  # not while it pauses: the others of its kind go on
                command = await self._attempt(partition, command, handling)

    async def _attempt(
        self, partition: str, command: commands.Command, handling: _Handling
    ) -> commands.Command:
        reach("before_attempt")
        accepted = await self._propose(partition, command.command_id, commands.Attempt())
        reach("attempted")
        attempt = accepted.state.attempts
        context = engine_context(
            "outbox",
            partition=partition,
            correlation_id=command.correlation_id,
            causation_id=command.command_id,
        )
        effect = Effect(
            key=IdempotencyKey(command.command_id),
            stream=command.stream,
            context=context,
            attempt=attempt,
            propose=lambda stream, proposal: self._dispatch.propose(stream, proposal, context),
        )
        outcome = await self._call(handling, command, effect)
        reach("called")
        state: commands.Command = (await self._propose(partition, command.command_id, outcome)).state
        reach("recorded")
        return state

    async def _call(
        self, handling: _Handling, command: commands.Command, effect: Effect
    ) -> commands.Proposal:
        try:
            await handling.handler(decode(bytes(command.data), handling.command), effect)
        except Unavailable as error:
            if effect.attempt >= ATTEMPTS_MAX:
                return commands.Fail(error=error.detail)
            return commands.Fail(
                error=error.detail, retry_at_ms=self._clock.now_ms() + _pause_ms(effect.attempt)
            )
        except Rejected as error:
            # The world moved on while the command waited (a canceled run, a decided approval): nothing is left to do.
            _log.info("the command %s came too late: %s", command.command_id, error.detail)
        except Exception as error:
            _log.exception("the command %s (%s) failed", command.command_id, command.type)
            return commands.Fail(error=f"{type(error).__name__}: {error}")
        return commands.Complete()

    async def _propose(self, partition: str, command_id: str, proposal: commands.Proposal) -> Accepted:
        stream, context = f"{commands.KIND}/{command_id}", engine_context("outbox", partition=partition)
        return await insist(lambda: self._dispatch.propose(stream, proposal, context), self._clock)

    def _is_idempotent(self, command: commands.Command) -> bool:
        handling = self._handlings.get(command.type)
        return handling is not None and handling.idempotent


def _pause_ms(attempt: int) -> int:
    """Return the pause after the `attempt`th failure: doubling, bounded.

    One daemon is the only caller, so there is no herd for chance to scatter.
    """
    pause: int = min(PAUSE_FIRST_MS << (attempt - 1), PAUSE_MAX_MS)
    return pause
