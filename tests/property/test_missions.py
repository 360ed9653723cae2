"""Whatever is proposed in whatever order, a mission keeps its rules."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.codec import canonical, decode, encode
from cutroom_sdk.wire.missions import Budgets, Decider
from engine.kernel.errors import Forbidden, Invalid, Rejected
from engine.kernel.reducer import Envelope
from engine.missions import reducer as missions
from engine.missions import types as t
from engine.missions.board import board_of
from engine.missions.commands import CancelRun, EmitNotice, RequestApproval, StartRun, VoidApproval
from engine.missions.fold import on_event
from engine.missions.views import changed, resources
from tests.missions_kit import item

NAMES = ("a", "b", "c", "d")
KEYS = ("mission/m1/script", "project/film/list")
deciders: st.SearchStrategy[Decider] = st.sampled_from(["none", "auto", "agent", "human"])
some = st.none() | st.integers(1, 6)


@st.composite
def specs(draw: st.DrawFn) -> tuple[t.ItemSpec, ...]:
    """Up to four items, each depending on some of those before it."""
    chosen = NAMES[: draw(st.integers(1, len(NAMES)))]
    made = []
    for place, name in enumerate(chosen):
        needs = draw(st.lists(st.sampled_from(chosen[:place]), unique=True)) if place else []
        kind = draw(st.sampled_from(["work", "manual"]))
        made.append(item(name, *needs, kind=kind, review=draw(deciders), test=draw(deciders)))
    return tuple(made)


budgets = st.builds(
    Budgets,
    max_steps=some,
    max_tool_calls=some,
    max_duration_ms=st.none() | st.integers(1, 200),
    max_attempts=st.integers(1, 3),
    max_parallel=st.integers(1, 3),
)


class Moves:
    """Draws proposals that are often right for the mission as it is, and often not."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def pick(self, mission: t.Mission) -> tuple[t.Proposal, str]:
        """Return a proposal and who makes it."""
        who = self._draw(st.sampled_from(["ada", "bob", "engine", "engine:checks"]))
        kinds = ["run", "run", "gate", "gate", "gate", "observe", "begin", "whole", "timer", "change"]
        move = getattr(self, f"_{self._draw(st.sampled_from(kinds))}")
        proposal: t.Proposal = move(mission)
        return proposal, who

    def _draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self._data.draw(strategy)

    def _about(self, mission: t.Mission) -> tuple[t.Item, str]:
        about = self._draw(st.sampled_from(mission.items))
        runs = [attempt.run_id for attempt in about.attempts]
        return about, self._draw(st.sampled_from([*runs[::-1], "unknown"]))

    def _run(self, mission: t.Mission) -> t.Proposal:
        about, run_id = self._about(mission)
        status = self._draw(st.sampled_from(["succeeded", "succeeded", "succeeded", "failed", "canceled"]))
        author = self._draw(st.sampled_from(["engine", "ada"]))
        refs = self._draw(st.sampled_from([KEYS, KEYS[:1], ()]))
        code = self._draw(st.sampled_from(["work_failed", "invalid_request"])) if status == "failed" else ""
        return t.FinishRun(
            work_item_id=about.name, run_id=run_id, status=status, author=author, refs=refs, code=code
        )

    def _begin(self, mission: t.Mission) -> t.Proposal:
        about, run_id = self._about(mission)
        return t.BeginRun(work_item_id=about.name, run_id=run_id)

    def _observe(self, mission: t.Mission) -> t.Proposal:
        about, run_id = self._about(mission)
        return t.ObserveTool(work_item_id=about.name, run_id=run_id, tool="work")

    def _gate(self, mission: t.Mission) -> t.Proposal:
        about, run_id = self._about(mission)
        known = [gate.approval_id for gate in (about.gates.review, about.gates.test) if gate.approval_id]
        fields = {
            "work_item_id": about.name,
            "run_id": run_id,
            "gate": self._draw(st.sampled_from(["review", "test"])),
            "approval_id": self._draw(st.sampled_from([*known, "unknown"])),
        }
        return t.Grant(**fields) if self._draw(st.integers(0, 3)) else t.Deny(**fields)

    def _change(self, mission: t.Mission) -> t.Proposal:
        asked = [one for one in mission.items if one.status in ("review", "test")]
        made = [ref for one in asked for ref in one.attempts[-1].refs]
        key, rev = self._draw(st.sampled_from([*made, *KEYS])), self._draw(st.integers(1, 4))
        return t.NoteResource(key=key, rev=rev, at_ms=self._draw(st.none() | st.integers(0, 400)))

    def _whole(self, _mission: t.Mission) -> t.Proposal:
        whole: list[t.Proposal] = [t.Start(), t.Pause(), t.Resume(), t.Resume(), t.Cancel()]
        proposal: t.Proposal = self._draw(st.sampled_from(whole))
        return proposal

    def _timer(self, _mission: t.Mission) -> t.Proposal:
        return t.FireTimer(timer_id=t.DURATION_TIMER)


def play(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets, *, self_review: bool = False
) -> list[tuple[t.Mission, t.Event, t.Mission, Sequence[Any], Envelope]]:
    """Propose at random; return every fold: before, event, after, commands, envelope."""
    moves, now = Moves(data), 0
    mission = missions.init("m1")
    folds: list[tuple[t.Mission, t.Event, t.Mission, Sequence[Any], Envelope]] = []
    create = t.Create(title="x", goal="x", items=items, budgets=allowed, self_review=self_review, start=True)
    asked: tuple[t.Proposal, str] = (create, "ada")
    for _ in range(data.draw(st.integers(5, 40))):
        now += data.draw(st.integers(0, 9))
        envelope = Envelope(at_ms=now, actor=asked[1])
        try:
            events = missions.decide(mission, asked[0], envelope)
        except (Rejected, Forbidden):
            events = ()
        for event in events:
            step = on_event(mission, event, envelope)
            folds.append((mission, event, step.state, step.commands, envelope))
            mission = step.state
        asked = moves.pick(mission)
    return folds


@given(st.data(), specs(), budgets)
def test_the_board_is_what_the_items_come_to(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    for _, _, after, _, _ in play(data, items, allowed):
        assert after.board == board_of(after.items)
        assert [one.name for one in after.items] == list(after.board.places)


@given(st.data(), specs(), budgets)
def test_what_changes_is_published_and_nothing_else(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    for before, _, after, _, _ in play(data, items, allowed):
        told = changed("m1", before, after)
        old, new = resources("m1", before), resources("m1", after)
        assert all(new[key] == value for key, value in told.items())
        assert {key for key in new if new[key] != old.get(key)} <= set(told)


@given(st.data(), specs(), budgets)
def test_what_is_over_never_changes_again(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    for before, event, after, _, _ in play(data, items, allowed):
        assert not before.over, f"{event} after {before.status}"
        for old in before.items:
            new = after.item(old.name)
            assert new is not None
            if old.over:
                assert new == old
        if after.over:
            assert all(one.over for one in after.items)


@given(st.data(), specs(), budgets, st.booleans())
def test_an_item_is_done_only_with_every_grant_of_its_current_run_by_somebody_else(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets, self_review: bool
) -> None:
    for _, _, after, _, _ in play(data, items, allowed, self_review=self_review):
        for one in after.items:
            if one.status != "done":
                continue
            last = one.attempts[-1]
            assert last.status == "succeeded"
            asked = {one.gates.review.approval_id, one.gates.test.approval_id} - {None}
            # What was granted before something changed was granted for something else.
            counted = [decision for decision in last.decisions if decision.approval_id in asked]
            wanted = {gate for gate in ("review", "test") if one.gate(gate).decider != "none"}
            assert {decision.gate for decision in counted if decision.granted} == wanted
            assert len(counted) == len(wanted)
            own = [d for d in last.decisions if d.reviewer == last.author and d.decider != "auto"]
            assert self_review or not own


@given(st.data(), specs(), budgets)
def test_nothing_runs_beyond_the_budgets_and_a_failure_names_one(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    for before, event, after, _, envelope in play(data, items, allowed):
        alive = [one for one in after.items if one.status == "in_progress"]
        assert len(alive) <= allowed.max_parallel
        assert after.used.steps <= (allowed.max_steps or after.used.steps)
        assert all(
            sum(attempt.status != "canceled" for attempt in one.attempts) <= allowed.max_attempts
            for one in after.items
        )
        assert (after.status == "failed") == (after.failure is not None)
        if isinstance(event, t.RunRequested):
            assert before.status == "running"
            limit = allowed.max_duration_ms
            assert limit is None or before.active_ms(envelope.at_ms) < limit
            own = after.item(event.work_item_id)
            assert own is not None
            if own.spec.kind != "manual":
                assert before.used.tool_calls < (allowed.max_tool_calls or before.used.tool_calls + 1)
            assert all(
                needed is not None and needed.status == "done"
                for needed in map(after.item, own.spec.depends_on)
            )


@given(st.data(), specs(), budgets)
def test_every_run_is_asked_for_once_and_whatever_is_alive_at_the_end_is_canceled(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    asked: list[str] = []
    for before, event, after, commands, _ in play(data, items, allowed):
        asked += [command.run_id for command in commands if isinstance(command, StartRun)]
        if isinstance(event, t.Canceled | t.Failed):
            alive = {one.run_id for one in before.items if one.status == "in_progress"}
            assert {c.run_id for c in commands if isinstance(c, CancelRun)} == alive
            open_gates = {
                gate.approval_id
                for one in before.items
                for gate in (one.gates.review, one.gates.test)
                if gate.state == "waiting" and gate.approval_id
            }
            assert {c.approval_id for c in commands if isinstance(c, VoidApproval)} == open_gates
        if not after.over:
            waiting = [one for one in after.items if one.status == "review"]
            assert all(one.attempts[-1].status == "succeeded" for one in waiting)
    assert len(asked) == len(set(asked))


@settings(max_examples=60)
@given(st.data(), specs(), budgets)
def test_nobody_is_asked_twice_under_one_id_and_what_has_changed_is_asked_anew(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    asked: set[str] = set()
    voided: set[str] = set()
    for before, event, after, commands, _ in play(data, items, allowed):
        for command in commands:
            if isinstance(command, RequestApproval):
                assert command.approval_id not in asked
                asked.add(command.approval_id)
            if isinstance(command, VoidApproval):
                voided.add(command.approval_id)
        if isinstance(event, t.GateGranted | t.GateDenied):
            assert event.approval_id in asked - voided
        if isinstance(event, t.ResourceChanged):
            old, new = before.item(event.work_item_id), after.item(event.work_item_id)
            assert old is not None and new is not None  # noqa: PT018
            assert event.key in old.attempts[-1].refs
            assert old.status in ("review", "test")
            states = {new.gates.review.state, new.gates.test.state}
            assert states <= {"waiting", "none"}, "leave was for something else"
            assert {new.gates.review.approval_id, new.gates.test.approval_id} == {None}


@settings(max_examples=60)
@given(st.data(), specs(), budgets)
def test_a_run_that_somebody_canceled_is_not_done_again_before_somebody_says_so(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    told: list[EmitNotice] = []
    for before, event, after, commands, _ in play(data, items, allowed):
        told += [one for one in commands if isinstance(one, EmitNotice)]
        if isinstance(event, t.Paused):
            assert (before.status, after.status) == ("running", "paused")
            assert (event.work_item_id is not None) == any(
                one.notice == "mission.paused" for one in commands if isinstance(one, EmitNotice)
            )
        if isinstance(event, t.RunRequested):
            assert after.status == "running"
        if isinstance(event, t.Failed):
            assert told[-1].notice == "mission.failed"
            assert (event.budget is None) == (
                event.work_item_id is not None and _final(after, event.work_item_id)
            )


def _final(mission: t.Mission, name: str) -> bool:
    item = mission.item(name)
    return item is not None and item.attempts[-1:] != () and item.attempts[-1].code == "invalid_request"


@given(st.data(), specs(), budgets)
def test_the_same_events_give_the_same_state_through_the_wire_and_back(
    data: st.DataObject, items: tuple[t.ItemSpec, ...], allowed: Budgets
) -> None:
    folds = play(data, items, allowed)
    replayed = missions.init("m1")
    for _, event, after, _, envelope in folds:
        read: t.Event = decode(encode(event), t.Event)  # type: ignore[arg-type]
        # The log keeps no `human`: a fold that looked at it would not replay.
        again = Envelope(at_ms=envelope.at_ms, actor=envelope.actor)
        replayed = on_event(replayed, read, again).state
        assert canonical(replayed) == canonical(after)
    assert replayed.version == len(folds)
    for value in resources("m1", replayed).values():
        encode(value)


@settings(max_examples=60)
@given(specs(), st.randoms(use_true_random=False))
def test_without_mishaps_every_mission_succeeds(items: tuple[t.ItemSpec, ...], chance: Any) -> None:
    mission, envelope = missions.init("m1"), Envelope(at_ms=1, actor="reviewer")

    def ask(proposal: t.Proposal) -> None:
        nonlocal mission
        for event in missions.decide(mission, proposal, envelope):
            mission = on_event(mission, event, envelope).state

    ask(t.Create(title="x", goal="x", items=items, start=True))
    while not mission.over:
        turn = chance.choice(
            [one for one in mission.items if one.status in ("in_progress", "review", "test")]
        )
        run_id = turn.attempts[-1].run_id
        if turn.status == "in_progress":
            ask(t.FinishRun(work_item_id=turn.name, run_id=run_id, status="succeeded", author="engine"))
        else:
            approval_id = turn.gate(turn.status).approval_id
            ask(t.Grant(work_item_id=turn.name, run_id=run_id, gate=turn.status, approval_id=approval_id))
    assert mission.status == "succeeded"


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from([*NAMES, "z"]))), max_size=4))
def test_items_are_taken_exactly_when_they_can_be_done_in_some_order(
    asked: list[tuple[str, list[str]]],
) -> None:
    items = tuple(item(name, *needs) for name, needs in asked)
    names = [one.work_item_id for one in items]
    done: set[str] = set()
    for _ in items:
        done |= {one.work_item_id for one in items if done.issuperset(one.depends_on)}
    possible = bool(items) and len(set(names)) == len(names) and done == set(names)
    if possible:
        missions.check_dependencies(items)
    else:
        with pytest.raises(Invalid):
            missions.check_dependencies(items)
