"""Commands as a stream of their own: `outbox/{command_id}`.

    pending --attempted--> attempted --completed--> (gone)
       ^                     |--failed--> pending, later
       |                     |--gave_up--> dead
       |                     `--lost--> unknown   (a crash, and the effect must not happen twice)
       `---- redelivered ----'

A command is enqueued in the transaction of the event that leads to it. An attempt is on record before the outside is
touched, so whatever happens, the log says what may have been done.
"""

from collections.abc import Mapping
from typing import Final, Literal, assert_never

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "outbox"


class Command(Struct, frozen=True, kw_only=True):
    """State and resource of the stream `outbox/{command_id}`."""

    command_id: str
    type: str = ""
    stream: str = ""
    actor: str = ""
    correlation_id: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    state: Literal["new", "pending", "attempted", "completed", "dead", "unknown", "canceled"] = "new"
    attempts: int = 0
    not_before_ms: int = 0
    error: str = ""


class Enqueue(Struct, frozen=True, kw_only=True, tag="enqueue"):
    """Proposed by dispatch alone, beside the event that leads to it."""

    command: str
    stream: str
    data: msgspec.Raw


class Attempt(Struct, frozen=True, kw_only=True, tag="attempt"):
    """The handler is about to be called."""


class Complete(Struct, frozen=True, kw_only=True, tag="complete"):
    """The handler came back."""


class Fail(Struct, frozen=True, kw_only=True, tag="fail"):
    """The handler failed; `retry_at_ms` None: there is no point in trying again."""

    error: str
    retry_at_ms: int | None = None


class Lose(Struct, frozen=True, kw_only=True, tag="lose"):
    """The daemon ended in the middle of an attempt that must not be repeated unseen."""


class Redeliver(Struct, frozen=True, kw_only=True, tag="redeliver"):
    """A person wants a dead or unknown command tried again."""


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
    pass


class Redelivered(Struct, frozen=True, kw_only=True, tag="command.redelivered"):
    pass


Proposal = Enqueue | Attempt | Complete | Fail | Lose | Redeliver
Event = Enqueued | Attempted | Completed | Failed | GaveUp | Lost | Redelivered


def init(command_id: str) -> Command:
    return Command(command_id=command_id)


def decide(command: Command, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal.

    Raises:
        Rejected: `not_pending`, `not_attempted` or `not_stopped`: the command is elsewhere in its life.
    """
    match proposal:
        case Enqueue(command=kind, stream=stream, data=data):
            _demand(command, "new", reason="already_enqueued")
            return (Enqueued(command=kind, stream=stream, data=data),)
        case Attempt():
            # After a crash an idempotent command is attempted again without anything in between.
            _demand(command, "pending", "attempted", reason="not_pending")
            return (Attempted(attempt=command.attempts + 1),)
        case Complete():
            _demand(command, "attempted", reason="not_attempted")
            return (Completed(),)
        case Fail(error=error, retry_at_ms=retry_at_ms):
            _demand(command, "attempted", reason="not_attempted")
            if retry_at_ms is None:
                return (GaveUp(error=error),)
            return (Failed(error=error, retry_at_ms=retry_at_ms),)
        case Lose():
            _demand(command, "attempted", reason="not_attempted")
            return (Lost(),)
        case Redeliver():
            _demand(command, "dead", "unknown", reason="not_stopped")
            return (Redelivered(),)
        case _:
            assert_never(proposal)


def on_event(command: Command, event: Event, envelope: Envelope) -> Step[Command, Struct]:
    """Fold one accepted event."""
    match event:
        case Enqueued(command=kind, stream=stream, data=data, correlation_id=correlation_id):
            return Step(
                replace(
                    command,
                    type=kind,
                    stream=stream,
                    data=data,
                    actor=envelope.actor,
                    correlation_id=correlation_id,
                    state="pending",
                )
            )
        case Attempted(attempt=attempt):
            return Step(replace(command, state="attempted", attempts=attempt))
        case Completed():
            return Step(replace(command, state="completed"))
        case Failed(error=error, retry_at_ms=at_ms):
            return Step(replace(command, state="pending", error=error, not_before_ms=at_ms))
        case GaveUp(error=error):
            return Step(replace(command, state="dead", error=error))
        case Lost():
            return Step(replace(command, state="unknown", error="the daemon ended during the attempt"))
        case Redelivered():
            return Step(replace(command, state="pending", not_before_ms=0))
        case _:
            assert_never(event)


def resources(command_id: str, command: Command) -> Mapping[str, Struct | None]:
    """A command is visible until it is completed."""
    visible = command.state not in ("new", "completed", "canceled")
    return {f"{KIND}/{command_id}": command if visible else None}


def _demand(command: Command, *states: str, reason: str) -> None:
    if command.state not in states:
        raise Rejected(reason, f"the command {command.command_id} is {command.state}", state=command.state)


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
