"""What follows from a mission's state: the next event that is due by the rules, whoever brought the state about.

One question answers everything the engine does by itself: asking at gates, starting what may start, ending the mission
when it is done or a budget has run out. `decide` asks it again and again until nothing more follows.
"""

from collections.abc import Iterator

from cutroom_sdk.wire.missions import GateName
from cutroom_sdk.wire.problems import is_final
from engine.kernel.ids import derived_id
from engine.missions.board import each, first
from engine.missions.fold import subject_hash
from engine.missions.items import MANUAL, Item
from engine.missions.types import Event, Failed, GateOpened, Mission, RunRequested, Succeeded


def next_event(mission: Mission, now_ms: int) -> Event | None:
    """Return the event that is due, or None when it is others' turn: runs, reviewers, time.

    A paused mission starts nothing, but what its runs have made may still be judged.
    """
    if mission.status not in ("running", "paused"):
        return None
    return (
        _overspent(mission, now_ms)
        or _hopeless(mission)
        or _worn_out(mission)
        or _gate_to_open(mission)
        or _end(mission)
        or (_run_to_start(mission) if mission.status == "running" else None)
    )


def _overspent(mission: Mission, now_ms: int) -> Failed | None:
    budgets, used = mission.budgets, mission.used
    if budgets.max_duration_ms is not None and mission.active_ms(now_ms) >= budgets.max_duration_ms:
        detail = f"max_duration_ms: {budgets.max_duration_ms} ms are up"
        return None if _done(mission) else Failed(budget="max_duration_ms", detail=detail)
    if budgets.max_tool_calls is not None and used.tool_calls > budgets.max_tool_calls:
        detail = f"max_tool_calls: {used.tool_calls} calls, {budgets.max_tool_calls} were allowed"
        return Failed(budget="max_tool_calls", detail=detail)
    return None


def _hopeless(mission: Mission) -> Failed | None:
    """An item whose run failed over what it was asked for: its own input is all that another attempt would get."""
    for item in _at(mission, mission.board.rework):
        last = item.attempts[-1] if item.attempts else None
        if last is not None and last.status == "failed" and is_final(last.code):
            return Failed(budget=None, detail=last.reason, work_item_id=item.name)
    return None


def _worn_out(mission: Mission) -> Failed | None:
    for item in _at(mission, mission.board.rework):
        failed = sum(attempt.status != "canceled" for attempt in item.attempts)
        if failed >= mission.budgets.max_attempts:
            last = item.reasons[-1] if item.reasons else "no reason was given"
            detail = f"max_attempts: {item.name} failed {failed} times, at last: {last}"
            return Failed(budget="max_attempts", detail=detail, work_item_id=item.name)
    return None


def _gate_to_open(mission: Mission) -> GateOpened | None:
    item = next(_at(mission, mission.board.asking), None)
    if item is None:
        return None
    return _opened(mission, item, "review" if item.status == "review" else "test")


def _at(mission: Mission, places: int) -> Iterator[Item]:
    return (mission.items[place] for place in each(places))


def _opened(mission: Mission, item: Item, gate: GateName) -> GateOpened:
    run_id = item.attempts[-1].run_id
    return GateOpened(
        work_item_id=item.name,
        run_id=run_id,
        gate=gate,
        approval_id=derived_id("approval", mission.mission_id, run_id, gate, *_versions(item)),
        decider=item.gate(gate).decider,
        subject_hash=subject_hash(item),
    )


def _versions(item: Item) -> tuple[str, ...]:
    return tuple(f"{key}@{rev}" for key, rev in sorted(item.changed.items()))


def _end(mission: Mission) -> Succeeded | None:
    return Succeeded() if _done(mission) else None


def _done(mission: Mission) -> bool:
    return mission.board.done.bit_count() == len(mission.items)


def _run_to_start(mission: Mission) -> RunRequested | Failed | None:
    board = mission.board
    if board.alive.bit_count() >= mission.budgets.max_parallel:
        return None
    place = first(board.todo | board.rework)
    if place is None:
        return None
    item = mission.items[place]
    if broken := _budget_against(mission, item):
        return broken
    attempt = len(item.attempts) + 1
    run_id = derived_id("run", mission.mission_id, item.name, attempt)
    return RunRequested(work_item_id=item.name, run_id=run_id, attempt=attempt)


def _budget_against(mission: Mission, item: Item) -> Failed | None:
    budgets, used = mission.budgets, mission.used
    if budgets.max_steps is not None and used.steps >= budgets.max_steps:
        detail = f"max_steps: {budgets.max_steps} runs are used up and {item.name} is still to do"
        return Failed(budget="max_steps", detail=detail, work_item_id=item.name)
    if budgets.max_tool_calls is None or item.spec.kind == MANUAL:
        return None
    # A run that is alive and has not called its tool yet is going to.
    promised = mission.board.promised.bit_count()
    if used.tool_calls + promised >= budgets.max_tool_calls:
        detail = f"max_tool_calls: {budgets.max_tool_calls} calls are used up and {item.name} is still to do"
        return Failed(budget="max_tool_calls", detail=detail, work_item_id=item.name)
    return None
