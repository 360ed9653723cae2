"""HTTP for routines: decode, propose, encode. Rules live in the reducers."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cutroom_sdk.wire.codec import convert, decode, to_builtins
from cutroom_sdk.wire.routines import (
    BackfillRequest,
    RoutineRequest,
    RoutineRuns,
    RoutineTicks,
    RunNowRequest,
)
from engine.http.replies import committed, replying
from engine.http.requests import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    answer,
    body,
    caller,
    expected_rev,
    kernel,
    listing,
    one,
    query_integer,
    shape_error,
)
from engine.http.rights import needs
from engine.http.routes import MERGE_PATCH, Endpoint
from engine.http.sse import ResourceStream, start_position
from engine.kernel import records
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Conflict, NotFound
from engine.kernel.ids import new_id
from engine.kernel.resources import LAST
from engine.routines import reducer_chain as chain
from engine.routines import reducer_run as runs
from engine.routines import types as t
from engine.routines.definitions import request_of
from engine.routines.due import BACKFILL_MAX, schedule_of, tick_run_id, window_end
from engine.routines.effects import Routines
from engine.routines.reducer import view

COUNT_MAX: Final = 1_000
JSON: Final = "application/json"
TRIES_MAX: Final = 20
T = TypeVar("T")


def _routines(request: Request) -> Routines:
    found: Routines = request.app.state.routines
    return found


@needs("routines:write")
async def create(request: Request) -> Response:
    """`POST /v1/routines`: 201 with the routine, a draft; 409 `routine_exists`."""
    context = caller(request, "routines:write")
    asked = await body(request, RoutineRequest)
    studio = kernel(request)
    definition, _ = _routines(request).read(asked, context)
    routine_id = asked.routine_id or new_id(studio.clock.now_ms())
    own = Asked(f"routine/{routine_id}", t.Create(definition=definition))
    location = {"Location": f"/v1/routines/{routine_id}"}
    keeping = replying(request, context, partial(_told, status=201, headers=location))
    accepted, *_ = await studio.dispatch.propose_many((own, _tied(routine_id, definition)), keeping)
    return await _answered(request, accepted, context, status=201, headers=location)


async def list_routines(request: Request) -> Response:
    """`GET /v1/routines`: sorted by id."""
    return await listing(request, "routine", caller(request, "routines:read"))


async def get_routine(request: Request) -> Response:
    """`GET /v1/routines/{id}`, with its ETag."""
    context, routine_id = caller(request, "routines:read"), request.path_params["id"]
    return await one(request, f"routine/{routine_id}", context, missing=_missing(routine_id))


@needs("routines:write")
async def patch(request: Request) -> Response:
    """`PATCH /v1/routines/{id}`: a merge patch (RFC 7396) of what was asked for when it was made; null takes a field away.

    To change what an active one may do takes a person with `routines:activate`.
    """
    context, routine_id = caller(request, "routines:write"), request.path_params["id"]
    change, rev = await body(request, dict[str, Any], JSON, MERGE_PATCH), expected_rev(request)
    accepted = await _looked_at_anew(lambda: _changed(request, context, routine_id, change, rev))
    return await _answered(request, accepted, context)


async def _changed(
    request: Request, context: Context, routine_id: str, change: dict[str, Any], rev: int | None
) -> Accepted:
    routine, version = await _state(request, context, routine_id)
    assert routine.definition is not None
    await _check_rev(request, context, routine_id, rev)
    merged = records.merge_patch(to_builtins(request_of(routine.definition)), change)
    try:
        asked = convert(merged, RoutineRequest)
    except msgspec.ValidationError as error:
        raise shape_error(error) from error
    if asked.routine_id is not None:
        raise shape_error(msgspec.ValidationError("Object contains unknown field `routine_id`"))
    if "allowed_tools" not in change and "entrypoint" in change:
        asked = replace(asked, allowed_tools=())  # they were those of the entrypoint before
    definition, capabilities = _routines(request).read(asked, context)
    if routine.status != "draft":
        _check_may_activate(request)
    proposal = t.Change(definition=definition, capabilities=capabilities)
    own = Asked(f"routine/{routine_id}", proposal, version)
    asks, keeping = (own, _tied(routine_id, definition)), replying(request, context, _told)
    return (await kernel(request).dispatch.propose_many(asks, keeping))[0]


@needs("routines:write")
async def delete(request: Request) -> Response:
    """`DELETE /v1/routines/{id}`: answers it as it was; runs that are alive go on, those that wait are canceled."""
    context, routine_id = caller(request, "routines:write"), request.path_params["id"]
    rev = expected_rev(request)
    return answer(view(await _looked_at_anew(lambda: _deleted(request, context, routine_id, rev))))


async def _deleted(request: Request, context: Context, routine_id: str, rev: int | None) -> t.Routine:
    routine, version = await _state(request, context, routine_id)
    await _check_rev(request, context, routine_id, rev)
    own = Asked(f"routine/{routine_id}", t.Delete(), version)
    untied = Asked(chain.STREAM, chain.Untie(routine_id=routine_id))
    keeping = replying(request, context, lambda _: answer(view(routine)))
    await kernel(request).dispatch.propose_many((own, untied), keeping)
    return routine


@needs("routines:activate")
async def activate(request: Request) -> Response:
    """`POST /v1/routines/{id}/activate`: a person has the draft fire by itself, with what they may do themselves."""
    context = caller(request, "routines:activate")
    return await _begun(request, context, t.Activate)


@needs("routines:activate")
async def resume(request: Request) -> Response:
    """`POST /v1/routines/{id}/resume`: a person has it fire again, from now on."""
    context = caller(request, "routines:activate")
    return await _begun(request, context, t.Resume)


async def _begun(request: Request, context: Context, kind: type[t.Activate] | type[t.Resume]) -> Response:
    routine_id = request.path_params["id"]

    async def begin() -> Accepted:
        routine, version = await _state(request, context, routine_id)
        assert routine.definition is not None
        # Checked again: templates, tools and what the caller may do are what they are today.
        _, capabilities = _routines(request).read(request_of(routine.definition), context)
        return await kernel(request).dispatch.propose(
            f"routine/{routine_id}",
            kind(capabilities=capabilities),
            replying(request, context, _told),
            expected_version=version,
        )

    return await _answered(request, await _looked_at_anew(begin), context)


@needs("routines:write")
async def pause(request: Request) -> Response:
    """`POST /v1/routines/{id}/pause`: it fires no more for now; runs that are alive go on."""
    context = caller(request, "routines:write")
    accepted = await kernel(request).dispatch.propose(
        f"routine/{request.path_params['id']}", t.Pause(), replying(request, context, _told)
    )
    return await _answered(request, accepted, context)


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
        routine, version = await _state(request, context, routine_id)
        fired = await _fired_already(request, context, routine, asked)
        proposal = t.Backfill(from_ms=asked.from_ms, to_ms=asked.to_ms, fired=fired)
        return await kernel(request).dispatch.propose(
            f"routine/{routine_id}", proposal, context, expected_version=version
        )

    return await _fired(request, await _looked_at_anew(fill), context)


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
    routine, _ = await _state(request, context, routine_id)
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
    await _state(request, context, routine_id)
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


async def events(request: Request) -> ASGIApp:
    """`GET /v1/routines/events`: routines, their runs and folders as they change; those of one with `?routine_id=`."""
    context = caller(request, "routines:read")
    routine_id = request.query_params.get("routine_id")

    def visible(key: str) -> bool:
        if routine_id is None:
            return True
        own = key in (f"routine/{routine_id}", f"watch/{routine_id}")
        return own or key.startswith(f"routine-run/{routine_id}~")

    return ResourceStream(
        request,
        context,
        prefixes=("routine", "routine-run", "watch"),
        after=start_position(request, kernel(request).dispatch.head),
        snapshot=query_integer(request, "snapshot", 0, most=1) == 1,
        visible=visible,
    )


def _check_may_activate(request: Request) -> None:
    caller(request, "routines:activate")


def _tied(routine_id: str, definition: t.Definition) -> Asked:
    """Return what a definition means for who begins after whom."""
    if definition.chain is None:
        return Asked(chain.STREAM, chain.Untie(routine_id=routine_id))
    link = chain.Link(routine_id=routine_id, template=definition.entrypoint.mission, chain=definition.chain)
    return Asked(chain.STREAM, chain.Tie(link=link))


async def _looked_at_anew(work: Callable[[], Awaitable[T]]) -> T:
    """Do what depends on how a routine is; when it has changed meanwhile, a run's end for one, do it again.

    Raises:
        Conflict: it changes all the time.
    """
    for _ in range(TRIES_MAX - 1):
        try:
            return await work()
        except Conflict as conflict:
            if conflict.code != "version_conflict":
                raise
    return await work()


async def _state(request: Request, context: Context, routine_id: str) -> tuple[t.Routine, int]:
    routine: t.Routine
    routine, version = await kernel(request).dispatch.state(f"routine/{routine_id}", context.partition)
    if routine.definition is None:
        raise _missing(routine_id)
    return routine, version


def _missing(routine_id: str) -> NotFound:
    return NotFound(f"there is no routine {routine_id}", code="routine_not_found")


async def _check_rev(request: Request, context: Context, routine_id: str, rev: int | None) -> None:
    if rev is None:
        return
    key = f"routine/{routine_id}"
    record = await kernel(request).resources.record(key, context.partition)
    if (actual := record.rev if record else 0) != rev:
        text = f"{key} is at rev {actual}, not {rev}"
        raise Conflict(text, expected=rev, actual=actual, code="revision_conflict", key=key)


async def _answered(
    request: Request, accepted: Accepted, context: Context, *, status: int = 200, headers: Any = None
) -> Response:
    told = _told([accepted], status=status, headers=headers)
    if told is not None:
        return told
    # Nothing is new: it is as it was.
    record = await kernel(request).resources.record(accepted.stream, context.partition)
    return answer(view(accepted.state), status=status, rev=record.rev if record else None, headers=headers)


def _told(accepted: Sequence[Accepted], *, status: int = 200, headers: Any = None) -> Response | None:
    """Return the answer that follows from a commit which changed a routine, whose own part comes first."""
    own = accepted[0]
    rev = own.rev_of(own.stream)
    return None if rev is None else answer(view(own.state), status=status, rev=rev, headers=headers)


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


routes = [
    Route("/v1/routines", create, methods=["POST"]),
    Route("/v1/routines", list_routines, methods=["GET"]),
    Route("/v1/routines/events", Endpoint(events), methods=["GET"]),
    Route("/v1/routines/{id}", get_routine, methods=["GET"]),
    Route("/v1/routines/{id}", patch, methods=["PATCH"]),
    Route("/v1/routines/{id}", delete, methods=["DELETE"]),
    Route("/v1/routines/{id}/activate", activate, methods=["POST"]),
    Route("/v1/routines/{id}/pause", pause, methods=["POST"]),
    Route("/v1/routines/{id}/resume", resume, methods=["POST"]),
    Route("/v1/routines/{id}/run-now", run_now, methods=["POST"]),
    Route("/v1/routines/{id}/backfill", backfill, methods=["POST"]),
    Route("/v1/routines/{id}/next", next_ticks, methods=["GET"]),
    Route("/v1/routines/{id}/history", history, methods=["GET"]),
    Route("/v1/routine-runs/{id}", get_run, methods=["GET"]),
    Route("/v1/routine-runs/{id}/cancel", cancel_run, methods=["POST"]),
]
