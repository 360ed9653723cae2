"""Whatever is proposed about calls and leave, in whatever order: each leave is used once, for the call that it was given for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.approvals import ApprovalSubject
from cutroom_sdk.wire.missions import Authority
from cutroom_sdk.wire.policy import UNASKED
from engine.approvals import reducer as approvals
from engine.kernel.errors import StudioError
from engine.kernel.reducer import Envelope
from engine.kernel.tools import ToolResult
from engine.policy.rules import RULES, Call, Standing, judge, subject_hash
from engine.runs import reducer as runs
from engine.runs import types as t

RUNS = ("r1", "r2")
PLACES = ("", "1", "1.1")
MINUTE = 60_000
rounds = [50, pytest.param(2_000, marks=pytest.mark.deep)]


@dataclass
class Studio:
    """Two runs and the leave that they ask for, on the reducers themselves; what is proposed together holds together."""

    now_ms: int = 1_000
    streams: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, Any]] = field(default_factory=list)
    asked: int = 0

    def state(self, stream: str) -> Any:
        kind, _, name = stream.partition("/")
        init: Any = runs.init if kind == "run" else approvals.init
        return self.streams.get(stream) or init(name)

    def ask(self, *proposals: tuple[str, Any], by: str = "ada") -> bool:
        """Propose all of them, or none; tell whether they were accepted."""
        envelope = Envelope(at_ms=self.now_ms, actor=by, human=by == "ada")
        before, count = dict(self.streams), len(self.log)
        try:
            for stream, proposal in proposals:
                room: Any = runs if stream.startswith("run/") else approvals
                for event in room.decide(self.state(stream), proposal, envelope):
                    self.streams[stream] = room.on_event(self.state(stream), event, envelope).state
                    self.log.append((stream, event))
        except StudioError:
            self.streams = before
            del self.log[count:]
            return False
        return True

    def hold(self, run_id: str, place: str, life_ms: int) -> None:
        """Have a call wait for leave, as the gate does."""
        self.asked += 1
        approval_id, bound_to = f"a{self.asked}", f"h{self.asked}"
        expires = self.now_ms + life_ms
        held = t.Held(
            place=place, tool="x", subject_hash=bound_to, approval_id=approval_id, expires_at_ms=expires
        )
        asked = approvals.Asked(
            decider="human",
            subject=ApprovalSubject(kind="effect", id="m/i", run_id=run_id),
            subject_hash=bound_to,
            summary="",
            artifact_refs=(),
        )
        request = approvals.Request(asked=asked, expires_at_ms=expires)
        self.ask((f"run/{run_id}", t.Hold(held=held)), (f"approval/{approval_id}", request))

    def decide(self, number: int, run_id: str, grant: bool, by: str) -> None:
        """Decide some approval, and tell some run, the right one or not, as `engine.wiring` tells the right one."""
        approval_id = f"a{number}"
        told: Any = t.Permit(approval_id=approval_id)
        if not grant:
            told = t.Refuse(approval_id=approval_id, reason="no")
        decision = approvals.Decide(grant=grant)
        self.ask((f"approval/{approval_id}", decision), (f"run/{run_id}", told), by=by)

    def call(self, run_id: str, place: str, number: int, hash_number: int) -> None:
        """Make a call with some leave, spent in the same commit; with 0 without any."""
        approval_id = f"a{number}" if number else ""
        call: Any = t.Call(approval_id=approval_id)
        if place:
            call = t.CallNested(place=place, tool="x", input_hash="i", approval_id=approval_id)
        spend = (
            [(f"approval/{approval_id}", approvals.Spend(subject_hash=f"h{hash_number}"))] if number else []
        )
        self.ask((f"run/{run_id}", call), *spend)


numbers = st.integers(0, 4)
steps = st.one_of(
    st.tuples(st.just("hold"), st.sampled_from(RUNS), st.sampled_from(PLACES), st.sampled_from((1, MINUTE))),
    st.tuples(
        st.just("decide"), numbers, st.sampled_from(RUNS), st.booleans(), st.sampled_from(("ada", "bot"))
    ),
    st.tuples(st.just("call"), st.sampled_from(RUNS), st.sampled_from(PLACES), numbers, numbers),
    st.tuples(st.just("grant"), st.sampled_from(RUNS)),
    st.tuples(st.just("use"), st.sampled_from(RUNS)),
    st.tuples(st.just("void"), numbers),
    st.tuples(st.just("expire"), numbers),
    st.tuples(st.just("return"), st.sampled_from(RUNS), st.sampled_from(PLACES[1:])),
    st.tuples(st.just("cancel"), st.sampled_from(RUNS)),
    st.tuples(st.just("wait"), st.sampled_from((1, MINUTE))),
)
# As it should go, so that it often comes to a use; anything may come in between.
proper = st.tuples(st.sampled_from(RUNS), st.sampled_from(PLACES)).map(
    lambda at: [("hold", *at, MINUTE), ("grant", at[0]), ("use", at[0])]
)
episodes = st.one_of(proper, steps.map(lambda step: [step]), steps.map(lambda step: [step]))
stories = st.lists(episodes, min_size=3, max_size=20).map(lambda found: list(chain.from_iterable(found)))


def play(moves: Sequence[tuple[Any, ...]]) -> Studio:
    """Return a studio after these moves."""
    studio = Studio()
    for run_id in RUNS:
        work = t.Work(
            mission_id="m",
            work_item_id="i",
            attempt=1,
            tool="x",
            manual=False,
            input={},
            refs=(),
            reasons=(),
            capabilities=(),
        )
        studio.ask((f"run/{run_id}", t.Queue(work=work)))
    for kind, *given_ in moves:
        match kind:
            case "hold" | "decide" | "call":
                getattr(studio, kind)(*given_)
            case "grant":
                if (approval_id := studio.state(f"run/{given_[0]}").waits_for) is not None:
                    studio.decide(int(approval_id[1:]), given_[0], True, "ada")
            case "use":
                for leave in studio.state(f"run/{given_[0]}").held.values():
                    number = int(leave.approval_id[1:])
                    studio.call(given_[0], leave.place, number, number)
            case "void":
                studio.ask((f"approval/a{given_[0]}", approvals.Void(reason="changed")))
            case "expire":
                studio.ask((f"approval/a{given_[0]}", approvals.Expire()))
            case "return":
                studio.ask((f"run/{given_[0]}", t.ReturnNested(place=given_[1], result=ToolResult())))
            case "cancel":
                studio.ask((f"run/{given_[0]}", t.Cancel(reason="enough")))
            case "wait":
                studio.now_ms += given_[0]
    return studio


@pytest.mark.parametrize("examples", rounds)
def test_leave_is_used_once_and_for_the_call_that_it_was_given_for(examples: int) -> None:
    used = 0

    @settings(max_examples=examples * 6)
    @given(stories)
    def check(moves: Sequence[tuple[Any, ...]]) -> None:
        nonlocal used
        log = play(moves).log
        held: dict[str, tuple[str, str]] = {}
        needs: set[tuple[str, str]] = set()
        granted: set[str] = set()
        spent: list[str] = []
        for stream, event in log:
            match event:
                case t.CallHeld(held=one):
                    held[one.approval_id] = (stream, one.place)
                    needs.add((stream, one.place))
                case approvals.Granted(by=by):
                    assert by == "ada", "a program gives no leave"
                    granted.add(stream.removeprefix("approval/"))
                case approvals.Spent():
                    spent.append(stream.removeprefix("approval/"))
                case t.ToolReturned(place=place):
                    needs.discard((stream, place))
                case t.ToolObserved(place=place, approval_id=approval_id):
                    if (stream, place) in needs:
                        assert approval_id in granted
                        assert held[approval_id] == (stream, place), "leave of another call"
        assert len(spent) == len(set(spent)), "used twice"
        assert set(spent) <= granted
        calls = [event.approval_id for _, event in log if isinstance(event, t.ToolObserved)]
        assert sorted(filter(None, calls)) == sorted(spent), "each in the commit of its call"
        used += len(spent)

    check()
    assert used, "some leave was used"


texts = st.sampled_from(("https://a.example/x", "https://b.example/", "/out/a", "/elsewhere"))
authorities = st.builds(
    Authority,
    routine_id=st.just("r"),
    routine_run_id=st.just("r~1"),
    creator=st.sampled_from(("ada", "bot")),
    allowed_tools=st.lists(st.sampled_from(("x", "y")), unique=True).map(tuple),
    output_targets=st.lists(texts, unique=True, max_size=2).map(tuple),
    external_effects_allowed=st.booleans(),
    requires_approval=st.booleans(),
)
calls = st.builds(
    Call,
    tool=st.sampled_from(("x", "y", "X")),
    effect=st.sampled_from(("none", "local", "external")),
    capability=st.just("media:write"),
    targets=st.lists(texts, max_size=2).map(tuple),
)
standings = st.builds(
    Standing,
    capabilities=st.sampled_from(((), ("media:write",), ("media:write", UNASKED), ("*",))),
    bounds=st.lists(authorities, max_size=2).map(tuple),
)
ORDER = {"run": 0, "pending_approval": 1, "blocked_policy": 2}


@given(calls, standings, authorities)
def test_another_bound_never_widens(call: Call, standing: Standing, more: Authority) -> None:
    if standing.bounds:
        narrowed = Standing(capabilities=standing.capabilities, bounds=(*standing.bounds, more))
        assert ORDER[judge(call, narrowed).decision] >= ORDER[judge(call, standing).decision]


@given(calls, standings)
def test_what_runs_unasked_was_let_by_somebody(call: Call, standing: Standing) -> None:
    verdict = judge(call, standing)
    assert verdict.rule in {rule.name for rule in RULES}
    if verdict.decision == "run" and call.effect == "external":
        free = all(
            bound.external_effects_allowed
            and not bound.requires_approval
            and call.tool in bound.allowed_tools
            for bound in standing.bounds
        )
        assert free
        assert standing.bounds or standing.may(UNASKED)


@given(calls, calls, standings, standings, st.sampled_from(RUNS), st.sampled_from(PLACES), st.integers(0, 2))
def test_leave_is_bound_to_all_that_was_shown(
    one: Call, other: Call, mine: Standing, yours: Standing, run_id: str, place: str, expires: int
) -> None:
    def bound(call: Call, standing: Standing, run: str, at: str, arguments: Any, until: int) -> str:
        return subject_hash(call, standing, run_id=run, place=at, arguments=arguments, expires_at_ms=until)

    base = bound(one, mine, "r1", "", {"a": 1}, 0)
    assert (base == bound(other, yours, run_id, place, {"a": 1}, expires)) == (
        (one, mine.bounds, "r1", "", 0) == (other, yours.bounds, run_id, place, expires)
    )
    assert base != bound(one, mine, "r1", "", {"a": 2}, 0)
