"""Where features meet: one's command becomes another's proposal, one's event another's news.

Features do not know each other. What a mission asks for (a run, an approval, a timer) and what it hears back go through
here, and what must change in two of them at once is proposed here, together.
"""

from engine.kernel.kernel import Kernel
from engine.runs import effects as runs
from engine.runs.effects import Runs
from engine.wiring import decisions, flow, freshness, summaries, tell, timers


def register(kernel: Kernel) -> Runs:
    """Connect missions, runs and approvals, and have runs carried out; return the runs that are alive."""
    alive = runs.register(kernel)
    flow.register(kernel)
    decisions.register(kernel)
    timers.register(kernel)
    freshness.register(kernel)
    summaries.register(kernel)
    tell.register(kernel)
    return alive
