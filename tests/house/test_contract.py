"""The wire and the log as others rely on them: golden copies that only `just snap` rewrites."""

from typing import Any

import msgspec
from msgspec import Struct

from engine.kernel.shapes import shape_of
from tests.conftest import Golden
from tools import inventory
from tools.toolbox import type_text


def _shape(struct: type[Struct]) -> dict[str, str]:
    """Field by field: its type, and whether it must be there."""
    return {
        field.encode_name: f"{type_text(field.type)}{', must be given' if field.required else ''}"
        for field in msgspec.structs.fields(struct)
    }


def _text(shapes: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(shapes, order="sorted"), indent=1) + b"\n"


def test_payloads_are_what_clients_rely_on(golden: Golden) -> None:
    wire = {
        f"{module}.{struct.__name__}": _shape(struct)
        for module, structs in inventory.payloads().items()
        for struct in structs
    }
    golden("contract/payloads.json", _text(wire))


def test_events_are_what_recorded_logs_hold(golden: Golden) -> None:
    events = {f"{one.kind}: {one.type}": _shape(one.struct) for one in inventory.happenings()}
    golden("contract/events.json", _text(events))


def test_routes_are_what_clients_call(golden: Golden) -> None:
    golden("contract/routes.json", _text({one.name: one.endpoint.__module__ for one in inventory.served()}))


def test_states_are_what_compacted_logs_hold(golden: Golden) -> None:
    # A shape that changes here after it was released needs an upcast under the old one: `Aggregate.state_upcasts`.
    golden("contract/states.json", _text({one.kind: shape_of(one.state) for one in inventory.aggregates()}))
