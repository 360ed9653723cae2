"""The gate in front of every call of a tool: what is known of the call and of whom it is for is gathered, and policy asked.

Where leave is needed, a person is asked about this very call; what they give is spent in the commit that records it.
"""

import asyncio
import os
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from cutroom_sdk.wire.approvals import ApprovalEffect, ApprovalSubject
from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.missions import Authority
from engine.approvals import reducer as approvals
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from engine.kernel.errors import Forbidden, Invalid
from engine.kernel.ids import derived_id
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.tools import Tool
from engine.missions import types as missions
from engine.outbound.guard import read_target
from engine.policy.rules import Call, Standing, Verdict, judge, subject_hash
from engine.routines import types as routines
from engine.runs import types as runs
from engine.runs.gate import Pass, Question, Wait
from engine.wiring import plain
from engine.wiring.routines import going_on, waiting

BLOCKED: Final = "blocked_policy"


@dataclass(frozen=True)
class Gate:
    """The gate; see `engine.runs.gate`. Leave that it asks for is good for `life_ms`."""

    kernel: Kernel
    life_ms: int

    async def __call__(self, question: Question, context: Context) -> Pass | Wait:
        """Let a call pass, or have somebody asked.

        Raises:
            Forbidden: `blocked_policy`, with the rule.
            Invalid: the tool cannot say where its results would go.
        """
        tool, work = question.tool, question.work
        call = await look(tool, question.arguments)
        standing = await standing_of(self.kernel, context.partition, work.capabilities, work.authority)
        verdict = judge(call, standing)
        held = question.run.held.get(question.place)
        if verdict.decision == BLOCKED:
            raise _blocked(tool, verdict)
        if verdict.decision == "run" and held is None:
            return Pass()
        if not question.may_wait:
            raise Forbidden(
                f"{verdict.reason}; what calls it must not be called again, so it cannot wait for leave in the middle",
                code=BLOCKED,
                rule=verdict.rule,
            )
        used_up = held is not None and held.spent and not tool.repeatable(question.arguments)
        if held is not None and not used_up and self.kernel.clock.now_ms() < held.expires_at_ms:
            if held.subject_hash == _hash(question, call, standing, held.expires_at_ms):
                return _with_leave(question, held)
        return await self._ask(question, call, standing, verdict, context)

    async def _ask(
        self, question: Question, call: Call, standing: Standing, verdict: Verdict, context: Context
    ) -> Wait:
        run_id, work = question.run.run_id, question.work
        expires_at_ms = self.kernel.clock.now_ms() + self.life_ms
        bound_to = _hash(question, call, standing, expires_at_ms)
        approval_id = derived_id("effect", run_id, question.place, bound_to, _calls(question))
        mission: missions.Mission = (
            await self.kernel.dispatch.state(f"mission/{work.mission_id}", context.partition)
        )[0]
        asked = approvals.Asked(
            decider="human",
            subject=ApprovalSubject(
                kind="effect", id=f"{work.mission_id}/{work.work_item_id}", run_id=run_id
            ),
            subject_hash=bound_to,
            summary=plain.of_call(mission, work, question.tool, question.arguments, verdict),
            artifact_refs=work.refs,
            effect=ApprovalEffect(
                tool=call.tool,
                args=to_builtins(question.arguments),
                targets=call.targets,
                touches=question.tool.touches(question.arguments),
                rule=verdict.rule,
                place=question.place,
            ),
        )
        held = runs.Held(
            place=question.place,
            tool=call.tool,
            subject_hash=bound_to,
            approval_id=approval_id,
            expires_at_ms=expires_at_ms,
        )
        request = approvals.Request(asked=asked, expires_at_ms=expires_at_ms)
        return Wait(
            (
                Asked(f"run/{run_id}", runs.Hold(held=held)),
                Asked(f"approval/{approval_id}", request),
                *waiting(work.authority, approval_id),
            )
        )


def _with_leave(question: Question, held: runs.Held) -> Pass | Wait:
    if not held.granted:
        return Wait(())  # asked already
    if held.spent:
        return Pass(held.approval_id)  # the same call again, with the same idempotency key
    spend = Asked(f"approval/{held.approval_id}", approvals.Spend(subject_hash=held.subject_hash))
    return Pass(held.approval_id, (spend, *going_on(question.work.authority)))


def _calls(question: Question) -> int:
    """Return how often the call was made before: each time takes leave of its own, in the same millisecond too."""
    run, place = question.run, question.place
    return (run.nested[place].calls if place in run.nested else 0) if place else run.calls


def _hash(question: Question, call: Call, standing: Standing, expires_at_ms: int) -> str:
    return subject_hash(
        call,
        standing,
        run_id=question.run.run_id,
        place=question.place,
        arguments=question.arguments,
        expires_at_ms=expires_at_ms,
    )


async def look(tool: Tool, arguments: Any) -> Call:
    """Return a call as its tool declares it, with links and `..` of its targets followed.

    Raises:
        Invalid: the tool cannot say where its results would go.
    """
    targets = await asyncio.to_thread(_real, tool.targets(arguments))
    return Call(tool=tool.name, effect=tool.effect, capability=tool.capability, targets=targets)


async def standing_of(
    kernel: Kernel, partition: str, capabilities: tuple[str, ...], authority: Authority | None
) -> Standing:
    """Return for whom a call happens. A routine that was narrowed since its run began bounds the run as it is now."""
    if authority is None:
        return Standing(capabilities=capabilities)
    routine: routines.Routine = (await kernel.dispatch.state(f"routine/{authority.routine_id}", partition))[0]
    now = authority
    if routine.definition is not None:
        now = authority_of(authority.routine_run_id, routine, routine.definition)
    bounds = tuple(dict.fromkeys((authority, now)))
    return Standing(
        capabilities=capabilities, bounds=await asyncio.to_thread(lambda: tuple(map(_real_bound, bounds)))
    )


def authority_of(run_id: str, routine: routines.Routine, definition: routines.Definition) -> Authority:
    """Return what a routine's missions may do as it is now."""
    return Authority(
        routine_id=routine.routine_id,
        routine_run_id=run_id,
        creator=routine.creator,
        allowed_tools=definition.allowed_tools,
        output_targets=definition.output_targets,
        external_effects_allowed=definition.external_effects_allowed,
        requires_approval=definition.requires_approval,
    )


def _real_bound(bound: Authority) -> Authority:
    return replace(bound, output_targets=_real(bound.output_targets))


def _real(targets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(os.path.realpath(one) if one.startswith("/") else _address(one) for one in targets)


def _address(text: str) -> str:
    """Return an address as all are written here; what is none is left as it is, and lies beneath nothing."""
    try:
        target = read_target(text)
    except Invalid:
        return text
    return f"{target.scheme}://{target.authority}{target.path}"


def _blocked(tool: Tool, verdict: Verdict) -> Forbidden:
    return Forbidden(verdict.reason, code=BLOCKED, rule=verdict.rule, capability=tool.capability)


async def void_leave(command: runs.VoidLeave, effect: Effect) -> None:
    """Say that nobody needs to give leave any more, or that what was given is for something else."""
    await effect.propose(f"approval/{command.approval_id}", approvals.Void(reason=command.reason))


def register(kernel: Kernel) -> None:
    """Carry out what runs ask of approvals."""
    kernel.outbox.handle(runs.VoidLeave, void_leave)
