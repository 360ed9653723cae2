"""Carries out commands: claimed, attempted, completed, with every attempt on record before the outside is touched.

A handler is called at least once, always with the same key, and each time with a lease of limited time (`leases`). What
comes of an attempt is told in `delivery`: it is tried again, later and later; it is among the dead, where a person can
redeliver it; or its outcome is `unknown`, and only a person has it tried again. An attempt that a crash interrupted is
made anew when its handler is idempotent, else it is `unknown`. On a full disk an outcome is held until it can be written.

When the daemon ends, nothing more is claimed; what can be repeated ends at once and is left to the next start; the rest
has 3 s to come to its end, and is `unknown` after them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from engine.kernel import commands, failpoints
from engine.kernel.clock import Clock, sleep_until
from engine.kernel.context import engine_context
from engine.kernel.database import Database
from engine.kernel.delivery import ATTEMPTS_MAX, LIMIT_S, Effect, End, Handler, Handling, Live, carry_out
from engine.kernel.dispatch import Accepted, Asked, Bookkeeping, Dispatch, Told
from engine.kernel.errors import Rejected, StudioError
from engine.kernel.ids import IdempotencyKey
from engine.kernel.leases import Fenced, Leases
from engine.kernel.patience import insist
from engine.kernel.reducer import tag_of
from engine.kernel.resources import Store

__all__ = ["ATTEMPTS_MAX", "Effect", "Handler", "Outbox"]

GRACE_S: Final = 3.0  # what must not be repeated has so long to come to its end when the daemon ends
_REDELIVERED: Final = tag_of(commands.Redelivered)
_CANCELED: Final = tag_of(commands.Canceled)
_STOP_ASKED: Final = tag_of(commands.StopAsked)

_log = logging.getLogger(__name__)
reach = failpoints.points(
    "outbox", "taken_over", "before_lost", "lost", "before_attempt", "attempted", "called", "recorded"
)


@dataclass
class _Delivery:
    """A command that is taken care of. `live` is its attempt, None while it waits; `again`: look again at the end."""

    task: "asyncio.Task[None]"
    live: Live | None = None
    again: bool = False


class Outbox:
    """Hears of new commands from dispatch and calls their handlers, so many of a kind at once."""

    def __init__(self, dispatch: Dispatch, store: Store, database: Database, clock: Clock) -> None:
        self._dispatch = dispatch
        self._store = store
        self._database = database
        self._clock = clock
        self._leases = Leases(database)
        self._handlings: dict[str, Handling] = {}
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._under_way: dict[tuple[str, str], _Delivery] = {}
        self._ending = False
        dispatch.listen(self._hear)

    def handle(
        self,
        command: type[Struct],
        handler: Handler,
        *,
        idempotent: bool = True,
        concurrency: int = 8,
        limit_s: float = LIMIT_S,
        due: Callable[[Any], int] | None = None,
    ) -> None:
        """Have `handler` carry out commands of this type, `concurrency` of them at once.

        A call that takes longer than `limit_s` seconds is cancelled. `due` tells from a command at what time, in
        milliseconds, it is to be attempted; without it, as soon as may be.
        """
        tag = tag_of(command)
        assert tag not in self._handlings, f"two handlers for {tag}"
        timing = {} if due is None else {"due": due}
        self._handlings[tag] = Handling(
            command=command,
            handler=handler,
            idempotent=idempotent,
            slots=asyncio.Semaphore(concurrency),
            limit_s=limit_s,
            **timing,
        )

    async def take_over(self) -> None:
        """Make the leases of earlier starts this one's; before `run`."""
        await self._leases.take_over()
        reach("taken_over")

    async def run(self) -> None:
        """Take up what was left unfinished, then carry out what comes, until cancelled."""
        for partition, record in await self._store.everything(commands.KIND):
            command = decode(record.value, commands.Command)
            if command.state in ("pending", "attempted"):
                self._waiting.put_nowait((partition, command.command_id))
        async with asyncio.TaskGroup() as group:
            while True:
                at = await self._waiting.get()
                if at in self._under_way:
                    # Redelivered while its last attempt ends, or heard of and found unfinished as well at the start.
                    self._under_way[at].again = True
                elif not self._ending:
                    task = group.create_task(self._deliver(*at), name=f"outbox:{at[1]}")
                    self._under_way[at] = _Delivery(task)

    async def drain(self) -> None:
        """Claim nothing more and end what is under way, within little more than 3 s; once is enough.

        What can be repeated ends at once and stays attempted. What must not be has the time to come to its end.
        """
        self._ending = True
        for delivery in self._under_way.values():
            if delivery.live is None:
                delivery.task.cancel()
            elif not delivery.live.once:
                delivery.live.end(End.DAEMON)
        await self._await_all(GRACE_S)
        for delivery in self._under_way.values():
            if delivery.live is not None:
                delivery.live.end(End.DAEMON)
        await self._await_all(1.0)

    async def _await_all(self, limit_s: float) -> None:
        if tasks := [delivery.task for delivery in self._under_way.values()]:
            await asyncio.wait(tasks, timeout=limit_s)

    def _hear(self, told: Told) -> None:
        for one in told.enqueued:
            self._waiting.put_nowait(one)
        for event in told.events:
            if event.type in (_REDELIVERED, _CANCELED, _STOP_ASKED):
                self._hear_person(event.type, (event.partition, event.stream.partition("/")[2]))

    def _hear_person(self, what: str, at: tuple[str, str]) -> None:
        delivery = self._under_way.get(at)
        if what == _REDELIVERED or (what == _STOP_ASKED and delivery is None):
            self._waiting.put_nowait(at)
        elif delivery is None:
            return
        elif delivery.live is None:
            # It waits. What is to stop was attempted by an earlier start: somebody has to say how that ended.
            delivery.again = delivery.again or what == _STOP_ASKED
            delivery.task.cancel()
        elif what == _STOP_ASKED:
            delivery.live.end(End.PERSON)

    async def _deliver(self, partition: str, command_id: str) -> None:
        at = (partition, command_id)
        delivery = self._under_way[at]
        try:
            while True:
                try:
                    await self._look_after(partition, command_id)
                except asyncio.CancelledError:
                    if self._ending or not delivery.again:
                        raise
                    delivery.task.uncancel()
                if self._ending or not delivery.again:
                    return
                delivery.again = False
        finally:
            del self._under_way[at]

    async def _look_after(self, partition: str, command_id: str) -> None:
        try:
            await self._carry_out(partition, command_id)
        except Rejected as refusal:
            _log.info("the command %s is elsewhere by now: %s", command_id, refusal.detail)
        except Fenced:
            _log.exception("the command %s is another's by now", command_id)
            self._database.broken.set()
        except StudioError:
            # The log refuses: the daemon is stopping, and the command is still there at the next start.
            _log.exception("the command %s was left as it is", command_id)

    async def _carry_out(self, partition: str, command_id: str) -> None:
        found, _ = await self._dispatch.state(f"{commands.KIND}/{command_id}", partition)
        command: commands.Command | None = found
        handling = self._handlings.get(found.type)
        if handling is None:
            _log.error("no handler for the command %s of type %s", command_id, found.type)
        if found.state == "attempted" and (handling is None or found.stopping or not handling.idempotent):
            await self._settle(partition, found, may_repeat=handling is not None and handling.idempotent)
            return
        while handling is not None and command is not None and command.state in ("pending", "attempted"):
            await sleep_until(
                self._clock, max(command.not_before_ms, handling.due_at_ms(bytes(command.data)))
            )
            async with handling.slots:  # not while it pauses: the others of its kind go on
                command = None if self._ending else await self._attempt(partition, command, handling)

    async def _settle(self, partition: str, command: commands.Command, *, may_repeat: bool) -> None:
        """Say of an attempt whose outcome nobody was there to record that it is not made again."""
        outcome: commands.Outcome = commands.Lose(
            attempt=command.attempts, error="the daemon ended during the attempt"
        )
        if may_repeat:
            outcome = commands.Stop(attempt=command.attempts)
        rows = self._leases.released(partition, command.command_id)
        reach("before_lost")
        await self._ask(partition, command.command_id, outcome, rows)
        reach("lost")

    async def _attempt(
        self, partition: str, command: commands.Command, handling: Handling
    ) -> commands.Command | None:
        """Return the command after another attempt; None: the attempt was left to the next start."""
        live = Live(once=not handling.idempotent)
        at = (partition, command.command_id)
        delivery = self._under_way[at]
        delivery.live = live
        try:
            claimed = self._leases.claimed(*at, self._clock.now_ms() + int(handling.limit_s * 1000))
            reach("before_attempt")
            attempted = await self._ask(*at, commands.Attempt(), claimed)
            reach("attempted")
            effect = self._effect(partition, attempted, live)
            outcome = await carry_out(handling, command, effect, live, self._clock)
            reach("called")
            if outcome is None:
                return None
            ended = await self._ask(*at, outcome, self._leases.released(*at))
            reach("recorded")
            return ended
        finally:
            delivery.live = None

    def _effect(self, partition: str, command: commands.Command, live: Live) -> Effect:
        context = engine_context(
            "outbox",
            partition=partition,
            correlation_id=command.correlation_id,
            causation_id=command.command_id,
        )

        async def propose_many(asked: Sequence[Asked]) -> tuple[Accepted, ...]:
            if live.over:
                raise Rejected("fenced", f"the attempt {command.attempts} of {command.command_id} is over")
            return await self._dispatch.propose_many(asked, context)

        async def propose(stream: str, proposal: Any) -> Accepted:
            return (await propose_many((Asked(stream, proposal),)))[0]

        def begin_once() -> None:
            live.once = True

        return Effect(
            key=IdempotencyKey(command.command_id),
            stream=command.stream,
            context=context,
            attempt=command.attempts,
            tries=command.attempts - command.attempts_before,
            propose=propose,
            propose_many=propose_many,
            begin_once=begin_once,
        )

    async def _ask(
        self,
        partition: str,
        command_id: str,
        proposal: commands.Proposal,
        rows: Bookkeeping,
    ) -> commands.Command:
        asked = [Asked(f"{commands.KIND}/{command_id}", proposal)]
        context = engine_context("outbox", partition=partition)
        (accepted,) = await insist(
            lambda: self._dispatch.propose_many(asked, context, bookkeeping=rows), self._clock
        )
        state: commands.Command = accepted.state
        return state
