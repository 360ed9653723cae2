"""Routines as rows and facts: what fires when, what it may do, what became of its runs."""

from datetime import timedelta, tzinfo

from clients.view import find
from clients.view.words import Tone, ahead_text, count_text, length_text, stamp_text, state_text, word
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.codec import Wire
from cutroom_sdk.wire.routines import Routine, RoutineRun, WatchedFolder


class RoutineRow(Wire, frozen=True, kw_only=True):
    """A routine in a list.

    `next` says when it fires, empty when nothing is to come; `last` how its newest run stands,
    `mission_id` that run's mission, empty when there is none.
    """

    routine_id: str
    mark: str
    tone: Tone
    name: str
    state: str
    next: str
    last: str
    mission_id: str


class RunRow(Wire, frozen=True, kw_only=True):
    """A run of a routine. `due` is the tick it stands for, `took` how long it went on."""

    run_id: str
    mark: str
    tone: Tone
    due: str
    trigger: str
    state: str
    took: str
    note: str


def routine_rows(shelf: Shelf, now_ms: int) -> list[RoutineRow]:
    """Return the routines, what fires soonest first."""
    newest: dict[str, RoutineRun] = {}
    for run in shelf.values("routine-run", RoutineRun, depth=2):
        known = newest.get(run.routine_id)
        if known is None or (run.fired_at_ms, run.run_id) > (known.fired_at_ms, known.run_id):
            newest[run.routine_id] = run
    return [_row(one, newest.get(one.routine_id), now_ms) for one in find.routines(shelf)]


def _row(routine: Routine, newest: RoutineRun | None, now_ms: int) -> RoutineRow:
    held_up = newest is not None and newest.status in ("pending_approval", "running")
    seen = word("routine_run", newest.status) if newest and held_up else word("routine", routine.status)
    return RoutineRow(
        routine_id=routine.routine_id,
        mark=seen.mark,
        tone=seen.tone,
        name=routine.name,
        state=routine.status,
        next="" if routine.next_fire_at_ms is None else ahead_text(routine.next_fire_at_ms, now_ms),
        last=state_text(newest.status) if newest else "",
        mission_id=(newest.mission_id or "") if newest else "",
    )


def run_rows(runs: list[RoutineRun], zone: tzinfo | None = None) -> list[RunRow]:
    """Return runs as rows, in the order given."""
    return [_run_row(run, zone) for run in runs]


def _run_row(run: RoutineRun, zone: tzinfo | None) -> RunRow:
    seen = word("routine_run", run.status)
    took = (
        length_text((run.finished_at_ms - run.started_at_ms) / 1000)
        if run.started_at_ms is not None and run.finished_at_ms is not None
        else ""
    )
    return RunRow(
        run_id=run.run_id,
        mark=seen.mark,
        tone=seen.tone,
        due=stamp_text(run.due_at_ms, zone),
        trigger=state_text(run.trigger),
        state=state_text(run.status),
        took=took,
        note="; ".join(filter(None, (run.file, run.reason))),
    )


def routine_facts(
    routine: Routine, zone: tzinfo | None = None, watched: WatchedFolder | None = None
) -> list[tuple[str, str]]:
    """Return what there is to know about a routine: names and values, some of them empty."""
    entry = routine.entrypoint
    return [
        ("routine", f"{routine.routine_id}: {routine.name}"),
        ("status", f"{routine.status}: {word('routine', routine.status).help}"),
        ("fires", when_text(routine, zone)),
        ("next", next_text(routine, zone)),
        ("missed ticks", _misfire(routine)),
        ("overlap", _overlap(routine)),
        ("does", f"mission {entry.mission}" if entry.mission else f"tool {entry.tool}"),
        ("with", ", ".join(f"{name}={value}" for name, value in routine.args.items())),
        ("tools", ", ".join(routine.allowed_tools)),
        ("results to", ", ".join(routine.output_targets) or "anywhere its tools allow"),
        ("external effects", effects_text(routine)),
        ("files seen", f"{watched.files}, the last {watched.last_path}" if watched else ""),
        ("runs", f"{routine.runs}, {count_text(routine.missed, 'tick')} missed"),
        ("made by", routine.creator),
        ("activated by", routine.activated_by or ""),
    ]


def _misfire(routine: Routine) -> str:
    match routine.misfire.policy:
        case "skip":
            return "are dropped"
        case "run_once":
            return "the newest fires"
        case "catch_up":
            return f"the newest {routine.misfire.max_runs} fire, in order"


def _overlap(routine: Routine) -> str:
    return {
        "skip": "while a run goes on, ticks are passed over",
        "queue": "runs wait for each other",
        "allow": "runs may go on at once",
    }[routine.overlap]


def effects_text(routine: Routine) -> str:
    """Return what a routine may do outside this machine."""
    if not routine.external_effects_allowed:
        return "none"
    return "after approval" if routine.requires_approval else "without asking"


def when_text(routine: Routine, zone: tzinfo | None = None) -> str:
    """Return by what a routine fires."""
    found = []
    schedule = routine.schedule
    if schedule is not None and schedule.cron is not None:
        found.append(f"{schedule.cron} ({schedule.timezone or 'UTC'})")
    elif schedule is not None and schedule.every_ms is not None:
        found.append(f"every {timedelta(milliseconds=schedule.every_ms)}")
    elif schedule is not None and schedule.at_ms is not None:
        found.append(f"at {stamp_text(schedule.at_ms, zone)}")
    if routine.watch is not None:
        found.append(f"for each {routine.watch.pattern} in {routine.watch.folder}")
    if routine.chain is not None:
        found.append(f"after {routine.chain.routine_id or routine.chain.template}")
    return ", ".join(found)


def next_text(routine: Routine, zone: tzinfo | None = None) -> str:
    """Return when a routine fires next, empty when nothing is to come; `zone` None: this machine's."""
    return "" if routine.next_fire_at_ms is None else stamp_text(routine.next_fire_at_ms, zone)
