"""Missions and runs: a mission asks for runs and hears how they go."""

from collections.abc import Sequence

from engine.kernel.dispatch import Asked
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.outbox import Effect
from engine.missions import types as missions
from engine.missions.commands import CancelRun, StartRun
from engine.missions.items import MANUAL
from engine.runs import types as runs


def queue(command: StartRun) -> Asked:
    """Return the proposal that a mission's request for a run comes to; proposing it twice changes nothing."""
    work = runs.Work(
        mission_id=command.mission_id,
        work_item_id=command.work_item_id,
        attempt=command.attempt,
        tool=command.kind,
        manual=command.kind == MANUAL,
        input=command.input,
        refs=command.refs,
        reasons=command.reasons,
        capabilities=command.capabilities,
        authority=command.authority,
        priority=command.priority,
        role=command.role,
    )
    return Asked(f"run/{command.run_id}", runs.Queue(work=work))


async def start_run(command: StartRun, effect: Effect) -> None:
    """Queue the run."""
    asked = queue(command)
    await effect.propose(asked.stream, asked.proposal)


async def cancel_run(command: CancelRun, effect: Effect) -> None:
    """Cancel the run, whether or not it has begun."""
    await effect.propose(f"run/{command.run_id}", runs.Cancel(reason=command.reason))


def on_started(event: runs.Started, recorded: Event) -> Sequence[Asked]:
    """Tell the mission that its run has begun."""
    begun = missions.BeginRun(work_item_id=event.work_item_id, run_id=_run_id(recorded))
    return (Asked(f"mission/{event.mission_id}", begun),)


def on_observed(event: runs.ToolObserved, recorded: Event) -> Sequence[Asked]:
    """Tell the mission of a tool call, which counts against its budget."""
    observed = missions.ObserveTool(
        work_item_id=event.work_item_id, run_id=_run_id(recorded), tool=event.tool
    )
    return (Asked(f"mission/{event.mission_id}", observed),)


def on_finished(event: runs.Finished, recorded: Event) -> Sequence[Asked]:
    """Tell the mission how its run has ended, unless whoever reported the run has told it already."""
    if event.reported:
        return ()
    finished = missions.FinishRun(
        work_item_id=event.work_item_id,
        run_id=_run_id(recorded),
        status=event.status,
        author=event.author,
        refs=event.artifact_refs,
        output=event.output,
        notices=event.notices,
        reused=event.reused,
        reason=event.error.detail if event.error else "",
        code=event.error.code if event.error else "",
    )
    return (Asked(f"mission/{event.mission_id}", finished),)


def _run_id(recorded: Event) -> str:
    return recorded.stream.removeprefix("run/")


def register(kernel: Kernel) -> None:
    """Carry out what missions ask of runs, and tell them what comes of it."""
    kernel.outbox.handle(StartRun, start_run)
    kernel.outbox.handle(CancelRun, cancel_run)
    kernel.reactions.on(runs.Started, "a mission hears that its run has begun", on_started)
    kernel.reactions.on(runs.ToolObserved, "a mission hears of a tool call", on_observed)
    kernel.reactions.on(runs.Finished, "a mission hears that its run has ended", on_finished)
