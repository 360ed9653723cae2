"""Records that clients write themselves (`project/...`, `team/...`): one stream a partition, guarded by rev.

A transaction is one event, `resources.changed`, whatever number of records it writes: all of it or nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, assert_never

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.resources import Operation, PatchOperation
from engine.kernel import json_patch
from engine.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from engine.kernel.heads import Held

STREAM: Final = "resources/client"
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
DOTS: Final = frozenset({".", ".."})
_WRITABLE: Final = re.compile(r"(project|team)/.+|run/[^/]+/(?!status$).+|mission/[^/]+/(?!item(/|$)).+")
MAX_VALUE_BYTES: Final = 256 << 10
DEPTH_MAX: Final = 100


class JsonPatch(Struct, frozen=True, kw_only=True):
    """A record changed by a JSON Patch: all of its operations or none."""

    key: str
    operations: tuple[PatchOperation, ...]
    if_match_rev: int | None = None
    op: Literal["json_patch"] = "json_patch"


class Expiry(Struct, frozen=True, kw_only=True):
    """The sweeper's: a record's time is up, at the rev that it saw. What was written since lives on."""

    key: str
    rev: int
    op: Literal["expire"] = "expire"


Write = Operation | JsonPatch | Expiry


class WriteRecords(Struct, frozen=True, kw_only=True, tag="write_records"):
    """Proposal to the partition's record stream."""

    operations: tuple[Write, ...]


class Written(Struct, frozen=True, kw_only=True):
    """One write of the event: the value is kept in the resource history at the same position."""

    key: str
    rev: int
    deleted: bool = False
    ttl_ms: int | UnsetType = UNSET
    expires_at_ms: int | UnsetType = UNSET


class ResourcesChanged(Struct, frozen=True, kw_only=True, tag="resources.changed"):
    """Event: these records were written together."""

    operations: tuple[Written, ...]


def check_key(key: str) -> None:
    """Check a key's form: 2 to 8 segments of `[A-Za-z0-9._~-]{1,128}` joined with `/`, at most 512 bytes.

    No segment is `.` or `..`: in an address they lead elsewhere (RFC 3986, 5.2.4), so such a key could never be asked for.

    Raises:
        Invalid: `invalid_key`.
    """
    segments = key.split("/")
    whole = all(_SEGMENT.fullmatch(segment) and segment not in DOTS for segment in segments)
    if not (2 <= len(segments) <= 8 and whole and len(key) <= 512):
        raise Invalid(
            f"{key[:80]!r} is no key: 2 to 8 segments of letters, digits and . _ ~ - joined with /, none of them . or ..",
            code="invalid_key",
            key=key[:512],
        )


def check_prefix(prefix: str) -> None:
    """Check that a prefix could cover a key: none, or 1 to 8 of a key's segments; a slash at its end means nothing.

    Raises:
        Invalid: no key begins so.
    """
    bare = prefix.rstrip("/")
    segments = bare.split("/")
    whole = all(_SEGMENT.fullmatch(segment) and segment not in DOTS for segment in segments)
    if bare and not (len(segments) <= 8 and whole and len(bare) <= 512):
        raise Invalid(
            f"no key begins with {prefix[:80]!r}: a prefix is up to 8 whole segments, such as project/a",
            field="prefix",
        )


def is_writable(key: str) -> bool:
    """Tell whether clients write this key, and not the engine."""
    return _WRITABLE.fullmatch(key) is not None


def check_writable(key: str) -> None:
    """Check that clients may write under `key`.

    Raises:
        Forbidden: `engine_owned`.
    """
    if not _WRITABLE.fullmatch(key):
        raise Forbidden(
            f"{key} belongs to the engine; clients write under project/ and team/, and beside what is the "
            "engine's under mission/{id}/ and run/{id}/",
            code="engine_owned",
            key=key,
        )


class Decision(NamedTuple):
    """What operations come to: the event (None when nothing is written), the new records, the rev after each operation."""

    event: ResourcesChanged | None
    written: dict[str, Held]
    results: tuple[int, ...]


def decide(held: Mapping[str, Held], operations: Sequence[Write], at_ms: int) -> Decision:
    """Apply operations at the time `at_ms`, in order, to the records they name: each sees what those before it did.

    A check comes to the rev it saw, 0 for a record that is absent.

    Raises:
        Conflict: `revision_conflict`, with the key and both revs.
        NotFound: a patch or delete of a record that is not there.
        Rejected: a JSON Patch that the record's value does not allow.
        Invalid: a value of more than 256 KiB or 100 levels, or one that is missing.
    """
    records = dict(held)
    written: dict[str, Held] = {}
    results = []
    for operation in operations:
        current = records[operation.key]
        new = _applied(operation, current, at_ms)
        if new is None:
            results.append(_rev(current))
        else:
            records[operation.key] = written[operation.key] = new
            results.append(new.rev)
    event = ResourcesChanged(operations=tuple(map(_written, written.items()))) if written else None
    return Decision(event, written, tuple(results))


def _applied(operation: Write, current: Held, at_ms: int) -> Held | None:
    """Return the record after the operation, None when it writes nothing."""
    rev = current.rev + 1
    if isinstance(operation, Expiry):
        due = current.expires_at_ms is not None and current.expires_at_ms <= at_ms
        return Held(rev, None) if due and current.rev == operation.rev else None
    _match(operation, current)
    if isinstance(operation, Operation) and operation.ttl_ms is not None and operation.op != "put":
        raise Invalid(f"a {operation.op} of {operation.key} sets no time to live; a put does", field="ttl_ms")
    match operation.op:
        case "check":
            if operation.if_match_rev is None:
                raise Invalid(
                    f"the check of {operation.key} names no rev; 0 is that of an absent record",
                    field="if_match_rev",
                )
            return None
        case "delete":
            return Held(rev, None)
        case "put":
            ttl_ms = operation.ttl_ms
            value = _bounded(operation, current)
            return Held(rev, value, ttl_ms, None if ttl_ms is None else at_ms + ttl_ms)
        case "patch" | "json_patch":
            # What becomes of the value is one thing, how long it lives another: only a put sets the time.
            return Held(rev, _bounded(operation, current), current.ttl_ms, current.expires_at_ms)
        case _:
            assert_never(operation.op)


def _written(write: tuple[str, Held]) -> Written:
    key, new = write
    written = Written(key=key, rev=new.rev, deleted=new.value is None)
    if new.ttl_ms is None or new.expires_at_ms is None:
        return written
    return replace(written, ttl_ms=new.ttl_ms, expires_at_ms=new.expires_at_ms)


def _rev(current: Held) -> int:
    """The rev as preconditions count it: 0 for what is absent."""
    return 0 if current.value is None else current.rev


def _match(operation: Operation | JsonPatch, current: Held) -> None:
    expected, actual = operation.if_match_rev, _rev(current)
    if expected is not None and expected != actual:
        raise Conflict(
            f"{operation.key} is at rev {actual}, not {expected}; read it again and repeat the change",
            expected=expected,
            actual=actual,
            code="revision_conflict",
            key=operation.key,
        )
    if operation.op in ("patch", "json_patch", "delete") and current.value is None:
        raise NotFound(f"there is no resource {operation.key}", key=operation.key)


def _bounded(operation: Operation | JsonPatch, current: Held) -> bytes:
    """Return the new value's JSON."""
    try:
        value = _changed(operation, current)
        encoded = encode(value)
    except RecursionError as error:
        raise _too_deep(operation.key) from error
    if _is_deep(value, encoded):
        raise _too_deep(operation.key)
    if len(encoded) > MAX_VALUE_BYTES:
        raise Invalid(
            f"the value of {operation.key} has {len(encoded)} bytes; {MAX_VALUE_BYTES} is the most",
            field="value",
        )
    return encoded


def _changed(operation: Operation | JsonPatch, current: Held) -> Any:
    if operation.op == "json_patch":
        return json_patch.apply(_decoded(current), operation.operations)
    if operation.value is UNSET:
        raise Invalid(f"the {operation.op} of {operation.key} has no value", field="value")
    return merge_patch(_decoded(current), operation.value) if operation.op == "patch" else operation.value


def _decoded(current: Held) -> Any:
    assert current.value is not None
    return msgspec.json.decode(current.value)


def _too_deep(key: str) -> Invalid:
    return Invalid(f"the value of {key} is nested too deeply; {DEPTH_MAX} levels are the most", field="value")


def _is_deep(value: Any, encoded: bytes) -> bool:
    """Tell whether a value has more than `DEPTH_MAX` levels of arrays and objects."""
    if encoded.count(b"[") + encoded.count(b"{") <= DEPTH_MAX:
        return False  # nearly always: there are not even so many of them
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH_MAX):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for several in inner for one in several if isinstance(one, dict | list)]
    return bool(level)


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` changed by a merge patch (RFC 7396): null removes, objects merge, the rest replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
