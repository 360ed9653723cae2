"""What tests of missions share: a mission driven by hand, and fake tools on a real kernel."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import Request
from cutroom_sdk.wire.missions import Budgets, Decider
from cutroom_sdk.wire.renders import Check
from engine.approvals.reducer import APPROVAL, LIFE_MS
from engine.approvals.reducer_delegation import DELEGATION
from engine.kernel.clock import Clock, SystemClock
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Envelope
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.media.reducer import ARTIFACT
from engine.missions import reducer as missions
from engine.missions import types as t
from engine.missions.commands import Command
from engine.missions.fold import on_event
from engine.missions.reducer import MISSION
from engine.notices.reducer import NOTICE
from engine.routines.reducer import ROUTINE
from engine.routines.reducer_chain import CHAIN
from engine.routines.reducer_run import ROUTINE_RUN
from engine.routines.reducer_watch import WATCH
from engine.runs.reducer import RUN
from engine.wiring import register

AGGREGATES = (MISSION, RUN, APPROVAL, DELEGATION, NOTICE, ARTIFACT, ROUTINE, ROUTINE_RUN, CHAIN, WATCH)
ADA = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
BOT = Context(actor="bot", human=False, capabilities=frozenset({"*"}))


def item(
    name: str,
    *needs: str,
    kind: str = "work",
    review: Decider = "none",
    test: Decider = "none",
    given: dict[str, Any] | None = None,
) -> t.ItemSpec:
    """A work item; gates are `none` unless said otherwise."""
    return t.ItemSpec(
        work_item_id=name,
        title=name.capitalize(),
        detail="",
        role="",
        kind=kind,
        input=given or {},
        depends_on=needs,
        review=review,
        test=test,
    )


class Play:
    """A mission driven by hand: what is asked is decided and folded; all events and commands are kept."""

    def __init__(
        self, *items: t.ItemSpec, start: bool = True, self_review: bool = False, **budgets: int
    ) -> None:
        self.now_ms = 1_000
        self.mission = missions.init("m1")
        self.events: list[t.Event] = []
        self.commands: list[Command] = []
        self.ask(
            t.Create(
                title="Cut it",
                goal="a cut",
                items=items,
                budgets=Budgets(**budgets),
                self_review=self_review,
                start=start,
            )
        )

    def ask(self, proposal: t.Proposal, by: str = "ada") -> tuple[t.Event, ...]:
        """Propose; return the events. A refusal is raised and changes nothing."""
        envelope = Envelope(at_ms=self.now_ms, actor=by, human=by != "bot")
        events = missions.decide(self.mission, proposal, envelope)
        for event in events:
            step = on_event(self.mission, event, envelope)
            self.mission = step.state
            self.events.append(event)
            self.commands.extend(step.commands)
        return events

    def item(self, name: str) -> t.Item:
        """One item as it stands."""
        found = self.mission.item(name)
        assert found is not None
        return found

    def statuses(self) -> dict[str, str]:
        """All items' statuses."""
        return {one.name: one.status for one in self.mission.items}

    def run_of(self, name: str) -> str:
        """The item's current run."""
        run_id = self.item(name).run_id
        assert run_id is not None
        return run_id

    def finish(self, name: str, *refs: str, by: str = "engine", **more: Any) -> tuple[t.Event, ...]:
        """The item's run succeeds."""
        return self.ask(
            t.FinishRun(
                work_item_id=name, run_id=self.run_of(name), status="succeeded", author=by, refs=refs, **more
            )
        )

    def fail(self, name: str, reason: str = "it broke", *, code: str = "work_failed") -> tuple[t.Event, ...]:
        """The item's run fails."""
        return self.ask(
            t.FinishRun(
                work_item_id=name,
                run_id=self.run_of(name),
                status="failed",
                author="engine",
                reason=reason,
                code=code,
            )
        )

    def grant(self, name: str, at: Any, by: str = "ada", **changed: Any) -> tuple[t.Event, ...]:
        """Grant a gate, with anything about the grant changed by name."""
        return self.ask(t.Grant(**self._decision(name, at) | changed), by)

    def deny(self, name: str, at: Any, by: str = "ada", **changed: Any) -> tuple[t.Event, ...]:
        """Deny a gate, with anything about the denial changed by name."""
        return self.ask(t.Deny(**self._decision(name, at) | changed), by)

    def _decision(self, name: str, gate: Any) -> dict[str, Any]:
        return {
            "work_item_id": name,
            "run_id": self.run_of(name),
            "gate": gate,
            "approval_id": self.item(name).gate(gate).approval_id or "none",
        }

    def asked(self, kind: type[Struct]) -> list[Any]:
        """All commands of one kind so far."""
        return [command for command in self.commands if isinstance(command, kind)]


class WorkInput(Request, frozen=True, kw_only=True):
    """Input of the fake tools."""

    text: str = ""
    keep: tuple[int, ...] = ()


Call = Callable[[WorkInput, ToolContext], Awaitable[ToolResult]]
Checks = Callable[[ToolResult, ToolContext], Awaitable[tuple[Check, ...]]]


@dataclass
class FakeTool:
    """A tool that does what a test says, and remembers what it was called with."""

    name: str
    call: Call | None = None
    check: Checks | None = None
    limit_s: float = 20.0
    idempotent: bool = True
    capability: str = "media:write"
    effect: Literal["none", "local", "external"] = "none"
    targets: Callable[[Any], tuple[str, ...]] | None = None
    input: type[Struct] = WorkInput
    seen: list[tuple[WorkInput, ToolContext]] = field(default_factory=list)

    def tool(self) -> Tool:
        """Return it as the registry wants it."""

        async def call(given: WorkInput, context: ToolContext) -> ToolResult:
            self.seen.append((given, context))
            if self.call is not None:
                return await self.call(given, context)
            return ToolResult(refs=(f"artifact/{self.name}-{context.attempt}",), output={"by": self.name})

        return Tool(
            name=self.name,
            title=self.name,
            input=self.input,
            call=call,
            effect=self.effect,
            targets=self.targets or (lambda _: ()),
            touches=self.targets or (lambda _: ()),
            capability=self.capability,
            limit_s=self.limit_s,
            idempotent=self.idempotent,
            check=self.check,
        )


@contextlib.asynccontextmanager
async def studio(
    folder: Path,
    *tools: FakeTool,
    clock: Clock | None = None,
    prepare: Callable[[Kernel], None] = lambda _: None,
    approval_life_ms: int = LIFE_MS,
) -> AsyncIterator[Kernel]:
    """A real kernel with missions, runs, approvals and routines joined up, and nothing that fires by itself."""
    kernel = await Kernel.open(folder, AGGREGATES, clock or SystemClock())
    for tool in tools:
        kernel.tools.add(tool.tool())
    register(kernel, approval_life_ms=approval_life_ms)
    prepare(kernel)
    async with kernel.running():
        yield kernel


async def until(kernel: Kernel, condition: Callable[[], Awaitable[bool]], limit_s: float = 10.0) -> None:
    """Wait until `condition` holds; it is looked at after every commit and every report of progress."""
    async with asyncio.timeout(limit_s):
        while True:
            news = kernel.subscriptions.signal
            if await condition():
                return
            await news.wait()


async def mission_is(kernel: Kernel, mission_id: str, *statuses: str) -> t.Mission:
    """Wait until the mission has one of these statuses and return it."""
    return await mission_until(kernel, mission_id, lambda mission: mission.status in statuses)


async def mission_until(kernel: Kernel, mission_id: str, condition: Callable[[t.Mission], bool]) -> t.Mission:
    """Wait until the mission is as `condition` wants it and return it."""

    async def holds() -> bool:
        return condition((await kernel.dispatch.state(f"mission/{mission_id}", ADA.partition))[0])

    await until(kernel, holds)
    state: t.Mission = (await kernel.dispatch.state(f"mission/{mission_id}", ADA.partition))[0]
    return state


async def pending(kernel: Kernel) -> Approval:
    """Wait for the one approval that waits for a decision."""
    found: list[Approval] = []

    async def is_there() -> bool:
        every = await kernel.resources.values("approval", Approval)
        found[:] = [one for one in every if one.state == "pending"]
        return bool(found)

    await until(kernel, is_there)
    (one,) = found
    return one
