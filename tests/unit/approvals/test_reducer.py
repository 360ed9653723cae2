"""The rules of an approval, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom_sdk.wire.approvals import Approval as WireApproval
from cutroom_sdk.wire.approvals import ApprovalDecider, ApprovalSubject
from cutroom_sdk.wire.renders import Check
from engine.approvals import reducer as approvals
from engine.kernel.errors import Forbidden, NotFound, Rejected
from engine.kernel.reducer import Envelope

GOOD = Check(name="duration", status="pass", value="20 s")
BAD = Check(name="loudness", status="fail", value="-9 LUFS", limit="-14 LUFS", fix="lower the gain")
ABSENT = Check(name="audio", status="not_applicable", value="no sound")


def asked(decider: ApprovalDecider = "human", kind: str = "work_item") -> approvals.Asked:
    subject = ApprovalSubject(kind=kind, id="m1/cut", run_id="r1", gate="review")  # type: ignore[arg-type]
    return approvals.Asked(
        decider=decider, subject=subject, subject_hash="h1", summary="the cut", artifact_refs=("artifact/p",)
    )


class Play:
    """An approval driven by hand."""

    def __init__(self, *, decider: ApprovalDecider = "human", kind: str = "work_item") -> None:
        self.now_ms = 1_000
        self.approval = approvals.init("a1")
        self.commands: list[approvals.Command] = []
        self.ask(approvals.Request(asked=asked(decider, kind)))

    def ask(
        self, proposal: approvals.Proposal, *, by: str = "ada", human: bool = True
    ) -> tuple[approvals.Event, ...]:
        envelope = Envelope(at_ms=self.now_ms, actor=by, human=human)
        events = approvals.decide(self.approval, proposal, envelope)
        for event in events:
            step = approvals.on_event(self.approval, event, envelope)
            self.approval = step.state
            self.commands.extend(step.commands)
        return events


def test_the_grant_of_a_gate_is_spent_in_the_same_breath() -> None:
    play = Play()
    events = play.ask(approvals.Decide(grant=True, subject_hash="h1"))
    assert [type(event) for event in events] == [approvals.Granted, approvals.Spent]
    assert (play.approval.state, play.approval.decided_by) == ("spent", "ada")


def test_the_grant_of_anything_else_waits_and_is_spent_once() -> None:
    play = Play(kind="effect")
    play.ask(approvals.Decide(grant=True))
    assert play.approval.state == "granted"
    with pytest.raises(Rejected, match="look again"):
        play.ask(approvals.Spend(subject_hash="h2"))
    play.ask(approvals.Spend(subject_hash="h1"))
    with pytest.raises(Rejected) as refused:
        play.ask(approvals.Spend(subject_hash="h1"))
    assert refused.value.reason == "not_granted"


def test_a_decision_is_made_once() -> None:
    play = Play()
    play.ask(approvals.Decide(grant=False, reason="too long", amend={"keep": [1]}))
    assert (play.approval.state, play.approval.reason, play.approval.amend) == (
        "denied",
        "too long",
        {"keep": [1]},
    )
    with pytest.raises(Rejected) as refused:
        play.ask(approvals.Decide(grant=True))
    assert (refused.value.code, refused.value.extra["state"]) == ("approval_not_pending", "denied")


def test_only_a_person_decides_what_a_person_has_to() -> None:
    play = Play(decider="human")
    with pytest.raises(Forbidden, match="a person has to decide"):
        play.ask(approvals.Decide(grant=True), human=False)
    assert play.approval.state == "pending"


def test_an_agent_may_decide_what_agents_may() -> None:
    play = Play(decider="agent")
    play.ask(approvals.Decide(grant=True), by="bot", human=False)
    assert play.approval.state == "spent"


def test_the_engines_checks_decide_alone_what_they_decide_and_nothing_else() -> None:
    play = Play(decider="auto")
    with pytest.raises(Forbidden, match="the engine's checks decide"):
        play.ask(approvals.Decide(grant=True))
    other = Play(decider="human")
    with pytest.raises(Forbidden, match="the engine's checks do not decide"):
        other.ask(approvals.Settle(checks=(GOOD,)))


def test_checks_that_pass_or_do_not_apply_are_a_grant_and_are_kept() -> None:
    play = Play(decider="auto")
    play.ask(approvals.Settle(checks=(GOOD, ABSENT)), by="engine:checks", human=False)
    assert (play.approval.state, play.approval.checks) == ("spent", (GOOD, ABSENT))


def test_one_failing_check_is_a_denial_that_says_what_was_found_and_what_to_do() -> None:
    play = Play(decider="auto")
    play.ask(approvals.Settle(checks=(GOOD, BAD)))
    assert (play.approval.state, play.approval.reason) == (
        "denied",
        "loudness: -9 LUFS, wanted -14 LUFS (lower the gain)",
    )


def test_checks_that_could_not_be_made_are_no_grant() -> None:
    play = Play(decider="auto")
    play.ask(approvals.Settle(checks=(), error="the checks could not be made: no disk"))
    assert (play.approval.state, play.approval.reason) == (
        "denied",
        "the checks could not be made: no disk",
    )


def test_who_says_what_they_saw_decides_about_that_and_nothing_else() -> None:
    play = Play()
    with pytest.raises(Rejected) as refused:
        play.ask(approvals.Decide(grant=True, subject_hash="h0"))
    assert refused.value.reason == "subject_changed"
    assert play.approval.state == "pending"


def test_an_approval_expires_and_cannot_be_decided_after_its_time_even_if_the_timer_is_late() -> None:
    play = Play()
    (timer,) = play.commands
    assert isinstance(timer, approvals.ScheduleExpiry)
    play.now_ms = timer.due_at_ms - 1
    assert play.ask(approvals.Expire()) == ()
    play.now_ms = timer.due_at_ms
    with pytest.raises(Rejected, match="is expired"):
        play.ask(approvals.Decide(grant=True))
    play.ask(approvals.Expire())
    assert play.approval.state == "expired"
    assert play.ask(approvals.Expire()) == ()


def test_a_decided_approval_does_not_expire() -> None:
    play = Play()
    play.ask(approvals.Decide(grant=True))
    play.now_ms += approvals.LIFE_MS
    assert play.ask(approvals.Expire()) == ()


def test_what_nobody_needs_any_more_is_void_even_before_it_was_asked_for() -> None:
    play = Play()
    play.ask(approvals.Void(reason="canceled"))
    with pytest.raises(Rejected, match="is void"):
        play.ask(approvals.Decide(grant=True))
    envelope = Envelope(at_ms=1, actor="engine")
    early = approvals.on_event(approvals.init("a2"), approvals.Voided(reason="canceled"), envelope).state
    assert approvals.decide(early, approvals.Request(asked=asked()), envelope) == ()
    assert approvals.resources("a2", early) == {}


def test_asking_twice_changes_nothing() -> None:
    play = Play()
    assert play.ask(approvals.Request(asked=asked())) == ()


def test_what_nobody_asked_for_is_not_there() -> None:
    envelope = Envelope(at_ms=1, actor="ada", human=True)
    with pytest.raises(NotFound):
        approvals.decide(approvals.init("a9"), approvals.Decide(grant=True), envelope)


def test_only_the_checks_are_asked_by_the_engine_and_only_people_get_a_term() -> None:
    assert [type(command) for command in Play(decider="auto").commands] == [approvals.EvaluateGate]
    assert [type(command) for command in Play(decider="agent").commands] == [approvals.ScheduleExpiry]


def test_an_approval_shows_what_it_is_about_and_what_became_of_it() -> None:
    play = Play()
    play.ask(approvals.Decide(grant=True, reason="good"))
    shown = approvals.resources("a1", play.approval)["approval/a1"]
    assert isinstance(shown, WireApproval)
    assert (shown.state, shown.subject_hash, shown.decided_by, shown.reason) == (
        "spent",
        "h1",
        "ada",
        "good",
    )


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.builds(
                    approvals.Decide, grant=st.booleans(), subject_hash=st.sampled_from([None, "h1", "h2"])
                ),
                st.builds(approvals.Settle, checks=st.lists(st.sampled_from([GOOD, BAD])).map(tuple)),
                st.builds(approvals.Spend, subject_hash=st.sampled_from(["h1", "h2"])),
                st.builds(approvals.Expire),
                st.builds(approvals.Void, reason=st.just("over")),
                st.just(approvals.Request(asked=asked())),
            ),
            st.booleans(),
            st.integers(0, approvals.LIFE_MS // 2),
        )
    ),
    st.sampled_from(["human", "agent", "auto"]),
    st.sampled_from(["work_item", "effect"]),
)
def test_whatever_is_asked_there_is_one_decision_and_one_use(
    moves: list[tuple[approvals.Proposal, bool, int]], decider: ApprovalDecider, kind: str
) -> None:
    play = Play(decider=decider, kind=kind)
    seen: list[approvals.Event] = []
    for proposal, human, passed in moves:
        play.now_ms += passed
        over = play.approval.state in ("denied", "spent", "expired", "void")
        try:
            events = play.ask(proposal, human=human)
        except (Rejected, Forbidden):
            continue
        assert not (over and events)
        seen.extend(events)
    # A grant that was not used yet may still expire, or be void because what it was for has changed.
    decisions = (approvals.Granted, approvals.Denied)
    ends = (approvals.Denied, approvals.Spent, approvals.Expired, approvals.Voided)
    assert sum(isinstance(event, decisions) for event in seen) <= 1
    assert sum(isinstance(event, ends) for event in seen) <= 1
