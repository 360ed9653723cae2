"""A history told in memory by today's rules, with a clock that is set; and what a recorded one folds to."""

from collections import deque
from typing import Any, Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import canonical, decode, encode
from engine.approvals import reducer as approvals
from engine.editing.reducer import TIMELINE
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.log import Event
from engine.kernel.reducer import Aggregate, Envelope, tag_of
from engine.missions import types as missions
from engine.missions.commands import (
    CancelRun,
    EmitNotice,
    PersistArtifact,
    RequestApproval,
    ScheduleTimer,
    StartRun,
    VoidApproval,
)
from engine.missions.reducer import MISSION
from engine.notices.reducer import NOTICE, Tell
from engine.runs import types as runs
from engine.runs.reducer import RUN
from engine.wiring import decisions, flow

AGGREGATES: Final[dict[str, Aggregate[Any, Any, Any]]] = {
    one.kind: one for one in (MISSION, RUN, approvals.APPROVAL, NOTICE, TIMELINE)
}
ADA: Final = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
ENGINE: Final = Context(actor="engine:outbox")
CHECKS: Final = Context(actor="engine:checks")


class Story:
    """Streams in memory, one event a second, and `passed_ms` beside that; commands are carried out at once, in the order they were asked for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.passed_ms = 0
        self._states: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        self._commands: deque[Struct] = deque()

    def propose(self, asked: Asked, context: Context) -> None:
        """Decide, fold and record one proposal."""
        aggregate = AGGREGATES[asked.stream.partition("/")[0]]
        state = self._states.get(asked.stream, aggregate.init(asked.stream.partition("/")[2]))
        envelope = Envelope(
            at_ms=1_700_000_000_000 + 1_000 * len(self.events) + self.passed_ms,
            actor=context.actor,
            human=context.human,
        )
        decided = aggregate.decide(state, asked.proposal, envelope)
        recorded = []
        for event in decided:
            step = aggregate.on_event(state, event, envelope)
            state = self._states[asked.stream] = step.state
            self._commands.extend(step.commands)
            recorded.append(self._record(asked.stream, event, envelope))
        for event, one in zip(decided, recorded, strict=True):
            self._react(event, one)

    def _record(self, stream: str, event: Struct, envelope: Envelope) -> Event:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        recorded = Event(
            position=len(self.events) + 1,
            partition=ADA.partition,
            stream=stream,
            version=version,
            type=tag_of(type(event)),
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            correlation_id="",
            causation_id="",
            data=msgspec.Raw(encode(event)),
        )
        self.events.append(recorded)
        return recorded

    def _react(self, event: Struct, recorded: Event) -> None:
        match event:
            case runs.Started():
                asked = flow.on_started(event, recorded)
            case runs.ToolObserved():
                asked = flow.on_observed(event, recorded)
            case runs.Finished():
                asked = flow.on_finished(event, recorded)
            case _:
                return
        for one in asked:
            self.propose(one, ENGINE)

    def carry_out(self) -> None:
        """Carry commands out until there are none."""
        while self._commands:
            self._one(self._commands.popleft())

    def _one(self, command: Struct) -> None:
        match command:
            case StartRun():
                self.propose(flow.queue(command), ENGINE)
            case runs.CallTool(run_id=run_id):
                run: runs.Run = self._states[f"run/{run_id}"]
                assert run.work is not None
                self.propose(Asked(f"run/{run_id}", runs.Call()), ENGINE)
                if (ended := self.called(run.work)) is not None:
                    self.propose(Asked(f"run/{run_id}", ended), ENGINE)
            case CancelRun(run_id=run_id, reason=reason):
                self.propose(Asked(f"run/{run_id}", runs.Cancel(reason=reason)), ENGINE)
            case VoidApproval(approval_id=approval_id, reason=reason):
                self.propose(Asked(f"approval/{approval_id}", approvals.Void(reason=reason)), ENGINE)
            case EmitNotice(notice=notice, properties=properties):
                told = Tell(notice=notice, properties=properties)
                self.propose(Asked(f"notice/n{len(self.events)}", told), ENGINE)
            case RequestApproval():
                self.propose(decisions.request(command, command.summary), ENGINE)
            case approvals.ScheduleExpiry(approval_id=approval_id):
                self.review(approval_id)
            case approvals.EvaluateGate(approval_id=approval_id):
                self.test(approval_id)
            case PersistArtifact() | ScheduleTimer() | runs.StopTool():
                pass  # artifacts, time and processes are not of this story
            case _:
                raise AssertionError(f"the story has no {command}")

    def called(self, work: runs.Work) -> runs.Proposal | None:
        """Return how a call of a tool ends; None: not yet."""
        raise NotImplementedError

    def review(self, approval_id: str) -> None:
        """Decide what somebody is asked about, or leave it."""

    def test(self, approval_id: str) -> None:
        """Have the engine's checks decide."""

    def state(self, stream: str) -> Any:
        """What a stream has come to."""
        return self._states[stream]

    def mission(self) -> missions.Mission:
        """The mission `m1` as it stands."""
        state: missions.Mission = self.state("mission/m1")
        return state

    def decide(
        self,
        approval_id: str,
        decision: Struct,
        grant: bool,
        reasons: tuple[str, ...],
        amend: dict[str, Any],
        context: Context,
    ) -> None:
        subject = self._states[f"approval/{approval_id}"].asked.subject
        (told,) = decisions.told_of(approval_id, subject, approvals.Decide(grant=grant, amend=amend), reasons)
        self.propose(Asked(f"approval/{approval_id}", decision), context)
        self.propose(told, context)


def replay(events: list[Event]) -> bytes:
    """Fold recorded events with today's reducers; return what is published, one line a resource, sorted by key."""
    states: dict[str, Any] = {}
    for recorded in events:
        kind, _, name = recorded.stream.partition("/")
        aggregate = AGGREGATES[kind]
        event = decode(bytes(recorded.data), aggregate.event)
        envelope = Envelope(at_ms=recorded.at_ms, actor=recorded.actor)
        before = states.get(recorded.stream, aggregate.init(name))
        states[recorded.stream] = aggregate.on_event(before, event, envelope).state
    published: dict[str, Struct | None] = {}
    for stream, state in states.items():
        kind, _, name = stream.partition("/")
        published.update(AGGREGATES[kind].resources(name, state))
    lines = [canonical({"key": key, "value": value}) for key, value in sorted(published.items())]
    return b"".join(line + b"\n" for line in lines)


def as_lines(events: list[Event]) -> bytes:
    """Return events as JSON lines."""
    return b"".join(encode(event) + b"\n" for event in events)


def from_lines(lines: bytes) -> list[Event]:
    """Read events from JSON lines."""
    return [msgspec.json.decode(line, type=Event) for line in lines.splitlines()]
