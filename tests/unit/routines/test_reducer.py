"""Routines: who may do what with them, and what becomes of each tick."""

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.routines import Misfire, Schedule, Watch
from engine.kernel.errors import Forbidden, Invalid, Rejected, StudioError
from engine.routines import types as t
from engine.routines.due import fires_at
from tests.routines_kit import DAY, HOUR, MINUTE, NOON, Play, definition


def test_ticks_follow_from_ticks_not_from_when_somebody_looked() -> None:
    play = Play()
    assert play.wake(NOON + HOUR + 59_000) == [HOUR]
    assert play.wake(NOON + 2 * HOUR + 7) == [2 * HOUR]
    assert play.routine.next_due_at_ms == NOON + 3 * HOUR


def test_within_its_grace_a_tick_fires_under_every_policy_and_after_it_under_none_but_those_that_make_up() -> (
    None
):
    for policy, late in (("skip", []), ("run_once", [HOUR]), ("catch_up", [HOUR])):
        misfire = Misfire(policy=policy, max_runs=2 if policy == "catch_up" else None)  # type: ignore[arg-type]
        assert Play(misfire=misfire).wake(NOON + HOUR + 60_000) == [HOUR]
        assert Play(misfire=misfire).wake(NOON + HOUR + 60_001) == late


@pytest.mark.parametrize(
    ("misfire", "fired", "missed"),
    [
        (Misfire(policy="skip"), [], 168),
        (Misfire(policy="run_once"), [168], 167),
        (Misfire(policy="catch_up", max_runs=3), [166, 167, 168], 165),
    ],
)
def test_a_week_without_a_daemon(misfire: Misfire, fired: list[int], missed: int) -> None:
    play = Play(misfire=misfire)
    assert play.wake(NOON + 7 * DAY + 30 * MINUTE) == [hour * HOUR for hour in fired]
    (told,) = play.all(t.Misfired)
    assert told.count == missed == play.routine.missed
    assert told.first_due_at_ms == NOON + HOUR
    assert told.last_due_at_ms == NOON + missed * HOUR


def test_ten_years_of_missed_minutes_are_counted_in_no_time() -> None:
    play = Play(
        schedule=Schedule(cron="* * * * *", timezone="Europe/Berlin"), misfire=Misfire(policy="run_once")
    )
    assert len(play.wake(NOON + 3_650 * DAY + 30_000)) == 2, "the newest that was missed, and the one on time"
    repeated = 10 * 60  # minutes of ten autumns that come twice and count once
    assert play.routine.missed == 3_650 * 24 * 60 - repeated - 2


def test_a_clock_that_was_set_back_fires_nothing_twice() -> None:
    play = Play()
    assert play.wake(NOON + 3 * HOUR) == [3 * HOUR]
    assert play.wake(NOON + HOUR) == []
    assert play.wake(NOON + 3 * HOUR) == []
    assert play.wake(NOON + 4 * HOUR) == [4 * HOUR]


def test_many_ticks_on_time_are_decided_over_several_commits_each_once() -> None:
    play = Play(schedule=Schedule(every_ms=1_000), misfire=Misfire(grace_ms=HOUR))
    assert play.wake(NOON + 600_000) == [number * 1_000 for number in range(1, 601)]


def test_a_tick_fires_later_by_its_jitter_and_stays_the_tick_it_is() -> None:
    play = Play(jitter_ms=10 * MINUTE)
    fires = fires_at(play.routine)
    assert fires is not None
    assert NOON + HOUR < fires < NOON + HOUR + 10 * MINUTE
    assert play.wake(fires - 1) == []
    assert play.wake(fires) == [HOUR]


def test_once_is_once() -> None:
    play = Play(schedule=Schedule(at_ms=NOON + 5))
    assert play.wake(NOON + 5) == [5]
    assert play.routine.next_due_at_ms is None
    with pytest.raises(Invalid, match="at_ms is over"):
        Play(schedule=Schedule(at_ms=NOON))


def test_a_pause_covers_its_ticks_for_ever_but_not_those_before_it() -> None:
    play = Play(misfire=Misfire(policy="catch_up", max_runs=50))
    play.now_ms = NOON + HOUR + 5
    assert [type(event) for event in play.ask(t.Pause())] == [t.Fired, t.Paused]
    assert play.wake(NOON + 5 * HOUR) == []
    play.ask(t.Resume(capabilities=()))
    assert play.wake(NOON + 5 * HOUR + 1) == []
    assert play.wake(NOON + 6 * HOUR) == [6 * HOUR], "on the old grid"


def test_a_new_schedule_counts_from_now_on_and_what_was_due_by_the_old_one_fires() -> None:
    play = Play()
    play.now_ms = NOON + HOUR + 5
    new = definition(schedule=Schedule(cron="30 14 * * *", timezone="UTC"))
    events = play.ask(t.Change(definition=new, capabilities=()))
    assert [type(event) for event in events] == [t.Fired, t.Changed]
    assert play.routine.next_due_at_ms == NOON + 150 * MINUTE
    zoned = replace(new, schedule=Schedule(cron="30 14 * * *", timezone="Europe/Berlin"))
    play.ask(t.Change(definition=zoned, capabilities=()))
    assert play.routine.next_due_at_ms == NOON + 90 * MINUTE


def test_another_name_leaves_the_schedule_as_it_is() -> None:
    play = Play()
    play.now_ms = NOON + 30 * MINUTE
    play.ask(t.Change(definition=definition(name="another"), capabilities=()))
    assert play.routine.next_due_at_ms == NOON + HOUR


@pytest.mark.parametrize(
    ("overlap", "held", "skipped"),
    [("allow", [False] * 3, 0), ("queue", [False, True, True], 0), ("skip", [False], 2)],
)
def test_a_tick_that_comes_while_a_run_goes_on(overlap: str, held: list[bool], skipped: int) -> None:
    play = Play(overlap=overlap)
    for hour in (1, 2, 3):
        play.wake(NOON + hour * HOUR)
    assert [event.held for event in play.all(t.Fired)] == held
    assert len(play.all(t.Skipped)) == skipped


def test_runs_that_wait_begin_one_after_the_other() -> None:
    play = Play(overlap="queue")
    play.ask(t.RunNow(count=3))
    first, second, third = (event.run_id for event in play.all(t.Fired))
    play.ask(t.EndRun(run_id=second))  # canceled while it waited
    play.ask(t.EndRun(run_id=first))
    assert [event.released for event in play.all(t.RunEnded)] == [None, third]
    assert (play.routine.alive, play.routine.waiting) == ((third,), ())
    assert play.ask(t.EndRun(run_id=first)) == ()


def test_what_was_missed_and_is_made_up_for_waits_even_where_ticks_are_skipped() -> None:
    play = Play(overlap="skip", misfire=Misfire(policy="catch_up", max_runs=3))
    play.wake(NOON + 7 * HOUR + 30 * MINUTE)
    assert [event.held for event in play.all(t.Fired)] == [False, True, True]


def test_backfill_fires_each_tick_of_a_window_once() -> None:
    play = Play()
    play.wake(NOON + 6 * HOUR + 30 * MINUTE)
    window = {"from_ms": NOON + 2 * HOUR, "to_ms": NOON + 100 * HOUR}
    events = play.ask(t.Backfill(**window, fired=(NOON + 3 * HOUR,)))
    fired = [event for event in events if isinstance(event, t.Fired)]
    assert [event.work.due_at_ms - NOON for event in fired] == [hour * HOUR for hour in (2, 4, 5, 6)]
    assert {event.work.trigger for event in fired} == {"backfill"}
    assert play.routine.next_due_at_ms == NOON + 7 * HOUR, "what is to come is the schedule's"


def test_a_backfill_without_bounds_is_refused_by_number() -> None:
    play = Play(schedule=Schedule(every_ms=1_000))
    play.wake(NOON + 10 * DAY)
    with pytest.raises(Invalid, match="the window holds 864000 ticks; 500"):
        play.ask(t.Backfill(from_ms=NOON + 1, to_ms=NOON + 10 * DAY + 1))
    with pytest.raises(Invalid, match="is empty"):
        play.ask(t.Backfill(from_ms=NOON + 1, to_ms=NOON + 1))


@pytest.mark.parametrize("asked", [t.RunNow(), t.Backfill(from_ms=NOON, to_ms=NOON + 1)])
def test_only_an_active_routine_fires_when_it_is_told_to(asked: t.Proposal) -> None:
    for play in (Play(draft=True), Play()):
        if play.routine.status == "active":
            play.ask(t.Pause())
        with pytest.raises(Rejected) as refused:
            play.ask(asked)
        assert (refused.value.code, refused.value.meaning.status) == ("routine_not_active", 409)


def test_a_program_may_only_draft() -> None:
    play = Play(draft=True)
    play.ask(
        t.Change(definition=definition(name="by a bot", output_targets=("/out",)), capabilities=()), by="bot"
    )
    for asked in (
        t.Activate(capabilities=()),
        t.Change(definition=definition(external_effects_allowed=True), capabilities=()),
    ):
        with pytest.raises(Forbidden, match="bot may only draft"):
            play.ask(asked, by="bot")
    play.ask(t.Activate(capabilities=()))
    play.ask(t.Pause(), by="bot")
    with pytest.raises(Forbidden, match="resume"):
        play.ask(t.Resume(capabilities=()), by="bot")


@pytest.mark.parametrize(
    "authority",
    [
        {"args": {"text": "else"}},
        {"allowed_tools": ("work", "more")},
        {"output_targets": ("/out",)},
        {"requires_approval": False},
        {"external_effects_allowed": True},
    ],
)
def test_what_an_active_one_may_do_is_a_persons_to_change(authority: dict[str, object]) -> None:
    play = Play()
    change = t.Change(definition=definition(**authority), capabilities=())
    with pytest.raises(Forbidden, match="person"):
        play.ask(change, by="bot")
    assert play.ask(change)
    play.ask(t.Change(definition=replace(change.definition, name="renamed"), capabilities=()), by="bot")


def test_a_program_cannot_make_one_with_external_effects() -> None:
    with pytest.raises(Forbidden, match="allow external effects"):
        _made_by_bot()


def _made_by_bot() -> None:
    play = Play(draft=True)
    play.ask(t.Delete())
    play.ask(t.Create(definition=definition(external_effects_allowed=True)), by="bot")


def test_a_deleted_one_is_gone_and_late_news_of_it_are_nothing() -> None:
    play = Play(overlap="queue")
    play.ask(t.RunNow(count=2))
    (deleted,) = play.ask(t.Delete())
    assert isinstance(deleted, t.Deleted)
    assert len(deleted.waiting) == 1
    assert play.ask(t.Wake()) == play.ask(t.Trip(trigger="chain")) == play.ask(t.EndRun(run_id="x")) == ()
    with pytest.raises(StudioError) as missing:
        play.ask(t.RunNow())
    assert missing.value.code == "routine_not_found"
    play.ask(t.Create(definition=definition()))


def test_a_file_waits_for_the_end_of_a_pause_and_another_end_does_not() -> None:
    play = Play(schedule=None, watch=Watch(folder="/in"))
    assert play.ask(t.Trip(trigger="watch", file="/in/a.mp4"))
    play.ask(t.Pause())
    with pytest.raises(Rejected):
        play.ask(t.Trip(trigger="watch", file="/in/b.mp4"))
    assert play.ask(t.Trip(trigger="chain", after_mission="m1")) == ()


def test_runs_of_one_moment_have_ids_of_their_own_and_the_newest_sorts_first() -> None:
    play = Play()
    play.ask(t.RunNow(count=2))
    play.wake(NOON + HOUR)
    ids = [event.run_id for event in play.all(t.Fired)]
    assert len(set(ids)) == 3
    assert sorted(ids)[0] == ids[2]
