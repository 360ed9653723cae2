"""HTTP for policy: what would become of a call of a tool, asked of the very function that the gate asks."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cutroom_sdk.wire.policy import UNASKED, SimulateAnswer, SimulateRequest
from cutroom_sdk.wire.tokens import Token
from engine.http.requests import answer, body, caller, kernel
from engine.http.rights import needs
from engine.kernel.context import Context
from engine.kernel.errors import Forbidden, Invalid, NotFound
from engine.kernel.kernel import Kernel
from engine.kernel.tools import Tool
from engine.missions import types as missions
from engine.policy.rules import Standing, judge
from engine.routines import types as routines
from engine.wiring.gate import authority_of, look, standing_of


@needs("missions:read")
async def simulate(request: Request) -> Response:
    """`POST /v1/policy/simulate`: 200 with the verdict on a call; nothing is called, nothing is kept."""
    context = caller(request, "missions:read")
    asked, studio = await body(request, SimulateRequest), kernel(request)
    tool = studio.tools.get(asked.tool)
    try:
        arguments = studio.tools.read_input(asked.tool, asked.args)
    except Invalid as error:
        raise Invalid(error.detail, field="args") from error
    call = await look(tool, arguments)
    verdict = judge(call, await _standing(studio, context, asked, tool))
    told = SimulateAnswer(
        decision=verdict.decision,
        rule=verdict.rule,
        reason=verdict.reason,
        effect=call.effect,
        targets=call.targets,
    )
    return answer(told)


async def _standing(studio: Kernel, context: Context, asked: SimulateRequest, tool: Tool) -> Standing:
    """Return for whom the call would happen.

    Raises:
        Invalid: it is said twice, or capabilities are given for what has its own.
        Forbidden: the caller may not see whom they ask about.
        NotFound: there is no such actor, mission or routine.
    """
    named = [name for name in ("actor", "mission_id", "routine_id") if getattr(asked, name) is not None]
    if len(named) > 1:
        raise Invalid(f"{' and '.join(named)} are given; name one of them", field=named[1])
    if asked.capabilities is not None and named not in ([], ["actor"]):
        raise Invalid(f"capabilities are those of the {named[0].partition('_')[0]}", field="capabilities")
    if asked.mission_id is not None:
        return await _of_mission(studio, context, asked.mission_id)
    if asked.routine_id is not None:
        return await _of_routine(studio, context, asked.routine_id, tool)
    actor = await _actor(studio, context, asked.actor)
    wanted = asked.capabilities if asked.capabilities is not None else (tool.capability,)
    # What the actor cannot give to a mission is not what it has: as `POST /v1/missions` would say.
    given = (one for one in wanted if actor.may(one) and (actor.human or not _unasked(one)))
    return Standing(capabilities=tuple(given))


def _unasked(capability: str) -> bool:
    return Context(actor="", capabilities=frozenset({capability})).may(UNASKED)


async def _of_mission(studio: Kernel, context: Context, mission_id: str) -> Standing:
    mission: missions.Mission
    mission, version = await studio.dispatch.state(f"mission/{mission_id}", context.partition)
    if version == 0:
        raise NotFound(f"there is no mission {mission_id}", code="mission_not_found")
    return await standing_of(studio, context.partition, mission.capabilities, mission.authority)


async def _of_routine(studio: Kernel, context: Context, routine_id: str, tool: Tool) -> Standing:
    if not context.may("routines:read"):
        raise Forbidden("to ask for a routine needs the capability routines:read", capability="routines:read")
    routine: routines.Routine = (await studio.dispatch.state(f"routine/{routine_id}", context.partition))[0]
    if routine.definition is None:
        raise NotFound(f"there is no routine {routine_id}", code="routine_not_found")
    # A draft has been given nothing yet: it is as if the caller activated it.
    own = (tool.capability,) if context.may(tool.capability) else ()
    capabilities = own if routine.status == "draft" else routine.capabilities
    authority = authority_of("", routine, routine.definition)
    return await standing_of(studio, context.partition, capabilities, authority)


async def _actor(studio: Kernel, context: Context, actor: str | None) -> Context:
    """Return an actor with all that their tokens hold together."""
    if actor is None or actor == context.actor:
        return context
    if not context.may("tokens:admin"):
        raise Forbidden(
            f"to ask for {actor[:64]!r} needs the capability tokens:admin; leave actor out to ask for yourself",
            capability="tokens:admin",
        )
    now, found = studio.clock.now_ms(), list[Token]()
    for token in await studio.resources.values("token", Token, context.partition):
        at = f"{token.tenant}/{token.env}"
        good = token.expires_at_ms is None or token.expires_at_ms > now
        if token.actor == actor and at == context.partition and good:
            found.append(token)
    if not found:
        raise NotFound(f"no token that is good belongs to {actor[:64]!r}")
    return Context(
        actor=actor,
        partition=context.partition,
        human=any(token.human for token in found),
        capabilities=frozenset(one for token in found for one in token.capabilities),
    )


routes = [Route("/v1/policy/simulate", simulate, methods=["POST"])]
