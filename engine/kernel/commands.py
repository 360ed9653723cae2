"""Commands as a stream of their own: `outbox/{command_id}`.

    pending --attempted--> attempted --completed--> (gone)
       ^                     |--failed--> pending, later
       |                     |--gave_up--> dead
       |                     |--lost--> unknown     (nobody knows whether it happened, and it must not happen twice)
       |                     `--stop_asked--> attempted, stopping --canceled--> (gone)
       |---- redelivered: dead, unknown
       `---- canceled: pending, dead, unknown --> (gone)

A command is enqueued in the transaction of the event that leads to it. An attempt is on record before the outside is
touched, so whatever happens, the log says what may have been done. The number of an attempt is its fencing token: an
outcome names the attempt that it is of, and one that is over already is refused.
"""

from collections.abc import Mapping
from typing import Final, assert_never

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.outbox import OutboxCommand as Command
from engine.kernel.errors import NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

__all__ = ["COMMAND", "KIND", "Command"]

KIND: Final = "outbox"


class Enqueue(Struct, frozen=True, kw_only=True, tag="enqueue"):
    """Proposed by dispatch alone, beside the event that leads to it."""

    command: str
    stream: str
    data: msgspec.Raw


class Attempt(Struct, frozen=True, kw_only=True, tag="attempt"):
    """The handler is about to be called."""


class Complete(Struct, frozen=True, kw_only=True, tag="complete"):
    """The handler came back."""

    attempt: int


class Fail(Struct, frozen=True, kw_only=True, tag="fail"):
    """The handler failed; `retry_at_ms` None: there is no point in trying again."""

    attempt: int
    error: str
    retry_at_ms: int | None = None


class Lose(Struct, frozen=True, kw_only=True, tag="lose"):
    """An attempt that must not be repeated unseen ended without anybody knowing how; `error` says why."""

    attempt: int
    error: str


class Stop(Struct, frozen=True, kw_only=True, tag="stop"):
    """The handler was ended because somebody asked for it."""

    attempt: int


class Redeliver(Struct, frozen=True, kw_only=True, tag="redeliver"):
    """A person wants a dead or unknown command tried again."""


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """A person wants a command dropped; one that is being attempted is asked to stop."""


class Enqueued(Struct, frozen=True, kw_only=True, tag="command.enqueued"):
    command: str
    stream: str
    data: msgspec.Raw
    correlation_id: str = ""


class Attempted(Struct, frozen=True, kw_only=True, tag="command.attempted"):
    attempt: int


class Completed(Struct, frozen=True, kw_only=True, tag="command.completed"):
    pass


class Failed(Struct, frozen=True, kw_only=True, tag="command.failed"):
    error: str
    retry_at_ms: int


class GaveUp(Struct, frozen=True, kw_only=True, tag="command.gave_up"):
    error: str


class Lost(Struct, frozen=True, kw_only=True, tag="command.lost"):
    """`command` is its type, `stream` whose event led to it, for those who react."""

    error: str = "the daemon ended during the attempt"
    command: str = ""
    stream: str = ""


class StopAsked(Struct, frozen=True, kw_only=True, tag="command.stop_asked"):
    pass


class Canceled(Struct, frozen=True, kw_only=True, tag="command.canceled"):
    """`command` is its type, `stream` whose event led to it, `data` what it said, for those who react."""

    command: str = ""
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Redelivered(Struct, frozen=True, kw_only=True, tag="command.redelivered"):
    pass


Outcome = Complete | Fail | Lose | Stop
Proposal = Enqueue | Attempt | Outcome | Redeliver | Cancel
Event = Enqueued | Attempted | Completed | Failed | GaveUp | Lost | StopAsked | Canceled | Redelivered


def init(command_id: str) -> Command:
    return Command(command_id=command_id)


def decide(command: Command, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal.

    Raises:
        NotFound: nobody asked for such a command.
        Rejected: `already_enqueued`, `not_pending`, `fenced`, `not_stopped` or `over`: the command is elsewhere in its life.
    """
    match proposal:
        case Enqueue(command=kind, stream=stream, data=data):
            if command.state != "new":
                raise _rejected(command, "already_enqueued", f"it is {command.state}")
            return (Enqueued(command=kind, stream=stream, data=data),)
        case Attempt():
            # After a crash an idempotent command is attempted again without anything in between.
            if command.state not in ("pending", "attempted") or command.stopping:
                raise _rejected(command, "not_pending", f"it is {command.state}")
            return (Attempted(attempt=command.attempts + 1),)
        case Complete() | Fail() | Lose() | Stop():
            return _ended(command, proposal)
        case Redeliver():
            _check_known(command)
            if command.state not in ("dead", "unknown"):
                raise _rejected(
                    command,
                    "not_stopped",
                    f"it is {command.state}; what is dead or unknown can be redelivered",
                )
            return (Redelivered(),)
        case Cancel():
            return _canceled(command)
        case _:
            assert_never(proposal)


def _ended(command: Command, outcome: Outcome) -> tuple[Event, ...]:
    """Answer what became of an attempt; after somebody has asked for its end it is not tried again."""
    if command.state != "attempted" or command.attempts != outcome.attempt:
        raise _rejected(command, "fenced", f"its attempt {outcome.attempt} is over already")
    match outcome:
        case Complete():
            return (Completed(),)
        case Lose(error=error):
            return (Lost(error=error, command=command.type, stream=command.stream),)
        case Fail(error=error, retry_at_ms=None):
            return (GaveUp(error=error),)
        case Fail(error=error, retry_at_ms=int(retry_at_ms)):
            if command.stopping:
                return (_dropped(command),)
            return (Failed(error=error, retry_at_ms=retry_at_ms),)
        case Stop():
            return (_dropped(command),)
        case _:
            raise AssertionError(f"no outcome: {outcome}")


def _canceled(command: Command) -> tuple[Event, ...]:
    _check_known(command)
    match command.state:
        case "pending" | "dead" | "unknown":
            return (_dropped(command),)
        case "attempted":
            return () if command.stopping else (StopAsked(),)
        case _:
            raise _rejected(command, "over", f"it is {command.state} already")


def _dropped(command: Command) -> Canceled:
    return Canceled(command=command.type, stream=command.stream, data=command.data)


def on_event(command: Command, event: Event, envelope: Envelope) -> Step[Command, Struct]:
    """Fold one accepted event."""
    return Step(_after(command, event, envelope))


def _after(command: Command, event: Event, envelope: Envelope) -> Command:
    match event:
        case Enqueued(command=kind, stream=stream, data=data, correlation_id=correlation_id):
            return replace(
                command,
                type=kind,
                stream=stream,
                data=data,
                actor=envelope.actor,
                correlation_id=correlation_id,
                state="pending",
            )
        case Attempted(attempt=attempt):
            return replace(command, state="attempted", attempts=attempt)
        case Completed():
            return replace(command, state="completed")
        case Failed(error=error, retry_at_ms=at_ms):
            return replace(command, state="pending", error=error, not_before_ms=at_ms)
        case GaveUp(error=error):
            return replace(command, state="dead", error=error, stopping=False)
        case Lost(error=error):
            return replace(command, state="unknown", error=error, stopping=False)
        case StopAsked():
            return replace(command, stopping=True)
        case Canceled():
            return replace(command, state="canceled", stopping=False)
        case Redelivered():
            return replace(command, state="pending", not_before_ms=0, attempts_before=command.attempts)
        case _:
            assert_never(event)


def resources(command_id: str, command: Command) -> Mapping[str, Struct | None]:
    """A command is visible until it is completed or canceled."""
    visible = command.state not in ("new", "completed", "canceled")
    return {f"{KIND}/{command_id}": command if visible else None}


def _check_known(command: Command) -> None:
    if command.state == "new":
        raise NotFound(f"there is no command {command.command_id[:64]}")


def _rejected(command: Command, reason: str, why: str) -> Rejected:
    return Rejected(
        reason, f"the command {command.command_id}: {why}", code="command_conflict", state=command.state
    )


COMMAND: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Command,
    resources=resources,
    reads="log:read",
)
