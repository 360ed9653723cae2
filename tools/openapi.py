"""The OpenAPI document: routes from the code, contracts from `tools.api`, payloads from the wire."""

import inspect
import re
from typing import Any, Final

from cutroom_sdk.wire.problems import CODES, Problem
from engine import __version__
from tools import api, inventory, schemas

REFERENCE: Final = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """Return the whole document.

    Raises:
        KeyError: a route is not in the table of contracts.
    """
    everything = inventory.served()
    wanted = _types(everything)
    found, named = schemas.components(wanted, REFERENCE)
    shape = dict(zip(map(repr, wanted), found, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in everything:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, shape)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cutroom",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:7717"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": _problem(shape)},
        },
    }


def _types(everything: list[inventory.Served]) -> list[Any]:
    found: list[Any] = [Problem]
    for one in everything:
        contract = api.OPERATIONS[one.name]
        found += payloads_of(contract)
    return list({repr(kind): kind for kind in found}.values())


def payloads_of(contract: api.Operation) -> list[Any]:
    """Return the types that a route's answer and request are made of."""
    others = (kind for _, kind in contract.also)
    return [kind for given in (contract.answer, contract.request, *others) for kind in _inner(given)]


def _inner(answer: Any) -> tuple[Any, ...]:
    match answer:
        case api.Page(item=item):
            return (item,)
        case api.Stream(frames=frames):
            return frames
        case api.Bytes() | api.Nothing() | None:
            return ()
        case _:
            return (answer,)


def _operation(one: inventory.Served, shape: dict[str, Any]) -> dict[str, Any]:
    contract = api.OPERATIONS[one.name]
    _, _, rest = (inspect.getdoc(one.endpoint) or "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": f"{_room(one)}_{one.endpoint.__name__}",
        "tags": [_room(one)],
        "summary": summary_of(one),
        "responses": _responses(one, contract, shape),
    }
    if rest:
        operation["description"] = rest
    if parameters := _parameters(one, contract):
        operation["parameters"] = parameters
    if contract.request is not None:
        content = _content(contract.request, shape, contract.takes)
        for type_, kind in contract.also:
            content |= _content(kind, shape, type_)
        operation["requestBody"] = {"required": True, "content": content}
    if contract.capability == api.OPEN:
        operation["security"] = []
    elif contract.capability:
        operation["x-capability"] = contract.capability
    return operation


def _responses(
    one: inventory.Served, contract: api.Operation, shape: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    content = _content(contract.answer, shape)
    found: dict[str, dict[str, Any]] = {str(contract.status): {"description": "Done.", "content": content}}
    if contract.or_status:
        found[str(contract.or_status)] = {"description": contract.or_when, "content": content}
    if "Range" in contract.headers:
        found["206"] = {"description": "The bytes asked for.", "content": content}
        found["416"] = {"description": "There are no such bytes."}
    if one.method == "GET" and "If-None-Match" in contract.headers:
        found["304"] = {"description": "It is still the rev that `If-None-Match` names."}
    found["default"] = {"$ref": "#/components/responses/Problem"}
    return found


def _room(one: inventory.Served) -> str:
    return one.endpoint.__module__.split(".")[1]


def summary_of(one: inventory.Served) -> str:
    """Return what a route does, in a sentence: its function's, without the route that it begins with."""
    sentence = " ".join((inspect.getdoc(one.endpoint) or "").partition("\n\n")[0].split())
    told = re.sub(r"^`[A-Z]+ /[^`]*`[.:,]?\s*", "", sentence)
    if not told or told.startswith("with its ETag"):
        plain = isinstance(api.OPERATIONS[one.name].answer, api.Page)
        told = (
            "All of them, page by page." if plain else f"The one with this id{(told and ', ' + told) or '.'}"
        )
    return told[:1].upper() + told[1:]


def _parameters(one: inventory.Served, contract: api.Operation) -> list[dict[str, Any]]:
    string = {"type": "string"}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": string}
        for name in re.findall(r"\{(\w+)\}", one.path)
    ]
    for name in contract.query:
        kind, text = api.QUERY[name]
        found.append(
            {"name": api.said(name), "in": "query", "schema": query_schema(kind), "description": text}
        )
    return found + [
        {"name": name, "in": "header", "schema": string, "description": api.HEADERS[name]}
        for name in contract.headers
    ]


def query_schema(kind: str) -> dict[str, Any]:
    """Return the schema of a parameter of a query; one that is given several times is an array, `?a=1&a=2`.

    >>> query_schema("strings")
    {'type': 'array', 'items': {'type': 'string'}}
    """
    return {"type": "array", "items": {"type": "string"}} if kind == "strings" else {"type": kind}


def _content(answer: Any, shape: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    match answer:
        case api.Nothing():
            return {}
        case api.Bytes(type=own):
            return {own: {"schema": {"type": "string", "format": "binary"}}}
        case api.Stream(frames=frames):
            return {"text/event-stream": {"schema": {"oneOf": [shape[repr(frame)] for frame in frames]}}}
        case api.Page(item=item):
            properties = {
                "items": {"type": "array", "items": shape[repr(item)]},
                "next": {"type": ["string", "null"]},
                "position": {"type": "integer"},
            }
            required = ["items", "next"]
            return {kind: {"schema": {"type": "object", "properties": properties, "required": required}}}
        case _:
            return {kind: {"schema": shape[repr(answer)]}}


def _problem(shape: dict[str, Any]) -> dict[str, Any]:
    codes = ", ".join(f"`{code}` ({meaning.status})" for code, meaning in CODES.items())
    return {
        "description": f"What is wrong (RFC 9457). `code` is one of {codes}.",
        "content": {"application/problem+json": {"schema": shape[repr(Problem)]}},
    }
