"""How fast missions are folded, and how soon a large one is under way."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cutroom_sdk.wire.missions import Budgets
from engine.features import AGGREGATES
from engine.kernel.clock import SystemClock, cpu_s, monotonic_s
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Envelope
from engine.missions import types as t
from engine.missions.fold import on_event
from engine.missions.reducer import decide, init
from tools.markdown import table

SIZES: Final = (6, 50, 200, 1_000)
ROUNDS: Final = 5
Recorded = list[tuple[t.Event, Envelope]]


def measure(folder: Path) -> str:
    """Return tables: events folded a second by missions of several sizes, and how soon 1 000 items are under way."""
    folded = [(f"{size:,}", *_folded(size)) for size in SIZES]
    begun = [(f"{size:,}", f"{asyncio.run(_begun(size, folder)):.3f}") for size in SIZES]
    return "\n\n".join(
        [
            table(("items", "events", "folded/s of CPU"), folded),
            table(("items, all started at once", "s from asked to on disk"), begun),
        ]
    )


def _folded(size: int) -> tuple[str, str]:
    recorded = _history(size)
    best_s = min(_cpu_s(lambda: _fold(recorded)) for _ in range(ROUNDS))
    return f"{len(recorded):,}", f"{len(recorded) / best_s:,.0f}"


def _fold(recorded: Recorded) -> t.Mission:
    mission = init("m1")
    for event, envelope in recorded:
        mission = on_event(mission, event, envelope).state
    return mission


def _cpu_s(work: Callable[[], object]) -> float:
    begun_s = cpu_s()
    work()
    return cpu_s() - begun_s


def _history(size: int) -> Recorded:
    """Play a mission to its end: every second item depends on the one before it, every fourth is reviewed."""
    mission, recorded = init("m1"), Recorded()

    def ask(proposal: t.Proposal, actor: str = "engine") -> None:
        nonlocal mission
        envelope = Envelope(at_ms=len(recorded), actor=actor)
        for event in decide(mission, proposal, envelope):
            recorded.append((event, envelope))
            mission = on_event(mission, event, envelope).state

    ask(_asked(size))
    while not mission.over:
        for item in mission.items:
            run_id = item.run_id or ""
            if item.status == "in_progress":
                ask(t.BeginRun(work_item_id=item.name, run_id=run_id))
                ask(t.ObserveTool(work_item_id=item.name, run_id=run_id, tool="work"))
                done = t.FinishRun(work_item_id=item.name, run_id=run_id, status="succeeded", author="engine")
                ask(done)
            elif item.status == "review":
                approval_id = item.gates.review.approval_id or ""
                grant = t.Grant(work_item_id=item.name, run_id=run_id, gate="review", approval_id=approval_id)
                ask(grant, "ada")
    return recorded


def _asked(size: int, *, apart: bool = False) -> t.Create:
    specs = tuple(
        t.ItemSpec(
            work_item_id=f"item-{number}",
            title=f"Item {number}",
            detail="",
            role="",
            kind="work",
            input={},
            depends_on=(f"item-{number - 1}",) if number % 2 and not apart else (),
            review="none" if number % 4 else "human",
            test="none",
        )
        for number in range(size)
    )
    return t.Create(title="x", goal="x", items=specs, budgets=Budgets(max_parallel=size), start=True)


async def _begun(size: int, folder: Path) -> float:
    """Return the seconds from asking for a mission to having every item's run asked for, on disk."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        kernel = await Kernel.open(Path(name), AGGREGATES, SystemClock())
        async with kernel.running():
            context = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
            begun_s = monotonic_s()
            await kernel.dispatch.propose("mission/m1", _asked(size, apart=True), context)
            return monotonic_s() - begun_s
