"""One proposal worked out: what it would append, publish and ask for, before anything is written.

A `Draft` sees the heads and, over them, what earlier proposals of the same batch did; when a proposal is refused its
draft is thrown away and nothing of it remains.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import encode
from engine.kernel import commands, records
from engine.kernel.chain import Values
from engine.kernel.changes import Change
from engine.kernel.context import Context
from engine.kernel.errors import Conflict
from engine.kernel.heads import Folded, Heads, Held
from engine.kernel.ids import derived_id, kind_of
from engine.kernel.log import Event
from engine.kernel.reducer import Aggregate, Envelope, tag_of

_TAGS: Final[dict[type[Struct], str]] = {}
_NOTHING: Final[Mapping[str, Held]] = MappingProxyType({})  # nobody's to change: it is a default


class Asked(NamedTuple):
    """A proposal and the stream it is for; `expected_version` None: whatever the stream has come to."""

    stream: str
    proposal: Struct
    expected_version: int | None = None


class Accepted(NamedTuple):
    """What came of a proposal. Without events there was nothing to do; `position` is then the head's.

    Of a write of records, `before` are all that it named and `written` those that it changed, as they were then;
    `results` are the revs that each operation came to, in order. `changes` are those of all that was asked for along with it.
    """

    stream: str
    state: Any
    version: int
    position: int
    events: tuple[Event, ...] = ()
    before: Mapping[str, Held] = _NOTHING
    written: Mapping[str, Held] = _NOTHING
    results: tuple[int, ...] = ()
    changes: Sequence[Change] = ()

    def rev_of(self, key: str) -> int | None:
        """Return the rev that the resource `key` was given, None when nothing of it changed."""
        return next((one.rev for one in self.changes if one.key == key), None)

    @property
    def revs(self) -> dict[str, int]:
        """The revs of the records that a write named, afterwards."""
        return {key: self.written.get(key, held).rev for key, held in self.before.items()}


class _Outcome(NamedTuple):
    """What one proposal came to; the records as in `Accepted`."""

    events: tuple[Event, ...]
    before: Mapping[str, Held] = _NOTHING
    written: Mapping[str, Held] = _NOTHING
    results: tuple[int, ...] = ()


class Overlay:
    """What is true for the next proposal of a batch: the drafts accepted so far, over the heads."""

    def __init__(self, heads: Heads) -> None:
        self.heads = heads
        self.streams: dict[tuple[str, str], Folded] = {}
        self.records: dict[tuple[str, str], Held] = {}


class Draft:
    """The working-out of one request: one or several proposals that are accepted together."""

    def __init__(
        self,
        overlay: Overlay,
        aggregates: Mapping[str, Aggregate[Any, Any, Any]],
        context: Context,
        position: int,
        at_ms: int,
    ) -> None:
        self._overlay = overlay
        self._aggregates = aggregates
        self._context = context
        self._envelope = Envelope(at_ms=at_ms, actor=context.actor, human=context.human)
        # What a replay reads back from the log, and nothing beyond: the first fold must come to the same.
        self._recorded = Envelope(at_ms=at_ms, actor=context.actor)
        self._before: dict[str, Any] = {}
        self.position = position
        self.events: list[Event] = []
        self.values: dict[int, Values] = {}  # the records that the event at a position wrote
        self.changes: list[Change] = []
        self.streams: dict[tuple[str, str], Folded] = {}
        self.records: dict[tuple[str, str], Held] = {}
        self.enqueued: list[str] = []

    async def work_out(self, asked: Sequence[Asked]) -> tuple[Accepted, ...]:
        """Decide and fold every proposal in turn, then see which resources differ."""
        outcomes = [await self._one(one) for one in asked]
        await self._publish()
        accepted = []
        for one, outcome in zip(asked, outcomes, strict=True):
            state, version = await self._stream(one.stream)
            accepted.append(
                Accepted(one.stream, state, version, self.position, *outcome, changes=self.changes)
            )
        return tuple(accepted)

    async def _one(self, asked: Asked) -> _Outcome:
        if isinstance(asked.proposal, records.WriteRecords):
            return await self._write_records(asked.proposal)
        aggregate = self._aggregates[kind_of(asked.stream)]
        folded = await self._stream(asked.stream)
        if asked.expected_version is not None and asked.expected_version != folded.version:
            raise Conflict(
                f"{asked.stream} is at version {folded.version}, not {asked.expected_version}",
                expected=asked.expected_version,
                actual=folded.version,
            )
        first = len(self.events)
        for event in aggregate.decide(folded.state, asked.proposal, self._envelope):
            await self._append(aggregate, asked.stream, event)
        own = tuple(event for event in self.events[first:] if event.stream == asked.stream)
        return _Outcome(own)

    async def _append(self, aggregate: Aggregate[Any, Any, Any], stream: str, event: Struct) -> None:
        state, version = await self._stream(stream)
        self._before.setdefault(stream, state)
        step = aggregate.on_event(state, event, self._recorded)
        self._record(stream, version + 1, event)
        self.streams[self._context.partition, stream] = Folded(step.state, version + 1)
        for ordinal, command in enumerate(step.commands):
            await self._enqueue(stream, version + 1, ordinal, command)

    async def _enqueue(self, stream: str, version: int, ordinal: int, command: Struct) -> None:
        command_id = derived_id(self._context.partition, stream, version, ordinal)
        enqueued = commands.Enqueued(
            command=_tag(command),
            stream=stream,
            data=msgspec.Raw(encode(command)),
            correlation_id=self._context.correlation_id,
        )
        self.enqueued.append(command_id)
        await self._append(commands.COMMAND, f"{commands.KIND}/{command_id}", enqueued)

    async def _write_records(self, proposal: records.WriteRecords) -> _Outcome:
        held = {operation.key: await self._held(operation.key) for operation in proposal.operations}
        event, written, results = records.decide(held, proposal.operations, self._envelope.at_ms)
        if event is None:
            return _Outcome((), held, _NOTHING, results)
        _, version = await self._stream(records.STREAM)
        recorded = self._record(records.STREAM, version + 1, event)
        self.values[recorded.position] = [new.value for new in written.values()]
        self.streams[self._context.partition, records.STREAM] = Folded(None, version + 1)
        for key, new in written.items():
            self._change(key, new)
        return _Outcome((recorded,), held, written, results)

    async def _publish(self) -> None:
        """Write the resources that differ, all at the request's last position: clients apply them as one."""
        for stream, before in self._before.items():
            kind, _, name = stream.partition("/")
            aggregate = self._aggregates[kind]
            after = self.streams[self._context.partition, stream].state
            for key, value in aggregate.published(name, before, after).items():
                encoded = None if value is None else encode(value)
                held = await self._held(key)
                if encoded != held.value:
                    self._change(key, Held(held.rev + 1, encoded))
        for change in self.changes:
            change.position = self.position

    def _record(self, stream: str, version: int, event: Struct) -> Event:
        self.position += 1
        recorded = Event(
            position=self.position,
            partition=self._context.partition,
            stream=stream,
            version=version,
            type=_tag(event),
            at_ms=self._envelope.at_ms,
            actor=self._context.actor,
            correlation_id=self._context.correlation_id,
            causation_id=self._context.causation_id,
            data=msgspec.Raw(encode(event)),
        )
        self.events.append(recorded)
        return recorded

    def _change(self, key: str, new: Held) -> None:
        partition, envelope = self._context.partition, self._envelope
        self.records[partition, key] = new
        self.changes.append(
            Change(
                self.position,
                len(self.changes),
                partition,
                key,
                new.rev,
                new.value,
                envelope.at_ms,
                envelope.actor,
                new.ttl_ms,
                new.expires_at_ms,
            )
        )

    async def _stream(self, stream: str) -> Folded:
        key = (self._context.partition, stream)
        found = self.streams.get(key) or self._overlay.streams.get(key)
        return found or await self._overlay.heads.stream(*key)

    async def _held(self, resource: str) -> Held:
        key = (self._context.partition, resource)
        found = self.records.get(key) or self._overlay.records.get(key)
        return found or await self._overlay.heads.record(*key)


def _tag(event: Struct) -> str:
    kind = type(event)
    tag = _TAGS.get(kind)
    if tag is None:
        tag = _TAGS[kind] = tag_of(kind)
    return tag
