"""HTTP for taking memory elsewhere: ciphertext by itself, and the keys by themselves."""

import base64
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.memory import Memory, MemoryKey, SealedMemory
from engine.http.requests import LIMIT_MAX, caller, kernel
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden
from engine.kernel.kernel import Kernel
from engine.memory.attempts import attempt_of, audited
from engine.memory.reducer import KIND
from engine.memory.routes import shelf_of
from engine.memory.sealing import associated
from engine.memory.shelf import Shelf

LINES = "application/x-ndjson"


@needs("log:admin")
@audited("export")
async def export(request: Request) -> Response:
    """`GET /v1/memory/export`: every memory of the partition and its ciphertext, one a line, sorted by id."""
    context = caller(request, "log:admin")
    await attempt_of(request).record("done")
    return StreamingResponse(_sealed(kernel(request), shelf_of(request), context), media_type=LINES)


async def _sealed(studio: Kernel, shelf: Shelf, context: Context) -> AsyncIterator[bytes]:
    cursor: str | None = ""
    while cursor is not None:
        page = await studio.resources.page(KIND, context.partition, cursor=cursor, limit=LIMIT_MAX)
        for record in page.items:
            memory = await studio.resources.value(record.key, Memory, context.partition)
            if memory is not None and (line := _line(shelf, context, memory)):
                yield line
        cursor = page.next


def _line(shelf: Shelf, context: Context, memory: Memory) -> bytes:
    """Return a memory as a line, nothing when it has been erased meanwhile."""
    try:
        ciphertext = shelf.sealer.ciphertext(memory.content_hash)
    except FileNotFoundError:
        return b""
    sealed = SealedMemory(
        memory=memory,
        aad=associated(context.partition, memory.memory_id),
        ciphertext=base64.b64encode(ciphertext).decode(),
    )
    return encode(sealed) + b"\n"


@needs("log:admin")
@audited("export_keys")
async def export_keys(request: Request) -> Response:
    """`GET /v1/memory/export/keys`: what opens an export, one a line; for a person alone, and to be kept apart."""
    context = caller(request, "log:admin")
    if not context.human:
        raise Forbidden("keys are given to a person alone, with a token that is marked human")
    kept = await shelf_of(request).keys.all(settled=True)
    own = [one for one in kept if one.partition == context.partition]
    await attempt_of(request).record("done", items=len(own))
    lines = b"".join(
        encode(
            MemoryKey(
                memory_id=one.memory_id,
                content_hash=one.content_hash,
                key=base64.b64encode(one.key).decode(),
            )
        )
        + b"\n"
        for one in own
    )
    return Response(lines, media_type=LINES)


routes = [
    Route("/v1/memory/export", export, methods=["GET"]),
    Route("/v1/memory/export/keys", export_keys, methods=["GET"]),
]
