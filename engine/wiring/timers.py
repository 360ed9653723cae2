"""Timers: a command that is carried out when it is due and then proposes. A restart finds it pending and waits on."""

from functools import partial

from engine.approvals import reducer as approvals
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.missions import types as missions
from engine.missions.commands import ScheduleTimer
from engine.wiring.decisions import expire


async def fire_timer(command: ScheduleTimer, effect: Effect) -> None:
    """Tell a mission that the timer it asked for is due."""
    await effect.propose(f"mission/{command.mission_id}", missions.FireTimer(timer_id=command.timer_id))


async def fire_expiry(kernel: Kernel, command: approvals.ScheduleExpiry, effect: Effect) -> None:
    """Let an approval expire that nobody has decided, and send what it was about back."""
    await expire(kernel, effect.context, command.approval_id)


def register(kernel: Kernel) -> None:
    """Carry out the timers that missions and approvals ask for."""
    kernel.outbox.handle(ScheduleTimer, fire_timer, due=lambda timer: timer.due_at_ms)
    kernel.outbox.handle(
        approvals.ScheduleExpiry, partial(fire_expiry, kernel), due=lambda timer: timer.due_at_ms
    )
