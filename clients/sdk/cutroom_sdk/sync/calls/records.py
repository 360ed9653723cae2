# Made by `just specs` from cutroom_sdk/calls/records.py; change that one.
"""Resources: read, written under conditions, followed."""

from collections.abc import Generator, Sequence
from typing import Any, Final, TypeVar

from cutroom_sdk.places import Query, conditions, given, path_of_key
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.sync.connection import Connection, value_of
from cutroom_sdk.wire.resources import (
    Operation,
    PatchOperation,
    PutRequest,
    Record,
    Tombstone,
    TransactionAnswer,
    TransactionRequest,
)

T = TypeVar("T")
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"


class RecordCalls(Connection):
    """Writes take `if_match` (only at this rev) or `if_absent` (only when there is none); else `revision_conflict`.

    A write that is repeated with the same `idempotency_key` is carried out once.
    """

    def records(self, *prefixes: str) -> list[Record]:
        """Return all resources under any of the prefixes, sorted by key; without a prefix all there are."""
        asked: Query = {"prefix": prefixes} if prefixes else {}
        return self.every("/v1/resources", Record, asked)

    def record(self, key: str, *, at: int | None = None) -> Record:
        """Return a resource with its rev, as it is or as it was at a position of the log.

        Raises:
            SdkError: `not_found`; `position_ahead`: the log has not come to `at` yet.
        """
        return self.get(path_of_key(key), Record, given({"at": at}))

    def newer_record(self, key: str, rev: int) -> Record | None:
        """Return a resource, or None while it is still at `rev`."""
        return self.newer(path_of_key(key), Record, rev)

    def value(self, key: str, kind: type[T]) -> T:
        """Return a resource's value as `kind`."""
        return value_of((self.request("GET", path_of_key(key))).content, kind)

    def put(
        self,
        key: str,
        value: Any,
        *,
        ttl_ms: int | None = None,
        if_match: int | None = None,
        if_absent: bool = False,
        idempotency_key: str | None = None,
    ) -> Record:
        """Write a resource whole. `ttl_ms`: so long until it is deleted; without it it lives on."""
        headers = conditions(if_match=if_match, if_absent=if_absent, idempotency_key=idempotency_key)
        body = PutRequest(value=value, ttl_ms=ttl_ms)
        return self.ask("PUT", path_of_key(key), Record, body=body, headers=headers)

    def patch(
        self,
        key: str,
        change: dict[str, Any],
        *,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> Record:
        """Change a resource's fields with a merge patch (RFC 7396), applied by the daemon: None takes a field away."""
        headers = conditions(if_match=if_match, idempotency_key=idempotency_key)
        headers["Content-Type"] = MERGE_PATCH
        return self.ask("PATCH", path_of_key(key), Record, body=change, headers=headers)

    def amend(
        self,
        key: str,
        operations: Sequence[PatchOperation],
        *,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> Record:
        """Change a resource with a JSON Patch (RFC 6902), applied by the daemon: all of its operations or none."""
        headers = conditions(if_match=if_match, idempotency_key=idempotency_key)
        headers["Content-Type"] = JSON_PATCH
        return self.ask("PATCH", path_of_key(key), Record, body=tuple(operations), headers=headers)

    def delete(
        self, key: str, *, if_match: int | None = None, idempotency_key: str | None = None
    ) -> Tombstone:
        """Delete a resource."""
        headers = conditions(if_match=if_match, idempotency_key=idempotency_key)
        return self.ask("DELETE", path_of_key(key), Tombstone, headers=headers)

    def transact(
        self, operations: Sequence[Operation], *, idempotency_key: str | None = None
    ) -> TransactionAnswer:
        """Write several resources at one position, or none of them."""
        body = TransactionRequest(operations=tuple(operations))
        return self.post(
            "/v1/resources/transaction", body, TransactionAnswer, idempotency_key=idempotency_key
        )

    def resource_stream(
        self, after: int | None, *, prefixes: Sequence[str] = ()
    ) -> Generator[SseMessage, None, None]:
        """Yield frames from a snapshot on (`after` None), or those after a position; the stream of a `Replica`.

        Only resources under one of the `prefixes` come; without any, all of them do.
        """
        asked: Query = {"snapshot": "1"} if after is None else {"after": str(after)}
        return self.stream("/v1/resources/events", asked | {"prefix": prefixes})
