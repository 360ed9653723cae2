"""Routines: work that fires by itself, by its schedule, a folder or another's end.

    draft --activated--> active <--paused/resumed--> paused
      `-------------------- deleted ------------------'

Each tick of a schedule is decided once, fired, skipped or missed; `next_due_at_ms` says how far that has come, so no
restart and no turned clock fires one twice. What an event needs of the calendar is in the event: a replay works nothing out.
"""

from collections.abc import Mapping
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.routines import Routine as WireRoutine
from engine.kernel.errors import Forbidden, Invalid, NotFound
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step
from engine.routines import types as t
from engine.routines.due import asked_for, backfilled, fires_at, schedule_of, settle
from engine.routines.types import Definition, Event, Proposal, Routine

AUTHORITY: Final = (
    "entrypoint",
    "args",
    "allowed_tools",
    "output_targets",
    "requires_approval",
    "external_effects_allowed",
)


def init(routine_id: str) -> Routine:
    return Routine(routine_id=routine_id)


def decide(routine: Routine, proposal: Proposal, envelope: Envelope) -> tuple[Event, ...]:
    """Answer a proposal with the events it leads to; an empty tuple when there is nothing to do.

    Raises:
        NotFound: `routine_not_found`.
        Rejected: `routine_exists`; `routine_not_active`, for what only an active one does.
        Forbidden: a program asks for what is a person's: to activate, to resume, to allow external effects, to change what
            an active one may do.
        Invalid: a schedule with nothing to come, a window that does not fit.
    """
    if isinstance(proposal, t.Create):
        return _create(routine, proposal, envelope)
    if routine.definition is None:
        if isinstance(proposal, t.Wake | t.Trip | t.EndRun):
            return ()  # late news for one that is deleted
        raise NotFound(f"there is no routine {routine.routine_id}", code="routine_not_found")
    return _answer(routine, routine.definition, proposal, envelope)


def _answer(
    routine: Routine, definition: Definition, proposal: Proposal, envelope: Envelope
) -> tuple[Event, ...]:
    now = envelope.at_ms
    match proposal:
        case t.Change():
            return _change(routine, definition, proposal, envelope)
        case t.Activate(capabilities=capabilities):
            _demand_person(envelope, f"activate {routine.routine_id}")
            if routine.status != "draft":
                return _resume(routine, capabilities, envelope)
            return (t.Activated(capabilities=capabilities, next_due_at_ms=_begin(routine, definition, now)),)
        case t.Resume(capabilities=capabilities):
            _demand_person(envelope, f"resume {routine.routine_id}")
            if routine.status == "draft":
                raise _not_active(routine, "only what was active and paused can be resumed: activate it")
            return _resume(routine, capabilities, envelope)
        case t.Pause():
            if routine.status == "draft":
                raise _not_active(routine, "a draft does not fire, so there is nothing to pause")
            return (*settle(routine, now), t.Paused()) if routine.status == "active" else ()
        case t.Delete():
            return (t.Deleted(waiting=routine.waiting),)
        case t.Wake():
            return settle(routine, now)
        case t.RunNow(count=count, reason=reason):
            _demand_active(routine)
            return asked_for(routine, "run_now", now, count=count, reason=reason)
        case t.Backfill(from_ms=from_ms, to_ms=to_ms, fired=fired):
            _demand_active(routine)
            return backfilled(routine, from_ms, to_ms, fired, now)
        case t.Trip(trigger=trigger, file=file, after_mission=after_mission):
            if routine.status != "active" and trigger == "chain":
                return ()
            # A file is still there when the routine goes on: it is refused here, and so not marked as seen.
            _demand_active(routine)
            return asked_for(routine, trigger, now, file=file, after_mission=after_mission)
        case t.EndRun(run_id=run_id):
            return _end_run(routine, definition, run_id)
        case t.Create():
            raise AssertionError("answered before")
        case _:
            assert_never(proposal)


def _create(routine: Routine, proposal: t.Create, envelope: Envelope) -> tuple[Event, ...]:
    if routine.definition is not None:
        detail = f"there is a routine {routine.routine_id} already; change it, or choose another id"
        raise Rejected("routine_exists", detail, code="routine_exists", state=routine.status)
    _check_effects(proposal.definition, envelope)
    return (t.Created(definition=proposal.definition),)


def _change(routine: Routine, old: Definition, proposal: t.Change, envelope: Envelope) -> tuple[Event, ...]:
    new, now = proposal.definition, envelope.at_ms
    if new == old:
        return ()
    if new.external_effects_allowed and not old.external_effects_allowed:
        _check_effects(new, envelope)
    if routine.status != "draft" and any(getattr(new, name) != getattr(old, name) for name in AUTHORITY):
        _demand_person(envelope, f"change what {routine.routine_id} may do, which is {routine.status}")
    settled: tuple[Event, ...] = ()
    following, anchor = routine.next_due_at_ms, routine.anchor_ms
    if new.schedule != old.schedule:
        # What was due by the old schedule is decided by it; the new one counts from now on.
        settled = settle(routine, now)
        following = _next_due(routine, new, now) if routine.status == "active" else None
        anchor = now
    changed = t.Changed(
        definition=new, capabilities=proposal.capabilities, next_due_at_ms=following, anchor_ms=anchor
    )
    return (*settled, changed)


def _next_due(routine: Routine, definition: Definition, now_ms: int) -> int | None:
    schedule = schedule_of(replace(routine, anchor_ms=now_ms), definition)
    return schedule.after(now_ms) if schedule else None


def _begin(routine: Routine, definition: Definition, now_ms: int) -> int | None:
    """Return the first tick of a routine that is activated.

    Raises:
        Invalid: it would never fire.
    """
    following = _next_due(routine, definition, now_ms)
    if following is None and definition.watch is None and definition.chain is None:
        raise Invalid("at_ms is over, so it would never fire; choose a later time", field="schedule.at_ms")
    return following


def _resume(routine: Routine, capabilities: tuple[str, ...], envelope: Envelope) -> tuple[Event, ...]:
    if routine.status == "active":
        return ()
    schedule = schedule_of(routine)
    following = schedule.after(envelope.at_ms) if schedule else None
    return (t.Resumed(capabilities=capabilities, next_due_at_ms=following),)


def _end_run(routine: Routine, definition: Definition, run_id: str) -> tuple[Event, ...]:
    if run_id in routine.waiting:
        return (t.RunEnded(run_id=run_id, released=None),)
    if run_id not in routine.alive:
        return ()
    others = len(routine.alive) > 1 and definition.overlap != "allow"
    released = routine.waiting[0] if routine.waiting and not others else None
    return (t.RunEnded(run_id=run_id, released=released),)


def on_event(routine: Routine, event: Event, envelope: Envelope) -> Step[Routine, Struct]:
    """Fold one accepted event."""
    return Step(_fold(routine, event, envelope))


def _fold(routine: Routine, event: Event, envelope: Envelope) -> Routine:
    now = envelope.at_ms
    match event:
        case t.Created(definition=definition):
            return Routine(
                routine_id=routine.routine_id,
                definition=definition,
                creator=envelope.actor,
                created_at_ms=now,
                anchor_ms=now,
                # An id may be used again; the runs of the one before are still told apart.
                fired=routine.fired,
                alive=routine.alive,
            )
        case t.Changed(
            definition=definition, capabilities=capabilities, next_due_at_ms=due, anchor_ms=anchor
        ):
            return replace(
                routine,
                definition=definition,
                capabilities=capabilities,
                next_due_at_ms=due,
                anchor_ms=anchor,
            )
        case t.Activated(capabilities=capabilities, next_due_at_ms=due):
            return replace(
                routine,
                status="active",
                activated_by=envelope.actor,
                capabilities=capabilities,
                next_due_at_ms=due,
                anchor_ms=now,
            )
        case t.Paused():
            return replace(routine, status="paused", next_due_at_ms=None)
        case t.Resumed(capabilities=capabilities, next_due_at_ms=due):
            return replace(
                routine,
                status="active",
                activated_by=envelope.actor,
                capabilities=capabilities,
                next_due_at_ms=due,
            )
        case t.Deleted():
            return Routine(routine_id=routine.routine_id, fired=routine.fired, alive=routine.alive)
        case t.Fired(run_id=run_id, held=held, next_due_at_ms=due):
            fired = replace(routine, fired=routine.fired + 1, last_fired_at_ms=now, next_due_at_ms=due)
            if held:
                return replace(fired, waiting=(*routine.waiting, run_id))
            return replace(fired, alive=(*routine.alive, run_id))
        case t.Skipped(next_due_at_ms=due):
            return replace(routine, next_due_at_ms=due)
        case t.Misfired(count=count, next_due_at_ms=due):
            return replace(routine, missed=routine.missed + count, next_due_at_ms=due)
        case t.RunEnded(run_id=run_id, released=released):
            alive = tuple(one for one in routine.alive if one != run_id)
            waiting = tuple(one for one in routine.waiting if one not in (run_id, released))
            return replace(routine, alive=(*alive, released) if released else alive, waiting=waiting)
        case _:
            assert_never(event)


def resources(routine_id: str, routine: Routine) -> Mapping[str, Struct | None]:
    """Return `routine/{id}` while it exists."""
    published = view(routine)
    return {} if published is None else {f"routine/{routine_id}": published}


def view(routine: Routine) -> WireRoutine | None:
    """Return what others see of a routine, None when there is none."""
    definition = routine.definition
    if definition is None:
        return None
    return WireRoutine(
        routine_id=routine.routine_id,
        name=definition.name,
        status=routine.status,
        entrypoint=definition.entrypoint,
        args=definition.args,
        schedule=definition.schedule,
        watch=definition.watch,
        chain=definition.chain,
        misfire=definition.misfire,
        overlap=definition.overlap,
        jitter_ms=definition.jitter_ms,
        allowed_tools=definition.allowed_tools,
        output_targets=definition.output_targets,
        requires_approval=definition.requires_approval,
        external_effects_allowed=definition.external_effects_allowed,
        creator=routine.creator,
        created_at_ms=routine.created_at_ms,
        activated_by=routine.activated_by,
        next_fire_at_ms=fires_at(routine),
        last_fired_at_ms=routine.last_fired_at_ms,
        runs=routine.fired,
        missed=routine.missed,
        active_runs=routine.alive,
        waiting_runs=routine.waiting,
    )


def _check_effects(definition: Definition, envelope: Envelope) -> None:
    if definition.external_effects_allowed:
        _demand_person(envelope, "allow external effects")


def _demand_person(envelope: Envelope, what: str) -> None:
    if not envelope.human:
        raise Forbidden(
            f"{envelope.actor} may only draft: a person has to {what}, with a token that is marked human"
        )


def _demand_active(routine: Routine) -> None:
    if routine.status != "active":
        raise _not_active(
            routine, "resume it" if routine.status == "paused" else "a person has to activate it"
        )


def _not_active(routine: Routine, what: str) -> Rejected:
    detail = f"{routine.routine_id} is {routine.status}: {what}"
    return Rejected("routine_not_active", detail, code="routine_not_active", state=routine.status)


ROUTINE: Final = Aggregate(
    kind="routine",
    init=init,
    decide=decide,
    on_event=on_event,
    event=Event,
    state=Routine,
    resources=resources,
    reads="routines:read",
)
