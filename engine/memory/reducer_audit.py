"""The audit of memory: every attempt, allowed or not, in a stream a day and partition; never what a memory says.

Nothing but events: they are read from the log.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.memory import Redaction
from engine.kernel.reducer import Aggregate, Envelope, Step

KIND: Final = "memory-audit"
CAPABILITY: Final = "log:admin"


class Entry(Struct, frozen=True, kw_only=True):
    """What is told of one attempt. Its fields: `wire.memory.MemoryAuditEntry`."""

    actor: str
    action: str
    status: str
    reason: str = ""
    memory_id: str | None = None
    tier: str | None = None
    to_tier: str | None = None
    workspace: str | None = None
    project: str | None = None
    approval_id: str | None = None
    redactions: tuple[Redaction, ...] = ()
    items: int = 0


class Day(Struct, frozen=True, kw_only=True):
    """State of the stream `memory-audit/{day}`: how much it holds."""

    entries: int = 0


class Note(Struct, frozen=True, kw_only=True, tag="note_memory"):
    """Have an attempt put on record."""

    entry: Entry


class Audited(Struct, frozen=True, kw_only=True, tag="memory.audited"):
    """Somebody tried to do something with memory."""

    entry: Entry


def init(_day: str) -> Day:
    """Return a day without entries."""
    return Day()


def decide(_day: Day, proposal: Note, _envelope: Envelope) -> tuple[Audited, ...]:
    """Put it on record, whatever it is."""
    return (Audited(entry=proposal.entry),)


def on_event(day: Day, _event: Audited, _envelope: Envelope) -> Step[Day, Struct]:
    """Count it."""
    return Step(replace(day, entries=day.entries + 1))


MEMORY_AUDIT: Final = Aggregate(
    kind=KIND,
    init=init,
    decide=decide,
    on_event=on_event,
    event=Audited,
    state=Day,
    reads=CAPABILITY,
)
