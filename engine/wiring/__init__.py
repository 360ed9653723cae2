"""Where features meet: one's command becomes another's proposal, one's event another's news.

Features do not know each other. What a mission asks for (a run, an approval, a timer) and what it hears back go through
here, and what must change in two of them at once is proposed here, together.
"""

from engine.approvals.reducer import LIFE_MS
from engine.kernel.kernel import Kernel
from engine.runs import effects as runs
from engine.runs.effects import Runs
from engine.wiring import decisions, flow, freshness, gate, outbox, routines, summaries, tell, timers
from engine.wiring.routines import check as check_entrypoint
from engine.wiring.routines import recover

__all__ = ["check_entrypoint", "recover", "register"]


def register(kernel: Kernel, *, approval_life_ms: int = LIFE_MS) -> Runs:
    """Connect missions, runs, approvals and routines, and have runs carried out; return the runs that are alive.

    Approvals expire `approval_life_ms` after they were asked for.
    """
    alive = runs.register(kernel, gate.Gate(kernel, approval_life_ms))
    gate.register(kernel)
    flow.register(kernel)
    decisions.register(kernel, approval_life_ms)
    timers.register(kernel)
    freshness.register(kernel)
    summaries.register(kernel)
    tell.register(kernel)
    outbox.register(kernel)
    routines.register(kernel)
    return alive
