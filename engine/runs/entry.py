"""Into a tool and out of it: each call passes the gate and is on record before it is made, those that tools make included."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from cutroom_sdk.wire.codec import digest, encode
from engine.kernel import failpoints
from engine.kernel.dispatch import Asked
from engine.kernel.errors import OutcomeUnknown, Rejected, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.patience import insist
from engine.kernel.tools import Tool, ToolContext, ToolResult
from engine.runs.gate import Gate, Question, Wait
from engine.runs.types import Call, CallNested, ReturnNested, Run, Work

OUTPUT_MAX: Final = 16 << 10
NESTED_MAX: Final = 256
TRIES_MAX: Final = 5
# Between the gate and the record the leave was spent, ran out, or another was asked for: look again.
CHANGED: Final = frozenset({"not_granted", "subject_changed", "not_permitted"})
Record = Callable[[str], Call | CallNested]
reach = failpoints.points("runs", "held", "call_recorded", "called")


class HeldBack(Exception):
    """The call waits for leave; the run is left as it is, and its tool called again when there is some."""


@dataclass
class Entry:
    """One attempt at a run: what its tool calls goes in through here. `held`: a call of this attempt waits for leave."""

    kernel: Kernel
    gate: Gate
    work: Work
    effect: Effect
    held: bool = False

    async def call(self, tool: Tool, arguments: Any, context: ToolContext) -> ToolResult:
        """Call the run's own tool.

        Raises:
            HeldBack: it, or one that it calls, waits for leave.
            StudioError: the gate's refusal, or the tool's own.
        """
        await self._enter("", tool, arguments, True, lambda approval_id: Call(approval_id=approval_id))
        result = await tool.call(arguments, self._inside("", context, tool.repeatable(arguments)))
        reach("called")
        return result

    def _inside(self, place: str, context: ToolContext, may_wait: bool) -> ToolContext:
        """Return what a tool has at hand: calls of others count from the place where it was called itself."""
        places = count(1)

        async def call_tool(name: str, given: dict[str, Any]) -> ToolResult:
            number = next(places)
            if number > NESTED_MAX:
                raise WorkFailed(f"a tool may call others {NESTED_MAX} times, and no more")
            own = f"{place}.{number}" if place else str(number)
            return await self._nested(own, name, given, context, may_wait)

        return replace(context, call_tool=call_tool)

    async def _nested(
        self, place: str, name: str, given: dict[str, Any], context: ToolContext, may_wait: bool
    ) -> ToolResult:
        tool = self.kernel.tools.get(name)
        arguments = self.kernel.tools.read_input(name, given)
        input_hash = digest({"tool": name, "arguments": arguments})
        before = (await self._run()).nested.get(place)
        if before is not None and (before.tool, before.input_hash) == (name, input_hash):
            if before.result is not None:
                return before.result
            check_repeatable(tool, arguments, self.effect)
        await self._enter(
            place,
            tool,
            arguments,
            may_wait,
            lambda approval_id: CallNested(
                place=place, tool=name, input_hash=input_hash, approval_id=approval_id
            ),
        )
        inside = self._inside(place, context, may_wait and tool.repeatable(arguments))
        try:
            async with asyncio.timeout(tool.limit_s):
                result = checked(tool, await tool.call(arguments, inside))
        except TimeoutError as error:
            raise cut_short(tool, arguments, f"took longer than {tool.limit_s:g} s and was ended") from error
        kept = ReturnNested(place=place, result=result)
        await insist(lambda: self.effect.propose(self.effect.stream, kept), self.kernel.clock)
        return result

    async def _enter(self, place: str, tool: Tool, arguments: Any, may_wait: bool, record: Record) -> None:
        """Let the gate look at a call, and put it on record; what the leave for it is spent with is one commit with that."""
        for tries in range(TRIES_MAX):
            if self.held:
                raise HeldBack
            question = Question(
                run=await self._run(),
                work=self.work,
                place=place,
                tool=tool,
                arguments=arguments,
                may_wait=may_wait,
            )
            answer = await self.gate(question, self.effect.context)
            if isinstance(answer, Wait):
                self.held = True
                await self._propose(answer.asks)
                reach("held")
                raise HeldBack
            try:
                await self._propose((Asked(self.effect.stream, record(answer.approval_id)), *answer.along))
            except Rejected as refusal:
                if refusal.reason not in CHANGED or tries == TRIES_MAX - 1:
                    raise
            else:
                reach("call_recorded")
                return

    async def _propose(self, asked: tuple[Asked, ...]) -> None:
        if asked:
            await insist(lambda: self.effect.propose_many(asked), self.kernel.clock)

    async def _run(self) -> Run:
        run: Run = (await self.kernel.dispatch.state(self.effect.stream, self.effect.context.partition))[0]
        return run


def check_repeatable(tool: Tool, arguments: Any, effect: Effect) -> None:
    """Check that a call may be made of which nobody knows whether it was made before.

    Raises:
        OutcomeUnknown: it may not, and nobody has looked and asked for it all the same.
    """
    if not tool.repeatable(arguments) and not effect.redelivered:
        raise cut_short(tool, arguments, "was at work when the daemon ended")


def cut_short(tool: Tool, arguments: Any, how: str) -> WorkFailed:
    """Return what is to be said of a call that has come to no end of its own."""
    if tool.repeatable(arguments):
        return WorkFailed(f"{tool.name} {how}")
    return OutcomeUnknown(
        f"{tool.name} {how}; nobody knows what it has done and it must not be repeated unseen: look, then have it"
        " called again, with the same idempotency key, by 'cutroom outbox redeliver', or dropped by 'cutroom outbox cancel'"
    )


def checked(tool: Tool, result: ToolResult) -> ToolResult:
    """Return what a tool has given.

    Raises:
        WorkFailed: it is too large to be kept.
    """
    size = len(encode(result.output))
    if size > OUTPUT_MAX:
        raise WorkFailed(f"{tool.name} gave an output of {size} bytes; {OUTPUT_MAX} is the most")
    return result
