"""Who begins when a mission ends: all links between routines and others' work, in one stream, `chain/all`.

One stream, so that a circle is seen however its links came about, two requests at the same moment included. Only routines
with a link of their own are in it: every routine on a circle has one.
"""

from typing import Final, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.routines import Chain, MissionEnd
from engine.kernel.errors import Invalid
from engine.kernel.reducer import Aggregate, Envelope, Step
from engine.routines.due import routine_of

STREAM: Final = "chain/all"
T = TypeVar("T")


class Link(Struct, frozen=True, kw_only=True):
    """`routine_id` begins after `chain`; `template` is what its own runs are missions of, None for a tool."""

    routine_id: str
    template: str | None
    chain: Chain


class Chains(Struct, frozen=True, kw_only=True):
    """State of the stream. `noted` are live missions of the templates that somebody waits for: id -> template."""

    links: dict[str, Link] = {}
    noted: dict[str, str] = {}


# Proposals.
class Tie(Struct, frozen=True, kw_only=True, tag="tie"):
    """A routine is linked so, instead of as before."""

    link: Link


class Untie(Struct, frozen=True, kw_only=True, tag="untie"):
    """A routine has no link."""

    routine_id: str


class Begin(Struct, frozen=True, kw_only=True, tag="begin"):
    """A mission was made from a template."""

    mission_id: str
    template: str


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """A mission is over."""

    mission_id: str
    status: MissionEnd


# Events.
class Tied(Struct, frozen=True, kw_only=True, tag="chain.tied"):
    link: Link


class Untied(Struct, frozen=True, kw_only=True, tag="chain.untied"):
    routine_id: str


class Noted(Struct, frozen=True, kw_only=True, tag="chain.noted"):
    mission_id: str
    template: str


class Passed(Struct, frozen=True, kw_only=True, tag="chain.passed"):
    """A mission that somebody waited for is over; these routines begin."""

    mission_id: str
    routine_ids: tuple[str, ...]


Proposal = Tie | Untie | Begin | Ended
Event = Tied | Untied | Noted | Passed


def init(_name: str) -> Chains:
    return Chains()


def decide(chains: Chains, proposal: Proposal, _envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when nobody waits for it.

    Raises:
        Invalid: `routine_cycle`, naming the circle.
    """
    match proposal:
        case Tie(link=link):
            if chains.links.get(link.routine_id) == link:
                return ()
            _check_circle({**chains.links, link.routine_id: link}, link.routine_id)
            return (Tied(link=link),)
        case Untie(routine_id=routine_id):
            return (Untied(routine_id=routine_id),) if routine_id in chains.links else ()
        case Begin(mission_id=mission_id, template=template):
            waited_for = any(link.chain.template == template for link in chains.links.values())
            return (Noted(mission_id=mission_id, template=template),) if waited_for else ()
        case Ended(mission_id=mission_id, status=status):
            made_from, began_by = chains.noted.get(mission_id), routine_of(mission_id)
            following = tuple(
                name
                for name, link in sorted(chains.links.items())
                if status in link.chain.on and _follows(link.chain, began_by, made_from)
            )
            known = bool(following) or made_from is not None
            return (Passed(mission_id=mission_id, routine_ids=following),) if known else ()
        case _:
            assert_never(proposal)


def _follows(chain: Chain, routine_id: str | None, template: str | None) -> bool:
    if chain.routine_id is not None:
        return chain.routine_id == routine_id
    return template is not None and chain.template == template


def _check_circle(links: dict[str, Link], begun: str) -> None:
    """Walk on from a routine to all that begin after it; none may be itself."""
    came_from: dict[str, str] = {}
    waiting = [begun]
    while waiting:
        name = waiting.pop()
        own = links[name]
        for following, link in links.items():
            if following in came_from or not _follows(link.chain, name, own.template):
                continue
            came_from[following] = name
            if following == begun:
                way = " -> ".join(_way_back(came_from, begun))
                raise Invalid(f"the routines begin each other: {way}", code="routine_cycle", field="chain")
            waiting.append(following)


def _way_back(came_from: dict[str, str], begun: str) -> list[str]:
    circle = [begun, came_from[begun]]
    while circle[-1] != begun:
        circle.append(came_from[circle[-1]])
    return circle[::-1]


def on_event(chains: Chains, event: Event, _envelope: Envelope) -> Step[Chains, Struct]:
    """Fold one accepted event."""
    match event:
        case Tied(link=link):
            return Step(replace(chains, links={**chains.links, link.routine_id: link}))
        case Untied(routine_id=routine_id):
            return Step(replace(chains, links=_without(chains.links, routine_id)))
        case Noted(mission_id=mission_id, template=template):
            return Step(replace(chains, noted={**chains.noted, mission_id: template}))
        case Passed(mission_id=mission_id):
            return Step(replace(chains, noted=_without(chains.noted, mission_id)))
        case _:
            assert_never(event)


def _without(held: dict[str, T], name: str) -> dict[str, T]:
    return {key: value for key, value in held.items() if key != name}


CHAIN: Final = Aggregate(
    kind="chain",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Chains,
    reads="routines:read",
)
