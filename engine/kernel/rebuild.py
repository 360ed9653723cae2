"""Builds what is published anew: every stream folded from where the log begins, every resource with its revs.

What one request led to is published together, after its last event; the log's history says which positions those are.
Between them nothing is written, so a resource that changes and changes back within a request keeps its rev.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cutroom_sdk.wire.codec import decode, decoder_of, encode
from engine.kernel import records
from engine.kernel.chain import Values
from engine.kernel.changes import Change
from engine.kernel.checkpoint import Standing
from engine.kernel.reducer import Aggregate, Envelope
from engine.kernel.shapes import restore
from engine.kernel.upcasts import Upcasts

Key = tuple[str, str]  # partition, and stream or resource key
_UNTOUCHED: Final = object()


class Stream:
    """A stream as far as it is folded; `aggregate` None: one of records, which has no state."""

    __slots__ = ("aggregate", "before", "decode", "keys", "name", "state", "version")

    def __init__(self, aggregate: Aggregate[Any, Any, Any] | None, name: str) -> None:
        self.aggregate = aggregate
        self.name = name
        self.version = 0
        self.state: Any = None
        self.before: Any = _UNTOUCHED  # the state when the request began that is being folded
        self.keys: tuple[str, ...] | None = None  # of what `state` publishes, where that is known
        if aggregate is not None:
            self.decode = decoder_of(aggregate.event).decode

    def told(self) -> Mapping[str, Any]:
        """Return the resources that may differ between `before` and `state`, None for those that are gone.

        It is what `Aggregate.published` returns, without asking what the state before has published a second time.
        """
        aggregate = self.aggregate
        assert aggregate is not None
        before, self.before = self.before, _UNTOUCHED
        if aggregate.changed is not None:
            return aggregate.changed(self.name, before, self.state)
        keys = tuple(aggregate.resources(self.name, before)) if self.keys is None else self.keys
        told = aggregate.resources(self.name, self.state)
        self.keys = tuple(told)
        return told if self.keys == keys else dict.fromkeys(keys) | dict(told)


class Rebuild:
    """The fold so far.

    `live` is the newest write of every resource, tombstones included; `events` counts what was folded.
    """

    def __init__(self, aggregates: Mapping[str, Aggregate[Any, Any, Any]]) -> None:
        self._aggregates = aggregates
        self._upcasts = Upcasts({kind: up for one in aggregates.values() for kind, up in one.upcasts.items()})
        self._touched: list[tuple[str, Stream]] = []
        self._pending: list[Change] = []
        self.streams: dict[Key, Stream] = {}
        self.live: dict[Key, Change] = {}
        self.events = 0

    def begin_at(
        self, shapes: Mapping[str, str], streams: Iterable[Standing], resources: Iterable[Change]
    ) -> None:
        """Begin with a checkpoint, its states in these shapes.

        Raises:
            LookupError: no reducer knows a stream.
            Unavailable: a state is in a shape that nobody knows any more.
            msgspec.MsgspecError: a state is not of its shape.
        """
        for standing in streams:
            one = self._meet(standing.partition, standing.stream)
            one.version = standing.version
            if standing.state is not None and one.aggregate is not None:
                one.state = restore(standing.state, shapes.get(one.aggregate.kind, ""), one.aggregate)
        for change in resources:
            self.live[change.partition, change.key] = change

    def version(self, partition: str, stream: str) -> int:
        """Return the version that a stream has come to, 0 for one that was not met."""
        one = self.streams.get((partition, stream))
        return 0 if one is None else one.version

    def _meet(self, partition: str, stream: str) -> Stream:
        kind, _, name = stream.partition("/")
        aggregate = None if stream == records.STREAM else self._aggregates.get(kind)
        if aggregate is None and stream != records.STREAM:
            raise LookupError(f"no reducer knows {stream}")
        one = self.streams[partition, stream] = Stream(aggregate, name)
        if aggregate is not None:
            one.state = aggregate.init(name)
        return one

    def fold(self, row: Sequence[Any], values: Values, *, published: bool) -> list[Change]:
        """Take in the next event, as its row lies there, and the records that it wrote; return what is written with it.

        `published`: it is the last of a request that wrote resources.

        Raises:
            LookupError: no reducer knows the stream.
            msgspec.MsgspecError: the event is none that its reducer knows.
        """
        _, partition, stream, version, kind, at_ms, actor, _, _, data = row
        assert isinstance(data, bytes)
        one = self.streams.get((partition, stream)) or self._meet(partition, stream)
        one.version = version
        self.events += 1
        if one.aggregate is None:
            self._write(row, values)
        else:
            if self._upcasts:
                _, data = self._upcasts.bring_up(kind, data)
            if one.before is _UNTOUCHED:
                one.before = one.state
                self._touched.append((partition, one))
            envelope = Envelope(at_ms=at_ms, actor=actor)
            one.state = one.aggregate.on_event(one.state, one.decode(data), envelope).state
        return self._publish(row) if published else []

    def _write(self, row: Sequence[Any], values: Values) -> None:
        changed = decode(row[9], records.ResourcesChanged)
        for one, value in zip(changed.operations, values, strict=True):
            ttl_ms, expires_at_ms = one.ttl_ms or None, one.expires_at_ms or None
            self._change(row, row[1], one.key, one.rev, value, ttl_ms, expires_at_ms)

    def _publish(self, row: Sequence[Any]) -> list[Change]:
        for partition, stream in self._touched:
            for key, value in stream.told().items():
                encoded = None if value is None else encode(value)
                held = self.live.get((partition, key))
                if held is None:
                    if encoded is not None:
                        self._change(row, partition, key, 1, encoded)
                elif encoded != held.value:
                    self._change(row, partition, key, held.rev + 1, encoded)
        self._touched.clear()
        done, self._pending = self._pending, []
        for ordinal, change in enumerate(done):
            change.position, change.ordinal = row[0], ordinal
        return done

    def _change(
        self,
        row: Sequence[Any],
        partition: str,
        key: str,
        rev: int,
        value: bytes | None,
        ttl_ms: int | None = None,
        expires_at_ms: int | None = None,
    ) -> None:
        change = Change(row[0], 0, partition, key, rev, value, row[5], row[6], ttl_ms, expires_at_ms)
        self.live[partition, key] = change
        self._pending.append(change)
