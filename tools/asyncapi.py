"""The AsyncAPI document: what comes down the streams of server-sent events, frame by frame; made from the wire and the routes.

A stream is a channel, each `event:` name a message whose payload is the frame's `data`. AsyncAPI 3.0.0 has no binding for
server-sent events: what they add to HTTP (names, ids, resuming) stands in descriptions and in `x-sse`.
"""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from cutroom_sdk.wire.frames import FRAMES, Bookmark, StreamReady
from cutroom_sdk.wire.resources import EventRecord
from engine import __version__
from tools import api, inventory, openapi, reference, schemas

REFERENCE: Final = "#/components/schemas/{name}"
HTTP_BINDING: Final = "0.3.0"
# Streams by route: the channel's name, and the wire's types by the name of the `event:` line.
CHANNELS: Final[dict[str, tuple[str, Mapping[str, Any]]]] = {
    "GET /v1/resources/events": ("resources", FRAMES),
    "GET /v1/routines/events": ("routines", FRAMES),
    "GET /v1/log/events": ("log", {"ready": StreamReady, "bookmark": Bookmark}),
}
NO_ID: Final = frozenset({"progress"})
GROUPED: Final = frozenset({"resource.updated", "resource.deleted"})


def document() -> dict[str, Any]:
    """Return the whole document.

    Raises:
        KeyError: a route that answers a stream has no channel here.
    """
    everything = {one.name: one for one in inventory.served()}
    streams = [name for name in everything if isinstance(api.OPERATIONS[name].answer, api.Stream)]
    kinds = list(dict.fromkeys([*FRAMES.values(), EventRecord]))
    found, named = schemas.components(kinds, REFERENCE)
    shape = dict(zip(kinds, found, strict=True))
    named |= _events()
    channels, operations = {}, {}
    for route in streams:
        name, frames = CHANNELS[route]
        messages = {event: _message(event, shape[kind], kind) for event, kind in frames.items()}
        if name == "log":
            messages |= {one.type: _happening(one, shape[EventRecord]) for one in inventory.happenings()}
        channels[name] = _channel(everything[route], messages)
        operations[name] = _operation(name, everything[route], messages)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:cutroom:asyncapi",
        "info": {
            "title": "Cutroom's streams",
            "version": __version__,
            "license": {"name": "Apache-2.0"},
            "description": "Server-sent events (the HTML standard, 9.2). The other routes are in openapi.json.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:7717",
                "protocol": "http",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": named,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _channel(one: inventory.Served, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": one.path,
        "title": openapi.summary_of(one),
        "description": "An `id:` is a position of the log: resume after it with `Last-Event-ID` or `?after=`. A stream begins "
        "with `ready`, or, with `?snapshot=1`, with what there is and then `ready`.",
        "servers": [{"$ref": "#/servers/local"}],
        "messages": messages,
    }


def _operation(name: str, one: inventory.Served, messages: dict[str, Any]) -> dict[str, Any]:
    contract = api.OPERATIONS[one.name]
    asked = {
        api.said(query): {**openapi.query_schema(api.QUERY[query][0]), "description": api.QUERY[query][1]}
        for query in contract.query
    }
    binding = {
        "method": one.method,
        "query": {"type": "object", "properties": asked},
        "bindingVersion": HTTP_BINDING,
    }
    operation: dict[str, Any] = {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": openapi.summary_of(one),
        "messages": [{"$ref": f"#/channels/{name}/messages/{event}"} for event in messages],
        "bindings": {"http": binding},
    }
    if contract.capability:
        operation["x-capability"] = contract.capability
    return operation


def _message(event: str, payload: dict[str, Any], kind: type) -> dict[str, Any]:
    told = " ".join((inspect.getdoc(kind) or "").split())
    return {
        "name": event,
        "summary": told.partition(": ")[2] or told,
        "contentType": "application/json",
        "payload": payload,
        "x-sse": {"event": event, "id": _carries_id(event)},
    }


def _carries_id(event: str) -> str:
    if event in NO_ID:
        return "never"
    return "the last of those that share a position; of a snapshot's none" if event in GROUPED else "always"


def _happening(one: inventory.Happening, record: dict[str, Any]) -> dict[str, Any]:
    own = {
        "type": "object",
        "properties": {"type": {"const": one.type}, "data": {"$ref": REFERENCE.format(name=_name(one))}},
    }
    return {
        "name": one.type,
        "summary": reference.sentence_of(one),
        "contentType": "application/json",
        "payload": {"allOf": [record, own]},
        "x-sse": {"event": one.type, "id": "always"},
    }


def _name(one: inventory.Happening) -> str:
    return f"{one.kind}.{one.struct.__name__}"


def _events() -> dict[str, Any]:
    """Return the schemas of the log's events and of what they are made of, each kind of stream with names of its own."""
    found: dict[str, Any] = {}
    for kind in sorted({one.kind for one in inventory.happenings()}):
        types = [one.struct for one in inventory.happenings() if one.kind == kind]
        _, named = schemas.components(types, f"#/components/schemas/{kind}.{{name}}")
        found |= {f"{kind}.{name}": schema for name, schema in named.items()}
    return found
