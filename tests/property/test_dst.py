"""Cron over changes of the clocks, against a clock that is read at every minute of the year."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import pytest

from cutroom_sdk.wire.routines import Entrypoint, Misfire, MisfirePolicy, Schedule
from engine.kernel.reducer import Envelope
from engine.routines import reducer
from engine.routines import types as t
from engine.routines.ticks import Ticks, ticks
from tests import routines_oracle as oracle

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
GRACE_MS = 90_000
DENSE = 20_000
POLICIES: dict[MisfirePolicy, int | None] = {"skip": None, "run_once": None, "catch_up": 3}
PAIRS = [(name, expression) for name in oracle.ZONES for expression in oracle.EXPRESSIONS]


def _walked(schedule: Ticks, begin_ms: int, end_ms: int) -> Iterator[int]:
    at_ms = schedule.after(begin_ms - 1)
    while at_ms is not None and at_ms < end_ms:
        yield at_ms
        at_ms = schedule.after(at_ms)


def _check_calendar(name: str, expression: str, years: int, *, whole: bool) -> None:
    year = oracle.ZONES[name]
    expected = oracle.fires(expression, name, year, years)
    begin, end = _span(year, years)
    schedule = ticks(Schedule(cron=expression, timezone=name), 0)
    assert schedule.count(begin, end) == len(expected)
    changed = oracle.changes(name, year, years)
    # Of what fires all the time only the days about a change are walked through, unless there is time for all of it.
    near = [(max(begin, at - 36 * HOUR_MS), min(end, at + 36 * HOUR_MS)) for at in changed]
    for low, high in [(begin, end)] if whole or len(expected) < DENSE else near:
        between = expected[bisect_left(expected, low) : bisect_left(expected, high)]
        assert list(_walked(schedule, low, high)) == between
        assert schedule.newest(len(between) + 1, low, high) == between
    for at in changed:
        for low, high in (
            (at - HOUR_MS, at),
            (at - HOUR_MS, at + 1),
            (at, at + HOUR_MS),
            (begin, at),
            (at + 1, end),
        ):
            assert schedule.count(low, high) == bisect_left(expected, high) - bisect_left(expected, low)


def _span(year: int, years: int) -> tuple[int, int]:
    utc = Schedule(cron="0 0 1 1 *", timezone="UTC")
    begin = ticks(utc, 0).after((year - 1970) * 365 * 24 * HOUR_MS)
    assert begin is not None
    end = begin
    for _ in range(years):
        following = ticks(utc, 0).after(end)
        assert following is not None
        end = following
    return begin, end


@pytest.mark.parametrize(("name", "expression"), PAIRS)
def test_a_year_of_ticks_is_what_the_clock_on_the_wall_shows(name: str, expression: str) -> None:
    _check_calendar(name, expression, 1, whole=False)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "expression"), PAIRS)
def test_ten_years_of_ticks_are_what_the_clock_on_the_wall_shows(name: str, expression: str) -> None:
    _check_calendar(name, expression, 10, whole=True)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", oracle.ZONES)
def test_what_fires_after_sleep_is_what_the_policy_says(name: str, policy: MisfirePolicy) -> None:
    for expression in oracle.EXPRESSIONS:
        _check_policy(name, expression, policy)


def _check_policy(name: str, expression: str, policy: MisfirePolicy) -> None:
    """Sleep through the year, but for a few hours about each change of the clocks, with short naps among them."""
    year = oracle.ZONES[name]
    begin, end = _span(year, 1)
    ticks_due = oracle.fires(expression, name, year)
    routine = _active(expression, name, policy, begin)
    place = 0
    for now in [*_looks(oracle.changes(name, year), begin), end - 1]:
        due = ticks_due[place : bisect_right(ticks_due, now)]
        place += len(due)
        fired, missed, routine = _woken(routine, now)
        late = [at for at in due if now - at > GRACE_MS]
        keep = {"skip": 0, "run_once": 1, "catch_up": 3}[policy]
        chosen = late[-keep:] if keep else []
        assert fired == chosen + [at for at in due if now - at <= GRACE_MS], (expression, now)
        assert missed == len(late) - len(chosen), (expression, now)
    assert routine.next_due_at_ms is not None
    assert routine.next_due_at_ms >= end - 1


def _looks(changed: list[int], begin: int) -> list[int]:
    looks = []
    for at in changed or [begin + 2_000 * HOUR_MS]:
        now = at - 90 * MINUTE_MS
        while now < at + 90 * MINUTE_MS:
            looks.append(now)
            # Awake for most of the time, asleep for eleven minutes now and then, and over the change itself.
            now += 11 * MINUTE_MS if len(looks) % 20 == 0 else 77_000
    return looks


def _active(expression: str, name: str, policy: MisfirePolicy, at_ms: int) -> t.Routine:
    definition = t.Definition(
        name="matrix",
        entrypoint=Entrypoint(mission="generic"),
        args={},
        schedule=Schedule(cron=expression, timezone=name),
        watch=None,
        chain=None,
        misfire=Misfire(policy=policy, max_runs=POLICIES[policy], grace_ms=GRACE_MS),
        overlap="allow",
        jitter_ms=0,
        allowed_tools=(),
        output_targets=(),
        requires_approval=True,
        external_effects_allowed=False,
    )
    routine = reducer.init("matrix")
    for proposal in (t.Create(definition=definition), t.Activate(capabilities=())):
        # A millisecond early: the year's first minute counts.
        envelope = Envelope(at_ms=at_ms - 1, actor="ada", human=True)
        for event in reducer.decide(routine, proposal, envelope):
            routine = reducer.on_event(routine, event, envelope).state
    return routine


def _woken(routine: t.Routine, now_ms: int) -> tuple[list[int], int, t.Routine]:
    """Wake until nothing is due any more; return the ticks that fired, how many were missed, and the routine."""
    fired: list[int] = []
    missed = 0
    envelope = Envelope(at_ms=now_ms, actor="engine")
    while events := reducer.decide(routine, t.Wake(), envelope):
        for event in events:
            routine = reducer.on_event(routine, event, envelope).state
            if isinstance(event, t.Fired):
                fired.append(event.work.due_at_ms)
            elif isinstance(event, t.Misfired):
                missed += event.count
    # Their runs are over at once: what is due is the question here, not who waits for whom.
    for run_id in routine.alive:
        for event in reducer.decide(routine, t.EndRun(run_id=run_id), envelope):
            routine = reducer.on_event(routine, event, envelope).state
    return fired, missed, routine
