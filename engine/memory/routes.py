"""HTTP for memory: put, read, search, demote, delete, audit. Promoting meets approvals, and is in `engine.wiring`."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.memory import (
    DemoteRequest,
    MemoryAuditEntry,
    MemoryDeleted,
    MemoryDocument,
    MemoryEntry,
    MemoryMoved,
    MemoryNote,
    MemoryRequest,
    MemoryStored,
    SearchRequest,
    Tier,
)
from cutroom_sdk.wire.memory import Memory as WireMemory
from cutroom_sdk.wire.runs import Run
from engine.http.replies import committed
from engine.http.requests import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    after_position,
    answer,
    body,
    caller,
    identified,
    kernel,
    query_integer,
)
from engine.http.rights import needs
from engine.http.selection import selection
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Forbidden, Invalid, Rejected
from engine.kernel.ids import new_id
from engine.kernel.records import check_key
from engine.kernel.resources import Record
from engine.memory import reducer, scrub
from engine.memory.attempts import attempt_of, audited
from engine.memory.reducer_audit import KIND as AUDIT
from engine.memory.reducer_audit import Audited
from engine.memory.rights import SCOPED, Rights, of_token
from engine.memory.shelf import Shelf

ERASE_S = 5.0
ALIVE = ("queued", "running")


def shelf_of(request: Request) -> Shelf:
    """Return the daemon's memories."""
    shelf: Shelf = request.app.state.memory
    return shelf


async def rights_of(request: Request) -> Rights:
    """Return what the caller may do with memory, from the bearer token alone.

    Raises:
        Forbidden: it is a capability for a run that is over.
    """
    context = identified(request)
    if SCOPED not in context.capabilities:
        return of_token(context)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    claims = shelf_of(request).capabilities.read(token.strip()) if scheme.lower() == "bearer" else None
    if claims is None or claims.partition != context.partition:
        raise Forbidden("the capability is no longer good")
    if claims.run_id is not None:
        run = await kernel(request).resources.value(f"run/{claims.run_id}", Run, context.partition)
        if run is None or run.status not in ALIVE:
            raise Forbidden(f"the capability was for the run {claims.run_id}, which is over")
    return claims.rights()


@needs("memory:write", SCOPED)
@audited("put")
async def put(request: Request) -> Response:
    """`POST /v1/memory`: 201 when it is stored, with what was redacted; 200 when nothing was left to store."""
    context, rights, attempt = identified(request), await rights_of(request), attempt_of(request)
    asked = await body(request, MemoryRequest)
    attempt.about(asked.tier, asked.workspace, asked.project)
    rights.check_write(asked.tier, asked.workspace, asked.project)
    _check(asked)
    shelf, studio = shelf_of(request), kernel(request)
    about = reducer.About(
        workspace=asked.workspace,
        project=asked.project,
        kind=asked.kind,
        classification=asked.classification,
        outcome=asked.capsule.outcome if asked.capsule else None,
    )
    document = MemoryDocument(text=asked.text, tags=asked.tags, capsule=asked.capsule, source=asked.source)
    clean = await shelf.clean(context, document, asked.tier)
    block = "nothing_left" if clean.empty else ""
    if asked.tier in ("team", "curated"):
        block = block or reducer.standing_block(about, asked.tier)
    if block:
        told = MemoryStored(
            memory_id=None, tier=asked.tier, status="blocked", redactions=clean.redactions, reason=block
        )
        noted = attempt.noted("blocked", block, clean.redactions)
        return await committed(request, context, [noted], lambda _: answer(told))
    memory_id = attempt.memory_id = new_id(studio.clock.now_ms())
    content_hash = await shelf.sealer.seal(context.partition, memory_id, clean.document)
    store = reducer.Store(
        about=about, tier=asked.tier, content_hash=content_hash, redactions=clean.redactions
    )
    stored = MemoryStored(
        memory_id=memory_id,
        tier=asked.tier,
        status="redacted" if clean.redactions else "stored",
        redactions=clean.redactions,
    )
    asks = [Asked(f"{reducer.KIND}/{memory_id}", store), attempt.noted(stored.status, "", clean.redactions)]
    headers = {"Location": f"/v1/memory/{memory_id}"}
    response = await committed(request, context, asks, lambda _: answer(stored, status=201, headers=headers))
    await shelf.sealer.settle(content_hash)
    return response


def _check(asked: MemoryRequest) -> None:
    """Check what a type cannot say.

    Raises:
        Invalid: the capsule and the kind do not belong together, there is no text, or a name has a secret in it.
    """
    if (asked.kind == "solution_capsule") != (asked.capsule is not None):
        raise Invalid("a solution_capsule has its capsule, and other kinds have none", field="capsule")
    if asked.capsule is None and not asked.text.strip():
        raise Invalid("text is empty; say what is to be remembered", field="text")
    for field in ("workspace", "project"):
        if scrub.has_secret(getattr(asked, field)):
            raise Invalid(f"{field} looks like a secret; names are kept for good", field=field)
    if asked.source is not None:
        check_key(asked.source)


async def seen(request: Request, context: Context, rights: Rights, memory_id: str) -> reducer.Memory:
    """Return a memory that the caller may read; what they may not is not there for them.

    Raises:
        NotFound: `memory_not_found`.
    """
    memory = await shelf_of(request).state(context, memory_id)
    about, attempt = reducer.about_of(memory), attempt_of(request)
    attempt.found(memory)
    if not rights.sees(memory.tier, about.workspace, about.project):
        attempt.denied = True
        raise reducer.missing(memory_id)
    return memory


@needs("memory:read", SCOPED)
@audited("get")
async def get(request: Request) -> Response:
    """`GET /v1/memory/{id}`: a memory and what it says."""
    context, rights = identified(request), await rights_of(request)
    memory = await seen(request, context, rights, request.path_params["id"])
    document = await shelf_of(request).open(context, memory)
    await attempt_of(request).record("done")
    return answer(MemoryEntry(memory=reducer.published(memory), document=document))


@needs("memory:read", SCOPED)
@audited("list")
async def list_memory(request: Request) -> Response:
    """`GET /v1/memory`: everything but what they say, sorted by id; those that the caller may read."""
    context, rights, wanted = identified(request), await rights_of(request), request.query_params
    tier = wanted.get("tier")
    if tier is not None and tier not in reducer.TIERS:
        raise Invalid(f"tier is {tier[:40]!r}; {', '.join(reducer.TIERS)} are the tiers", field="tier")

    def fits(record: Record) -> bool:
        one = msgspec.json.decode(record.value, type=WireMemory)
        places = (
            (wanted.get("workspace"), one.workspace),
            (wanted.get("project"), one.project),
            (tier, one.tier),
        )
        asked = all(name in (None, own) for name, own in places)
        return asked and rights.sees(one.tier, one.workspace, one.project)

    await attempt_of(request).record("done")
    return await selection(request, reducer.KIND, context, wanted=fits)


@needs("memory:read", SCOPED)
@audited("search")
async def search(request: Request) -> Response:
    """`POST /v1/memory/search`: what is found, the best first, and the tiers asked for that the caller may not read."""
    context, rights, attempt = identified(request), await rights_of(request), attempt_of(request)
    asked = await body(request, SearchRequest)
    attempt.about(asked.tiers[0] if len(asked.tiers) == 1 else None, asked.workspace, asked.project)
    hits = await shelf_of(request).search(context, rights, asked)
    reason = f"blocked_{'_'.join(hits.blocked_scopes)}" if hits.blocked_scopes else ""
    await attempt.record("partial" if reason else "done", reason, items=len(hits.items))
    return answer(hits)


@needs("memory:write", "memory:promote:team", "memory:promote:curated", SCOPED)
@audited("demote")
async def demote(request: Request) -> Response:
    """`POST /v1/memory/{id}/demote`: into a lower tier, encrypted anew."""
    context, rights, attempt = identified(request), await rights_of(request), attempt_of(request)
    asked = await body(request, DemoteRequest)
    attempt.to_tier = asked.to_tier
    shelf, memory = shelf_of(request), await _changeable(request, context, rights)
    reducer.check_downward(memory, asked.to_tier)
    document = await shelf.open(context, memory)
    now = kernel(request).clock.now_ms()
    noted = with_note(document, "demoted", asked.to_tier, context.actor, now, asked.reason)
    clean = await shelf.clean(context, noted, memory.tier)
    content_hash = await shelf.sealer.seal(context.partition, memory.memory_id, clean.document)
    proposal = reducer.Demote(to_tier=asked.to_tier, from_hash=memory.content_hash, content_hash=content_hash)
    moved = MemoryMoved(memory_id=memory.memory_id, tier=asked.to_tier, status="passed")
    asks = [Asked(f"{reducer.KIND}/{memory.memory_id}", proposal), attempt.noted("passed")]
    return await move(request, context, asks, content_hash, moved)


async def move(
    request: Request, context: Context, asks: Sequence[Asked], content_hash: str, moved: MemoryMoved
) -> Response:
    """Propose that a memory is moved, with the content sealed for it; what is refused leaves no content."""
    shelf = shelf_of(request)
    try:
        response = await committed(request, context, asks, lambda _: answer(moved))
    except Rejected:
        await shelf.discard(content_hash)
        raise
    await shelf.sealer.settle(content_hash)
    return response


def with_note(
    document: MemoryDocument,
    action: Literal["promoted", "demoted"],
    to_tier: Tier,
    by: str,
    at_ms: int,
    reason: str,
) -> MemoryDocument:
    """Return a document that tells why it was moved; the reason is erased with it."""
    note = MemoryNote(action=action, to_tier=to_tier, by=by, at_ms=at_ms, reason=reason)
    return replace(document, notes=(*document.notes, note))


async def _changeable(request: Request, context: Context, rights: Rights) -> reducer.Memory:
    """Return a memory that the caller may demote or delete.

    Raises:
        NotFound: there is none.
        Forbidden: they may not.
    """
    memory = await shelf_of(request).state(context, request.path_params["id"])
    about = reducer.about_of(memory)
    attempt_of(request).found(memory)
    rights.check_change(memory.tier, about.workspace, about.project)
    return memory


@needs("memory:write", "memory:promote:team", "memory:promote:curated", SCOPED)
@audited("delete")
async def delete(request: Request) -> Response:
    """`DELETE /v1/memory/{id}`: its key is destroyed, and with it what it says, in every copy."""
    context, rights = identified(request), await rights_of(request)
    memory = await _changeable(request, context, rights)
    stream = f"{reducer.KIND}/{memory.memory_id}"
    asks = [Asked(stream, reducer.Delete()), attempt_of(request).noted("done")]
    await kernel(request).dispatch.propose_many(asks, context)
    erased = await _erased(request, context, stream)
    return answer(MemoryDeleted(memory_id=memory.memory_id, erased=erased))


async def _erased(request: Request, context: Context, stream: str) -> bool:
    """Wait until a memory is erased, some seconds at most; tell whether it is."""
    studio = kernel(request)
    try:
        async with asyncio.timeout(ERASE_S):
            while True:
                news = studio.subscriptions.signal
                memory: reducer.Memory = (await studio.dispatch.state(stream, context.partition))[0]
                if memory.status == "erased":
                    return True
                await news.wait()
    except TimeoutError:
        return False


async def read_audit(request: Request) -> Response:
    """`GET /v1/memory/audit`: every attempt, allowed or not, oldest first."""
    context = caller(request, "log:admin")
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    cursor = "cursor" if "cursor" in request.query_params else "after"
    events = await kernel(request).log.read(
        after=after_position(request, cursor), limit=limit, partition=context.partition, stream=AUDIT
    )
    tenant, _, env = context.partition.partition("/")
    items = []
    for event in events:
        entry = msgspec.json.decode(event.data, type=Audited).entry
        told = {name: getattr(entry, name) for name in entry.__struct_fields__}
        items.append(
            MemoryAuditEntry(position=event.position, at_ms=event.at_ms, tenant=tenant, env=env, **told)
        )
    following = str(events[-1].position) if len(events) == limit else None
    return answer({"items": items, "next": following, "position": kernel(request).dispatch.head})


routes = [
    Route("/v1/memory", put, methods=["POST"]),
    Route("/v1/memory", list_memory, methods=["GET"]),
    Route("/v1/memory/search", search, methods=["POST"]),
    Route("/v1/memory/audit", read_audit, methods=["GET"]),
    Route("/v1/memory/{id}", get, methods=["GET"]),
    Route("/v1/memory/{id}", delete, methods=["DELETE"]),
    Route("/v1/memory/{id}/demote", demote, methods=["POST"]),
]
