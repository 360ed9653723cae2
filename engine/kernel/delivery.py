"""One attempt of a command: its handler is called under a time limit, and whatever comes of it is an outcome to record.

What an exception means depends on whether the effect may be repeated. `Unavailable` is the handler's own word that
nothing was done and that later may be better. Any other `StudioError` is a definite no. For all else (a bug, a broken
connection, the time limit, the daemon's end in the middle) an idempotent handler is called again or given up, with its
reason; of an effect that must not be repeated nobody knows then whether it happened, and only a person has it tried again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import decode
from engine.kernel import commands
from engine.kernel.clock import Clock
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import OutcomeUnknown, Rejected, StudioError, Unavailable
from engine.kernel.ids import IdempotencyKey, derived_number

ATTEMPTS_MAX: Final = 8  # until a person redelivers it
PAUSE_FIRST_MS: Final = 1_000
PAUSE_MAX_MS: Final = 300_000
LIMIT_S: Final = 60.0
LET_GO_S: Final = 3.0  # a handler that was cancelled may clean up for so long, then nobody waits for it
LET_GO_AT_END_S: Final = 0.25  # when it has had its time and the daemon ends

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a handler is told beside the command.

    `key` is the same on every attempt. `attempt` counts from 1, `tries` from 1 again after a person has redelivered the
    command; after the `last` no attempt follows by itself. Once the attempt is over, `propose` and `propose_many` (all or nothing) refuse
    (`fenced`): a handler that did not let go in time changes nothing any more. With
    `begin_once()` an idempotent handler says that it has come to a part that is not to be cut short without need: at the
    daemon's end it gets the time that an effect gets which must not be repeated, and stopped by a person it is `unknown`.
    """

    key: IdempotencyKey
    stream: str
    context: Context
    attempt: int
    tries: int
    propose: Callable[[str, Any], Awaitable[Accepted]]
    propose_many: Callable[[Sequence[Asked]], Awaitable[tuple[Accepted, ...]]]
    begin_once: Callable[[], None]

    @property
    def last(self) -> bool:
        """Whether there will be no other attempt by itself."""
        return self.tries >= ATTEMPTS_MAX

    @property
    def redelivered(self) -> bool:
        """Whether a person has asked for this very attempt, whatever became of those before it."""
        return self.tries == 1 and self.attempt > 1


Handler = Callable[[Any, Effect], Awaitable[None]]


def _at_once(_command: Any) -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How commands of one type are carried out; see `Outbox.handle`."""

    command: type[Struct]
    handler: Handler
    idempotent: bool
    slots: asyncio.Semaphore
    limit_s: float
    due: Callable[[Any], int] = _at_once

    def due_at_ms(self, data: bytes) -> int:
        """Return when a command is to be carried out; of a shape that nobody understands: now, and it will say so."""
        try:
            return self.due(decode(data, self.command)) if self.due is not _at_once else 0
        except msgspec.MsgspecError:
            return 0


class End(Enum):
    """Who ends an attempt before its time."""

    PERSON = auto()
    DAEMON = auto()


@dataclass
class Live:
    """An attempt while it lasts. `once`: it is not to be cut short without need."""

    once: bool
    over: bool = False
    _end: "asyncio.Future[End]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def end(self, who: End) -> None:
        """Have the handler cancelled; who comes first counts."""
        if not self._end.done():
            self._end.set_result(who)

    @property
    def ended_by(self) -> End | None:
        """Who has ended it, None: nobody."""
        return self._end.result() if self._end.done() else None

    async def wait(self, handler: "asyncio.Future[None]", limit_s: float) -> None:
        """Wait until the handler is done, somebody ends it, or its time is up."""
        await asyncio.wait((handler, self._end), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)


async def carry_out(
    handling: Handling, command: commands.Command, effect: Effect, live: Live, clock: Clock
) -> commands.Outcome | None:
    """Call the handler and return what came of it; None: it is left as it is, and the next start takes it up."""
    attempt = effect.attempt
    try:
        asked = decode(bytes(command.data), handling.command)
    except msgspec.MsgspecError as error:
        return commands.Fail(attempt=attempt, error=f"nobody understands the command: {error}")
    if live.ended_by is not None:
        return _not_called(handling, live.ended_by, attempt, clock)
    handler = asyncio.ensure_future(handling.handler(asked, effect))
    try:
        await live.wait(handler, handling.limit_s)
        on_time = handler.done()
        if not on_time:
            await _let_go(handling, handler, live)
    except asyncio.CancelledError:
        handler.cancel()
        raise
    finally:
        live.over = True
    if handler.done() and not handler.cancelled():
        raised = handler.exception()
        if on_time or raised is None:
            return _outcome(handling, command, effect, raised, clock)
    return _cut_short(handling, effect, live, clock, on_time=on_time)


def pause_ms(command_id: str, tries: int) -> int:
    """Return the pause after so many tries that failed: doubling, bounded, and up to half of it less.

    How much less follows from the command and the try, so that commands which failed together do not come back together,
    and a test knows when they do.
    """
    longest: int = min(PAUSE_FIRST_MS << (tries - 1), PAUSE_MAX_MS)
    return longest - derived_number(command_id, tries, below=longest // 2 + 1)


async def _let_go(handling: Handling, handler: "asyncio.Future[None]", live: Live) -> None:
    """Cancel a handler and see it out, within reason: one that does not let go must hold up nothing."""
    at_end = live.ended_by is End.DAEMON and not handling.idempotent
    handler.cancel()
    await asyncio.wait((handler,), timeout=LET_GO_AT_END_S if at_end else LET_GO_S)
    if not handler.done():
        _log.error("the handler of %s does not end", handling.command.__name__)


def _not_called(handling: Handling, by: End, attempt: int, clock: Clock) -> commands.Outcome | None:
    if by is End.PERSON:
        return commands.Stop(attempt=attempt)
    if handling.idempotent:
        return None
    # It is known of this one that nothing has happened: it waits for the next start.
    error = "the daemon was stopped before the attempt"
    return commands.Fail(attempt=attempt, error=error, retry_at_ms=clock.now_ms())


def _outcome(
    handling: Handling,
    command: commands.Command,
    effect: Effect,
    error: BaseException | None,
    clock: Clock,
) -> commands.Outcome:
    match error:
        case None:
            return commands.Complete(attempt=effect.attempt)
        case Rejected():
            # The world moved on while the command waited (a canceled run, a decided approval): nothing is left to do.
            _log.info("the command %s came too late: %s", command.command_id, error.detail)
            return commands.Complete(attempt=effect.attempt)
        case Unavailable():
            return _again(effect, error.detail, clock)
        case OutcomeUnknown():
            return commands.Lose(attempt=effect.attempt, error=error.detail)
        case StudioError():
            return commands.Fail(attempt=effect.attempt, error=f"{error.code}: {error.detail}")
    text = f"{type(error).__name__}: {error}"
    _log.error("the command %s (%s) failed", command.command_id, command.type, exc_info=error)
    if handling.idempotent:
        return commands.Fail(attempt=effect.attempt, error=text)
    return commands.Lose(attempt=effect.attempt, error=text)


def _cut_short(
    handling: Handling, effect: Effect, live: Live, clock: Clock, *, on_time: bool
) -> commands.Outcome | None:
    by = live.ended_by
    if by is End.DAEMON and handling.idempotent:
        return None
    if by is End.PERSON and not live.once:
        return commands.Stop(attempt=effect.attempt)
    if by is not None:
        who = "the daemon was stopped" if by is End.DAEMON else "it was canceled"
        return commands.Lose(attempt=effect.attempt, error=f"{who} during the attempt")
    error = "it was given up: something it waited for was cancelled"
    if not on_time:
        error = f"it took longer than {handling.limit_s:g} s and was ended"
    if handling.idempotent:
        return _again(effect, error, clock)
    return commands.Lose(attempt=effect.attempt, error=error)


def _again(effect: Effect, error: str, clock: Clock) -> commands.Fail:
    if effect.last:
        return commands.Fail(attempt=effect.attempt, error=error)
    at_ms = clock.now_ms() + pause_ms(effect.key, effect.tries)
    return commands.Fail(attempt=effect.attempt, error=error, retry_at_ms=at_ms)
