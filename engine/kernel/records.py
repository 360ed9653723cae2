"""Records that clients write themselves (`project/...`, `team/...`): one stream a partition, guarded by rev.

A transaction is one event, `resources.changed`, whatever number of records it writes: all of it or nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.resources import PatchOperation
from engine.kernel import json_patch
from engine.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from engine.kernel.heads import Held

STREAM: Final = "resources/client"
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_WRITABLE: Final = re.compile(r"(project|team)/.+|run/[^/]+/(?!status$).+|mission/[^/]+/(?!item(/|$)).+")
MAX_VALUE_BYTES: Final = 256 << 10


class Operation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One write, or a `check` of a rev. `if_match_rev` 0 means absent, None anything. `patch` is a merge patch."""

    op: Literal["put", "patch", "delete", "check"]
    key: str
    value: Any = UNSET
    if_match_rev: int | None = None


class JsonPatch(Struct, frozen=True, kw_only=True):
    """A record changed by a JSON Patch: all of its operations or none."""

    key: str
    operations: tuple[PatchOperation, ...]
    if_match_rev: int | None = None
    op: Literal["json_patch"] = "json_patch"


Write = Operation | JsonPatch


class WriteRecords(Struct, frozen=True, kw_only=True, tag="write_records"):
    """Proposal to the partition's record stream."""

    operations: tuple[Write, ...]


class Written(Struct, frozen=True, kw_only=True):
    """One write of the event: the value is kept in the resource history at the same position."""

    key: str
    rev: int
    deleted: bool = False


class ResourcesChanged(Struct, frozen=True, kw_only=True, tag="resources.changed"):
    """Event: these records were written together."""

    operations: tuple[Written, ...]


def check_key(key: str) -> None:
    """Check a key's form: 2 to 8 segments of `[A-Za-z0-9._~-]{1,128}` joined with `/`, at most 512 bytes.

    Raises:
        Invalid: `invalid_key`.
    """
    segments = key.split("/")
    whole = all(_SEGMENT.fullmatch(segment) for segment in segments)
    if not (2 <= len(segments) <= 8 and whole and len(key) <= 512):
        raise Invalid(
            f"{key[:80]!r} is no key: 2 to 8 segments of letters, digits and . _ ~ - joined with /",
            code="invalid_key",
            key=key[:512],
        )


def check_writable(key: str) -> None:
    """Check that clients may write under `key`.

    Raises:
        Forbidden: `engine_owned`.
    """
    if not _WRITABLE.fullmatch(key):
        raise Forbidden(
            f"{key} belongs to the engine; clients write under project/ and team/",
            code="engine_owned",
            key=key,
        )


def decide(
    held: Mapping[str, Held], operations: Sequence[Write]
) -> tuple[ResourcesChanged | None, dict[str, Held]]:
    """Apply operations in order to the records they name.

    Returns the event (None when they were all checks) and the new records.

    Raises:
        Conflict: `revision_conflict`, with the key and both revs.
        NotFound: a patch or delete of a record that is not there.
        Rejected: a JSON Patch that the record's value does not allow.
        Invalid: a value of more than 256 KiB, one that is missing, or one that is nested too deeply.
    """
    records = dict(held)
    written: dict[str, Held] = {}
    for operation in operations:
        current = records[operation.key]
        _match(operation, current)
        if operation.op == "check":
            continue
        records[operation.key] = written[operation.key] = Held(
            current.rev + 1, _new_value(operation, current)
        )
    if not written:
        return None, {}
    changed = tuple(Written(key=key, rev=new.rev, deleted=new.value is None) for key, new in written.items())
    return ResourcesChanged(operations=changed), written


def _match(operation: Write, current: Held) -> None:
    expected = operation.if_match_rev
    actual = 0 if current.value is None else current.rev
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


def _new_value(operation: Write, current: Held) -> bytes | None:
    if operation.op == "delete":
        return None
    try:
        value = _changed(operation, current)
        encoded = encode(value)
    except RecursionError as error:
        raise _too_deep(operation.key) from error
    if len(encoded) > MAX_VALUE_BYTES:
        raise Invalid(
            f"the value of {operation.key} has {len(encoded)} bytes; {MAX_VALUE_BYTES} is the most",
            field="value",
        )
    return encoded


def _changed(operation: Write, current: Held) -> Any:
    if operation.op == "json_patch":
        return json_patch.apply(_decoded(current), operation.operations)
    if operation.value is UNSET:
        raise Invalid(f"the {operation.op} of {operation.key} has no value", field="value")
    return merge_patch(_decoded(current), operation.value) if operation.op == "patch" else operation.value


def _decoded(current: Held) -> Any:
    assert current.value is not None
    return msgspec.json.decode(current.value)


def _too_deep(key: str) -> Invalid:
    return Invalid(f"the value of {key} is nested too deeply", field="value")


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
