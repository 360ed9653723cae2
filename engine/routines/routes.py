"""HTTP for routines: decode, propose, encode. Rules live in the reducers."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.routines import (
    RoutineRequest,
)
from engine.http.replies import replying
from engine.http.requests import (
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
from engine.kernel.errors import Conflict
from engine.kernel.ids import new_id
from engine.routines import reducer_chain as chain
from engine.routines import types as t
from engine.routines.definitions import request_of
from engine.routines.effects import Routines
from engine.routines.reducer import view
from engine.routines.standing import looked_at_anew, missing, state_of

JSON: Final = "application/json"


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
    return await one(request, f"routine/{routine_id}", context, missing=missing(routine_id))


@needs("routines:write")
async def patch(request: Request) -> Response:
    """`PATCH /v1/routines/{id}`: a merge patch (RFC 7396) of what was asked for when it was made; null takes a field away.

    To change what an active one may do takes a person with `routines:activate`.
    """
    context, routine_id = caller(request, "routines:write"), request.path_params["id"]
    change, rev = await body(request, dict[str, Any], JSON, MERGE_PATCH), expected_rev(request)
    accepted = await looked_at_anew(lambda: _changed(request, context, routine_id, change, rev))
    return await _answered(request, accepted, context)


async def _changed(
    request: Request, context: Context, routine_id: str, change: dict[str, Any], rev: int | None
) -> Accepted:
    routine, version = await state_of(kernel(request).dispatch, routine_id, context)
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
    return answer(view(await looked_at_anew(lambda: _deleted(request, context, routine_id, rev))))


async def _deleted(request: Request, context: Context, routine_id: str, rev: int | None) -> t.Routine:
    routine, version = await state_of(kernel(request).dispatch, routine_id, context)
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
        routine, version = await state_of(kernel(request).dispatch, routine_id, context)
        assert routine.definition is not None
        # Checked again: templates, tools and what the caller may do are what they are today.
        _, capabilities = _routines(request).read(request_of(routine.definition), context)
        return await kernel(request).dispatch.propose(
            f"routine/{routine_id}",
            kind(capabilities=capabilities),
            replying(request, context, _told),
            expected_version=version,
        )

    return await _answered(request, await looked_at_anew(begin), context)


@needs("routines:write")
async def pause(request: Request) -> Response:
    """`POST /v1/routines/{id}/pause`: it fires no more for now; runs that are alive go on."""
    context = caller(request, "routines:write")
    accepted = await kernel(request).dispatch.propose(
        f"routine/{request.path_params['id']}", t.Pause(), replying(request, context, _told)
    )
    return await _answered(request, accepted, context)


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
]
