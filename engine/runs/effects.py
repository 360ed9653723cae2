"""Carrying runs out: the tool is called with a time limit, its progress is told, and however it ends is recorded.

A tool that crashes fails its run and nothing else. After the daemon was killed a run is taken up again with the same
id; a tool that must not be called twice is not, and the run fails and says why.
"""

import asyncio
import logging
from typing import Any, Final

from cutroom_sdk.wire.runs import RunError
from engine.kernel.context import Context
from engine.kernel.errors import OutcomeUnknown, Rejected, StudioError, Unavailable, WorkCanceled
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.patience import insist
from engine.kernel.resources import Reader
from engine.kernel.tools import TOOL_LIMIT_MAX_S, Tool, ToolContext, ToolResult
from engine.kernel.turns import Party, Turns, on_behalf_of
from engine.runs.entry import Entry, HeldBack, check_repeatable, checked, cut_short
from engine.runs.gate import Gate
from engine.runs.types import CallTool, Fail, Finish, GiveUp, Run, StopTool, Work

# What tools do in parallel is bounded by the missions' budgets, by the worker pool, and by this.
CONCURRENCY: Final = 16
WAITING_MAX: Final = (
    10_000  # runs that may wait for their turn at once, by priority; others wait as they came
)
LET_GO_S: Final = 3.0
# A tool's own limit ends its call; beside that a run may wait for its turn for so long.
LIMIT_S: Final = TOOL_LIMIT_MAX_S + 30 * 24 * 3600
_log = logging.getLogger(__name__)


class Runs:
    """The runs that are alive in this process."""

    def __init__(self, kernel: Kernel, gate: Gate) -> None:
        self._kernel = kernel
        self._gate = gate
        self._calls: dict[tuple[str, str], asyncio.Task[ToolResult]] = {}
        self._turns = Turns(CONCURRENCY)

    async def call_tool(self, command: CallTool, effect: Effect) -> None:
        """Carry a run out and record how it ended; a run that is over already is left alone.

        Cancelling this, as the daemon does when it ends, leaves the run as it is: the next start takes it up again.

        Raises:
            Unavailable: something that the tool needs is missing for now; it is called again later.
            OutcomeUnknown: it must not be called again before a person has looked.
        """
        await self._see_out((effect.context.partition, command.run_id))
        run: Run = (await self._kernel.dispatch.state(effect.stream, effect.context.partition))[0]
        if run.over or run.work is None:
            return
        try:
            with on_behalf_of(Party(run.work.mission_id, run.work.priority)):
                async with self._turns.turn():
                    outcome = await self._outcome(run, run.work, effect)
            if outcome is not None:
                # The work is done: a full disk must not make it be done again.
                await insist(lambda: effect.propose(effect.stream, outcome), self._kernel.clock)
        finally:
            self._kernel.progress.clear(effect.context.partition, effect.stream)

    def busy(self) -> bool:
        """Tell whether a tool is at work."""
        return bool(self._calls)

    async def stop_tool(self, command: StopTool, effect: Effect) -> None:
        """End the call of a canceled run; there is none when the run had not begun or the daemon was new started."""
        call = self._calls.get((effect.context.partition, command.run_id))
        if call is not None:
            call.cancel()

    async def _see_out(self, at: tuple[str, str]) -> None:
        """Wait for the end of an attempt that is held: leave may come while its tool is still being ended."""
        while (call := self._calls.get(at)) is not None:
            await asyncio.wait((call,), timeout=LET_GO_S)
            await asyncio.sleep(0)

    async def _outcome(self, run: Run, work: Work, effect: Effect) -> Finish | Fail | GiveUp | None:
        """Call the tool; None when the run was canceled in the meantime, or waits for leave."""
        try:
            tool = self._kernel.tools.get(work.tool)
            arguments, mended = self._kernel.tools.read_stored(work.tool, work.input)
            if run.calls and not _has_fresh_leave(run):
                check_repeatable(tool, arguments, effect)
            context = run_context(self._kernel, run.run_id, work, effect.context)
            if not tool.repeatable(arguments):
                effect.begin_once()
            result = await self._call(tool, arguments, context, Entry(self._kernel, self._gate, work, effect))
        except Unavailable as error:
            if tool.repeatable(arguments) and not effect.last:
                raise
            return _failure(error)
        except WorkCanceled as error:
            return GiveUp(reason=error.detail)
        except OutcomeUnknown:
            raise
        except StudioError as error:
            return _failure(error)
        except Exception as error:
            _log.exception("the tool %s crashed in the run %s", work.tool, run.run_id)
            if not tool.repeatable(arguments):
                raise cut_short(tool, arguments, f"broke ({type(error).__name__}: {error})") from error
            return Fail(error=RunError(code="work_failed", detail=f"{type(error).__name__}: {error}"))
        if result is None:
            return None
        notices = (*mended, *result.notices)
        return Finish(made=result.refs, reused=result.reused, notices=notices, output=result.output)

    async def _call(
        self, tool: Tool, arguments: Any, context: ToolContext, entry: Entry
    ) -> ToolResult | None:
        effect = entry.effect
        at = (effect.context.partition, context.run_id)
        # Known before the call is on record: whoever cancels the run after that finds the call.
        call = self._calls[at] = asyncio.create_task(
            entry.call(tool, arguments, context), name=f"tool:{tool.name}:{context.run_id}"
        )
        try:
            done, _ = await asyncio.wait((call,), timeout=tool.limit_s)
            if entry.held:
                return None  # whatever the tool has made of it
            if not done:
                raise cut_short(tool, arguments, f"took longer than {tool.limit_s:g} s and was ended")
            if call.cancelled():
                await self._check_over(tool, arguments, effect)
                return None
            return checked(tool, call.result())
        except HeldBack:
            return None
        except Rejected as error:
            if error.reason == "run_over":
                return None
            raise
        finally:
            del self._calls[at]
            await _end(call)

    async def _check_over(self, tool: Tool, arguments: Any, effect: Effect) -> None:
        """Tell a run that was canceled from a tool that was cancelled by something of its own."""
        run: Run = (await self._kernel.dispatch.state(effect.stream, effect.context.partition))[0]
        if not run.over:
            raise cut_short(tool, arguments, "gave up: something it waited for was cancelled")


def _has_fresh_leave(run: Run) -> bool:
    """Tell whether a person has given leave for the very call again, who was told that it was made before."""
    leave = run.held.get("")
    return leave is not None and leave.granted and not leave.spent


async def _end(call: "asyncio.Task[ToolResult]") -> None:
    """End a call and see it out, within reason: a tool that does not let go must not hold the daemon."""
    call.cancel()
    await asyncio.wait((call,), timeout=LET_GO_S)
    if not call.done():
        _log.error("%s does not end", call.get_name())
    elif not call.cancelled():
        call.exception()  # said already, or no longer of interest: the run was ended from outside


def run_context(kernel: Kernel, run_id: str, work: Work, engine: Context) -> ToolContext:
    """Return what a tool has at hand in a run. What it proposes it proposes with the mission's capabilities."""
    context = Context(
        actor=f"engine:run:{run_id}",
        partition=engine.partition,
        capabilities=frozenset(work.capabilities),
        correlation_id=engine.correlation_id,
        causation_id=f"run/{run_id}",
    )

    async def propose(stream: str, proposal: Any) -> Any:
        return (await kernel.dispatch.propose(stream, proposal, context)).state

    def report(done: float, total: float, note: str = "") -> None:
        kernel.progress.report(engine.partition, f"run/{run_id}", done, total, note)

    return ToolContext(
        run_id=run_id,
        context=context,
        refs=work.refs,
        propose=propose,
        resources=Reader(kernel.resources, engine.partition),
        blobs=kernel.blobs,
        report=report,
        now_ms=kernel.clock.now_ms,
        attempt=work.attempt,
        reasons=work.reasons,
        mission_id=work.mission_id,
        role=work.role,
    )


def _failure(error: StudioError) -> Fail:
    return Fail(error=RunError(code=error.code, detail=error.detail, extra=error.extra))


def register(kernel: Kernel, gate: Gate) -> Runs:
    """Have the outbox carry runs out, each call through `gate`."""
    runs = Runs(kernel, gate)
    kernel.outbox.handle(CallTool, runs.call_tool, concurrency=WAITING_MAX, limit_s=LIMIT_S)
    kernel.outbox.handle(StopTool, runs.stop_tool)
    return runs
