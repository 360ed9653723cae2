"""Missions: items of work in the order of their dependencies, each through its gates, within budgets.

    draft --started--> running <--> paused          todo/blocked --> in_progress --> review --> test --> done
                          |-- every item is done --> succeeded            ^             |        |
                          |-- a budget ran out ----> failed            rework <---------+--------+
                          `-- canceled ------------> canceled             (until max_attempts)

`decide` answers a proposal with what it says, and then with all that follows from it by the rules (`follow`), so one
`FinishRun` may end a run, pass a gate, start two others and be one commit.
"""

from typing import Final, assert_never

from cutroom_sdk.wire.missions import Attempt
from engine.kernel.errors import Forbidden, Invalid, NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected
from engine.missions import types as t
from engine.missions.fold import on_event
from engine.missions.follow import next_event
from engine.missions.items import Item, ItemSpec
from engine.missions.types import Event, Mission, Proposal
from engine.missions.views import changed, resources


def init(mission_id: str) -> Mission:
    return Mission(mission_id=mission_id)


def decide(mission: Mission, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: `mission_not_found`.
        Invalid: `dependency_cycle`, `unknown_dependency`, or two items of one id.
        Forbidden: `author_is_reviewer`.
        Rejected: the state does not allow it; `reason` is one of `already_created`, `not_draft`, `not_running`,
            `not_paused`, `mission_over`, `unknown_item`, `stale_run`, `run_not_alive`, `gate_not_open`,
            `wrong_approval`, `unknown_run`.
    """
    if mission.version == 0 and not isinstance(proposal, t.Create):
        raise NotFound(f"there is no mission {mission.mission_id}", code="mission_not_found")
    events = list(_answer(mission, proposal, envelope))
    for event in events:
        mission = on_event(mission, event, envelope).state
    while (following := next_event(mission, envelope.at_ms)) is not None:
        events.append(following)
        mission = on_event(mission, following, envelope).state
    return tuple(events)


def _answer(mission: Mission, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    match proposal:
        case t.Create():
            return _create(mission, proposal)
        case t.Start():
            _demand(mission, mission.status == "draft", "not_draft")
            return (t.Started(),)
        case t.Pause(reason=reason):
            _demand(mission, mission.status == "running", "not_running")
            return (t.Paused(reason=reason),)
        case t.Resume():
            _demand(mission, mission.status == "paused", "not_paused")
            return (t.Resumed(),)
        case t.Cancel(reason=reason):
            _demand(mission, not mission.over, "mission_over")
            return (t.Canceled(reason=reason),)
        case t.BeginRun(work_item_id=name, run_id=run_id):
            item = _alive(mission, name, run_id)
            begun = item.attempts[-1].started_at_ms is not None
            return () if begun else (t.RunStarted(work_item_id=name, run_id=run_id),)
        case t.ObserveTool(work_item_id=name, run_id=run_id, tool=tool):
            _demand(mission, not mission.over, "mission_over")
            known = any(attempt.run_id == run_id for attempt in _item(mission, name).attempts)
            _demand(mission, known, "unknown_run")
            return (t.ToolObserved(work_item_id=name, run_id=run_id, tool=tool),)
        case t.FinishRun():
            return _finish_run(mission, proposal)
        case t.Grant(
            work_item_id=name, run_id=run_id, gate=gate, approval_id=approval_id, by_blanket=blanket
        ):
            _check_decision(mission, proposal, envelope)
            granted = t.GateGranted(
                work_item_id=name,
                run_id=run_id,
                gate=gate,
                approval_id=approval_id,
                reviewer=envelope.actor,
                by_blanket=blanket,
            )
            return (granted,)
        case t.Deny():
            _check_decision(mission, proposal, envelope)
            return (_denied(proposal, envelope),)
        case t.NoteResource():
            return _changed(mission, proposal)
        case t.FireTimer():
            # The only timer is that of the time budget, and `next_event` looks at the time by itself: a timer that
            # is early, because of a pause, or late changes nothing.
            return ()
        case _:
            assert_never(proposal)


def _create(mission: Mission, asked: t.Create) -> tuple[Event, ...]:
    if mission.version:
        raise Rejected("already_created", f"the mission {mission.mission_id} is there already")
    check_dependencies(asked.items)
    created = t.Created(
        title=asked.title,
        goal=asked.goal,
        items=asked.items,
        success_criteria=asked.success_criteria,
        budgets=asked.budgets,
        capabilities=asked.capabilities,
        authority=asked.authority,
        priority=asked.priority,
        metadata=asked.metadata,
        template=asked.template,
        self_review=asked.self_review,
    )
    return (created, t.Started()) if asked.start else (created,)


def check_dependencies(items: tuple[ItemSpec, ...]) -> None:
    """Check that items can be done in some order.

    Raises:
        Invalid: there are none, or two of one id; `unknown_dependency`; `dependency_cycle`, naming the circle.
    """
    if not items:
        raise Invalid("a mission needs at least one work item", field="work_items")
    waiting: dict[str, tuple[str, ...]] = {}
    for place, item in enumerate(items):
        if item.work_item_id in waiting:
            field = f"work_items[{place}].work_item_id"
            raise Invalid(f"two work items have the id {item.work_item_id!r}", field=field)
        waiting[item.work_item_id] = item.depends_on
    for place, item in enumerate(items):
        for name in item.depends_on:
            if name not in waiting:
                raise Invalid(
                    f"{item.work_item_id!r} depends on {name!r}, and there is no such work item",
                    code="unknown_dependency",
                    field=f"work_items[{place}].depends_on",
                )
    while free := [name for name, needed in waiting.items() if not any(one in waiting for one in needed)]:
        for name in free:
            del waiting[name]
    if waiting:
        circle = " -> ".join(_circle(waiting))
        raise Invalid(f"the work items depend on each other: {circle}", code="dependency_cycle")


def _circle(waiting: dict[str, tuple[str, ...]]) -> list[str]:
    """Walk along dependencies, all of which lie on or lead to a circle, until an item comes up again."""
    name, walked = next(iter(waiting)), list[str]()
    while name not in walked:
        walked.append(name)
        name = next(one for one in waiting[name] if one in waiting)
    return [*walked[walked.index(name) :], name]


def _finish_run(mission: Mission, asked: t.FinishRun) -> tuple[Event, ...]:
    _alive(mission, asked.work_item_id, asked.run_id)
    finished = t.RunFinished(
        work_item_id=asked.work_item_id,
        run_id=asked.run_id,
        status=asked.status,
        author=asked.author,
        refs=asked.refs,
        output=asked.output,
        notices=asked.notices,
        reused=asked.reused,
        reason=asked.reason,
        code=asked.code,
    )
    if asked.status != "canceled" or mission.status != "running":
        return (finished,)
    # Whoever canceled it does not want it done again at once, and has not said that the rest is to end.
    why = asked.reason or f"the run of {asked.work_item_id} was canceled"
    reason = f"{why}; resume the mission to do it again, or cancel it"
    return (finished, t.Paused(reason=reason, work_item_id=asked.work_item_id))


def _changed(mission: Mission, noted: t.NoteResource) -> tuple[Event, ...]:
    """Return what a changed resource means: the items begin their gates anew that made it and have been asked about."""
    if mission.over:
        return ()
    return tuple(
        t.ResourceChanged(
            work_item_id=item.name, run_id=item.attempts[-1].run_id, key=noted.key, rev=noted.rev
        )
        for item in mission.items
        if item.status in ("review", "test") and _matters(item.attempts[-1], noted, item.changed)
    )


def _matters(made: Attempt, noted: t.NoteResource, known: dict[str, int]) -> bool:
    """Tell whether it is among what a run has made, newly, and changed after the run had ended."""
    late = noted.at_ms is not None and noted.at_ms <= (made.finished_at_ms or 0)
    return noted.key in made.refs and known.get(noted.key, 0) < noted.rev and not late


def _denied(asked: t.Deny, envelope: Envelope) -> t.GateDenied:
    return t.GateDenied(
        work_item_id=asked.work_item_id,
        run_id=asked.run_id,
        gate=asked.gate,
        approval_id=asked.approval_id,
        reviewer=envelope.actor,
        reasons=asked.reasons or ("denied without a reason",),
        amend=asked.amend,
    )


def _check_decision(mission: Mission, asked: t.Grant | t.Deny, envelope: Envelope) -> None:
    _demand(mission, not mission.over, "mission_over")
    item = _item(mission, asked.work_item_id)
    _demand(mission, item.run_id == asked.run_id, "stale_run", item)
    _demand(mission, item.status == asked.gate, "gate_not_open", item)
    gate = item.gate(asked.gate)
    _demand(mission, gate.approval_id == asked.approval_id, "wrong_approval", item)
    # The engine's checks judge the engine's work: that is what `auto` means.
    own = gate.decider != "auto" and item.attempts[-1].author == envelope.actor
    if own and not mission.self_review:
        raise Forbidden(
            f"{envelope.actor} did the work of {item.name} and cannot decide about it; somebody else must",
            code="author_is_reviewer",
            gate=asked.gate,
        )


def _alive(mission: Mission, name: str, run_id: str) -> Item:
    """Return the item whose current run is `run_id` and is alive."""
    _demand(mission, not mission.over, "mission_over")
    item = _item(mission, name)
    _demand(mission, item.run_id == run_id, "stale_run", item)
    _demand(mission, item.status == "in_progress", "run_not_alive", item)
    return item


def _item(mission: Mission, name: str) -> Item:
    item = mission.item(name)
    if item is None:
        raise Rejected(
            "unknown_item", f"the mission {mission.mission_id} has no item {name}", state=mission.status
        )
    return item


_WORDS: Final = {
    "not_draft": "only a draft can be started",
    "not_running": "only a running mission can be paused",
    "not_paused": "only a paused mission can be resumed",
    "mission_over": "it is over",
    "unknown_run": "it has no such run",
    "stale_run": "this is not the item's current run",
    "run_not_alive": "the run has ended",
    "gate_not_open": "the item is not at this gate",
    "wrong_approval": "the gate was opened for another approval",
}


def _demand(mission: Mission, holds: bool, reason: str, item: Item | None = None) -> None:
    if not holds:
        what = f"{item.name} is {item.status}" if item else f"the mission is {mission.status}"
        state = item.status if item else mission.status
        raise Rejected(reason, f"{what}: {_WORDS[reason]}", state=state)


MISSION: Final = Aggregate(
    kind="mission",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Mission,
    resources=resources,
    changed=changed,
    reads="missions:read",
)
