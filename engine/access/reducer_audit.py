"""The audit: who was refused what, and who administered the engine; a stream a day and partition.

Nothing but events: they are read from the log.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from engine.kernel.reducer import Aggregate, Envelope, Step

KIND: Final = "audit"
CAPABILITY: Final = "log:admin"


class Entry(Struct, frozen=True, kw_only=True):
    """What is told of one request, or of `count` alike since `since_ms`. Its fields: `wire.tokens.AuditEntry`."""

    actor: str
    token_id: str
    action: str
    outcome: Literal["refused", "done"]
    code: str = ""
    reason: str = ""
    capability: str = ""
    target: str = ""
    address: str = ""
    count: int = 1
    since_ms: int = 0


class Day(Struct, frozen=True, kw_only=True):
    """State of the stream `audit/{day}`: how much it holds."""

    entries: int = 0


class Note(Struct, frozen=True, kw_only=True, tag="note"):
    """Have something put on record."""

    entry: Entry


class Recorded(Struct, frozen=True, kw_only=True, tag="audit.recorded"):
    """Somebody was refused, or did something that administers the engine."""

    entry: Entry


def init(_day: str) -> Day:
    """Return a day without entries."""
    return Day()


def decide(_day: Day, proposal: Note, _envelope: Envelope) -> tuple[Recorded, ...]:
    """Put it on record, whatever it is."""
    return (Recorded(entry=proposal.entry),)


def on_event(day: Day, _event: Recorded, _envelope: Envelope) -> Step[Day, Struct]:
    """Count it."""
    return Step(replace(day, entries=day.entries + 1))


AUDIT: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Recorded,
    state=Day,
    reads=CAPABILITY,
)
