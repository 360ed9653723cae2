"""The outbox, runs and missions: what a person says of a command that is stuck, those hear who wait for it.

a call's outcome is unknown -> a notice; the run and the mission wait
a call was dropped          -> its run gives up, as canceled; its mission pauses
a run's start was dropped   -> the run never begins; its mission pauses
"""

from collections.abc import Sequence
from typing import Final

from cutroom_sdk.wire.codec import decode
from engine.kernel import commands
from engine.kernel.dispatch import Asked
from engine.kernel.ids import derived_id
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.reducer import tag_of
from engine.missions import types as missions
from engine.missions.commands import StartRun
from engine.notices import reducer as notices
from engine.runs import types as runs

UNKNOWN: Final = "command.unknown"
DROPPED: Final = "somebody had the command dropped that was to carry it out"
_CALL: Final = tag_of(runs.CallTool)
_START: Final = tag_of(StartRun)


def on_lost(event: commands.Lost, recorded: Event) -> Sequence[Asked]:
    """Tell people that a command waits for their word."""
    command_id = recorded.stream.partition("/")[2]
    about = {
        "command_id": command_id,
        "command": event.command,
        "stream": event.stream,
        "detail": event.error,
    }
    told = notices.Tell(notice=UNKNOWN, properties=about)
    return (Asked(f"{notices.KIND}/{derived_id('notice', command_id, recorded.version)}", told),)


def on_canceled(event: commands.Canceled, _recorded: Event) -> Sequence[Asked]:
    """End what waited for a command that was dropped."""
    if event.command == _CALL:
        return (Asked(event.stream, runs.GiveUp(reason=DROPPED)),)
    if event.command != _START:
        return ()
    start = decode(bytes(event.data), StartRun)
    ended = missions.FinishRun(
        work_item_id=start.work_item_id,
        run_id=start.run_id,
        status="canceled",
        author=runs.ENGINE,
        reason=DROPPED,
        code="canceled",
    )
    # It may have been queued all the same, while the command was being dropped.
    return (Asked(event.stream, ended), Asked(f"run/{start.run_id}", runs.Cancel(reason=DROPPED)))


def register(kernel: Kernel) -> None:
    """Have runs and missions hear of commands that are stuck or dropped."""
    kernel.reactions.on(commands.Lost, "people hear of a command whose outcome is unknown", on_lost)
    kernel.reactions.on(commands.Canceled, "who waited for a command hears that it was dropped", on_canceled)
