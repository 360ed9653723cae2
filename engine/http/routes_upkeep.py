"""HTTP for the log as a whole: proved, compared, copied, written out; beside whatever else goes on.

The log is one for all tenants, so it takes `log:admin` in the partition of the operator.
"""

import contextlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from engine.http.requests import answer, caller, kernel, query_integer
from engine.kernel import proof, replay, transfer
from engine.kernel.context import DEFAULT_PARTITION
from engine.kernel.errors import Forbidden

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
    """`GET /v1/log/replay`: what is published, compared with the log folded from its first event."""
    _check_operator(request)
    return answer(await replay.check(kernel(request).database, kernel(request).aggregates))


async def export(request: Request) -> Response:
    """`GET /v1/log/export`: events with their hashes, one a line, up to the head."""
    _check_operator(request)
    lines = transfer.export(kernel(request).database, query_integer(request, "after", 0))
    return StreamingResponse(lines, media_type=LINES)


async def backup(request: Request) -> Response:
    """`GET /v1/log/backup`: the database at one moment; `Cutroom-Position` and `Cutroom-SHA256` say of what."""
    _check_operator(request)
    with contextlib.ExitStack() as stack:
        _, file = stack.enter_context(kernel(request).blobs.staged())
        told = await transfer.back_up(kernel(request).database, file)
        headers = {"Cutroom-Position": str(told.position), "Cutroom-SHA256": told.sha256}
        return _Sent(file, headers, stack.pop_all())


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
]
