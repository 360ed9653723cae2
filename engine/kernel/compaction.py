"""The log's own stream, `log/beginning`: that events were replaced by a checkpoint, by whom, and by which.

The event is what makes the checkpoint as hard to change as an event: its hash is part of the chain.
"""

from typing import Final

from msgspec import Struct

from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

KIND: Final = "log"
STREAM: Final = f"{KIND}/beginning"


class Compaction(Struct, frozen=True, kw_only=True):
    """State: where the log begins, and the hash over the checkpoint that stands for what came before."""

    position: int = 0
    checkpoint: str = ""


class Compact(Struct, frozen=True, kw_only=True, tag="compact"):
    """Proposed by the compactor when the checkpoint lies ready, in the transaction that puts it in force."""

    position: int
    hash: str
    checkpoint: str
    events: int


class LogCompacted(Struct, frozen=True, kw_only=True, tag="log.compacted"):
    """The log begins after `position`, where the chain had come to `hash`; `checkpoint` is the SHA-256 over what stands there.

    So many `events` went with it. Hashes are in hex.
    """

    position: int
    hash: str
    checkpoint: str
    events: int


def decide(state: Compaction, proposal: Compact, _envelope: Envelope) -> tuple[LogCompacted, ...]:
    """Answer a proposal.

    Raises:
        Rejected: `begins_later`: the log begins there already, or later.
    """
    if proposal.position <= state.position:
        raise Rejected("begins_later", f"the log begins after {state.position} already")
    return (
        LogCompacted(
            position=proposal.position,
            hash=proposal.hash,
            checkpoint=proposal.checkpoint,
            events=proposal.events,
        ),
    )


def on_event(_state: Compaction, event: LogCompacted, _envelope: Envelope) -> Step[Compaction, Struct]:
    """Fold one accepted event."""
    return Step(Compaction(position=event.position, checkpoint=event.checkpoint))


COMPACTION: Final[Aggregate[Compaction, Compact, LogCompacted]] = Aggregate(
    kind=KIND,
    init=lambda _: Compaction(),
    decide=decide,
    on_event=on_event,
    event=LogCompacted,
    state=Compaction,
    reads="log:read",
)
