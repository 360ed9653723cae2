"""What tests of routines share: a routine driven by hand, and routines on a real kernel with a clock that is turned."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cutroom_sdk.wire.routines import Entrypoint, Misfire, RoutineRequest, RoutineRun, Schedule
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Envelope
from engine.routines import reducer
from engine.routines import types as t
from engine.routines.effects import Routines, register
from engine.wiring import check_entrypoint, recover
from tests.kernel_kit import FakeClock
from tests.missions_kit import ADA, FakeTool, until
from tests.missions_kit import studio as missions_studio

NOON = 1_767_614_400_000  # Monday, 5 January 2026, 12:00 UTC
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOURLY = Schedule(every_ms=HOUR)


def definition(**changed: Any) -> t.Definition:
    """An hourly routine, with anything about it changed by name."""
    usual: dict[str, Any] = {
        "name": "hourly",
        "entrypoint": Entrypoint(tool="work"),
        "args": {},
        "schedule": HOURLY,
        "watch": None,
        "chain": None,
        "misfire": Misfire(),
        "overlap": "allow",
        "jitter_ms": 0,
        "allowed_tools": ("work",),
        "output_targets": (),
        "requires_approval": True,
        "external_effects_allowed": False,
    }
    return t.Definition(**usual | changed)


class Play:
    """A routine driven by hand, active from `NOON` on unless it is to stay a draft; all events are kept."""

    def __init__(self, *, draft: bool = False, **changed: Any) -> None:
        self.now_ms = NOON
        self.routine = reducer.init("r1")
        self.events: list[t.Event] = []
        self.ask(t.Create(definition=definition(**changed)))
        if not draft:
            self.ask(t.Activate(capabilities=()))

    def ask(self, proposal: t.Proposal, by: str = "ada") -> tuple[t.Event, ...]:
        """Propose; return the events. `bot` is no person."""
        envelope = Envelope(at_ms=self.now_ms, actor=by, human=by != "bot")
        events = reducer.decide(self.routine, proposal, envelope)
        for event in events:
            self.routine = reducer.on_event(self.routine, event, Envelope(at_ms=self.now_ms, actor=by)).state
            self.events.append(event)
        return events

    def wake(self, at_ms: int) -> list[int]:
        """Turn the clock and wake it until nothing is due; return the ticks that fired, as time since `NOON`."""
        self.now_ms = at_ms
        fired = []
        while events := self.ask(t.Wake(), by="engine"):
            fired += [event.work.due_at_ms - NOON for event in events if isinstance(event, t.Fired)]
        return fired

    def all(self, kind: type[t.Event]) -> list[Any]:
        """All events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True)
class Studio:
    """A kernel with missions, runs, approvals and routines, and a clock that is turned by hand."""

    kernel: Kernel
    routines: Routines
    clock: FakeClock

    async def turn(self, by_ms: int) -> None:
        """Turn the clock, and let what is due fire."""
        self.clock.at_ms += by_ms
        await self.routines.scheduler.look()

    async def draft(self, routine_id: str = "r1", context: Context = ADA, **asked: Any) -> None:
        """Make a routine as a request does."""
        usual: dict[str, Any] = {
            "name": routine_id,
            "entrypoint": Entrypoint(tool="work"),
            "schedule": HOURLY,
            "overlap": "allow",
        }
        request = RoutineRequest(**usual | asked)
        made, _ = self.routines.read(request, context)
        await self.kernel.dispatch.propose(f"routine/{routine_id}", t.Create(definition=made), context)

    async def active(self, routine_id: str = "r1", **asked: Any) -> None:
        """Make a routine and have a person activate it."""
        await self.draft(routine_id, **asked)
        await self.tell(t.Activate(capabilities=("media:write",)), routine_id)

    async def tell(self, proposal: t.Proposal, routine_id: str = "r1", context: Context = ADA) -> t.Routine:
        """Propose something to a routine and return it as it is then."""
        accepted = await self.kernel.dispatch.propose(f"routine/{routine_id}", proposal, context)
        state: t.Routine = accepted.state
        return state

    async def routine(self, routine_id: str = "r1") -> t.Routine:
        """Return a routine as it is."""
        state: t.Routine = (await self.kernel.dispatch.state(f"routine/{routine_id}", ADA.partition))[0]
        return state

    async def runs(self, *statuses: str, count: int = 1) -> list[RoutineRun]:
        """Wait until there are so many runs, all with one of these statuses; return them, the newest tick first."""
        found: list[RoutineRun] = []

        async def there() -> bool:
            found[:] = await self.kernel.resources.values("routine-run", RoutineRun)
            return len(found) == count and all(run.status in statuses for run in found)

        await until(self.kernel, there)
        return found

    async def idle(self, routine_id: str = "r1") -> None:
        """Wait until the routine has heard that none of its runs is alive."""

        async def told() -> bool:
            return not (await self.routine(routine_id)).alive

        await until(self.kernel, told)


@contextlib.asynccontextmanager
async def studio(
    folder: Path, *tools: FakeTool, clock: FakeClock | None = None, roots: tuple[Path, ...] = ()
) -> AsyncIterator[Studio]:
    """Routines on a real kernel, without the tasks that look at the clock: the test looks."""
    folder.mkdir(exist_ok=True)
    turned = clock or FakeClock(NOON)
    kept: list[Routines] = []

    def prepare(kernel: Kernel) -> None:
        kept.append(register(kernel, roots=roots, check=partial(check_entrypoint, kernel)))

    async with missions_studio(folder, *tools, clock=turned, prepare=prepare) as kernel:
        (routines,) = kept
        await recover(kernel)
        await routines.scheduler.load()
        yield Studio(kernel, routines, turned)
