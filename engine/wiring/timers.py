"""Timers: a command that waits until it is due and then proposes. A restart finds it unfinished and waits on."""

from functools import partial
from typing import Final

from engine.approvals import reducer as approvals
from engine.kernel.clock import sleep_until
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.missions import types as missions
from engine.wiring.decisions import expire

AT_ONCE: Final = 100_000  # a waiting timer is a sleeping task: cheap, and none may hold up another


async def fire_timer(kernel: Kernel, command: missions.ScheduleTimer, effect: Effect) -> None:
    """Tell a mission that the timer it asked for is due."""
    await sleep_until(kernel.clock, command.due_at_ms)
    await effect.propose(f"mission/{command.mission_id}", missions.FireTimer(timer_id=command.timer_id))


async def fire_expiry(kernel: Kernel, command: approvals.ScheduleExpiry, effect: Effect) -> None:
    """Let an approval expire that nobody has decided, and send what it was about back."""
    await sleep_until(kernel.clock, command.due_at_ms)
    await expire(kernel, effect.context, command.approval_id)


def register(kernel: Kernel) -> None:
    """Carry out the timers that missions and approvals ask for."""
    kernel.outbox.handle(missions.ScheduleTimer, partial(fire_timer, kernel), concurrency=AT_ONCE)
    kernel.outbox.handle(approvals.ScheduleExpiry, partial(fire_expiry, kernel), concurrency=AT_ONCE)
