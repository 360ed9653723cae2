"""Records the history of a whole default-flow mission, made by today's rules in memory, with a clock that is set.

`python -m tests.replay.record` rewrites the files under `snapshots/histories/`. The story: the plan is denied once and
changed by its reviewer, the first render fails its test, the second passes, the file is delivered.
"""

from collections import deque
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from cutroom_sdk.wire.codec import Wire, canonical, encode
from cutroom_sdk.wire.missions import MissionRequest
from cutroom_sdk.wire.renders import Check
from engine.approvals import reducer as approvals
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.log import Event
from engine.kernel.reducer import Aggregate, Envelope, tag_of
from engine.kernel.tools import ToolContext, ToolResult, Tools
from engine.missions import specs
from engine.missions import types as missions
from engine.missions.reducer import MISSION
from engine.runs import types as runs
from engine.runs.reducer import RUN
from engine.wiring import decisions, flow
from tests.missions_kit import FakeTool

FOLDER: Final = Path(__file__).parents[2] / "snapshots" / "histories"
EVENTS: Final = FOLDER / "footage_edit.events.jsonl"
RESOURCES: Final = FOLDER / "footage_edit.resources.jsonl"
AGGREGATES: Final[dict[str, Aggregate[Any, Any, Any]]] = {
    one.kind: one for one in (MISSION, RUN, approvals.APPROVAL)
}
ADA: Final = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
ENGINE: Final = Context(actor="engine:outbox")
CHECKS: Final = Context(actor="engine:checks")
FILE: Final = {"path": "/out/highlight.mp4", "sha256": "5f" * 32, "bytes": 4_200_000}
RESULTS: Final = {
    "ingest": runs.Finish(made=("asset/a1",), output={"assets": 1}),
    "analyse": runs.Finish(made=("asset/a1", "artifact/shots"), reused=True, notices=("taken from before",)),
    "plan_cut": runs.Finish(made=("artifact/plan", "asset/a1"), output={"cuts": 3, "duration": "20"}),
    "render": runs.Finish(made=("render/r1", "artifact/plan"), output={"frames": 600}),
    "deliver_folder": runs.Finish(made=("render/r1",), output={"files": [FILE]}),
}


class _Anything(Wire, frozen=True, kw_only=True):
    """Takes whatever the template gives."""


class Story:
    """Streams in memory, one event a second; commands are carried out at once, in the order they were asked for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._states: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        self._commands: deque[Struct] = deque()
        self._renders = 0

    def propose(self, asked: Asked, context: Context) -> None:
        """Decide, fold and record one proposal."""
        aggregate = AGGREGATES[asked.stream.partition("/")[0]]
        state = self._states.get(asked.stream, aggregate.init(asked.stream.partition("/")[2]))
        envelope = Envelope(
            at_ms=1_700_000_000_000 + 1_000 * len(self.events), actor=context.actor, human=context.human
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
            case missions.StartRun():
                self.propose(flow.queue(command), ENGINE)
            case runs.CallTool(run_id=run_id):
                run = self._states[f"run/{run_id}"]
                self.propose(Asked(f"run/{run_id}", runs.Call()), ENGINE)
                self.propose(Asked(f"run/{run_id}", RESULTS[run.work.tool]), ENGINE)
            case missions.RequestApproval():
                self.propose(decisions.request(command, command.summary), ENGINE)
            case approvals.ScheduleExpiry(approval_id=approval_id):
                self._review(approval_id)
            case missions.PersistArtifact():
                pass  # it lies among the artifacts, which are not of this story
            case approvals.EvaluateGate(approval_id=approval_id):
                self._test(approval_id)
            case _:
                raise AssertionError(f"the story has no {command}")

    def _review(self, approval_id: str) -> None:
        again = self._states["mission/m1"].item("plan_cut").reasons
        keep = [{"asset_id": "a1", "start": "2", "end": "22"}]
        decision = approvals.Decide(grant=bool(again), reason="" if again else "the intro goes", amend={})
        if not again:
            decision = msgspec.structs.replace(decision, amend={"keep": keep})
        self._decide(approval_id, decision, decision.grant, (decision.reason,), decision.amend, ADA)

    def _test(self, approval_id: str) -> None:
        self._renders += 1
        good = self._renders > 1
        check = Check(
            name="duration",
            status="pass" if good else "fail",
            value="20 s" if good else "21.2 s",
            limit="20 s within 0.5 s",
        )
        settle = approvals.Settle(checks=(check,))
        self._decide(approval_id, settle, good, approvals.failing((check,)), {}, CHECKS)

    def _decide(
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


def tell() -> list[Event]:
    """Return the events of the story as today's rules tell it."""

    async def check(_result: ToolResult, _context: ToolContext) -> tuple[Check, ...]:
        return ()

    tools = Tools()
    for name in RESULTS:
        tools.add(FakeTool(name, check=check, input=_Anything).tool())
    request = MissionRequest(
        template="footage_edit",
        args={
            "asset_ids": ["a1"],
            "goal": "a 20 second highlight",
            "profile": "reels",
            "output": "/out/highlight.mp4",
        },
        metadata={"key": "talk.mp4"},
        start=True,
    )
    story = Story()
    story.propose(Asked("mission/m1", specs.read(request, tools, ADA)), ADA)
    story.carry_out()
    return story.events


def replay(events: list[Event]) -> bytes:
    """Fold recorded events with today's reducers; return what is published, one line a resource, sorted by key."""
    states: dict[str, Any] = {}
    for recorded in events:
        kind, _, name = recorded.stream.partition("/")
        aggregate = AGGREGATES[kind]
        event = msgspec.json.decode(bytes(recorded.data), type=aggregate.event)
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


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    EVENTS.write_bytes(as_lines(tell()))
    RESOURCES.write_bytes(replay(from_lines(EVENTS.read_bytes())))
