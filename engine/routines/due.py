"""What becomes of the ticks that are due: each is fired, skipped or missed, and never looked at again."""

from dataclasses import dataclass, field
from typing import Final

from engine.kernel.errors import Invalid
from engine.routines.ticks import Ticks, jitter, ticks
from engine.routines.types import Definition, Event, Fired, Misfired, Routine, Skipped, Work

FIRES_MAX: Final = 256  # in one commit; the rest of what is due is decided in the next
BACKFILL_MAX: Final = 500
WAITING_MAX: Final = 1_000


def schedule_of(routine: Routine, definition: Definition | None = None) -> Ticks | None:
    """Return the ticks of a routine's schedule, None when it has none."""
    wanted = definition or routine.definition
    if wanted is None or wanted.schedule is None:
        return None
    return ticks(wanted.schedule, routine.anchor_ms)


def fires_at(routine: Routine) -> int | None:
    """Return when the next tick fires, its jitter included."""
    due = routine.next_due_at_ms
    if routine.status != "active" or routine.definition is None or due is None:
        return None
    return due + jitter(routine.routine_id, due, routine.definition.jitter_ms)


@dataclass
class _Due:
    """The ticks that are due, in order: the missed ones that the policy lets fire, then those on time."""

    late: list[int] = field(default_factory=list)
    on_time: list[int] = field(default_factory=list)
    dropped: int = 0
    first_dropped: int = 0
    last_dropped: int = 0
    next_due_at_ms: int | None = None


def settle(routine: Routine, now_ms: int) -> tuple[Event, ...]:
    """Return what becomes of the ticks that are due at `now_ms`; nothing when none is."""
    fires = fires_at(routine)
    schedule = schedule_of(routine)
    if schedule is None or fires is None or fires > now_ms:
        return ()
    due = _due(routine, schedule, now_ms)
    events: list[Event] = []
    if due.dropped:
        events.append(
            Misfired(
                count=due.dropped,
                first_due_at_ms=due.first_dropped,
                last_due_at_ms=due.last_dropped,
                next_due_at_ms=due.next_due_at_ms,
            )
        )
    firing = Firing(routine, due.next_due_at_ms)
    events += [firing.fire(_work(routine, "schedule", at), late=True) for at in due.late]
    events += [firing.fire(_work(routine, "schedule", at), late=False) for at in due.on_time]
    return tuple(events)


def _due(routine: Routine, schedule: Ticks, now_ms: int) -> _Due:
    definition, at = routine.definition, routine.next_due_at_ms
    assert definition is not None and at is not None  # noqa: PT018
    grace_ms, keep = definition.misfire.grace_ms, kept(definition)
    found = _Due(first_dropped=at)
    # Ticks before this one are missed whatever their jitter; they are counted, not gone through: there may be a year of them.
    certain_ms = now_ms - grace_ms - definition.jitter_ms
    count = schedule.count(at, certain_ms)
    missed = schedule.newest(keep + 1, at, certain_ms) if count else []
    following: int | None = at if not count else schedule.after(certain_ms - 1)
    while following is not None and len(found.on_time) < FIRES_MAX:
        fires = following + jitter(routine.routine_id, following, definition.jitter_ms)
        if fires > now_ms:
            break
        if now_ms - fires > grace_ms:
            count += 1
            missed = [*missed, following][-(keep + 1) :]
        else:
            found.on_time.append(following)
        following = schedule.after(following)
    found.late = missed[-keep:] if keep else []
    found.dropped = count - len(found.late)
    if found.dropped:
        found.last_dropped = missed[-len(found.late) - 1]
    found.next_due_at_ms = following
    return found


def kept(definition: Definition) -> int:
    """Return how many of the missed ticks fire, the newest."""
    match definition.misfire.policy:
        case "skip":
            return 0
        case "run_once":
            return 1
        case "catch_up":
            assert definition.misfire.max_runs is not None, "checked when it was made"
            return definition.misfire.max_runs


class Firing:
    """Fires a routine once or several times: each run gets its id, and waits for others where the routine says so."""

    def __init__(self, routine: Routine, next_due_at_ms: int | None) -> None:
        assert routine.definition is not None
        self._routine = routine
        self._overlap = routine.definition.overlap
        self._next = next_due_at_ms
        self._fired = routine.fired
        self._busy = bool(routine.alive or routine.waiting)
        self._waiting = len(routine.waiting)

    def fire(self, work: Work, *, late: bool) -> Event:
        """Return the run, or the tick that is skipped because a run is going on.

        Only a tick on time is ever skipped: what was missed, and what somebody asks for, is meant to happen, so it waits.
        """
        skips = self._overlap == "skip" and work.trigger == "schedule" and not late
        held = self._busy and self._overlap != "allow"
        if held and (skips or self._waiting >= WAITING_MAX):
            return Skipped(due_at_ms=work.due_at_ms, next_due_at_ms=self._next)
        self._fired += 1
        self._waiting += held
        self._busy = True
        run_id = run_id_of(work, self._fired)
        return Fired(run_id=run_id, work=work, held=held, next_due_at_ms=self._next)


def run_id_of(work: Work, number: int) -> str:
    """Return a run's id: its routine, and its time so that the newest sorts first.

    A tick has one run, whoever asks for it: its id holds nothing else. What is asked for by hand, or by a file, is told
    apart by a number.
    """
    tick = tick_run_id(work.routine_id, work.due_at_ms)
    return tick if work.trigger in ("schedule", "backfill") else f"{tick}-{number}"


def tick_run_id(routine_id: str, due_at_ms: int) -> str:
    """Return the id of the run of a tick."""
    return f"{routine_id}~{(1 << 48) - due_at_ms:012x}"


def routine_of(run_id: str) -> str | None:
    """Return the routine that a run's id names, None when it is no routine run's."""
    routine_id, tilde, _ = run_id.partition("~")
    return routine_id if tilde else None


def _work(
    routine: Routine,
    trigger: str,
    due_at_ms: int,
    *,
    reason: str = "",
    file: str | None = None,
    after_mission: str | None = None,
) -> Work:
    assert routine.definition is not None
    return Work(
        routine_id=routine.routine_id,
        creator=routine.creator,
        definition=routine.definition,
        capabilities=routine.capabilities,
        trigger=trigger,  # type: ignore[arg-type]
        due_at_ms=due_at_ms,
        reason=reason,
        file=file,
        after_mission=after_mission,
    )


def asked_for(
    routine: Routine,
    trigger: str,
    now_ms: int,
    *,
    count: int = 1,
    reason: str = "",
    file: str | None = None,
    after_mission: str | None = None,
) -> tuple[Event, ...]:
    """Return runs that no tick asked for."""
    firing = Firing(routine, routine.next_due_at_ms)
    work = _work(routine, trigger, now_ms, reason=reason, file=file, after_mission=after_mission)
    return tuple(firing.fire(work, late=False) for _ in range(count))


def backfilled(
    routine: Routine, from_ms: int, to_ms: int, fired: tuple[int, ...], now_ms: int
) -> tuple[Event, ...]:
    """Return the runs of the ticks of `[from_ms, to_ms)` that are over and are not among `fired`.

    Raises:
        Invalid: it has no schedule, the window is empty, or holds more than `BACKFILL_MAX` ticks.
    """
    schedule, end_ms = schedule_of(routine), window_end(routine, to_ms, now_ms)
    if schedule is None:
        raise Invalid(
            f"{routine.routine_id} has no schedule, and so no ticks to make up for", field="from_ms"
        )
    if from_ms >= to_ms:
        raise Invalid(f"the window [{from_ms}, {to_ms}) is empty; from_ms is before to_ms", field="from_ms")
    if (count := schedule.count(from_ms, end_ms)) > BACKFILL_MAX:
        raise Invalid(f"the window holds {count} ticks; {BACKFILL_MAX} are the most at once", field="to_ms")
    firing, there = Firing(routine, routine.next_due_at_ms), frozenset(fired)
    return tuple(
        firing.fire(_work(routine, "backfill", at), late=True)
        for at in schedule.newest(count, from_ms, end_ms)
        if at not in there
    )


def window_end(routine: Routine, to_ms: int, now_ms: int) -> int:
    """Return where a backfill ends: what is not over, or for the schedule to decide, is not its business."""
    bounds = [to_ms, now_ms + 1]
    if routine.next_due_at_ms is not None:
        bounds.append(routine.next_due_at_ms)
    return min(bounds)
