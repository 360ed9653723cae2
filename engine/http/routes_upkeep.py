"""HTTP for the log as a whole: proved, compared, copied, written out, compacted; beside whatever else goes on.

The log is one for all tenants, so it takes `log:admin` in the partition of the operator.
"""

import contextlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from cutroom_sdk.wire.log import CompactRequest
from engine.http.requests import answer, body, caller, identified, kernel, query_integer
from engine.http.rights import needs
from engine.kernel import backups, proof, replay, transfer
from engine.kernel.beginning import refuse_before
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.errors import Forbidden, Invalid

LINES = "application/x-ndjson"


def _check_operator(request: Request) -> None:
    context = caller(request, "log:admin")
    if context.partition != DEFAULT_PARTITION:
        raise Forbidden(
            f"the log is that of all tenants: this needs log:admin in {DEFAULT_PARTITION}, and the token of "
            f"{context.actor} is for {context.partition}"
        )


async def verify(request: Request) -> Response:
    """`GET /v1/log/verify`: the chain, positions and versions, the anchor and the file."""
    _check_operator(request)
    database = kernel(request).database
    return answer(await proof.prove(database, database.path.parent))


async def check(request: Request) -> Response:
    """`GET /v1/log/replay`: what is published, compared with the log folded from where it begins."""
    _check_operator(request)
    return answer(await replay.check(kernel(request).database, kernel(request).aggregates))


async def export(request: Request) -> Response:
    """`GET /v1/log/export`: events with their hashes, one a line, up to the head.

    Without a position it is all of the log; if that was compacted, its checkpoint comes first.
    """
    _check_operator(request)
    after = query_integer(request, "after", 0)
    if after:
        refuse_before(kernel(request).log.oldest, after)
    lines = transfer.export(kernel(request).database, after)
    return StreamingResponse(lines, media_type=LINES)


async def backup(request: Request) -> Response:
    """`GET /v1/log/backup`: the database at one moment; `Cutroom-Position` and `Cutroom-SHA256` say of what."""
    _check_operator(request)
    with contextlib.ExitStack() as stack:
        _, file = stack.enter_context(kernel(request).blobs.staged())
        told = await backups.back_up(kernel(request).database, file)
        headers = {"Cutroom-Position": str(told.position), "Cutroom-SHA256": told.sha256}
        return _Sent(file, headers, stack.pop_all())


@needs("log:admin")
async def compact(request: Request) -> Response:
    """`POST /v1/log/compact`: replaces what is old by a checkpoint of what it came to; what runs goes on.

    The answer says how far that could be done. It is on record twice: as the event `log.compacted`, and in the audit.
    """
    _check_operator(request)
    asked, compactor = await body(request, CompactRequest), kernel(request).compactor
    if (asked.before is None) == (asked.before_at_ms is None):
        raise Invalid(
            "say what is to go: events before a position (before) or before a time (before_at_ms), one of the two",
            field="before",
        )
    before = asked.before
    if before is None:
        before = await compactor.position_at(asked.before_at_ms or 0)
    return answer(await compactor.compact(before, identified(request)))


class _Sent(FileResponse):
    """A file that is gone once it was sent, or could not be."""

    def __init__(self, file: Path, headers: dict[str, str], stack: contextlib.ExitStack) -> None:
        super().__init__(file, headers=headers, media_type="application/vnd.sqlite3")
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._stack:
            await super().__call__(scope, receive, send)


routes: list[BaseRoute] = [
    Route("/v1/log/verify", verify),
    Route("/v1/log/replay", check),
    Route("/v1/log/export", export),
    Route("/v1/log/backup", backup),
    Route("/v1/log/compact", compact, methods=["POST"]),
]
