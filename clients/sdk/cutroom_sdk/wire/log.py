"""What the log's own commands take and answer: proofs, backups, compactions, and a log as lines of a file."""

from typing import Annotated

import msgspec

from cutroom_sdk.wire.codec import Request, Wire


class Anchor(Wire, frozen=True, kw_only=True):
    """How far a log had come: the hash, in hex, of the event at `position`; 0 and zeros for an empty one."""

    position: int
    hash: str


class Finding(Wire, frozen=True, kw_only=True):
    """Something that is wrong with a log; `position` 0: with no event in particular."""

    position: int
    detail: str


class LogProof(Wire, frozen=True, kw_only=True):
    """`log verify`: the chain, positions and versions without gaps, the anchor, and the file itself.

    `position` and `hash` are the head's. `oldest` is the position of the checkpoint that the log begins with, proved as
    well; 0: it begins with its first event. `anchor` None: there was none to compare with. `findings` are in log order and
    name the first ones only; a sound log has none.
    """

    sound: bool
    events: int
    position: int
    hash: str
    anchor: Anchor | None
    findings: tuple[Finding, ...]
    oldest: int = 0


class Difference(Wire, frozen=True, kw_only=True):
    """The first place where the log folded from zero and what is published come apart.

    `live` is what is there, `rebuilt` what the log comes to, each `{rev, position, value, ...}`, None for nothing.
    """

    partition: str
    key: str
    position: int
    detail: str
    live: msgspec.Raw | None = None
    rebuilt: msgspec.Raw | None = None


class ReplayProof(Wire, frozen=True, kw_only=True):
    """`replay --check`: how much was folded, and whether it came to what is published.

    `oldest` is the position of the checkpoint that the fold began with, 0 for the first event.
    """

    equal: bool
    events: int
    position: int
    streams: int
    resources: int
    difference: Difference | None
    oldest: int = 0


class BackedUp(Wire, frozen=True, kw_only=True):
    """`backup FILE`: the copy holds the log up to `position`; `sha256` is the file's, in hex."""

    file: str
    position: int
    sha256: str


class Restored(Wire, frozen=True, kw_only=True):
    """`restore FILE` and `log import FILE`: the log that lies in the state directory now.

    `rebuilt`: what was published in the backup was not what its log comes to, and was written anew from the log.
    """

    events: int
    position: int
    hash: str
    rebuilt: bool = False


class LogLine(Wire, frozen=True, kw_only=True):
    """An event as `log export` writes it, one a line, with its `hash` in hex.

    `values` are the records that a `resources.changed` wrote, in the order of its operations, null for one deleted.
    `published`: at this event resources were written, for it and for those before it since the last such event.
    """

    position: int
    partition: str
    stream: str
    version: int
    type: str
    at_ms: int
    actor: str
    correlation_id: str
    causation_id: str
    data: msgspec.Raw
    hash: str
    values: tuple[msgspec.Raw, ...] = ()
    published: bool = False


class CheckpointHead(Wire, frozen=True, kw_only=True):
    """What a checkpoint stands for: all events up to `position`, where the chain had come to `hash`.

    `checkpoint` is the SHA-256 over its lines, in hex; `shapes` are those of the states in it, by kind of stream. So many
    lines of `streams` and then of `resources` follow.
    """

    position: int
    hash: str
    checkpoint: str
    shapes: dict[str, str]
    streams: int
    resources: int


class CheckpointLine(Wire, frozen=True, kw_only=True):
    """The first line of an export of a log that was compacted."""

    checkpoint: CheckpointHead


class StreamLine(Wire, frozen=True, kw_only=True):
    """A stream at a checkpoint: its state after `version` events, null where a stream has none."""

    partition: str
    stream: str
    version: int
    state: msgspec.Raw


class ResourceLine(Wire, frozen=True, kw_only=True):
    """A resource at a checkpoint: its newest write, at `position`; `deleted`: a tombstone, and `value` is null."""

    partition: str
    key: str
    rev: int
    value: msgspec.Raw
    deleted: bool
    position: int
    ordinal: int
    updated_at_ms: int
    updated_by: str
    ttl_ms: int | None
    expires_at_ms: int | None


class CompactRequest(Request, frozen=True, kw_only=True):
    """`log compact`: what is to go. Events before the position `before`, or from before the time `before_at_ms`.

    One of the two is given.
    """

    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    before_at_ms: Annotated[int, msgspec.Meta(ge=0)] | None = None


class CompactedLog(Wire, frozen=True, kw_only=True):
    """What a compaction came to: the log begins after `position`, with a checkpoint of so many streams and resources.

    `events` is how many it took away; 0: there was nothing to do, and nothing was done. `position` may lie before what was
    asked for: a request is never cut in two, and nothing goes that a reaction has not seen, then `held_by` is `reactions`.
    `bytes_before` and `bytes_after` are the database file's.
    """

    position: int
    hash: str
    checkpoint: str
    events: int
    streams: int
    resources: int
    bytes_before: int
    bytes_after: int
    held_by: str | None = None
