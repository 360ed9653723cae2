"""JSON Patch (RFC 6902): a document changed by operations, all of them or none.

Nothing is changed in place: an operation copies the containers on its way and shares the rest, so neither the document
nor the patch is ever touched.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import UNSET

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.resources import PatchOperation
from engine.kernel.errors import Invalid, Rejected

OPERATIONS_MAX: Final = 256
COPIED_BYTES_MAX: Final = 1 << 20  # twenty copies of the whole into itself would be a million of it
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_STRAY: Final = re.compile(r"~(?![01])")
Tokens = tuple[str, ...]


class _Absent(Exception):
    """A pointer names what is not there; the text says what."""


def apply(document: Any, patch: Sequence[PatchOperation]) -> Any:
    """Return `document` changed by the operations, in their order.

    Raises:
        Invalid: an operation is wrong in itself; `field` names it, counted from 0.
        Rejected: `path_not_found` or `test_failed`: the document does not allow it; `operation` counts from 0.
    """
    if len(patch) > OPERATIONS_MAX:
        raise Invalid(f"a patch has at most {OPERATIONS_MAX} operations, not {len(patch)}", field="body")
    copied = 0
    for number, operation in enumerate(patch):
        path, origin = _pointers(number, operation)
        try:
            if operation.op == "copy":
                copied += len(encode(_found(document, origin)))
                _check_growth(number, copied)
            document = _carried_out(document, number, operation, path, origin)
        except _Absent as absent:
            raise _refused("path_not_found", number, operation, str(absent)) from absent
    return document


def _pointers(number: int, operation: PatchOperation) -> tuple[Tokens, Tokens]:
    path = _tokens(operation.path, f"[{number}].path")
    if operation.op in ("add", "replace", "test") and operation.value is UNSET:
        raise Invalid(f"the {operation.op} has no value", field=f"[{number}].value")
    if operation.op not in ("move", "copy"):
        return path, ()
    if operation.from_ is UNSET:
        raise Invalid(f"the {operation.op} has no from", field=f"[{number}].from")
    origin = _tokens(operation.from_, f"[{number}].from")
    if operation.op == "move" and len(origin) < len(path) and path[: len(origin)] == origin:
        raise Invalid("nothing can be moved into itself", field=f"[{number}].path")
    return path, origin


def _tokens(pointer: str, field: str) -> Tokens:
    """Read a JSON pointer (RFC 6901); the empty one is the whole document.

    >>> _tokens("/a~1b/~01/", "path")
    ('a/b', '~1', '')
    """
    if not pointer:
        return ()
    if not pointer.startswith("/") or _STRAY.search(pointer):
        raise Invalid(
            f"{pointer[:80]!r} is no JSON pointer: it begins with /, and ~ is ~0, / is ~1 in a name",
            field=field,
        )
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def _check_growth(number: int, copied: int) -> None:
    if copied > COPIED_BYTES_MAX:
        raise Invalid(f"a patch copies at most {COPIED_BYTES_MAX} bytes", field=f"[{number}].from")


def _carried_out(document: Any, number: int, operation: PatchOperation, path: Tokens, origin: Tokens) -> Any:
    match operation.op:
        case "add":
            return _added(document, path, operation.value)
        case "remove":
            return _removed(document, path, f"[{number}].path")
        case "replace":
            _found(document, path)
            return _replaced(document, path, operation.value)
        case "copy":
            return _added(document, path, _found(document, origin))
        case "move":
            moved = _found(document, origin)
            if origin == path:
                return document
            return _added(_removed(document, origin, f"[{number}].from"), path, moved)
        case "test":
            if not same(_found(document, path), operation.value):
                raise _refused("test_failed", number, operation, "the value is another")
            return document


def _refused(reason: str, number: int, operation: PatchOperation, why: str) -> Rejected:
    detail = f"operation {number}, {operation.op} {operation.path[:80] or 'of the whole'}: {why}"
    return Rejected(reason, detail, operation=number, path=operation.path)


def _found(node: Any, tokens: Tokens) -> Any:
    for token in tokens:
        node = node[_place(node, token)]
    return node


def _place(node: Any, token: str) -> Any:
    """Return the name or the index of what is there.

    Raises:
        _Absent: nothing is.
    """
    if isinstance(node, dict):
        if token not in node:
            raise _Absent(f"there is no {token[:80]!r}")
        return token
    if isinstance(node, list):
        return _index(token, len(node) - 1)
    raise _Absent(f"{token[:80]!r} is looked for in what is neither object nor array")


def _index(token: str, last: int) -> int:
    if not _INDEX.fullmatch(token) or int(token) > last:
        raise _Absent(f"{token[:80]!r} is no index of an array whose last is {last}")
    return int(token)


def _changed(node: Any, tokens: Tokens, change: Callable[[Any], Any]) -> Any:
    """Return `node` with what lies at `tokens` changed."""
    if not tokens:
        return change(node)
    place = _place(node, tokens[0])
    container = node.copy()
    container[place] = _changed(node[place], tokens[1:], change)
    return container


def _replaced(document: Any, path: Tokens, value: Any) -> Any:
    return _changed(document, path, lambda _: value)


def _added(document: Any, path: Tokens, value: Any) -> Any:
    if not path:
        return value
    token = path[-1]

    def add(parent: Any) -> Any:
        if isinstance(parent, dict):
            return {**parent, token: value}
        if isinstance(parent, list):
            index = len(parent) if token == "-" else _index(token, len(parent))
            return [*parent[:index], value, *parent[index:]]
        raise _Absent(f"{token[:80]!r} cannot be added to what is neither object nor array")

    return _changed(document, path[:-1], add)


def _removed(document: Any, path: Tokens, field: str) -> Any:
    if not path:
        raise Invalid("the whole document cannot be removed; DELETE does that", field=field)

    def remove(parent: Any) -> Any:
        place = _place(parent, path[-1])
        container = parent.copy()
        del container[place]
        return container

    return _changed(document, path[:-1], remove)


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal: numbers by their value, objects whatever the order of their names.

    >>> same(1, 1.0), same(1, True), same({"a": 1, "b": [2]}, {"b": [2.0], "a": 1})
    (True, False, True)
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
