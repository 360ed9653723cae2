"""HTTP for tokens, for windows of a browser, and for the audit: decode, propose, encode."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.tokens import (
    AuditEntry,
    Entered,
    EnterRequest,
    IssuedToken,
    Ticket,
    TokenRequest,
)
from engine.access import audit, reducer
from engine.access.reducer_audit import Recorded
from engine.access.secrets import fingerprint
from engine.access.tokens import PREFIX, Tokens
from engine.http.gate import COOKIE, address_of, mark_audited, mark_secret
from engine.http.replies import committed, withheld
from engine.http.requests import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    after_position,
    answer,
    body,
    caller,
    identified,
    kernel,
    listing,
    query_integer,
)
from engine.http.rights import needs
from engine.kernel import failpoints
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Forbidden
from engine.kernel.ids import new_id, new_secret

reach = failpoints.points("access", "token_made", "token_issued")


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


def _on_record(request: Request, context: Context, token_id: str) -> Asked:
    mark_audited(request)
    return audit.administered(
        context,
        action=f"{request.method} {request.url.path}",
        target=f"{reducer.KIND}/{token_id}",
        capability=reducer.CAPABILITY,
        at_ms=kernel(request).clock.now_ms(),
        address=address_of(request),
    )


@needs("tokens:admin")
async def issue(request: Request) -> Response:
    """`POST /v1/tokens`: 201 with the token, whose secret is shown this once."""
    context = caller(request, "tokens:admin")
    asked = await body(request, TokenRequest)
    studio, secret = kernel(request), PREFIX + new_secret()
    token_id = new_id(studio.clock.now_ms())
    proposal = reducer.Issue(asked=asked, sha256=fingerprint(secret), issuer=context)
    reach("token_made")
    accepted, _ = await studio.dispatch.propose_many(
        [Asked(f"{reducer.KIND}/{token_id}", proposal), _on_record(request, context, token_id)],
        withheld(request, context),
    )
    reach("token_issued")
    mark_secret(request)
    grant = accepted.state.grant
    issued = IssuedToken(
        token_id=token_id,
        token=secret,
        actor=grant.actor,
        human=grant.human,
        tenant=grant.tenant,
        env=grant.env,
        capabilities=grant.capabilities,
        expires_at_ms=grant.expires_at_ms,
    )
    return answer(issued, status=201, headers={"Location": f"/v1/tokens/{token_id}"})


async def list_tokens(request: Request) -> Response:
    """`GET /v1/tokens`: those issued from the caller's partition that are not revoked, oldest first."""
    return await listing(request, reducer.KIND, caller(request, "tokens:admin"))


@needs("tokens:admin")
async def revoke(request: Request) -> Response:
    """`DELETE /v1/tokens/{id}`: answers the token as it was; what it let in is let out."""
    context, token_id = caller(request, "tokens:admin"), request.path_params["id"]
    asked = [Asked(f"{reducer.KIND}/{token_id}", reducer.Revoke()), _on_record(request, context, token_id)]
    return await committed(request, context, asked, lambda accepted: answer(reducer.wire(accepted[0].state)))


async def give_ticket(request: Request) -> Response:
    """`POST /v1/tickets`: 201 with a ticket that lets a window of a browser in, once, within 30 seconds."""
    context = identified(request)
    ticket, ends = _tokens(request).sessions.ticket(context.token_id)
    mark_secret(request)
    return answer(Ticket(ticket=ticket, expires_at_ms=ends), status=201)


async def enter(request: Request) -> Response:
    """`POST /v1/enter`: takes a ticket and sets the cookie of the window; 403 when it was spent."""
    asked, tokens = await body(request, EnterRequest), _tokens(request)
    context = tokens.holder(tokens.sessions.spend(asked.ticket))
    if context is None:
        raise Forbidden("the token that the ticket was given for is no longer good")
    cookie, ends = tokens.window(context)
    tenant, _, env = context.partition.partition("/")
    entered = Entered(
        actor=context.actor,
        human=context.human,
        tenant=tenant,
        env=env,
        capabilities=tuple(sorted(context.capabilities)),
        expires_at_ms=ends,
    )
    # No `Secure`: the address is this machine's own, without TLS. No age: it goes with the browser.
    return answer(entered, headers={"Set-Cookie": f"{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict"})


async def read_audit(request: Request) -> Response:
    """`GET /v1/audit`: who was refused what and who administered the engine, oldest first."""
    context = caller(request, "log:admin")
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    cursor = "cursor" if "cursor" in request.query_params else "after"
    events = await kernel(request).log.read(
        after=after_position(request, cursor),
        limit=limit,
        partition=context.partition,
        stream="audit",
    )
    items = []
    for event in events:
        entry = msgspec.json.decode(event.data, type=Recorded).entry
        told = {name: getattr(entry, name) for name in entry.__struct_fields__}
        items.append(AuditEntry(position=event.position, at_ms=event.at_ms, **told))
    following = str(events[-1].position) if len(events) == limit else None
    return answer({"items": items, "next": following, "position": kernel(request).dispatch.head})


routes = [
    Route("/v1/tokens", issue, methods=["POST"]),
    Route("/v1/tokens", list_tokens, methods=["GET"]),
    Route("/v1/tokens/{id}", revoke, methods=["DELETE"]),
    Route("/v1/tickets", give_ticket, methods=["POST"]),
    Route("/v1/enter", enter, methods=["POST"]),
    Route("/v1/audit", read_audit, methods=["GET"]),
]
