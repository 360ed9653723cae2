"""What belongs together on a shelf of resources: a mission with its plan, its render, what it waits for."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.media import Artifact
from cutroom_sdk.wire.missions import Mission, WorkItem, WorkItemDetail
from cutroom_sdk.wire.notices import Notice
from cutroom_sdk.wire.renders import Check, Render
from cutroom_sdk.wire.routines import Routine, RoutineRun

# What screens show; all else that the engine publishes (its outbox, its caches) need not travel to them.
SHOWN: Final = ("mission", "run", "approval", "artifact", "render")
# What the screen of the whole studio follows.
STUDIO: Final = (*SHOWN, "routine", "routine-run", "watch", "notice")
OVER = frozenset({"succeeded", "failed", "canceled"})


def missions(shelf: Shelf) -> list[Mission]:
    """Return all missions, newest first."""
    return [_whole(shelf, one) for one in heads(shelf)]


def heads(shelf: Shelf) -> list[Mission]:
    """Return all missions, newest first, as they are listed: a large one without its items, only their `counts`."""
    found = shelf.values("mission", Mission, depth=2)
    return sorted(found, key=lambda mission: (mission.created_at_ms, mission.mission_id), reverse=True)


def mission(shelf: Shelf, mission_id: str) -> Mission | None:
    """Return a mission, or None when there is none."""
    found = shelf.value(f"mission/{mission_id}", Mission)
    return None if found is None else _whole(shelf, found)


def _whole(shelf: Shelf, head: Mission) -> Mission:
    """Return a mission with its items, which a large one's head leaves to their own resources."""
    if head.work_items:
        return head
    parts = shelf.values(f"mission/{head.mission_id}/item", WorkItemDetail)
    items = tuple(part.item for part in sorted(parts, key=lambda part: part.place))
    return replace(head, work_items=items)


def detail(shelf: Shelf, mission_id: str, work_item_id: str) -> WorkItemDetail | None:
    """Return all there is to know about an item, or None when there is none."""
    return shelf.value(f"mission/{mission_id}/item/{work_item_id}", WorkItemDetail)


def pending(shelf: Shelf, mission_id: str | None = None) -> list[Approval]:
    """Return the approvals that wait for somebody (not for the engine), oldest first, of one mission if named."""
    found = [
        approval
        for approval in shelf.values("approval", Approval, depth=2)
        if approval.state == "pending"
        and approval.decider != "auto"
        and (mission_id is None or mission_of(approval) == mission_id)
    ]
    return sorted(found, key=lambda approval: (approval.requested_at_ms, approval.approval_id))


def by_hand(shelf: Shelf) -> list[tuple[Mission, WorkItemDetail]]:
    """Return the items that somebody is to do by hand and report, with their missions, longest waiting first."""
    found = [
        (head, part)
        for head in heads(shelf)
        if head.status == "running" and (not head.work_items or any(map(_by_hand, head.work_items)))
        for part in shelf.values(f"mission/{head.mission_id}/item", WorkItemDetail)
        if _by_hand(part.item)
    ]
    return sorted(found, key=lambda one: (one[0].created_at_ms, one[0].mission_id, one[1].place))


def _by_hand(item: WorkItem) -> bool:
    return item.kind == "manual" and item.status == "in_progress"


def requests(shelf: Shelf) -> list[Approval]:
    """Return what people and agents were asked: what is pending, oldest first, then the rest, newest first."""
    decided = [
        approval
        for approval in shelf.values("approval", Approval, depth=2)
        if approval.state != "pending" and approval.decider != "auto"
    ]
    decided.sort(key=lambda one: (one.decided_at_ms or one.requested_at_ms, one.approval_id), reverse=True)
    return [*pending(shelf), *decided]


def routines(shelf: Shelf) -> list[Routine]:
    """Return the routines: what fires soonest first, then what is active, paused, a draft."""
    order = {"active": 0, "paused": 1, "draft": 2}
    never = 1 << 62
    return sorted(
        shelf.values("routine", Routine, depth=2),
        key=lambda one: (order[one.status], one.next_fire_at_ms or never, one.routine_id),
    )


def runs_of(shelf: Shelf, routine_id: str) -> list[RoutineRun]:
    """Return a routine's runs, newest first."""
    found = [run for run in shelf.values("routine-run", RoutineRun, depth=2) if run.routine_id == routine_id]
    return sorted(found, key=lambda run: (run.fired_at_ms, run.due_at_ms, run.run_id), reverse=True)


def notices(shelf: Shelf) -> list[Notice]:
    """Return the notices that nobody has dismissed, newest first."""
    found = shelf.values("notice", Notice, depth=2)
    return sorted(found, key=lambda notice: (notice.told_at_ms, notice.notice_id), reverse=True)


def mission_of(approval: Approval) -> str:
    """Return the mission an approval belongs to; for other subjects the subject's own id."""
    return approval.subject.id.partition("/")[0]


def item_of(approval: Approval) -> str:
    """Return the item an approval is about, empty when it is about something else."""
    return approval.subject.id.partition("/")[2]


def plan_ref(shelf: Shelf, refs: Iterable[str]) -> str | None:
    """Return which of `refs` is the newest cut plan, or None."""
    plans = [ref for ref in refs if ref.startswith("artifact/") and _is_plan(shelf, ref)]
    return plans[-1] if plans else None


def plan(shelf: Shelf, refs: Iterable[str]) -> CutPlan | None:
    """Return the cut plan among `refs`; None without one, or when it is kept apart because it is large."""
    ref = plan_ref(shelf, refs)
    artifact = shelf.value(ref, Artifact) if ref else None
    return plan_of(artifact) if artifact else None


def plan_of(artifact: Artifact) -> CutPlan | None:
    """Return the cut plan that an artifact holds; None when it lies in a blob."""
    return None if artifact.data is None else convert(artifact.data, CutPlan)


def render(shelf: Shelf, refs: Iterable[str]) -> Render | None:
    """Return the newest render among `refs`, or None."""
    renders = [shelf.value(ref, Render) for ref in refs if ref.startswith("render/")]
    return renders[-1] if renders else None


def checks(shelf: Shelf, mission: Mission) -> tuple[Check, ...]:
    """Return the checks of the mission's render; before it tells them itself, those on the approval of its test."""
    made = render(shelf, refs(mission))
    if made is not None and made.checks:
        return made.checks
    for item in reversed(mission.work_items):
        approval_id = item.gates.test.approval_id
        approval = shelf.value(f"approval/{approval_id}", Approval) if approval_id else None
        if approval is not None and approval.checks:
            return approval.checks
    return ()


def refs(mission: Mission) -> tuple[str, ...]:
    """Return all that the mission's items have made, in the items' order, each once."""
    found: dict[str, None] = {}
    for item in mission.work_items:
        found.update(dict.fromkeys(item.refs))
    return tuple(found)


def current(mission: Mission) -> WorkItem | None:
    """Return the item that the mission is at: what runs or waits, else what comes next; None when all is over."""
    by_urgency = ("review", "in_progress", "test", "rework", "todo", "blocked")
    for status in by_urgency:
        for item in mission.work_items:
            if item.status == status:
                return item
    return None


def _is_plan(shelf: Shelf, ref: str) -> bool:
    artifact = shelf.value(ref, Artifact)
    return artifact is not None and artifact.kind == "cut_plan"
