"""What each event does to a mission. Never says no: replay runs this and nothing else."""

from collections.abc import Callable
from typing import Any, Final, assert_never

import msgspec
from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.missions import (
    Attempt,
    Decider,
    Decision,
    Failure,
    Gate,
    GateName,
    Gates,
    ItemSummary,
    MissionSummary,
    SummaryFile,
    Used,
)
from engine.kernel.reducer import Envelope, Step
from engine.missions import notices
from engine.missions import types as t
from engine.missions.board import board_of, moved
from engine.missions.commands import (
    CancelRun,
    Command,
    PersistArtifact,
    RequestApproval,
    ScheduleTimer,
    StartRun,
    VoidApproval,
)
from engine.missions.items import Item, ItemSpec
from engine.missions.types import Event, Mission

WholeEvent = t.Created | t.Started | t.Resumed | t.Paused | t.Canceled | t.Failed | t.Succeeded
ItemEvent = (
    t.RunRequested
    | t.RunStarted
    | t.ToolObserved
    | t.RunFinished
    | t.GateOpened
    | t.GateGranted
    | t.GateDenied
    | t.ResourceChanged
)
SUMMARY: Final = "mission_summary"  # the kind of artifact that tells how a mission came to its end


def on_event(mission: Mission, event: Event, envelope: Envelope) -> Step[Mission, Command]:
    """Fold one accepted event; the version counts them."""
    if isinstance(event, ItemEvent):
        return _fold_item(mission, event, envelope.at_ms)
    return _fold(replace(mission, version=mission.version + 1), event, envelope)


def _fold(mission: Mission, event: WholeEvent, envelope: Envelope) -> Step[Mission, Command]:
    now = envelope.at_ms
    match event:
        case t.Created():
            return Step(_created(mission, event, envelope))
        case t.Started():
            return _running(replace(mission, started_at_ms=now), now)
        case t.Resumed():
            return _running(replace(mission, reason=""), now)
        case t.Paused(reason=reason, work_item_id=name):
            paused = replace(_stop_time(mission, now), status="paused", reason=reason)
            told = () if name is None else (notices.paused(paused, name),)
            return Step(paused, told)
        case t.Canceled(reason=reason):
            ended = replace(_stop_time(mission, now), status="canceled", reason=reason, finished_at_ms=now)
            return _wind_up(ended, reason or "the mission was canceled")
        case t.Failed(budget=budget, detail=detail, work_item_id=name):
            failure = Failure(budget=budget, detail=detail, work_item_id=name)
            ended = replace(_stop_time(mission, now), status="failed", failure=failure, finished_at_ms=now)
            return _wind_up(ended, detail, notices.failed(ended, failure))
        case t.Succeeded():
            ended = replace(_stop_time(mission, now), status="succeeded", finished_at_ms=now)
            kept = PersistArtifact(mission_id=mission.mission_id, kind=SUMMARY)
            return Step(replace(ended, summary=_summary(ended, now)), (kept,))
        case _:
            assert_never(event)


def _fold_item(mission: Mission, event: ItemEvent, now: int) -> Step[Mission, Command]:
    place = mission.board.places[event.work_item_id]
    item = mission.items[place]
    match event:
        case t.RunRequested():
            used = replace(mission.used, steps=mission.used.steps + 1)
            asked = _requested(item, event, now)
            low = notices.budget_low(mission, used)
            return Step(_with(mission, place, asked, used), (start_run(mission, asked), *low))
        case t.RunStarted(run_id=run_id):
            return Step(
                _with(mission, place, _in_attempt(item, run_id, lambda a: replace(a, started_at_ms=now)))
            )
        case t.ToolObserved(run_id=run_id):
            used = replace(mission.used, tool_calls=mission.used.tool_calls + 1)
            current = item.status == "in_progress" and run_id == item.run_id
            observed = item.observed + current
            low = notices.budget_low(mission, used)
            return Step(_with(mission, place, replace(item, observed=observed), used), low)
        case t.RunFinished():
            return Step(_with(mission, place, _finished(item, event, now)))
        case t.GateOpened(gate=name, approval_id=approval_id):
            asked = _set_gate(item, name, replace(item.gate(name), approval_id=approval_id))
            return Step(_with(mission, place, asked), (request_approval(mission, asked, name),))
        case t.GateGranted(gate=name):
            passed = _set_gate(_decided(item, event, now), name, replace(item.gate(name), state="granted"))
            return Step(_with(mission, place, _past_gates(passed)))
        case t.GateDenied(gate=name):
            denied = _set_gate(_decided(item, event, now), name, replace(item.gate(name), state="denied"))
            sent_back = replace(
                denied,
                status="rework",
                reasons=(*item.reasons, *event.reasons),
                input={**item.input, **event.amend},
            )
            return Step(_with(mission, place, sent_back))
        case t.ResourceChanged(key=key, rev=rev):
            return _begun_anew(mission, place, item, key, rev)
        case _:
            assert_never(event)


def subject_hash(item: Item) -> str:
    """Return the hash of what a gate of the item is about: what its current run made."""
    made = item.attempts[-1]
    subject: dict[str, Any] = {"run_id": made.run_id, "refs": made.refs, "output": made.output}
    if item.changed:
        subject["changed"] = item.changed
    return digest(subject)


def start_run(mission: Mission, item: Item) -> StartRun:
    """Return the command to carry the item's current run out."""
    current = item.attempts[-1]
    return StartRun(
        mission_id=mission.mission_id,
        work_item_id=item.name,
        run_id=current.run_id,
        attempt=current.attempt,
        role=item.spec.role,
        kind=item.spec.kind,
        input=item.input,
        refs=given_refs(mission, item),
        reasons=item.reasons,
        capabilities=mission.capabilities,
        authority=mission.authority,
        priority=mission.priority,
    )


def request_approval(mission: Mission, item: Item, name: GateName) -> RequestApproval:
    """Return the command to ask at a gate that was opened."""
    gate, current = item.gate(name), item.attempts[-1]
    assert gate.approval_id is not None
    return RequestApproval(
        mission_id=mission.mission_id,
        work_item_id=item.name,
        run_id=current.run_id,
        gate=name,
        approval_id=gate.approval_id,
        decider=gate.decider,
        subject_hash=subject_hash(item),
        summary=f"{mission.title}: {item.spec.title} ({name})",
        artifact_refs=current.refs,
    )


def given_refs(mission: Mission, item: Item) -> tuple[str, ...]:
    """Return what the items that this one depends on have made, each ref once, in their order."""
    found: dict[str, None] = {}
    for name in item.spec.depends_on:
        found.update(dict.fromkeys(_named(mission, name).attempts[-1].refs))
    return tuple(found)


def _created(mission: Mission, event: t.Created, envelope: Envelope) -> Mission:
    items = tuple(Item(spec=spec, input=spec.input, gates=fresh_gates(spec)) for spec in event.items)
    return replace(
        mission,
        title=event.title,
        goal=event.goal,
        success_criteria=event.success_criteria,
        items=items,
        board=board_of(items),
        budgets=event.budgets,
        capabilities=event.capabilities,
        authority=event.authority,
        priority=event.priority,
        metadata=event.metadata,
        template=event.template,
        self_review=event.self_review,
        created_by=envelope.actor,
        created_at_ms=envelope.at_ms,
    )


def fresh_gates(spec: ItemSpec) -> Gates:
    """Return an item's gates as they stand before anybody has decided."""
    return Gates(review=_fresh_gate(spec.review), test=_fresh_gate(spec.test))


def _fresh_gate(decider: Decider) -> Gate:
    return Gate(decider=decider, state="none" if decider == "none" else "waiting")


def _running(mission: Mission, now: int) -> Step[Mission, Command]:
    """Let time count, and ask to be told when it is up."""
    running = _unblocked(replace(mission, status="running", running_since_ms=now))
    limit = mission.budgets.max_duration_ms
    if limit is None:
        return Step(running)
    due = now + max(0, limit - mission.used.active_ms)
    timer = ScheduleTimer(mission_id=mission.mission_id, timer_id=t.DURATION_TIMER, due_at_ms=due)
    return Step(running, (timer,))


def _stop_time(mission: Mission, now: int) -> Mission:
    used = replace(mission.used, active_ms=mission.active_ms(now))
    return replace(mission, used=used, running_since_ms=None)


def _begun_anew(mission: Mission, place: int, item: Item, key: str, rev: int) -> Step[Mission, Command]:
    """Ask again at the item's gates: leave that was given, or was being asked for, was for something else."""
    voided = tuple(
        VoidApproval(approval_id=gate.approval_id, reason=f"{key} has changed since it was asked for")
        for gate in (item.gates.review, item.gates.test)
        if gate.state == "waiting" and gate.approval_id is not None
    )
    fresh = replace(item, gates=fresh_gates(item.spec), changed={**item.changed, key: rev})
    return Step(_with(mission, place, _past_gates(fresh)), voided)


def _wind_up(mission: Mission, reason: str, *notice: Command) -> Step[Mission, Command]:
    """End what is alive: items that are not done, their runs, and approvals nobody needs any more."""
    commands: list[Command] = [*notice]
    ended = []
    failed_on = mission.failure.work_item_id if mission.failure else None
    for item in mission.items:
        if item.status == "in_progress" and item.run_id is not None:
            commands.append(CancelRun(run_id=item.run_id, reason=reason))
        commands.extend(
            VoidApproval(approval_id=gate.approval_id, reason=reason)
            for gate in (item.gates.review, item.gates.test)
            if gate.state == "waiting" and gate.approval_id is not None
        )
        status = "failed" if item.name == failed_on else "canceled"
        ended.append(item if item.over else replace(item, status=status))
    items = tuple(ended)
    return Step(replace(mission, items=items, board=board_of(items)), tuple(commands))


def _requested(item: Item, event: t.RunRequested, now: int) -> Item:
    attempt = Attempt(attempt=event.attempt, run_id=event.run_id, requested_at_ms=now)
    return replace(
        item,
        status="in_progress",
        attempts=(*item.attempts, attempt),
        gates=fresh_gates(item.spec),
        observed=0,
        changed={},
    )


def _finished(item: Item, event: t.RunFinished, now: int) -> Item:
    def close(attempt: Attempt) -> Attempt:
        return replace(
            attempt,
            finished_at_ms=now,
            status=event.status,
            author=event.author,
            reason=event.reason,
            code=event.code,
            refs=event.refs,
            output=event.output,
            notices=event.notices,
            reused=event.reused,
        )

    closed = _in_attempt(item, event.run_id, close)
    if event.status == "succeeded":
        return _past_gates(replace(closed, status="review"))
    reason = event.reason or f"the run was {event.status}"
    return replace(closed, status="rework", reasons=(*item.reasons, reason))


def _past_gates(item: Item) -> Item:
    """Move an item as far as its gates let it: a gate without a decider holds nobody up."""
    if item.gates.review.state not in ("none", "granted"):
        return replace(item, status="review")
    if item.gates.test.state not in ("none", "granted"):
        return replace(item, status="test")
    return replace(item, status="done")


def _decided(item: Item, event: t.GateGranted | t.GateDenied, now: int) -> Item:
    decision = Decision(
        gate=event.gate,
        decider=item.gate(event.gate).decider,
        granted=isinstance(event, t.GateGranted),
        reviewer=event.reviewer,
        approval_id=event.approval_id,
        at_ms=now,
        by_blanket=isinstance(event, t.GateGranted) and event.by_blanket,
        reasons=event.reasons if isinstance(event, t.GateDenied) else (),
    )
    return _in_attempt(item, event.run_id, lambda a: replace(a, decisions=(*a.decisions, decision)))


def _unblocked(mission: Mission) -> Mission:
    """Say of every item that waits whether it waits for others (`blocked`) or only for its turn (`todo`)."""
    free = mission.board.free
    items = tuple(
        replace(item, status="todo" if free(place) else "blocked")
        if item.status in ("todo", "blocked")
        else item
        for place, item in enumerate(mission.items)
    )
    return replace(mission, items=items, board=board_of(items))


def _summary(mission: Mission, now: int) -> MissionSummary:
    files = [file for item in mission.items for file in files_of(item.attempts[-1].output)]
    return MissionSummary(
        title=mission.title,
        goal=mission.goal,
        started_at_ms=mission.started_at_ms or 0,
        finished_at_ms=now,
        items=tuple(_item_summary(item) for item in mission.items),
        files=tuple(files),
        self_review=mission.self_review,
        success_criteria=mission.success_criteria,
    )


def _item_summary(item: Item) -> ItemSummary:
    last = item.attempts[-1]
    return ItemSummary(
        work_item_id=item.name,
        title=item.spec.title,
        kind=item.spec.kind,
        attempts=len(item.attempts),
        author=last.author,
        refs=last.refs,
        reused=last.reused,
        decisions=tuple(decision for attempt in item.attempts for decision in attempt.decisions),
    )


def files_of(output: dict[str, Any]) -> tuple[SummaryFile, ...]:
    """Read the files that a run says it has left behind: `files: [{path, sha256, bytes}]` of its output."""
    try:
        return msgspec.convert(output.get("files", ()), tuple[SummaryFile, ...])
    except msgspec.ValidationError:
        # A tool may call something else `files`; a mission's end is no place to fail over that.
        return ()


def _named(mission: Mission, name: str) -> Item:
    item = mission.item(name)
    assert item is not None, f"{mission.mission_id} has no item {name}"
    return item


def _with(mission: Mission, place: int, item: Item, used: Used | None = None) -> Mission:
    """Return the next version: the item at `place` replaced, and those unblocked that waited for it alone."""
    items = list(mission.items)
    board = moved(mission.board, place, items[place], item)
    items[place] = item
    if item.status == "done":
        for waiting in board.dependents[place]:
            before = items[waiting]
            if before.status == "blocked" and board.free(waiting):
                items[waiting] = replace(before, status="todo")
                board = moved(board, waiting, before, items[waiting])
    return replace(
        mission,
        version=mission.version + 1,
        items=tuple(items),
        board=board,
        used=mission.used if used is None else used,
    )


def _in_attempt(item: Item, run_id: str, change: Callable[[Attempt], Attempt]) -> Item:
    attempts = tuple(change(a) if a.run_id == run_id else a for a in item.attempts)
    return replace(item, attempts=attempts)


def _set_gate(item: Item, name: GateName, gate: Gate) -> Item:
    gates = replace(item.gates, review=gate) if name == "review" else replace(item.gates, test=gate)
    return replace(item, gates=gates)
