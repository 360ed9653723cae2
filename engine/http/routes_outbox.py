"""HTTP for the outbox: what the engine still has to do outside its log, and a person's word on what is stuck.

Reading takes `log:read`. Having something done again or dropped may touch the world outside and may leave work waiting
for an answer that never comes: it takes `log:admin`, and the audit knows of it.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.outbox import UNFINISHED, OutboxCommand
from engine.http.replies import committed
from engine.http.requests import answer, caller
from engine.http.rights import needs
from engine.http.selection import selection
from engine.kernel import commands
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Invalid
from engine.kernel.resources import Record


async def list_commands(request: Request) -> Response:
    """`GET /v1/outbox`: commands that are not finished, sorted by id; `?state=dead,unknown` leaves the others out."""
    context = caller(request, "log:read")
    states = _states(request)

    def wanted(record: Record) -> bool:
        return decode(record.value, OutboxCommand).state in states

    return await selection(request, commands.KIND, context, wanted=wanted)


@needs("log:admin")
async def redeliver(request: Request) -> Response:
    """`POST /v1/outbox/{id}/redeliver`: have a dead or unknown command tried again, with the same idempotency key.

    200 with the command, which is pending again; 409 `command_conflict` when it is neither.
    """
    return await _ask(request, commands.Redeliver())


@needs("log:admin")
async def cancel(request: Request) -> Response:
    """`POST /v1/outbox/{id}/cancel`: have a command dropped; what waits for it to be carried out hears nothing.

    200 with the command: canceled, or `stopping` when it is being attempted. Its handler is ended then, and what comes of it
    is recorded: canceled, or unknown when it must not be repeated unseen. 409 `command_conflict` when it is over already.
    """
    return await _ask(request, commands.Cancel())


async def _ask(request: Request, proposal: commands.Redeliver | commands.Cancel) -> Response:
    context, command_id = caller(request, "log:admin"), request.path_params["id"]
    asked = Asked(f"{commands.KIND}/{command_id}", proposal)
    return await committed(request, context, [asked], lambda accepted: answer(accepted[0].state))


def _states(request: Request) -> frozenset[str]:
    text = request.query_params.get("state")
    if text is None:
        return frozenset(UNFINISHED)
    asked = frozenset(text.split(","))
    if unknown := sorted(asked.difference(UNFINISHED)):
        raise Invalid(
            f"no unfinished command is ever {unknown[0][:40]!r}; there are {', '.join(UNFINISHED)}",
            field="state",
        )
    return asked


routes: list[BaseRoute] = [
    Route("/v1/outbox", list_commands, methods=["GET"]),
    Route("/v1/outbox/{id}/redeliver", redeliver, methods=["POST"]),
    Route("/v1/outbox/{id}/cancel", cancel, methods=["POST"]),
]
