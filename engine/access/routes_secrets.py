"""HTTP for secrets: a value goes in, a name comes out. The value is in no answer, no event and no line of a log."""

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.secrets import SecretRequest
from engine.access import audit, reducer_secrets
from engine.http.gate import address_of, mark_audited
from engine.http.requests import answer, body, caller, kernel, listing
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.vault import check_name


@needs("secrets:admin")
async def set_secret(request: Request) -> Response:
    """`PUT /v1/secrets/{name}`: keep a value under a name, in place of the one there was; 200 with what is published."""
    context, name = caller(request, "secrets:admin"), request.path_params["name"]
    check_name(name)
    asked = await body(request, SecretRequest)
    # First the value: whoever reads that there is a secret can use it.
    await kernel(request).vault.keep(context.partition, name, asked.value)
    return await _recorded(request, context, name, reducer_secrets.Set())


async def list_secrets(request: Request) -> Response:
    """`GET /v1/secrets`: names and times, sorted by name."""
    return await listing(request, reducer_secrets.KIND, caller(request, "secrets:admin"))


@needs("secrets:admin")
async def remove_secret(request: Request) -> Response:
    """`DELETE /v1/secrets/{name}`: the value is gone when this answers, with the secret as it was."""
    context, name = caller(request, "secrets:admin"), request.path_params["name"]
    check_name(name)
    before, _ = await kernel(request).dispatch.state(f"{reducer_secrets.KIND}/{name}", context.partition)
    await kernel(request).vault.drop(context.partition, name)
    await _recorded(request, context, name, reducer_secrets.Remove())
    return answer(reducer_secrets.wire(before))


async def _recorded(request: Request, context: Context, name: str, proposal: Struct) -> Response:
    mark_audited(request)
    noted = audit.administered(
        context,
        action=f"{request.method} {request.url.path}",
        target=f"{reducer_secrets.KIND}/{name}",
        capability=reducer_secrets.CAPABILITY,
        at_ms=kernel(request).clock.now_ms(),
        address=address_of(request),
    )
    own = Asked(f"{reducer_secrets.KIND}/{name}", proposal)
    accepted, _ = await kernel(request).dispatch.propose_many([own, noted], context)
    state = accepted.state
    return answer(reducer_secrets.wire(state) if state.set_at_ms is not None else None)


routes = [
    Route("/v1/secrets", list_secrets, methods=["GET"]),
    Route("/v1/secrets/{name}", set_secret, methods=["PUT"]),
    Route("/v1/secrets/{name}", remove_secret, methods=["DELETE"]),
]
