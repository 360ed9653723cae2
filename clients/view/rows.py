"""What a screen shows, as data: pure functions from resources to rows, the same for every screen."""

from datetime import UTC, tzinfo
from typing import Any

import msgspec

from clients.view import find
from clients.view.words import (
    Tone,
    ago_text,
    clock_text,
    eta_text,
    length_text,
    span_text,
    state_text,
    time_text,
    word,
)
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import Wire
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.frames import ProgressReport
from cutroom_sdk.wire.missions import Gate, Mission, WorkItem, WorkItemDetail
from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.resources import EventRecord


class MissionRow(Wire, frozen=True, kw_only=True):
    """A mission in a list. `fraction` is how much is done, 0..1; `needs_you`: somebody is to decide something."""

    mission_id: str
    mark: str
    tone: Tone
    title: str
    state: str
    at: str
    fraction: float
    eta: str
    age: str
    needs_you: bool


class ItemRow(Wire, frozen=True, kw_only=True):
    """An item of a mission. `fraction` None: there is nothing to measure. `note` says what is going on, or why not."""

    work_item_id: str
    mark: str
    tone: Tone
    title: str
    state: str
    fraction: float | None
    eta: str
    note: str
    gates: str


class ApprovalRow(Wire, frozen=True, kw_only=True):
    """Something to decide."""

    approval_id: str
    mission_id: str
    title: str
    gate: str
    decider: str
    summary: str
    age: str


class CutRow(Wire, frozen=True, kw_only=True):
    """A stretch of a source, kept (`number` from 1) or left out (`number` 0), and why."""

    number: int
    asset: str
    span: str
    length: str
    reasons: str


class CheckRow(Wire, frozen=True, kw_only=True):
    """A check: what was found, what was asked for, and what would mend it."""

    mark: str
    tone: Tone
    name: str
    value: str
    limit: str
    source: str
    fix: str


class LogRow(Wire, frozen=True, kw_only=True):
    """An entry of the log."""

    position: int
    time: str
    type: str
    stream: str
    actor: str
    note: str


def mission_rows(shelf: Shelf, now_ms: int) -> list[MissionRow]:
    """Return the missions: what needs somebody first, then what runs, then the rest, each newest first."""
    needing = {find.mission_of(approval) for approval in find.pending(shelf)}
    rows = [
        _mission_row(shelf, mission, mission.mission_id in needing, now_ms) for mission in find.heads(shelf)
    ]
    return sorted(rows, key=lambda row: (not row.needs_you, row.tone not in ("busy", "waiting")))


def _mission_row(shelf: Shelf, mission: Mission, needs_you: bool, now_ms: int) -> MissionRow:
    seen = word("mission", mission.status)
    at, fraction, eta = _standing(shelf, mission) if mission.work_items else _standing_of_many(mission)
    return MissionRow(
        mission_id=mission.mission_id,
        mark="?" if needs_you else seen.mark,
        tone="waiting" if needs_you else seen.tone,
        title=mission.title,
        state="needs you" if needs_you else mission.status,
        at="" if mission.status in find.OVER else at,
        fraction=fraction,
        eta=eta,
        age=ago_text(mission.finished_at_ms or mission.started_at_ms or mission.created_at_ms, now_ms),
        needs_you=needs_you,
    )


def _standing(shelf: Shelf, mission: Mission) -> tuple[str, float, str]:
    """Return the item that a mission is at, how much of it is done, and the time left of what runs."""
    items = item_rows(shelf, mission)
    total = sum(1.0 if item.state == "done" else item.fraction or 0.0 for item in items)
    at = find.current(mission)
    running = [item for item in items if item.tone == "busy"]
    return at.title if at else "", round(total / len(items), 4), running[0].eta if running else ""


def _standing_of_many(mission: Mission) -> tuple[str, float, str]:
    """Return the same of a mission whose items are not in its head, by how many there are of each status."""
    counts = msgspec.structs.asdict(mission.counts)
    total = sum(counts.values())
    if not total:
        return "", 0.0, ""
    return f"{counts['done']} of {total} done", round(counts["done"] / total, 4), ""


def shown_items(mission: Mission, most: int) -> tuple[list[WorkItem], int]:
    """Return the items that a screen of `most` lines shows, in their order, and how many it leaves out.

    What is being done, asked or went wrong goes before what comes next, and that before what is over.
    """
    if len(mission.work_items) <= most:
        return list(mission.work_items), 0
    urgency = {"in_progress": 0, "review": 0, "test": 0, "rework": 0, "failed": 0, "todo": 1, "blocked": 2}
    places = sorted(
        range(len(mission.work_items)),
        key=lambda place: (urgency.get(mission.work_items[place].status, 3), place),
    )
    return [mission.work_items[place] for place in sorted(places[:most])], len(places) - most


def item_rows(shelf: Shelf, mission: Mission) -> list[ItemRow]:
    """Return a mission's items in their order, with the progress of what runs."""
    return [item_row(shelf, mission, item) for item in mission.work_items]


def item_row(shelf: Shelf, mission: Mission, item: WorkItem) -> ItemRow:
    """Return one item, with the progress of its run."""
    seen = word("item", item.status)
    report = shelf.progress.get(f"run/{item.current_run_id}") if item.status == "in_progress" else None
    detail = find.detail(shelf, mission.mission_id, item.work_item_id)
    return ItemRow(
        work_item_id=item.work_item_id,
        mark=seen.mark,
        tone=seen.tone,
        title=item.title,
        state=state_text(item.status),
        fraction=1.0 if item.status == "done" else _fraction(report),
        eta=eta_text(report.eta_s) if report else "",
        note=_item_note(item, detail, report),
        gates=gates_text(item),
    )


def _fraction(report: ProgressReport | None) -> float | None:
    if report is None or report.total <= 0:
        return None
    return round(min(max(report.done / report.total, 0.0), 1.0), 4)


def _item_note(item: WorkItem, detail: WorkItemDetail | None, report: ProgressReport | None) -> str:
    again = f"attempt {item.attempt}" if item.attempt > 1 else ""
    match item.status:
        case "in_progress":
            what = "done by hand" if item.kind == "manual" else report.note if report else ""
        case "review":
            what = f"waits for {_who(item.gates.review)}"
        case "test":
            what = f"waits for {_who(item.gates.test)}"
        case "rework" | "failed":
            what = item.reasons[-1] if item.reasons else ""
        case "done":
            what = "from earlier work" if item.reused else _took(detail)
        case _:
            what = ""
    return ", ".join(filter(None, (again, what)))


def _who(gate: Gate) -> str:
    return {"human": "you", "agent": "an agent", "auto": "the checks"}.get(gate.decider, "nobody")


def _took(detail: WorkItemDetail | None) -> str:
    last = detail.attempts[-1] if detail and detail.attempts else None
    if last is None or last.started_at_ms is None or last.finished_at_ms is None:
        return ""
    return length_text((last.finished_at_ms - last.started_at_ms) / 1000)


def gates_text(item: WorkItem) -> str:
    """Return an item's gates in a few characters: `review ✓ test ?`, empty when it has none."""
    named = (("review", item.gates.review), ("test", item.gates.test))
    return " ".join(
        f"{name} {word('gate', gate.state).mark}" for name, gate in named if gate.decider != "none"
    )


def attempt_lines(detail: WorkItemDetail) -> list[str]:
    """Return what became of each attempt, and what was decided about it, oldest first."""
    lines = []
    for attempt in detail.attempts:
        said = [f"attempt {attempt.attempt}: {state_text(attempt.status or 'running')}"]
        if attempt.reused:
            said.append("from earlier work")
        if attempt.reason:
            said.append(attempt.reason)
        lines.append(", ".join(said))
        lines += [f"  {notice}" for notice in attempt.notices]
        for decision in attempt.decisions:
            verb = "granted" if decision.granted else "denied"
            why = f": {'; '.join(decision.reasons)}" if decision.reasons else ""
            lines.append(f"  {decision.gate} {verb} by {decision.reviewer}{why}")
    return lines


def approval_rows(shelf: Shelf, now_ms: int) -> list[ApprovalRow]:
    """Return what waits for somebody, oldest first."""
    return [approval_row(shelf, approval, now_ms) for approval in find.pending(shelf)]


def approval_row(shelf: Shelf, approval: Approval, now_ms: int) -> ApprovalRow:
    """Return one thing to decide."""
    mission = find.mission(shelf, find.mission_of(approval))
    return ApprovalRow(
        approval_id=approval.approval_id,
        mission_id=find.mission_of(approval),
        title=mission.title if mission else approval.subject.id,
        gate=approval.subject.gate or ("effect" if approval.effect else ""),
        decider=approval.decider,
        summary=approval.summary,
        age=ago_text(approval.requested_at_ms, now_ms),
    )


def cut_rows(plan: CutPlan) -> list[CutRow]:
    """Return what is kept, in order."""
    return [
        CutRow(
            number=number,
            asset=cut.asset,
            span=span_text(cut.start, cut.end),
            length=length_text(cut.end - cut.start),
            reasons="; ".join(cut.reasons),
        )
        for number, cut in enumerate(plan.cuts, start=1)
    ]


def removed_rows(plan: CutPlan) -> list[CutRow]:
    """Return what is left out, in order."""
    return [
        CutRow(
            number=0,
            asset=gone.asset,
            span=span_text(gone.start, gone.end),
            length=length_text(gone.end - gone.start),
            reasons=gone.reason,
        )
        for gone in plan.removed
    ]


def plan_line(plan: CutPlan) -> str:
    """Return a plan in one line."""
    kept = f"{len(plan.cuts)} stretches kept" if len(plan.cuts) != 1 else "1 stretch kept"
    return f"{kept}, {clock_text(plan.duration)} long, for {plan.profile}"


def check_rows(checks: tuple[Check, ...]) -> list[CheckRow]:
    """Return checks, those that failed first."""
    ordered = sorted(checks, key=lambda check: check.status != "fail")
    rows = []
    for check in ordered:
        seen = word("check", check.status)
        rows.append(
            CheckRow(
                mark=seen.mark,
                tone=seen.tone,
                name=state_text(check.name),
                value=check.value,
                limit=check.limit,
                source=check.source,
                fix=check.fix if check.status == "fail" else "",
            )
        )
    return rows


_SAYING = ("reason", "detail", "status", "title", "tool", "name", "note")


def log_row(event: EventRecord, zone: tzinfo = UTC) -> LogRow:
    """Return an entry of the log as a line."""
    return LogRow(
        position=event.position,
        time=time_text(event.at_ms, zone),
        type=event.type,
        stream=event.stream,
        actor=event.actor,
        note=_gist(msgspec.json.decode(event.data)),
    )


def _gist(data: Any) -> str:
    """Return the few words of an event that tell one from another of its type."""
    if not isinstance(data, dict):
        return ""
    said = [str(data[name]) for name in ("work_item_id", *_SAYING) if isinstance(data.get(name), str)]
    error = data.get("error")
    if isinstance(error, dict) and isinstance(error.get("detail"), str):
        said.append(error["detail"])
    return " · ".join(text for text in said if text)
