"""HTTP for a routine's runs: have it fire, say when it will, list, show and cancel what came of it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.routines import BackfillRequest, RoutineRuns, RoutineTicks, RunNowRequest
from engine.http.replies import committed, replying
from engine.http.requests import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    answer,
    body,
    caller,
    kernel,
    one,
    query_integer,
)
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import NotFound
from engine.kernel.resources import LAST
from engine.routines import reducer_run as runs
from engine.routines import types as t
from engine.routines.due import BACKFILL_MAX, schedule_of, tick_run_id, window_end
from engine.routines.standing import looked_at_anew, state_of

COUNT_MAX: Final = 1_000


@needs("routines:write")
async def run_now(request: Request) -> Response:
    """`POST /v1/routines/{id}/run-now`: 202 with the runs; 409 `routine_not_active` while it is paused or a draft."""
    context = caller(request, "routines:write")
    asked = await body(request, RunNowRequest)
    proposal = t.RunNow(count=asked.count, reason=asked.reason)
    accepted = await kernel(request).dispatch.propose(
        f"routine/{request.path_params['id']}", proposal, context
    )
    return await _fired(request, accepted, context)


@needs("routines:write")
async def backfill(request: Request) -> Response:
    """`POST /v1/routines/{id}/backfill`: 202 with the runs of the window's ticks that are over and did not fire."""
    context, routine_id = caller(request, "routines:write"), request.path_params["id"]
    asked = await body(request, BackfillRequest)

    async def fill() -> Accepted:
        routine, version = await state_of(kernel(request).dispatch, routine_id, context)
        fired = await _fired_already(request, context, routine, asked)
        proposal = t.Backfill(from_ms=asked.from_ms, to_ms=asked.to_ms, fired=fired)
        return await kernel(request).dispatch.propose(
            f"routine/{routine_id}", proposal, context, expected_version=version
        )

    return await _fired(request, await looked_at_anew(fill), context)


async def _fired_already(
    request: Request, context: Context, routine: t.Routine, asked: BackfillRequest
) -> tuple[int, ...]:
    """Return the ticks of a window that have a run; the window is bounded by the reducer."""
    studio, schedule = kernel(request), schedule_of(routine)
    if schedule is None:
        return ()
    end_ms = window_end(routine, asked.to_ms, studio.clock.now_ms())
    found = []
    for at_ms in schedule.newest(BACKFILL_MAX, asked.from_ms, end_ms):
        run: runs.RoutineRun = (
            await studio.dispatch.state(
                f"routine-run/{tick_run_id(routine.routine_id, at_ms)}", context.partition
            )
        )[0]
        if run.work is not None:
            found.append(at_ms)
    return tuple(found)


async def next_ticks(request: Request) -> Response:
    """`GET /v1/routines/{id}/next?count=10`: when it comes due next; of one that is not active, as if it began now."""
    context, routine_id = caller(request, "routines:read"), request.path_params["id"]
    count = query_integer(request, "count", 10, least=1, most=COUNT_MAX)
    routine, _ = await state_of(kernel(request).dispatch, routine_id, context)
    now_ms = kernel(request).clock.now_ms()
    if routine.status == "draft":
        routine = replace(routine, anchor_ms=now_ms)
    schedule, at_ms = schedule_of(routine), routine.next_due_at_ms
    if at_ms is None and routine.status != "active" and schedule is not None:
        at_ms = schedule.after(now_ms)
    items: list[int] = []
    while schedule is not None and at_ms is not None and len(items) < count:
        items.append(at_ms)
        at_ms = schedule.after(at_ms)
    return answer(RoutineTicks(items=tuple(items)))


async def history(request: Request) -> Response:
    """`GET /v1/routines/{id}/history`: its runs, the newest tick first."""
    context, routine_id = caller(request, "routines:read"), request.path_params["id"]
    await state_of(kernel(request).dispatch, routine_id, context)
    limit = query_integer(request, "limit", LIMIT_DEFAULT, least=1, most=LIMIT_MAX)
    # A run's id is its routine and its time, so made that the newest sorts first.
    first = f"routine-run/{routine_id}~"
    cursor = request.query_params.get("cursor", "")
    low = max(first, cursor + "\0" if cursor else "")
    page = await kernel(request).resources.between(low, first + LAST, context.partition, limit=limit)
    items = [msgspec.Raw(record.value) for record in page.items]
    return answer({"items": items, "next": page.next, "position": page.position})


async def get_run(request: Request) -> Response:
    """`GET /v1/routine-runs/{id}`, with its ETag."""
    context, run_id = caller(request, "routines:read"), request.path_params["id"]
    missing = NotFound(f"there is no routine run {run_id}")
    return await one(request, f"routine-run/{run_id}", context, missing=missing)


@needs("routines:write")
async def cancel_run(request: Request) -> Response:
    """`POST /v1/routine-runs/{id}/cancel`: 200 with the run; its mission is canceled with it."""
    context, run_id = caller(request, "routines:write"), request.path_params["id"]
    reason = f"canceled by {context.actor}"
    asked = [Asked(f"routine-run/{run_id}", runs.Cancel(reason=reason))]
    return await committed(request, context, asked, lambda accepted: answer(runs.view(accepted[0].state)))


async def _fired(request: Request, accepted: Accepted, context: Context) -> Response:
    """Answer the runs that a proposal came to; they are there when the answer is.

    The reaction to their firing queues them as well; whoever comes second changes nothing.
    """
    found = [decode(bytes(one.data), t.Fired) for one in accepted.events if one.type == "routine.fired"]

    def told(queued: Sequence[Accepted]) -> Response:
        seen = tuple(run for one in queued if (run := runs.view(one.state)) is not None)
        return answer(RoutineRuns(runs=seen), status=202)

    asked = [Asked(f"routine-run/{one.run_id}", runs.Queue(work=one.work, held=one.held)) for one in found]
    # The firing has claimed the key already; the answer is in this, the second commit.
    keeping = replying(request, context, told)
    return told(await kernel(request).dispatch.propose_many(asked, keeping) if asked else ())


routes: Final = [
    Route("/v1/routines/{id}/run-now", run_now, methods=["POST"]),
    Route("/v1/routines/{id}/backfill", backfill, methods=["POST"]),
    Route("/v1/routines/{id}/next", next_ticks, methods=["GET"]),
    Route("/v1/routines/{id}/history", history, methods=["GET"]),
    Route("/v1/routine-runs/{id}", get_run, methods=["GET"]),
    Route("/v1/routine-runs/{id}/cancel", cancel_run, methods=["POST"]),
]
