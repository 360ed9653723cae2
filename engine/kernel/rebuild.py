"""Builds what is published anew: every stream folded from where the log begins, every resource with its revs.

What one request led to is published together, after its last event; the log's history says which positions those are.
Between them nothing is written, so a resource that changes and changes back within a request keeps its rev.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cutroom_sdk.wire.codec import decode, encode
from engine.kernel import records
from engine.kernel.chain import Values
from engine.kernel.changes import Change
from engine.kernel.checkpoint import Standing
from engine.kernel.ids import kind_of
from engine.kernel.log import Event
from engine.kernel.reducer import Aggregate, Envelope
from engine.kernel.shapes import restore
from engine.kernel.upcasts import Upcasts

Key = tuple[str, str]  # partition, and stream or resource key


class Rebuild:
    """The fold so far.

    `states` and `versions` are those of every stream (a stream of records has no state), `live` is the newest write of
    every resource, tombstones included; `events` counts what was folded.
    """

    def __init__(self, aggregates: Mapping[str, Aggregate[Any, Any, Any]]) -> None:
        self._aggregates = aggregates
        self._upcasts = Upcasts({kind: up for one in aggregates.values() for kind, up in one.upcasts.items()})
        self.states: dict[Key, Any] = {}
        self._before: dict[Key, Any] = {}
        self._pending: list[Change] = []
        self.versions: dict[Key, int] = {}
        self.live: dict[Key, Change] = {}
        self.events = 0

    def begin_at(
        self, shapes: Mapping[str, str], streams: Iterable[Standing], resources: Iterable[Change]
    ) -> None:
        """Begin with a checkpoint, its states in these shapes.

        Raises:
            Unavailable: a state is in a shape that nobody knows any more.
            msgspec.MsgspecError: a state is not of its shape.
        """
        for one in streams:
            at = (one.partition, one.stream)
            self.versions[at] = one.version
            kind = kind_of(one.stream)
            aggregate = self._aggregates.get(kind)
            if one.state is not None and aggregate is not None:
                self.states[at] = restore(one.state, shapes.get(kind, ""), aggregate)
        for change in resources:
            self.live[change.partition, change.key] = change

    def fold(self, event: Event, values: Values, *, published: bool) -> list[Change]:
        """Take in the next event and the records that it wrote; return what is written at its position.

        `published`: it is the last of a request that wrote resources.

        Raises:
            LookupError: no reducer knows the stream.
            msgspec.MsgspecError: the event is none that its reducer knows.
        """
        kind, _, name = event.stream.partition("/")
        at = (event.partition, event.stream)
        self.versions[at] = event.version
        self.events += 1
        aggregate = self._aggregates.get(kind)
        if event.stream == records.STREAM:
            self._write(event, values)
        elif aggregate is None:
            raise LookupError(f"no reducer knows {event.stream}")
        else:
            before = self.states[at] if at in self.states else aggregate.init(name)
            self._before.setdefault(at, before)
            envelope = Envelope(at_ms=event.at_ms, actor=event.actor)
            _, data = self._upcasts.bring_up(event.type, bytes(event.data))
            self.states[at] = aggregate.on_event(before, decode(data, aggregate.event), envelope).state
        return self._publish(event) if published else []

    def _write(self, event: Event, values: Values) -> None:
        changed = decode(bytes(event.data), records.ResourcesChanged)
        for one, value in zip(changed.operations, values, strict=True):
            ttl_ms, expires_at_ms = one.ttl_ms or None, one.expires_at_ms or None
            self._change(event, one.key, one.rev, value, ttl_ms, expires_at_ms)

    def _publish(self, event: Event) -> list[Change]:
        for (partition, stream), before in self._before.items():
            kind, _, name = stream.partition("/")
            aggregate = self._aggregates[kind]
            after = self.states[partition, stream]
            for key, value in aggregate.published(name, before, after).items():
                encoded = None if value is None else encode(value)
                held = self.live.get((partition, key))
                if encoded != (held.value if held else None):
                    self._change(event, key, held.rev + 1 if held else 1, encoded)
        done, self._pending = self._pending, []
        self._before.clear()
        for ordinal, change in enumerate(done):
            change.position, change.ordinal = event.position, ordinal
        return done

    def _change(
        self,
        event: Event,
        key: str,
        rev: int,
        value: bytes | None,
        ttl_ms: int | None = None,
        expires_at_ms: int | None = None,
    ) -> None:
        change = Change(
            event.position,
            0,
            event.partition,
            key,
            rev,
            value,
            event.at_ms,
            event.actor,
            ttl_ms,
            expires_at_ms,
        )
        self.live[event.partition, key] = change
        self._pending.append(change)
