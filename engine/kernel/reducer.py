"""What a feature tells the kernel about its state: pure functions and the types they take.

`decide` may say no and may answer with several events; `on_event` never says no and is all that replay runs, so a rule
that is tightened later breaks no history. Neither reads a clock, makes chance or touches the outside: what they need
of the world comes in as arguments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from engine.kernel.errors import Rejected
from engine.kernel.upcasts import Upcast

__all__ = ["Aggregate", "Envelope", "Rejected", "Step"]

S = TypeVar("S")
P = TypeVar("P")
E = TypeVar("E")
C_co = TypeVar("C_co", covariant=True)


class Envelope(Struct, frozen=True, kw_only=True):
    """What surrounds a proposal or an event: when and by whom.

    `at_ms` is set by dispatch and never decreases along the log. `human` is for `decide`: the log does not keep it, so
    `on_event` always sees False; what a fold needs to know of it belongs in the event.
    """

    at_ms: int
    actor: str
    human: bool = False


@dataclass(frozen=True, slots=True)
class Step(Generic[S, C_co]):
    """The state after an event, and the commands that the event leads to (ignored on replay)."""

    state: S
    commands: tuple[C_co, ...] = ()


def _no_resources(_id: str, _state: Any) -> Mapping[str, Struct | None]:
    return {}


@dataclass(frozen=True)
class Aggregate(Generic[S, P, E]):
    """One kind of stream: `{kind}/{id}`.

    `state`, `event` and `proposal` are the Struct types (unions of tagged Structs; an event's tag is its wire type,
    `noun.verbed`). `resources` gives what the state looks like from outside: key -> value, None for a key that is to be
    gone. Only what differs from before is written. `changed` gives, of `resources(id, after)`, what may differ from before
    and None for what is gone; only large states need one, so as not to be looked at whole for every event. `reads` is the
    capability that sees them and the stream. `upcasts` bring events of older versions up to `event` when they are read, by
    the type that lies in the log. `state_upcasts` do the same for states that a compaction has kept, by the shape
    (`shapes`) that they were kept in, in one step to today's.
    """

    kind: str
    init: Callable[[str], S]
    decide: Callable[[S, P, Envelope], tuple[E, ...]]
    on_event: Callable[[S, E, Envelope], Step[S, Any]]
    event: Any
    state: Any
    resources: Callable[[str, S], Mapping[str, Struct | None]] = _no_resources
    changed: Callable[[str, S, S], Mapping[str, Struct | None]] | None = None
    reads: str = "resources:read"
    upcasts: Mapping[str, Upcast] = field(default_factory=dict)
    state_upcasts: Mapping[str, Upcast] = field(default_factory=dict)

    def published(self, name: str, before: S, after: S) -> Mapping[str, Struct | None]:
        """Return the resources that may differ between two states, None for those that are gone."""
        if self.changed is not None:
            return self.changed(name, before, after)
        return dict.fromkeys(self.resources(name, before)) | dict(self.resources(name, after))

    def event_types(self) -> tuple[type[Struct], ...]:
        """The Struct types of this stream's events."""
        return union_members(self.event)


def union_members(union: Any) -> tuple[type[Struct], ...]:
    """Return the Struct types of `A | B | C`, or of a single type."""
    members = getattr(union, "__args__", None)
    return tuple(members) if members else (union,)


def tag_of(kind: type[Struct]) -> str:
    """Return the tag under which a Struct type travels."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    assert isinstance(info.tag, str), f"{kind.__name__} needs a tag"
    return info.tag
