"""The kernel's own routes: resources, their stream, the log, and what the daemon says of itself."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cutroom_sdk.wire.resources import (
    Operation,
    OperationResult,
    PatchOperation,
    PutRequest,
    Tombstone,
    TransactionAnswer,
    TransactionRequest,
)
from engine.http.replies import committed
from engine.http.requests import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    after_position,
    answer,
    body,
    caller,
    check_content_type,
    etag,
    expected_rev,
    identified,
    kernel,
    position_asked,
    query_integer,
    unchanged,
)
from engine.http.rights import needs
from engine.http.sse import LogStream, ResourceStream, start_position
from engine.kernel import records
from engine.kernel.changes import covers
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Forbidden, Invalid, NotFound
from engine.kernel.ids import kind_of
from engine.kernel.log import Event, is_under
from engine.kernel.records import JsonPatch, WriteRecords
from engine.kernel.resources import Record

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
PREFIXES_MAX = 32


def may_read(request: Request, context: Context, key: str) -> bool:
    """Tell whether the caller may see a resource or stream: each kind names the capability that reads it."""
    aggregate = kernel(request).aggregates.get(kind_of(key))
    return context.may(aggregate.reads if aggregate else "resources:read")


def _check_readable(request: Request, key: str) -> Context:
    context = identified(request)
    if not may_read(request, context, key):
        raise Forbidden(f"the token of {context.actor} may not read {key}")
    return context


def wire_record(record: Record) -> dict[str, Any]:
    """Return a record as it travels."""
    told: dict[str, Any] = {
        "key": record.key,
        "value": msgspec.Raw(record.value),
        "rev": record.rev,
        "position": record.position,
        "updated_at_ms": record.updated_at_ms,
        "updated_by": record.updated_by,
    }
    if record.expires_at_ms is not None:
        told |= {"ttl_ms": record.ttl_ms, "expires_at_ms": record.expires_at_ms}
    return told


def _prefixes(request: Request) -> Sequence[str]:
    prefixes = request.query_params.getlist("prefix")
    if len(prefixes) > PREFIXES_MAX:
        raise Invalid(f"there are {len(prefixes)} prefixes; {PREFIXES_MAX} are taken", field="prefix")
    for prefix in prefixes:
        records.check_prefix(prefix)
    return prefixes


async def list_resources(request: Request) -> Response:
    """`GET /v1/resources?prefix=`: sorted by key, with the position of the read.

    Several prefixes give what lies under any of them.
    """
    context = identified(request)
    page = await kernel(request).resources.page(
        _prefixes(request),
        context.partition,
        limit=query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX),
        cursor=request.query_params.get("cursor", ""),
        visible=lambda key: may_read(request, context, key),
    )
    items = [wire_record(record) for record in page.items]
    return answer({"items": items, "next": page.next, "position": page.position})


async def get_resource(request: Request) -> Response:
    """`GET /v1/resources/{key}`, with `?at=` as of that position."""
    key = request.path_params["key"]
    records.check_key(key)
    context = _check_readable(request, key)
    if "at" in request.query_params:
        record = await _at(request, key, context)
    else:
        record = await kernel(request).latest.record(key, context.partition)
    if record is None:
        raise NotFound(f"there is no resource {key}", key=key)
    if unchanged(request, record.rev):
        return Response(status_code=304, headers={"ETag": etag(record.rev)})
    return answer(wire_record(record), rev=record.rev)


async def _at(request: Request, key: str, context: Context) -> Record | None:
    now, _ = await kernel(request).resources.as_of(key, position_asked(request), context.partition)
    return now


async def _write(
    request: Request, told: Callable[[Accepted], Response], *operations: Operation | JsonPatch
) -> Response:
    context = caller(request, "resources:write")
    for operation in operations:
        records.check_key(operation.key)
        if operation.op == "check":
            _check_readable(request, operation.key)
        else:
            records.check_writable(operation.key)
    asked = Asked(records.STREAM, WriteRecords(operations=operations))
    return await committed(request, context, [asked], lambda accepted: told(accepted[0]))


@needs("resources:write")
async def put_resource(request: Request) -> Response:
    """`PUT /v1/resources/{key}`: 201 when it is new, else 200."""
    key = request.path_params["key"]
    asked = await body(request, PutRequest)
    operation = Operation(
        op="put", key=key, value=asked.value, if_match_rev=expected_rev(request), ttl_ms=asked.ttl_ms
    )
    return await _write(request, partial(_written, key), operation)


@needs("resources:write")
async def patch_resource(request: Request) -> Response:
    """`PATCH /v1/resources/{key}`: applied here in one piece, never read-then-write.

    The content type says which patch it is: a merge patch (RFC 7396), where null removes, or a JSON Patch (RFC 6902),
    whose operations are all carried out or none; 422 `event_rejected` names the one that could not be.
    """
    key, rev = request.path_params["key"], expected_rev(request)
    told = partial(_written, key)
    if check_content_type(request, MERGE_PATCH, JSON_PATCH) == JSON_PATCH:
        operations = await body(request, tuple[PatchOperation, ...], JSON_PATCH)
        return await _write(request, told, JsonPatch(key=key, operations=operations, if_match_rev=rev))
    patch = await body(request, Any, MERGE_PATCH)
    return await _write(request, told, Operation(op="patch", key=key, value=patch, if_match_rev=rev))


def _written(key: str, accepted: Accepted) -> Response:
    """Answer what this write made of the record, whatever others have made of it since: the rev is the caller's own."""
    created = accepted.before[key].value is None
    record = written_record(key, accepted)
    return answer(wire_record(record), status=201 if created else 200, rev=record.rev)


def written_record(key: str, accepted: Accepted) -> Record:
    """Return a record as a put or a patch has left it."""
    held, (event,) = accepted.written[key], accepted.events
    assert held.value is not None, "neither a put nor a patch deletes"
    return Record(
        key=key,
        value=held.value,
        rev=held.rev,
        position=accepted.position,
        updated_at_ms=event.at_ms,
        updated_by=event.actor,
        ttl_ms=held.ttl_ms,
        expires_at_ms=held.expires_at_ms,
    )


@needs("resources:write")
async def delete_resource(request: Request) -> Response:
    """`DELETE /v1/resources/{key}`: answers the tombstone."""
    key = request.path_params["key"]

    def told(accepted: Accepted) -> Response:
        rev = accepted.revs[key]
        return answer(Tombstone(key=key, rev=rev, position=accepted.position), rev=rev)

    return await _write(request, told, Operation(op="delete", key=key, if_match_rev=expected_rev(request)))


@needs("resources:write")
async def transaction(request: Request) -> Response:
    """`POST /v1/resources/transaction`: all or nothing, one position; every operation is answered with its rev."""
    asked = await body(request, TransactionRequest)

    def told(accepted: Accepted) -> Response:
        results = tuple(
            OperationResult(op=one.op, key=one.key, rev=rev)
            for one, rev in zip(asked.operations, accepted.results, strict=True)
        )
        return answer(TransactionAnswer(position=accepted.position, results=results))

    return await _write(request, told, *asked.operations)


async def resource_events(request: Request) -> ASGIApp:
    """`GET /v1/resources/events`: list and watch."""
    context = identified(request)
    return ResourceStream(
        request,
        context,
        prefixes=_prefixes(request),
        after=start_position(request, kernel(request).dispatch.head),
        snapshot=query_integer(request, "snapshot", 0, most=1) == 1,
        visible=lambda key: may_read(request, context, key),
    )


async def read_log(request: Request) -> Response:
    """`GET /v1/log`: pages of events from where the log begins; those that the caller may not read are left out, so a page may be short."""
    context = caller(request, "log:read")
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    cursor = "cursor" if "cursor" in request.query_params else "after"
    events = await kernel(request).log.read(
        after=after_position(request, cursor),
        limit=limit,
        partition=context.partition,
        stream=request.query_params.get("stream"),
        type_prefix=request.query_params.get("type"),
    )
    following = str(events[-1].position) if len(events) == limit else None
    visible = [event for event in events if may_read(request, context, event.stream)]
    return answer({"items": visible, "next": following, "position": kernel(request).dispatch.head})


async def log_events(request: Request) -> ASGIApp:
    """`GET /v1/log/events`: the log as it grows."""
    context = caller(request, "log:read")
    stream, kind = request.query_params.get("stream"), request.query_params.get("type")

    def wants(event: Event) -> bool:
        right_stream = stream is None or covers(stream, event.stream)
        return right_stream and is_under(kind, event.type) and may_read(request, context, event.stream)

    return LogStream(
        request, context, after=start_position(request, kernel(request).dispatch.head), wants=wants
    )


async def health(request: Request) -> Response:
    """`GET /health`: alive, and in which versions. Needs no token."""
    return answer(request.app.state.health())


async def ready(request: Request) -> Response:
    """`GET /ready`: what works, what is missing, what it would unlock."""
    identified(request)
    return answer(request.app.state.readiness())


class Endpoint:
    """Lets a route answer with an ASGI app: streams write for themselves."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the endpoint's answer send itself."""
        response = await self._endpoint(Request(scope, receive))
        await response(scope, receive, send)


routes: list[BaseRoute] = [
    Route("/health", health),
    Route("/ready", ready),
    Route("/v1/log", read_log),
    Route("/v1/log/events", Endpoint(log_events), methods=["GET"]),
    Route("/v1/resources", list_resources),
    Route("/v1/resources/events", Endpoint(resource_events), methods=["GET"]),
    Route("/v1/resources/transaction", transaction, methods=["POST"]),
    Route("/v1/resources/{key:path}", get_resource, methods=["GET"]),
    Route("/v1/resources/{key:path}", put_resource, methods=["PUT"]),
    Route("/v1/resources/{key:path}", patch_resource, methods=["PATCH"]),
    Route("/v1/resources/{key:path}", delete_resource, methods=["DELETE"]),
]
