"""HTTP for sessions: other programs report what happens in their runs. Rules live in the reducer."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.runs import Run
from cutroom_sdk.wire.sessions import SessionEventAnswer, SessionEventRequest
from engine.http.replies import committed
from engine.http.requests import answer, body, caller, kernel
from engine.http.rights import needs
from engine.kernel import records
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Forbidden, Invalid
from engine.sessions import reducer


@needs("missions:report")
async def report(request: Request) -> Response:
    """`POST /v1/sessions/{id}/events`: tell what happened in a run of one's own; answers its status.

    What is known already, what comes after the end, and parts of messages that are no tool's change nothing.
    """
    context, session_id = caller(request, "missions:report"), request.path_params["id"]
    asked = await body(request, SessionEventRequest)
    run_id = asked.event.run_id
    _check_segment(session_id)
    _check_segment(run_id)
    own = await kernel(request).resources.value(f"run/{run_id}", Run, context.partition)
    if own is not None and own.tool != "manual":
        raise Forbidden(f"the engine carries out the run {run_id} and reports it itself", code="engine_owned")
    proposal = reducer.Report(session_id=session_id, event=asked.event)

    def told(accepted: Sequence[Accepted]) -> Response:
        return answer(SessionEventAnswer(status=reducer.published(accepted[0].state)))

    return await committed(request, context, [Asked(f"session-run/{run_id}", proposal)], told)


def _check_segment(name: str) -> None:
    """Check that a name can be one segment of a key.

    Raises:
        Invalid: `invalid_key`.
    """
    if "/" in name:
        raise Invalid(f"{name[:80]!r} is more than one segment of a key", code="invalid_key", key=name[:512])
    records.check_key(f"run/{name}")


routes = [Route("/v1/sessions/{id}/events", report, methods=["POST"])]
