"""The rules of a mission, one by one."""

import pytest

from cutroom_sdk.wire import missions as wire
from engine.kernel.errors import Forbidden, Invalid, NotFound, Rejected
from engine.kernel.reducer import Envelope
from engine.missions import reducer, views
from engine.missions import types as t
from engine.missions.commands import (
    CancelRun,
    EmitNotice,
    PersistArtifact,
    RequestApproval,
    ScheduleTimer,
    StartRun,
    VoidApproval,
)
from tests.missions_kit import Play, item


def test_starting_starts_what_depends_on_nothing_and_blocks_the_rest() -> None:
    play = Play(item("take"), item("look", "take"), item("cut", "take", "look"))
    assert play.statuses() == {"take": "in_progress", "look": "blocked", "cut": "blocked"}
    assert [command.work_item_id for command in play.asked(StartRun)] == ["take"]


def test_a_draft_starts_nothing_until_it_is_started() -> None:
    play = Play(item("take"), start=False)
    assert (play.mission.status, play.statuses(), play.commands) == ("draft", {"take": "todo"}, [])
    play.ask(t.Start())
    assert (play.mission.status, play.statuses()) == ("running", {"take": "in_progress"})


def test_an_item_starts_when_all_it_depends_on_is_done_and_gets_what_that_has_made() -> None:
    play = Play(item("take"), item("look", "take"), item("cut", "look", "take"))
    play.finish("take", "asset/a", "artifact/i")
    assert play.statuses()["cut"] == "blocked"
    play.finish("look", "artifact/s", "asset/a")
    started = play.asked(StartRun)[-1]
    assert (started.work_item_id, started.refs) == ("cut", ("artifact/s", "asset/a", "artifact/i"))


def test_no_more_runs_are_alive_than_max_parallel_allows() -> None:
    play = Play(item("a"), item("b"), item("c"), max_parallel=2)
    assert list(play.statuses().values()) == ["in_progress", "in_progress", "todo"]
    play.finish("a")
    assert list(play.statuses().values()) == ["done", "in_progress", "in_progress"]


def test_a_successful_run_goes_to_review_then_test_then_done() -> None:
    play = Play(item("cut", review="human", test="agent"), item("next", "cut"))
    play.finish("cut", "artifact/plan")
    assert play.item("cut").status == "review"
    play.grant("cut", "review")
    assert play.item("cut").status == "test"
    play.grant("cut", "test")
    assert play.statuses() == {"cut": "done", "next": "in_progress"}


def test_each_gate_is_asked_about_once_with_the_hash_of_what_was_made() -> None:
    play = Play(item("cut", review="human", test="agent"))
    play.finish("cut", "artifact/plan")
    (asked,) = play.asked(RequestApproval)
    assert (asked.gate, asked.decider, asked.artifact_refs) == ("review", "human", ("artifact/plan",))
    other = Play(item("cut", review="human", test="agent"))
    other.finish("cut", "artifact/other")
    assert other.asked(RequestApproval)[0].subject_hash != asked.subject_hash


def test_gates_without_a_decider_hold_nobody_up() -> None:
    play = Play(item("take"))
    play.finish("take")
    assert play.mission.status == "succeeded"
    assert play.asked(RequestApproval) == []


def test_a_denial_sends_the_item_back_with_its_reasons_and_its_changes() -> None:
    play = Play(item("cut", review="human", given={"goal": "short", "seed": 1}))
    first = play.run_of("cut")
    play.finish("cut", "artifact/plan")
    play.deny("cut", "review", reasons=("too long",), amend={"seed": 2})
    again = play.asked(StartRun)[-1]
    assert again.run_id != first
    assert (again.attempt, again.reasons, again.input) == (2, ("too long",), {"goal": "short", "seed": 2})


def test_a_failed_run_is_tried_again_with_the_reason_until_the_attempts_are_used_up() -> None:
    play = Play(item("cut"), item("other"), item("last", "cut"), max_attempts=2)
    play.fail("cut", "no memory")
    assert play.asked(StartRun)[-1].reasons == ("no memory",)
    play.fail("cut", "no memory again")
    failure = play.mission.failure
    assert failure is not None
    assert (play.mission.status, failure.budget, failure.work_item_id) == ("failed", "max_attempts", "cut")
    assert "no memory again" in failure.detail
    assert play.statuses() == {"cut": "failed", "other": "canceled", "last": "canceled"}
    assert [command.run_id for command in play.asked(CancelRun)] == [play.run_of("other")]


def test_a_run_that_fails_over_what_it_was_asked_for_is_not_tried_again() -> None:
    play = Play(item("cut"), item("last", "cut"), max_attempts=3)
    play.fail("cut", "goal: 0 seconds is no length", code="invalid_request")
    failure = play.mission.failure
    assert failure is not None
    assert (play.mission.status, failure.budget, failure.work_item_id) == ("failed", None, "cut")
    assert failure.detail == "goal: 0 seconds is no length"
    assert len(play.asked(StartRun)) == 1


def test_a_second_attempt_passes_both_gates_anew() -> None:
    play = Play(item("cut", review="human", test="human"))
    play.finish("cut")
    play.grant("cut", "review")
    play.deny("cut", "test", reasons=("flickers",))
    play.finish("cut")
    assert play.item("cut").status == "review"
    assert len({command.approval_id for command in play.asked(RequestApproval)}) == 3


def test_a_run_event_must_name_the_current_run() -> None:
    play = Play(item("cut"))
    first = play.run_of("cut")
    play.fail("cut")
    late = t.FinishRun(work_item_id="cut", run_id=first, status="succeeded", author="engine")
    with pytest.raises(Rejected, match="not the item's current run") as refused:
        play.ask(late)
    assert refused.value.extra == {"reason": "stale_run", "state": "in_progress"}
    with pytest.raises(Rejected, match="not the item's current run"):
        play.ask(t.BeginRun(work_item_id="cut", run_id=first))


def test_a_run_ends_once() -> None:
    play = Play(item("cut", review="human"))
    play.finish("cut")
    with pytest.raises(Rejected, match="the run has ended"):
        play.finish("cut")


def test_an_item_that_is_not_there_is_refused() -> None:
    play = Play(item("cut"))
    with pytest.raises(Rejected, match="has no item other"):
        play.ask(t.BeginRun(work_item_id="other", run_id="r"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"run_id": "another"}, "stale_run"),
        ({"approval_id": "another"}, "wrong_approval"),
        ({"gate": "test"}, "gate_not_open"),
    ],
)
def test_a_grant_names_its_gate_its_approval_and_the_run_it_saw(changed: dict[str, str], reason: str) -> None:
    play = Play(item("cut", review="human", test="human"))
    play.finish("cut")
    with pytest.raises(Rejected) as refused:
        play.grant("cut", "review", **changed)
    assert refused.value.reason == reason
    assert play.item("cut").status == "review"


def test_a_grant_counts_once() -> None:
    play = Play(item("cut", review="human", test="human"))
    play.finish("cut")
    play.grant("cut", "review")
    with pytest.raises(Rejected) as refused:
        play.grant("cut", "review")
    assert refused.value.reason == "gate_not_open"


def test_the_grant_of_an_earlier_attempt_is_stale() -> None:
    play = Play(item("cut", review="human"))
    play.finish("cut")
    seen = {"run_id": play.run_of("cut"), "approval_id": str(play.item("cut").gates.review.approval_id)}
    play.deny("cut", "review")
    play.finish("cut")
    with pytest.raises(Rejected) as refused:
        play.grant("cut", "review", **seen)
    assert refused.value.reason == "stale_run"


@pytest.mark.parametrize("decide", [Play.grant, Play.deny])
def test_nobody_decides_about_their_own_work(decide: object) -> None:
    play = Play(item("task", kind="manual", review="human"))
    play.finish("task", by="ada")
    with pytest.raises(Forbidden) as refused:
        decide(play, "task", "review", by="ada")  # type: ignore[operator]
    assert refused.value.code == "author_is_reviewer"
    decide(play, "task", "review", by="bob")  # type: ignore[operator]
    assert play.item("task").status != "review"


def test_self_review_is_possible_when_the_mission_says_so_and_its_summary_tells() -> None:
    play = Play(item("task", kind="manual", review="human"), self_review=True)
    play.finish("task", by="ada")
    play.grant("task", "review", by="ada")
    assert play.mission.summary is not None
    assert play.mission.summary.self_review


def test_the_engines_checks_judge_the_engines_work() -> None:
    play = Play(item("render", test="auto"))
    play.finish("render", by="engine:checks")
    play.grant("render", "test", by="engine:checks")
    assert play.mission.status == "succeeded"


def test_a_paused_mission_starts_nothing_and_goes_on_where_it_was() -> None:
    play = Play(item("take"), item("cut", "take"))
    play.ask(t.Pause(reason="lunch"))
    play.finish("take")
    assert (play.mission.status, play.mission.reason) == ("paused", "lunch")
    assert play.statuses() == {"take": "done", "cut": "todo"}
    play.ask(t.Resume())
    assert play.statuses()["cut"] == "in_progress"


def test_a_paused_mission_can_be_decided_about_and_ends_when_nothing_is_left() -> None:
    play = Play(item("take", review="human"))
    play.ask(t.Pause())
    play.finish("take")
    play.grant("take", "review")
    assert play.mission.status == "succeeded"


def test_canceling_ends_runs_and_voids_questions() -> None:
    play = Play(item("take", review="human"), item("look"), item("cut", "take"))
    play.finish("take")
    play.ask(t.Cancel(reason="enough"))
    assert play.mission.status == "canceled"
    assert set(play.statuses().values()) == {"canceled"}
    assert [(c.run_id, c.reason) for c in play.asked(CancelRun)] == [(play.run_of("look"), "enough")]
    (asked,) = play.asked(RequestApproval)
    assert [c.approval_id for c in play.asked(VoidApproval)] == [asked.approval_id]


@pytest.mark.parametrize(
    ("end", "status"),
    [(t.Cancel(), "canceled"), (None, "succeeded")],
)
def test_what_is_over_stays_over(end: t.Proposal | None, status: str) -> None:
    play = Play(item("take"))
    run_id = play.run_of("take")
    if end is None:
        play.finish("take")
    else:
        play.ask(end)
    assert play.mission.status == status
    finished = t.FinishRun(work_item_id="take", run_id=run_id, status="succeeded", author="engine")
    for proposal in (t.Start(), t.Pause(), t.Resume(), t.Cancel(), finished):
        with pytest.raises(Rejected):
            play.ask(proposal)


def test_max_steps_is_the_number_of_runs() -> None:
    play = Play(item("take"), item("cut", "take"), max_steps=1)
    play.finish("take")
    assert play.mission.failure is not None
    assert (play.mission.status, play.mission.failure.budget) == ("failed", "max_steps")
    assert len(play.asked(StartRun)) == 1


def test_max_tool_calls_counts_calls_and_those_that_are_certain_to_come() -> None:
    play = Play(item("take"), item("cut", "take"), item("other"), max_tool_calls=2, max_parallel=2)
    for name in ("take", "other"):
        play.ask(t.ObserveTool(work_item_id=name, run_id=play.run_of(name), tool="work"))
    assert play.mission.status == "running"
    play.finish("take")
    assert play.mission.failure is not None
    assert (play.mission.status, play.mission.failure.budget) == ("failed", "max_tool_calls")
    assert play.mission.used.tool_calls == 2
    unseen = Play(item("a"), item("b"), max_tool_calls=1, max_parallel=2)
    assert unseen.mission.status == "failed"


def test_a_call_repeated_after_a_crash_counts_again() -> None:
    play = Play(item("take"), max_tool_calls=1)
    call = t.ObserveTool(work_item_id="take", run_id=play.run_of("take"), tool="work")
    play.ask(call)
    play.ask(call)
    assert play.mission.failure is not None
    assert play.mission.failure.budget == "max_tool_calls"


def test_work_done_by_hand_needs_no_tool_calls() -> None:
    play = Play(item("a", kind="manual"), item("b", kind="manual"), max_tool_calls=1)
    assert set(play.statuses().values()) == {"in_progress"}


def test_max_duration_ends_a_mission_when_its_timer_fires() -> None:
    play = Play(item("take"), max_duration_ms=500)
    (timer,) = play.asked(ScheduleTimer)
    assert timer.due_at_ms == 1_500
    play.now_ms = 1_499
    assert play.ask(t.FireTimer(timer_id=timer.timer_id)) == ()
    play.now_ms = 1_500
    play.ask(t.FireTimer(timer_id=timer.timer_id))
    assert play.mission.failure is not None
    assert (play.mission.status, play.mission.failure.budget) == ("failed", "max_duration_ms")


def test_a_pause_does_not_count_as_duration() -> None:
    play = Play(item("take"), max_duration_ms=500)
    play.now_ms = 1_200
    play.ask(t.Pause())
    play.now_ms = 9_000
    assert play.ask(t.FireTimer(timer_id=t.DURATION_TIMER)) == ()
    play.ask(t.Resume())
    assert play.asked(ScheduleTimer)[-1].due_at_ms == 9_300
    play.now_ms = 9_300
    play.ask(t.FireTimer(timer_id=t.DURATION_TIMER))
    assert play.mission.status == "failed"
    assert play.mission.used.active_ms == 500


def test_nothing_starts_after_the_time_is_up_even_if_the_timer_is_late() -> None:
    play = Play(item("take"), item("cut", "take"), max_duration_ms=500)
    play.now_ms = 5_000
    play.finish("take")
    assert play.mission.status == "failed"
    assert len(play.asked(StartRun)) == 1


def test_a_mission_that_was_done_in_time_succeeds_even_if_its_last_word_is_late() -> None:
    play = Play(item("take"), max_duration_ms=500)
    play.now_ms = 5_000
    play.finish("take")
    assert play.mission.status == "succeeded"


def test_the_summary_says_what_was_made_by_whose_leave_and_which_files_are_left() -> None:
    play = Play(item("cut", review="human"), item("deliver", "cut"))
    play.finish("cut", "artifact/plan")
    play.now_ms = 2_000
    play.grant("cut", "review")
    play.now_ms = 3_000
    file = {"path": "/out/a.mp4", "sha256": "ab" * 32, "bytes": 5}
    play.finish("deliver", "render/r", output={"files": [file]})
    summary = play.mission.summary
    assert summary is not None
    assert (summary.started_at_ms, summary.finished_at_ms) == (1_000, 3_000)
    assert summary.files == (wire.SummaryFile(path="/out/a.mp4", sha256="ab" * 32, bytes=5),)
    (decision,) = summary.items[0].decisions
    assert (decision.reviewer, decision.gate, decision.granted, decision.at_ms) == (
        "ada",
        "review",
        True,
        2_000,
    )


def test_a_circle_of_dependencies_is_refused_and_named() -> None:
    with pytest.raises(Invalid, match="b -> c -> b") as refused:
        Play(item("a", "b"), item("b", "c"), item("c", "b"))
    assert refused.value.code == "dependency_cycle"


def test_a_dependency_that_is_not_there_is_refused_and_named() -> None:
    with pytest.raises(Invalid, match="'cut' depends on 'lok'") as refused:
        Play(item("look"), item("cut", "lok"))
    assert (refused.value.code, refused.value.extra["field"]) == (
        "unknown_dependency",
        "work_items[1].depends_on",
    )


def test_two_items_of_one_id_are_refused() -> None:
    with pytest.raises(Invalid, match="two work items have the id 'a'"):
        Play(item("a"), item("a"))


def test_a_mission_without_items_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one work item"):
        Play()


def test_a_mission_is_created_once_and_before_anything_else() -> None:
    with pytest.raises(NotFound) as missing:
        reducer.decide(reducer.init("m9"), t.Start(), Envelope(at_ms=1, actor="ada"))
    assert missing.value.code == "mission_not_found"
    play = Play(item("a"))
    with pytest.raises(Rejected, match="there already"):
        play.ask(t.Create(title="x", goal="x", items=(item("a"),)))


def test_the_head_is_small_and_the_parts_tell_the_rest() -> None:
    play = Play(item("cut", review="human", given={"goal": "short"}))
    play.finish("cut", "artifact/plan", output={"seconds": 20})
    published = views.resources("m1", play.mission)
    assert sorted(published) == ["mission/m1", "mission/m1/item/cut"]
    head, part = published["mission/m1"], published["mission/m1/item/cut"]
    assert isinstance(head, wire.Mission)
    assert isinstance(part, wire.WorkItemDetail)
    assert head.version == len(play.events)
    assert head.work_items[0].refs == ("artifact/plan",)
    assert part.input == {"goal": "short"}
    assert part.attempts[0].output == {"seconds": 20}
    assert views.resources("m2", reducer.init("m2")) == {}


def test_a_large_mission_publishes_a_head_without_items_and_only_the_items_that_changed() -> None:
    play = Play(*(item(f"i{number}") for number in range(100)), max_parallel=100)
    before = play.mission
    play.finish("i7")
    published = views.changed("m1", before, play.mission)
    assert sorted(published) == ["mission/m1", "mission/m1/item/i7"]
    head, part = published["mission/m1"], published["mission/m1/item/i7"]
    assert isinstance(head, wire.Mission)
    assert isinstance(part, wire.WorkItemDetail)
    assert (head.work_items, head.counts.done, head.counts.in_progress) == ((), 1, 99)
    assert part.place == 7
    assert len(views.head(play.mission).work_items) == 100


def test_a_run_that_somebody_canceled_pauses_the_mission_until_it_is_resumed() -> None:
    play = Play(item("cut"), max_attempts=1)
    first = play.run_of("cut")
    canceled = t.FinishRun(
        work_item_id="cut", run_id=first, status="canceled", author="engine", reason="render/r1 was canceled"
    )
    play.ask(canceled)
    assert (play.mission.status, play.item("cut").status) == ("paused", "rework")
    assert "render/r1 was canceled; resume the mission to do it again" in play.mission.reason
    play.ask(t.Resume())
    assert play.run_of("cut") != first
    play.finish("cut")
    assert play.mission.status == "succeeded"


def test_a_changed_resource_that_somebody_is_asked_about_voids_the_question_and_asks_anew() -> None:
    play = Play(item("cut", review="human", test="human"), item("other", review="human"))
    play.finish("cut", "mission/m1/script", "artifact/plan")
    first = play.item("cut").gates.review.approval_id
    play.grant("cut", "review", by="bob")
    tested = play.item("cut").gates.test.approval_id
    play.ask(t.NoteResource(key="mission/m1/script", rev=4))
    gates = play.item("cut").gates
    assert (play.item("cut").status, gates.review.state, gates.test.state) == ("review", "waiting", "waiting")
    assert gates.review.approval_id not in (None, first)
    assert [one.approval_id for one in play.asked(VoidApproval)] == [tested]
    hashes = [one.subject_hash for one in play.asked(RequestApproval) if one.gate == "review"]
    assert len(set(hashes)) == 2
    assert play.ask(t.NoteResource(key="mission/m1/script", rev=4)) == ()
    assert play.ask(t.NoteResource(key="mission/m1/notes", rev=1)) == ()


def test_what_went_wrong_is_told_once_and_a_low_budget_before_it_is_used_up() -> None:
    play = Play(item("a"), item("b", "a"), item("c", "b"), max_steps=3, max_attempts=1)
    for name in ("a", "b"):
        play.finish(name)
    play.fail("c")
    told = [(one.notice, one.properties.get("budget")) for one in play.asked(EmitNotice)]
    assert told == [("mission.budget_low", "max_steps"), ("mission.failed", "max_attempts")]


def test_a_succeeded_mission_has_its_summary_kept() -> None:
    play = Play(item("a"))
    play.finish("a")
    assert play.asked(PersistArtifact) == [PersistArtifact(mission_id="m1", kind="mission_summary")]
    assert (views.head(play.mission).summary_artifact or "").startswith("artifact/")
