"""What the log's own commands answer: proofs, backups, and its events as lines of a file."""

import msgspec

from cutroom_sdk.wire.codec import Wire


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

    `position` and `hash` are the head's. `anchor` None: there was none to compare with. `findings` are in log order and
    name the first ones only; a sound log has none.
    """

    sound: bool
    events: int
    position: int
    hash: str
    anchor: Anchor | None
    findings: tuple[Finding, ...]


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
    """`replay --check`: how much was folded, and whether it came to what is published."""

    equal: bool
    events: int
    position: int
    streams: int
    resources: int
    difference: Difference | None


class BackedUp(Wire, frozen=True, kw_only=True):
    """`backup FILE`: the copy holds the log up to `position`; `sha256` is the file's, in hex."""

    file: str
    position: int
    sha256: str


class Restored(Wire, frozen=True, kw_only=True):
    """`restore FILE` and `log import FILE`: the log that lies in the state directory now."""

    events: int
    position: int
    hash: str


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
