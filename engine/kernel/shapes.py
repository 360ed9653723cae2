"""What the state of a kind of stream looks like when it is kept, so that one kept by another version is known for what it is.

Events are brought up to date when they are read, and whatever a state holds is folded from them anew. A checkpoint takes
the events away: the state in it was folded by the reducer of its day. Beside it stands the *shape* of that state, a hash of
its fields and their types. A shape that is not today's is read through the upcast that the aggregate has for it, and one
that it has none for is refused: a field that is new would otherwise silently keep its default.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from cutroom_sdk.wire.codec import decode, digest, encode
from engine.kernel.errors import Unavailable
from engine.kernel.reducer import Aggregate

DIGITS: Final = 16


@lru_cache(maxsize=256)
def shape_of(state: Any) -> str:
    """Return the shape of a state type: equal for equal fields, names, tags and types, whatever the classes are called."""
    return digest(_told(inspect.type_info(state), ()))[:DIGITS]


def _told(kind: inspect.Type, within: tuple[type, ...]) -> Any:
    match kind:
        case inspect.StructType(cls=cls):
            if cls in within:
                return {"again": len(within) - within.index(cls)}
            fields = {one.encode_name: _told(one.type, (*within, cls)) for one in kind.fields}
            return {"tag": kind.tag, "tag_field": kind.tag_field, "fields": fields}
        case inspect.UnionType(types=types):
            return {"any of": sorted((_told(one, within) for one in types), key=digest)}
        case inspect.LiteralType(values=values):
            return {"one of": sorted(map(str, values))}
        case inspect.EnumType(cls=cls):
            return {"one of": sorted(str(one.value) for one in cls)}
        case inspect.DictType():
            return {"from": _told(kind.key_type, within), "to": _told(kind.value_type, within)}
        case inspect.TupleType(item_types=items):
            return {"each": [_told(one, within) for one in items]}
        case inspect.CollectionType(item_type=item):
            return {"many": _told(item, within)}
        case inspect.CustomType(cls=cls):
            return cls.__name__
        case _:
            return type(kind).__name__


def keep(state: Any, aggregate: Aggregate[Any, Any, Any]) -> bytes:
    """Return a state as a checkpoint keeps it.

    Raises:
        AssertionError: it does not come back as it was; then the aggregate's state cannot be kept at all.
    """
    kept = encode(state)
    assert decode(kept, aggregate.state) == state, f"a state of {aggregate.kind} does not survive being kept"
    return kept


def restore(kept: bytes, shape: str, aggregate: Aggregate[Any, Any, Any]) -> Any:
    """Return the state that a checkpoint has kept in some shape.

    Raises:
        Unavailable: nobody knows the shape any more.
        msgspec.MsgspecError: it is not of its shape.
    """
    if shape == shape_of(aggregate.state):
        return decode(kept, aggregate.state)
    upcast = aggregate.state_upcasts.get(shape)
    if upcast is None:
        raise _unknown(aggregate.kind, shape)
    return decode(encode(upcast(msgspec.json.decode(kept))), aggregate.state)


def check(shapes: Mapping[str, str], aggregates: Mapping[str, Aggregate[Any, Any, Any]]) -> None:
    """Check that states kept in these shapes, by kind, can be read.

    Raises:
        Unavailable: one cannot; the text names it.
    """
    for kind, shape in shapes.items():
        aggregate = aggregates.get(kind)
        known = aggregate is None or shape == shape_of(aggregate.state) or shape in aggregate.state_upcasts
        if not known:
            raise _unknown(kind, shape)


def _unknown(kind: str, shape: str) -> Unavailable:
    return Unavailable(
        f"the log was compacted by another version of Cutroom, which kept '{kind}' in the shape {shape}, and this one "
        "does not know it; install the version that compacted it, or restore a backup from before"
    )
