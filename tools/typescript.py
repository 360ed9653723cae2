"""The wire in TypeScript: payloads as interfaces, routes as one table of types; made from the schemas and the routes."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cutroom_sdk.wire.frames import FRAMES
from cutroom_sdk.wire.problems import CODES
from tools import api, inventory, openapi, schemas

FOLDER: Final = inventory.ROOT / "clients" / "sdk-ts" / "src"
REFERENCE: Final = "#/{name}"
LEAD: Final = """\
// The wire: what travels between a daemon and its clients. Made by `just specs`; change the Python wire instead.
//
// A field with a question mark has a default (named after `@default`), and may be missing from what an older daemon
// wrote. Readers take fields that are not here, and skip them.

/** Any JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An exact number, seconds as a rule: "3" or "45045/30000"; never a decimal. */
export type Exact = string;

/** No fields at all. */
export type Nothing = { [name: string]: never };
"""
_WORDS: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_PLACE: Final = re.compile(r"{(\w+)}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def files() -> dict[Path, str]:
    """Return what is made for TypeScript: text by path."""
    return {FOLDER / "wire.ts": text()}


def text() -> str:
    """Return the whole module.

    Raises:
        KeyError: a route is not in the table of contracts.
        ValueError: a schema says something that this has no words for.
    """
    everything = inventory.served()
    types = [struct for structs in inventory.payloads().values() for struct in structs]
    asked = [kind for one in everything for kind in openapi.payloads_of(api.OPERATIONS[one.name])]
    wanted = list({repr(kind): kind for kind in [*types, *asked]}.values())
    found, named = schemas.components(wanted, REFERENCE)
    shape = dict(zip(map(repr, wanted), found, strict=True))
    parts = [LEAD, _codes(), *(_declared(name, schema) for name, schema in named.items())]
    parts += [_frames(shape), _routes(everything, shape), _contents(everything)]
    return "\n".join(parts)


def _codes() -> str:
    lines = [f'  | "{code}"' for code in CODES]
    return (
        "/** What went wrong, in a word that stays the same. */\nexport type Code =\n"
        + "\n".join(lines)
        + ";\n"
    )


def _declared(name: str, schema: dict[str, Any]) -> str:
    """Return one named type, exported."""
    head = _comment(schema.get("description", ""))
    if schema.get("type") != "object":
        return f"{head}export type {_identifier(name)} = {typed(schema)};\n"
    if not schema.get("properties"):
        return f"{head}export type {_identifier(name)} = {{ [name: string]: never }};\n"
    lines = [f"{head}export interface {_identifier(name)} {{"]
    lines += _fields(schema)
    return "\n".join([*lines, "}\n"])


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        # The tag of a closed union has one value, which its default is: it is always there.
        there = name in required or len(field.get("enum", ())) == 1
        if "default" in field and not there:
            yield f"  /** @default {json.dumps(field['default'], ensure_ascii=False).replace('*/', '* /')} */"
        yield f"  {_property(name)}{'' if there else '?'}: {typed(field)};"


def typed(schema: dict[str, Any]) -> str:
    """Return a schema as an expression of types.

    Raises:
        ValueError: a keyword that this has no words for.

    >>> typed({"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]})
    'number[] | null'
    >>> typed({"type": "object", "additionalProperties": {"enum": ["a", "b"]}})
    '{ [name: string]: "a" | "b" }'
    """
    match schema:
        case {"$ref": reference}:
            return _identifier(str(reference).removeprefix("#/"))
        case {"anyOf": several} | {"oneOf": several}:
            return " | ".join(dict.fromkeys(typed(one) for one in several))
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"type": "array"}:
            return _array(schema)
        case {"type": "object", "properties": _}:
            return "{ " + " ".join(_fields(schema)) + " }"
        case {"type": "object"}:
            return f"{{ [name: string]: {typed(_values(schema))} }}"
        case {"type": "string", "pattern": pattern} if pattern == schemas.SECONDS["pattern"]:
            return "Exact"
        case {"type": kind} if kind in _WORDS:
            return _WORDS[kind]
        case {"type": [*kinds]}:
            return " | ".join(_WORDS[kind] for kind in kinds)
        case _ if not set(schema) - {"default", "description", "title"}:
            return "Json"
    raise ValueError(f"no words for the schema {schema}")


def _values(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object's values; `true`, or nothing, means any."""
    values = schema.get("additionalProperties")
    return values if isinstance(values, dict) else {}


def _array(schema: dict[str, Any]) -> str:
    if places := schema.get("prefixItems"):
        return f"[{', '.join(typed(one) for one in places)}]"
    item = typed(schema.get("items") or {})
    return f"({item})[]" if " | " in item else f"{item}[]"


def _identifier(name: str) -> str:
    """Return a type's name; one that two modules have comes with its module, and keeps the last two parts.

    >>> _identifier("Mission"), _identifier("cutroom_sdk.wire.renders.Check"), _identifier("Page_Mission_")
    ('Mission', 'RendersCheck', 'Page_Mission_')
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split(".")[-2:])


def _property(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name)


def _comment(said: str, indent: str = "") -> str:
    lines = inspect.cleandoc(said).replace("*/", "* /").splitlines()
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = [f"{indent} * {line}".rstrip() for line in lines]
    return "\n".join([f"{indent}/**", *body, f"{indent} */"]) + "\n"


def _frames(shape: dict[str, Any]) -> str:
    lines = [
        "/** What comes down a stream of resources, by the name of its `event:` line. */",
        "export interface Frames {",
    ]
    lines += [f"  {_property(name)}: {typed(shape[repr(kind)])};" for name, kind in FRAMES.items()]
    return "\n".join([*lines, "}\n"])


def _routes(everything: list[inventory.Served], shape: dict[str, Any]) -> str:
    lines = [
        "/** Every route: what its path holds, what may be asked, what the body is, what is answered. */"
    ]
    lines.append("export interface Routes {")
    for one in everything:
        contract = api.OPERATIONS[one.name]
        lines.append(_comment(f"{openapi.summary_of(one)} {_needs(contract)}", "  ").rstrip("\n"))
        lines += [
            f"  {json.dumps(one.name)}: {{",
            f"    path: {_record((name, 'string') for name in _PLACE.findall(one.path))};",
            f"    query: {_record((api.said(name) + '?', _query(name)) for name in contract.query)};",
            f"    body: {_content(contract.request, shape)};",
            *_others(contract, shape),
            f"    answer: {_content(contract.answer, shape, answered=True)};",
            "  };",
        ]
    return "\n".join([*lines, "}\n"])


def _others(contract: api.Operation, shape: dict[str, Any]) -> list[str]:
    """The bodies that other content types stand for."""
    if not contract.also:
        return []
    return [
        f"    also: {{ {'; '.join(f'{json.dumps(of)}: {_content(kind, shape)}' for of, kind in contract.also)} }};"
    ]


def _needs(contract: api.Operation) -> str:
    match contract.capability:
        case api.OPEN:
            return "Needs no token."
        case api.ANY:
            return "Any token may."
        case capability:
            return f"Needs `{capability}`."


def _query(name: str) -> str:
    kind = api.QUERY[name][0]
    return "string | string[]" if kind == "strings" else _WORDS[kind]


def _record(fields: Iterator[tuple[str, str]]) -> str:
    inner = "; ".join(f"{name}: {kind}" for name, kind in fields)
    return f"{{ {inner} }}" if inner else "Nothing"


def _content(kind: Any, shape: dict[str, Any], *, answered: bool = False) -> str:
    match kind:
        case None | api.Nothing():
            return "undefined"
        case api.Bytes():
            return "Response" if answered else "BodyInit"
        case api.Stream(frames=frames):
            return " | ".join(typed(shape[repr(frame)]) for frame in frames)
        case api.Page(item=item):
            return (
                f"{{ items: {_array({'items': shape[repr(item)]})}; next: string | null; position?: number }}"
            )
        case _:
            return typed(shape[repr(kind)])


def _contents(everything: list[inventory.Served]) -> str:
    """What a program must know of a route beyond its types: where its content is not plain JSON."""
    takes: dict[str, str] = {}
    gives: dict[str, str] = {}
    for one in everything:
        contract = api.OPERATIONS[one.name]
        content = contract.request.type if isinstance(contract.request, api.Bytes) else contract.takes
        if content != "application/json":
            takes[one.name] = content
        if isinstance(contract.answer, api.Bytes | api.Stream | api.Nothing):
            gives[one.name] = type(contract.answer).__name__.lower()
    return "\n".join(
        [
            "/** The content type of a body that is not `application/json`. */",
            f"export const TAKES: {{ [route: string]: string | undefined }} = {json.dumps(takes, indent=2)};",
            "",
            "/** What is answered where it is not JSON: `bytes`, a `stream` of events, or `nothing`. */",
            f"export const GIVES: {{ [route: string]: string | undefined }} = {json.dumps(gives, indent=2)};",
            "",
        ]
    )
