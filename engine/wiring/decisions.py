"""Missions and approvals: a gate asks for leave, and a decision changes both in one commit.

A reviewer may be slow, a check may crash, a mission may move on: whatever happens, there is no approval that was given
and not used, and no gate that is open without one.
"""

import asyncio
import logging
from functools import partial
from typing import Any

from msgspec import Struct

from cutroom_sdk.wire.approvals import ApprovalDecider, ApprovalSubject, Delegation
from cutroom_sdk.wire.missions import GateName
from cutroom_sdk.wire.renders import Check
from engine.approvals import reducer as approvals
from engine.approvals import reducer_delegation as delegations
from engine.kernel.context import Context, engine_context
from engine.kernel.dispatch import Accepted, Asked
from engine.kernel.errors import Forbidden, NotFound, StudioError, Unavailable, WorkFailed
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.kernel.tools import TOOL_LIMIT_MAX_S, ToolResult
from engine.missions import types as missions
from engine.missions.commands import RequestApproval, VoidApproval
from engine.missions.specs import check_input
from engine.runs import types as runs
from engine.runs.effects import run_context
from engine.runs.types import Run
from engine.wiring import freshness, plain, routines

_log = logging.getLogger(__name__)


def request(command: RequestApproval, summary: str, life_ms: int = approvals.LIFE_MS) -> Asked:
    """Return the proposal that a gate's question comes to; proposing it twice changes nothing."""
    asked = approvals.Asked(
        decider=_decider(command),
        subject=_subject(command.mission_id, command.work_item_id, command.run_id, command.gate),
        subject_hash=command.subject_hash,
        summary=summary,
        artifact_refs=command.artifact_refs,
    )
    return Asked(f"approval/{command.approval_id}", approvals.Request(asked=asked, life_ms=life_ms))


def subject_of(mission: missions.Mission, item: missions.Item, gate: GateName) -> ApprovalSubject:
    """Return what a gate of an item is about."""
    return _subject(mission.mission_id, item.name, item.attempts[-1].run_id, gate)


def _subject(mission_id: str, name: str, run_id: str, gate: GateName) -> ApprovalSubject:
    return ApprovalSubject(kind="work_item", id=f"{mission_id}/{name}", run_id=run_id, gate=gate)


def _decider(command: RequestApproval) -> ApprovalDecider:
    assert command.decider != "none", "a gate without a decider is never asked about"
    return command.decider


async def request_approval(kernel: Kernel, life_ms: int, command: RequestApproval, effect: Effect) -> None:
    """Ask for the approval, saying in plain words what it is about."""
    mission: missions.Mission = (
        await kernel.dispatch.state(f"mission/{command.mission_id}", effect.context.partition)
    )[0]
    item, summary = mission.item(command.work_item_id), command.summary
    if item is not None and item.run_id == command.run_id:
        summary = plain.of_gate(mission, item, command.gate, kernel.tools)
    asked = request(command, summary, life_ms)
    await effect.propose(asked.stream, asked.proposal)


async def void_approval(command: VoidApproval, effect: Effect) -> None:
    """Say that nobody needs to decide any more."""
    await effect.propose(f"approval/{command.approval_id}", approvals.Void(reason=command.reason))


async def decide(
    kernel: Kernel, context: Context, approval_id: str, decision: approvals.Decide
) -> tuple[Accepted, ...]:
    """Decide an approval and what it is about, in one commit; the approval's answer comes first.

    Raises:
        NotFound: nobody asked for it.
        Invalid: `amend` gives the item an input that its tool does not take.
        Forbidden, Rejected: as the reducers say; nothing is changed then.
    """
    asked = await _asked(kernel, context, approval_id)
    reasons = () if decision.grant else _reasons(decision)
    used = await _in_place_of(kernel, context, approval_id, asked.subject, decision)
    told = told_of(approval_id, asked.subject, decision, reasons)
    if decision.amend and asked.subject.kind == "work_item":
        await check_amended(kernel, context, told[0], decision.amend)
    own = Asked(f"approval/{approval_id}", decision)
    seen = await freshness.check(kernel, context, approval_id, asked.subject, asked.artifact_refs)
    return await kernel.dispatch.propose_many((own, *told, *used, *seen), context)


async def delegation_for(kernel: Kernel, context: Context, approval_id: str) -> str:
    """Return the delegation by which somebody may decide an approval who may not by themselves.

    Raises:
        NotFound: nobody asked for it.
        Forbidden: nobody has handed it to them.
    """
    asked, now = await _asked(kernel, context, approval_id), kernel.clock.now_ms()
    given: list[Delegation] = await kernel.resources.values(delegations.KIND, Delegation, context.partition)
    good = [one for one in given if delegations.refusal(one, context.actor, asked.subject, now) is None]
    if good:
        author = await _author(kernel, context, asked.subject)
        # Of several the one of somebody who could decide about it.
        return next((one for one in good if one.by != author), good[0]).delegation_id
    raise Forbidden(
        f"nobody who may has handed {approval_id} to {context.actor}; it takes approvals:decide, or a delegation",
        capability="approvals:decide",
    )


async def _in_place_of(
    kernel: Kernel,
    context: Context,
    approval_id: str,
    subject: ApprovalSubject,
    decision: approvals.Decide,
) -> tuple[Asked, ...]:
    """Return the use of the delegation that a decision is made by.

    Raises:
        Forbidden: `author_is_reviewer`: it is about work of whoever gave it, who could not decide about that either.
    """
    if decision.delegation_id is None:
        return ()
    stream = f"{delegations.KIND}/{decision.delegation_id}"
    given: delegations.Delegation = (await kernel.dispatch.state(stream, context.partition))[0]
    if given.by == await _author(kernel, context, subject):
        raise Forbidden(
            f"{given.by} did the work of {subject.id}, so nobody decides about it in their place",
            code="author_is_reviewer",
            gate=subject.gate,
        )
    return (Asked(stream, delegations.Use(approval_id=approval_id, subject=subject)),)


def _reasons(decision: approvals.Decide) -> tuple[str, ...]:
    return (decision.reason,) if decision.reason else ()


def told_of(
    approval_id: str, subject: ApprovalSubject, decision: approvals.Decide, reasons: tuple[str, ...]
) -> tuple[Asked, ...]:
    """Return what a decision means for what it is about: a mission's gate, a run's call of a tool, a routine's run."""
    if subject.kind != "work_item":
        settled = routines.decision_for_run(approval_id, subject, decision.grant, reasons)
        return (*_for_call(approval_id, subject, decision.grant, reasons), *settled)
    assert subject.run_id is not None
    assert subject.gate is not None
    mission_id, _, item = subject.id.partition("/")
    proposal: Struct
    if decision.grant:
        proposal = missions.Grant(
            work_item_id=item,
            run_id=subject.run_id,
            gate=subject.gate,
            approval_id=approval_id,
            by_blanket=decision.by_blanket,
        )
    else:
        proposal = missions.Deny(
            work_item_id=item,
            run_id=subject.run_id,
            gate=subject.gate,
            approval_id=approval_id,
            reasons=reasons,
            amend=decision.amend,
        )
    return (Asked(f"mission/{mission_id}", proposal),)


def _for_call(
    approval_id: str, subject: ApprovalSubject, grant: bool, reasons: tuple[str, ...]
) -> tuple[Asked, ...]:
    """Let a run that is held go on, or fail it with the reason."""
    if subject.kind != "effect" or subject.run_id is None:
        return ()
    proposal: Struct = runs.Permit(approval_id=approval_id)
    if not grant:
        proposal = runs.Refuse(
            approval_id=approval_id, reason="; ".join(reasons) or "denied without a reason"
        )
    return (Asked(f"run/{subject.run_id}", proposal),)


async def check_amended(kernel: Kernel, context: Context, told: Asked, amend: dict[str, Any]) -> None:
    """Check that an item's input is still one after a reviewer has changed it.

    Raises:
        Invalid: it is not; the text names the field.
    """
    mission: missions.Mission = (await kernel.dispatch.state(told.stream, context.partition))[0]
    assert isinstance(told.proposal, missions.Grant | missions.Deny)
    item = mission.item(told.proposal.work_item_id)
    if item is not None:
        check_input(item.spec.kind, {**item.input, **amend}, kernel.tools)


async def _author(kernel: Kernel, context: Context, subject: ApprovalSubject) -> str | None:
    """Return whose work an approval is about where they may not decide about it themselves; None: nobody's."""
    mission_id, _, name = subject.id.partition("/")
    mission: missions.Mission = (await kernel.dispatch.state(f"mission/{mission_id}", context.partition))[0]
    item = mission.item(name)
    own = subject.kind == "work_item" and item is not None and item.attempts and not mission.self_review
    return item.attempts[-1].author if own and item is not None else None


async def evaluate_gate(kernel: Kernel, command: approvals.EvaluateGate, effect: Effect) -> None:
    """Let the engine's checks decide: what they found is kept on the approval, what failed is the reason.

    Raises:
        Unavailable: something that the checks need is missing for now.
    """
    context = engine_context(
        "checks", partition=effect.context.partition, correlation_id=effect.context.correlation_id
    )
    asked = await _asked(kernel, context, command.approval_id)
    checks, error = await _checked(kernel, asked.subject, effect)
    reasons = (error,) if error else approvals.failing(checks)
    settle = Asked(f"approval/{command.approval_id}", approvals.Settle(checks=checks, error=error))
    told = told_of(command.approval_id, asked.subject, approvals.Decide(grant=not reasons), reasons)
    await kernel.dispatch.propose_many((settle, *told), context)


async def _checked(kernel: Kernel, subject: ApprovalSubject, effect: Effect) -> tuple[tuple[Check, ...], str]:
    """Return what the checks found, or why they could not be made."""
    try:
        return await _run_checks(kernel, subject, effect.context), ""
    except Unavailable as error:
        if not effect.last:
            raise
        return (), f"the checks could not be made: {error.detail}"
    except StudioError as error:
        return (), f"the checks could not be made: {error.detail}"
    except Exception as error:
        _log.exception("the checks of %s crashed", subject.id)
        return (), f"the checks could not be made: {type(error).__name__}: {error}"


async def _run_checks(kernel: Kernel, subject: ApprovalSubject, context: Context) -> tuple[Check, ...]:
    assert subject.run_id is not None
    run: Run = (await kernel.dispatch.state(f"run/{subject.run_id}", context.partition))[0]
    if run.work is None:
        raise NotFound(f"there is no run {subject.run_id}")
    tool = kernel.tools.get(run.work.tool)
    if tool.check is None:
        raise WorkFailed(f"{tool.name} has no checks of its own")
    result = ToolResult(refs=run.made, reused=run.reused, notices=run.notices, output=run.output)
    try:
        async with asyncio.timeout(tool.limit_s):
            return await tool.check(result, run_context(kernel, run.run_id, run.work, context))
    except TimeoutError as error:
        raise WorkFailed(f"the checks of {tool.name} took longer than {tool.limit_s:g} s") from error
    finally:
        kernel.progress.clear(context.partition, f"run/{run.run_id}")


async def expire(kernel: Kernel, context: Context, approval_id: str) -> None:
    """Let an approval expire if its time is up and nobody has decided; what it was about is sent back."""
    approval: approvals.Approval = (
        await kernel.dispatch.state(f"approval/{approval_id}", context.partition)
    )[0]
    if approval.asked is None or approval.state not in ("pending", "granted"):
        return
    own, told = Asked(f"approval/{approval_id}", approvals.Expire()), tuple[Asked, ...]()
    if approval.state == "pending":
        reasons = ("nobody decided before the approval expired",)
        told = told_of(approval_id, approval.asked.subject, approvals.Decide(grant=False), reasons)
    await kernel.dispatch.propose_many((own, *told), context)


async def _asked(kernel: Kernel, context: Context, approval_id: str) -> approvals.Asked:
    approval: approvals.Approval = (
        await kernel.dispatch.state(f"approval/{approval_id}", context.partition)
    )[0]
    if approval.asked is None:
        raise NotFound(f"there is no approval {approval_id}")
    return approval.asked


def register(kernel: Kernel, life_ms: int) -> None:
    """Carry out what missions ask of approvals, good for `life_ms`, and what approvals ask of the engine's checks."""
    kernel.outbox.handle(RequestApproval, partial(request_approval, kernel, life_ms))
    kernel.outbox.handle(VoidApproval, void_approval)
    kernel.outbox.handle(
        approvals.EvaluateGate, partial(evaluate_gate, kernel), limit_s=TOOL_LIMIT_MAX_S + 600
    )
