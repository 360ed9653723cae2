"""HTTP for webhooks: who may send is set with a token; what is sent is known by its signature, and by nothing else."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.webhooks import DeliveryAnswer, Webhook, WebhookRequest
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, kernel, listing, one, raw_body, read_json
from engine.http.rights import needs
from engine.kernel.context import DEFAULT_PARTITION, engine_context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Invalid, NotFound, Rejected, StudioError
from engine.kernel.ids import derived_id, new_secret
from engine.webhooks import reducer, signature

BODY_MAX = 64 << 10
_NOBODYS = new_secret().encode()  # signatures for names that there are not are computed all the same


@needs("webhooks:admin")
async def define(request: Request) -> Response:
    """`PUT /v1/webhooks/{name}`: say who may send, by the names of secrets; 201 when it is new, else 200."""
    context, name = caller(request, "webhooks:admin"), request.path_params["name"]
    asked = await body(request, WebhookRequest)
    for secret in asked.secrets:
        # Named wrongly, or not written as one, it would refuse everybody later.
        signature.key_of(kernel(request).vault.value(context.partition, secret))
    stream, store = f"{reducer.KIND}/{name}", kernel(request).resources
    new = await store.value(stream, Webhook, context.partition) is None
    proposal = reducer.Define(secrets=asked.secrets, enabled=asked.enabled)

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(reducer.wire(accepted[0].state), status=201 if new else 200)

    return await committed(request, context, [Asked(stream, proposal)], told)


async def list_webhooks(request: Request) -> Response:
    """`GET /v1/webhooks`, sorted by name."""
    return await listing(request, reducer.KIND, caller(request, "webhooks:read"))


async def get_webhook(request: Request) -> Response:
    """`GET /v1/webhooks/{name}`, with its ETag."""
    context, name = caller(request, "webhooks:read"), request.path_params["name"]
    return await one(
        request, f"{reducer.KIND}/{name}", context, missing=NotFound(f"there is no webhook {name}")
    )


@needs("webhooks:admin")
async def remove(request: Request) -> Response:
    """`DELETE /v1/webhooks/{name}`: nothing that comes for it is taken any more; answers it as it was."""
    context, name = caller(request, "webhooks:admin"), request.path_params["name"]
    stream = f"{reducer.KIND}/{name}"
    before, _ = await kernel(request).dispatch.state(stream, context.partition)
    asked = [Asked(stream, reducer.Remove())]
    return await committed(request, context, asked, lambda _: answer(reducer.wire(before)))


async def receive(request: Request) -> Response:
    """`POST /v1/webhooks/{name}`: a delivery, known by its signature; 202 once it is on record, where it is once."""
    given = signature.read(request.headers)
    content = await raw_body(request, most=BODY_MAX)
    public = request.path_params["name"]
    partition, name = reducer.located(public) or (DEFAULT_PARTITION, "")
    stream, studio = f"{reducer.KIND}/{name}", kernel(request)
    hook: reducer.Hook = (await studio.dispatch.state(stream, partition))[0]
    keys = _keys(request, partition, hook)
    if not signature.is_signed(given, content, keys or (_NOBODYS,)) or not keys:
        raise signature.refused()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()[:100]
    sha256 = hashlib.sha256(content).hexdigest()
    delivery = reducer.Receive(
        delivery_id=derived_id(public, given.delivery),
        sent_at_ms=given.sent_at_ms,
        content_type=kind,
        bytes=len(content),
        sha256=sha256,
    )
    delivery = _with_payload(delivery, kind, content)
    # On behalf of the engine, so that a known secret in it is taken out like in all that comes from outside.
    context = engine_context(f"webhook:{name}", partition=partition, correlation_id=delivery.delivery_id)
    try:
        accepted = await studio.dispatch.propose(stream, delivery, context)
    except Rejected as refusal:
        raise signature.refused(refusal.detail) from refusal
    return answer(DeliveryAnswer(delivery_id=delivery.delivery_id, position=accepted.position), status=202)


def _keys(request: Request, partition: str, hook: reducer.Hook) -> tuple[bytes, ...]:
    if not hook.enabled:
        return ()
    found = []
    for name in hook.secrets:
        try:
            found.append(signature.key_of(kernel(request).vault.value(partition, name)))
        except (NotFound, Invalid):
            continue  # removed or changed since: the others still count
    return tuple(found)


def _with_payload(delivery: reducer.Receive, kind: str, content: bytes) -> reducer.Receive:
    if kind == "application/json" or kind.endswith("+json"):
        return msgspec.structs.replace(delivery, payload=read_json(content, Any))
    try:
        return msgspec.structs.replace(delivery, text=content.decode())
    except UnicodeDecodeError:
        raise StudioError(
            "the body is neither JSON nor text in UTF-8", code="unsupported_media_type"
        ) from None


routes = [
    Route("/v1/webhooks", list_webhooks, methods=["GET"]),
    Route("/v1/webhooks/{name}", define, methods=["PUT"]),
    Route("/v1/webhooks/{name}", get_webhook, methods=["GET"]),
    Route("/v1/webhooks/{name}", remove, methods=["DELETE"]),
    Route("/v1/webhooks/{name}", receive, methods=["POST"]),
]
