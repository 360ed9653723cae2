"""JSON Schemas of the wire's payloads and of the log's events."""

import inspect
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final
from unittest import mock

import msgspec

from cutroom_sdk.wire.codec import to_builtins
from engine.kernel.reducer import tag_of
from tools import inventory

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SECONDS: Final = {
    "type": "string",
    "pattern": "^-?[0-9]{1,18}(/[0-9]{1,18})?$",
    "description": "An exact number, seconds as a rule: '3' or '45045/30000'. Requests may also say a whole number.",
    "examples": ["3", "45045/30000"],
}


def exact(kind: type) -> dict[str, Any]:
    """Return the schema of a type that msgspec does not know.

    Raises:
        NotImplementedError: the wire does not know it either.
    """
    if kind is Fraction:
        return dict(SECONDS)
    raise NotImplementedError(f"{kind.__name__} has no place on the wire")


def _default(value: Any, *, str_keys: bool = False) -> Any:
    assert str_keys
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else to_builtins(value)


def components(types: Iterable[Any], template: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the types' schemas, and those of all they are made of by name; `template` makes a reference of a name."""
    # msgspec writes defaults without asking a hook; ours know what an exact time and raw JSON look like.
    with mock.patch("msgspec._json_schema.to_builtins", _default):
        found, named = msgspec.json.schema_components(types, schema_hook=exact, ref_template=template)
    for schema in named.values():
        schema["description"] = inspect.cleandoc(schema.get("description", ""))
    return list(found), dict(sorted(named.items()))


def of_payloads() -> dict[str, dict[str, Any]]:
    """Return a document for each module of the wire, by the module's name."""
    documents = {}
    for module, types in inventory.payloads().items():
        _, named = components(types, "#/$defs/{name}")
        documents[module] = {"$schema": DIALECT, "$id": f"urn:cutroom:schema:{module}", "$defs": named}
    return documents


def of_events() -> dict[str, Any]:
    """Return one document of all types of events: what `data` holds in an event of each type, by type."""
    kinds: dict[str, Any] = {}
    for kind in sorted({one.kind for one in inventory.happenings()}):
        types = [one.struct for one in inventory.happenings() if one.kind == kind]
        # Names repeat from one kind of stream to another: each has its own definitions.
        _, named = components(types, f"#/$defs/{kind}/$defs/{{name}}")
        events = {tag_of(one): {"$ref": f"#/$defs/{kind}/$defs/{one.__name__}"} for one in types}
        kinds[kind] = {"properties": events, "$defs": named}
    return {"$schema": DIALECT, "$id": "urn:cutroom:schema:events", "$defs": kinds}
