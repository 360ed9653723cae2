"""Missions and notices: what a mission has to say is told to people."""

from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.missions.commands import EmitNotice
from engine.notices import reducer as notices


async def emit(command: EmitNotice, effect: Effect) -> None:
    """Tell a notice; the command's key is its id, so it is told once."""
    told = notices.Tell(notice=command.notice, properties=command.properties)
    await effect.propose(f"{notices.KIND}/{effect.key}", told)


def register(kernel: Kernel) -> None:
    """Carry out what missions want told."""
    kernel.outbox.handle(EmitNotice, emit)
