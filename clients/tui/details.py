"""What is shown of the line that the cursor is on: pure, from the copy of resources to text of a given width."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from clients.tui import drawing
from clients.view import find, rows
from clients.view.requests import binding_facts, notice_facts, request_facts
from clients.view.routines import routine_facts, run_rows
from clients.view.words import ahead_text, stamp_text
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.missions import Mission, WorkItemDetail
from cutroom_sdk.wire.notices import Notice
from cutroom_sdk.wire.routines import Routine, WatchedFolder

ITEMS_SHOWN: Final = 60
RUNS_SHOWN: Final = 100


def overview(shelf: Shelf, mission: Mission, width: int) -> Content:
    """Return a mission: why it stands still, its items, what became of their attempts, its files."""
    shown, left_out = rows.shown_items(mission, ITEMS_SHOWN)
    parts = [Content("\n").join(part) for part in (_standing(mission, width),) if part]
    parts.append(drawing.items([rows.item_row(shelf, mission, item) for item in shown], width))
    if left_out:
        more = f"and {left_out} more {'item' if left_out == 1 else 'items'}: cutroom mission show {mission.mission_id}"
        parts.append(Content.assemble((more, drawing.MUTED)))
    for item in shown:
        detail = find.detail(shelf, mission.mission_id, item.work_item_id)
        if detail and (len(detail.attempts) > 1 or item.status in ("rework", "failed")):
            attempts = "\n".join(rows.attempt_lines(detail))
            parts.append(Content.assemble((f"\n{item.title}\n", "bold"), (attempts, drawing.MUTED)))
    if mission.failure is not None:
        parts.append(Content.assemble("\n", (mission.failure.detail, drawing.STYLES["bad"])))
    files = mission.summary.files if mission.summary else ()
    if files:
        parts.append(Content.assemble(("\nFiles\n", "bold"), "\n".join(file.path for file in files)))
    parts.append(Content.assemble((f"\ncutroom mission show {mission.mission_id}", drawing.MUTED)))
    return Content("\n").join(parts)


def _standing(mission: Mission, width: int) -> list[Content]:
    """Return the mission's whole title, and why it is paused or was canceled."""
    lines = [Content.assemble((line.plain, "bold")) for line in Content(mission.title).wrap(max(width, 20))]
    if mission.priority != "normal":
        lines.append(Content.assemble((f"{mission.priority} priority", drawing.MUTED)))
    if mission.status in ("paused", "canceled") and mission.reason:
        said = Content(f"{mission.status}: {mission.reason}").wrap(max(width, 20))
        lines += [Content.assemble((line.plain, drawing.STYLES["waiting"])) for line in said]
    return lines


def waiting(asked: Sequence[Approval], width: int) -> Content:
    """Return what the selected mission waits for, in a few lines."""
    first = asked[0]
    gate = (first.subject.gate or "leave").capitalize()
    reviews = sum(one.subject.gate == "review" for one in asked)
    more = f"   A: approve all {reviews}" if reviews > 1 else ""
    lead = Content.assemble((f"{gate} ", "bold"), f"a: approve   d: deny   2: see the plan{more}")
    return Content("\n").join([lead, *Content(first.summary).wrap(max(width, 20))[:3]])


def request(shelf: Shelf, approval: Approval, now_ms: int, width: int) -> Content:
    """Return a request: what is asked, its checks, and the plan that it is about."""
    parts = [drawing.facts(request_facts(shelf, approval, now_ms), width)]
    if approval.checks:
        parts += [_heading("Checks"), drawing.checks(rows.check_rows(approval.checks), width)]
    plan = find.plan(shelf, approval.artifact_refs)
    if plan is not None:
        parts += [_heading(f"Plan: {rows.plan_line(plan)}")]
        parts += [drawing.cuts([*rows.cut_rows(plan), *rows.removed_rows(plan)], width)]
    render = find.render(shelf, approval.artifact_refs)
    if render is not None and render.checks and not approval.checks:
        parts += [_heading("Checks"), drawing.checks(rows.check_rows(render.checks), width)]
    parts += [_heading("Bound to"), drawing.facts(binding_facts(approval), width)]
    return Content("\n").join(parts)


def by_hand(part: WorkItemDetail, width: int) -> Content:
    """Return work that somebody is to do by hand: what it is, and why it is to be done again."""
    facts = [
        ("to do", part.item.title),
        ("detail", part.detail),
        ("attempt", str(part.item.attempt)),
        ("told before", "; ".join(part.item.reasons)),
        ("report it", f"cutroom mission report {part.mission_id} {part.item.work_item_id}"),
    ]
    lead = Content.assemble(("\nf: it is done   enter: its mission\n", drawing.MUTED))
    return Content("\n").join([drawing.facts(facts, width), lead])


def notice(shelf: Shelf, told: Notice, width: int) -> Content:
    """Return a notice, and what to do about it."""
    lead = Content.assemble(("enter: its mission   x: dismiss\n", drawing.MUTED))
    return Content("\n").join([drawing.facts(notice_facts(shelf, told), width), Content(""), lead])


def routine(shelf: Shelf, one: Routine, ticks: Sequence[int], now_ms: int, width: int) -> Content:
    """Return a routine: what it does and may do, when it fires next, what became of its runs."""
    watched = shelf.value(f"watch/{one.routine_id}", WatchedFolder)
    parts = [drawing.facts(routine_facts(one, watched=watched), width)]
    if ticks:
        as_if = "" if one.status == "active" else ", if it were active"
        lines = "\n".join(f"  {stamp_text(at, None)}  {ahead_text(at, now_ms)}" for at in ticks)
        parts += [_heading(f"Comes due{as_if}"), Content(lines)]
    runs = find.runs_of(shelf, one.routine_id)
    parts += [_heading("Runs"), drawing.runs(run_rows(runs[:RUNS_SHOWN]), width)]
    if not runs:
        parts.append(Content.assemble(("none yet; n fires it now, once it is active", drawing.MUTED)))
    if len(runs) > RUNS_SHOWN:
        more = f"and {len(runs) - RUNS_SHOWN} before: cutroom routine history {one.routine_id}"
        parts.append(Content.assemble((more, drawing.MUTED)))
    return Content("\n").join(parts)


def _heading(text: str) -> Content:
    return Content.assemble((f"\n{text}", "bold"))
