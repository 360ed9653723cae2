"""Answers that follow from a commit, and are kept in the very transaction of the effect.

For a request with an `Idempotency-Key` the committer makes the answer: between the effect and its answer there is no moment
at which a crash could fall.
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from engine.http.requests import kernel
from engine.kernel.context import Answer, Context
from engine.kernel.dispatch import Accepted, Asked

RawHeaders = Sequence[tuple[bytes, bytes]]
_STATE = "kept"


async def committed(
    request: Request,
    context: Context,
    asked: Sequence[Asked],
    reply: Callable[[Sequence[Accepted]], Response],
) -> Response:
    """Propose, and answer with what `reply` makes of the outcome. `reply` is pure; it may be called twice."""
    accepted = await kernel(request).dispatch.propose_many(asked, replying(request, context, reply))
    return reply(accepted)


def replying(
    request: Request, context: Context, reply: Callable[[Sequence[Accepted]], Response | None]
) -> Context:
    """Return the context in which a commit keeps the answer that `reply` makes of it.

    For routes whose proposals are made elsewhere, perhaps in several commits: `reply` gives None for those from which the
    answer does not follow. The route then answers for itself, with the same; another answer replaces the kept one.
    """
    if context.claim is None:
        return context

    def answer(accepted: Sequence[Accepted]) -> Answer | None:
        response = reply(accepted)
        told = (
            None
            if response is None
            else kept_answer(response.status_code, response.raw_headers, bytes(response.body))
        )
        if told is not None or any(one.events for one in accepted):
            request.scope["state"][_STATE] = told
        return told

    return replace(context, claim=replace(context.claim, answer=answer))


def withheld(request: Request, context: Context) -> Context:
    """Return the context in which a commit claims the key alone: the answer carries a secret, and is not kept."""
    return replying(request, context, lambda _: None)


def is_kept(scope: Scope, told: Answer | None) -> bool:
    """Tell whether a commit has kept just this answer; None: that it has claimed the key and kept none."""
    state = scope["state"]
    return _STATE in state and state[_STATE] == told


def kept_answer(status: int, headers: RawHeaders, content: bytes) -> Answer:
    """Return an answer in the form in which it is kept."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return Answer(status, msgspec.json.encode(pairs), content)


def response_of(answer: Answer) -> Response:
    """Return a kept answer as it went out, marked as a repeat."""
    response = Response(answer.content, answer.status)
    pairs = msgspec.json.decode(answer.headers, type=list[tuple[str, str]])
    response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    response.headers["Idempotent-Replayed"] = "true"
    return response
