"""What the list of each screen shows, and what an action done there is done to."""

from typing import NamedTuple

from clients.view import find, rows
from clients.view.actions import Subject
from clients.view.routines import routine_rows
from clients.view.screens import ScreenId
from clients.view.words import Tone, ago_text, state_text, word
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.approvals import Approval
from cutroom_sdk.wire.codec import Wire
from cutroom_sdk.wire.missions import Mission, WorkItemDetail
from cutroom_sdk.wire.notices import Notice
from cutroom_sdk.wire.routines import Routine

DECIDED_SHOWN = 200


class ListRow(Wire, frozen=True, kw_only=True):
    """A line of a list. `key` is the resource it stands for, `mission_id` where it leads (empty: nowhere)."""

    key: str
    mark: str
    tone: Tone
    title: str
    state: str
    note: str
    mission_id: str = ""


class Target(NamedTuple):
    """What an action would be done to, and the state it is in."""

    id: str
    state: str


def list_rows(shelf: Shelf, screen: ScreenId, now_ms: int) -> list[ListRow]:
    """Return the lines of a screen's list, in order."""
    match screen:
        case "home":
            asked = [_request_row(shelf, one, now_ms) for one in find.pending(shelf)]
            work = [_by_hand_row(mission, part, now_ms) for mission, part in find.by_hand(shelf)]
            return [*asked, *work, *(_notice_row(one, now_ms) for one in find.notices(shelf))]
        case "missions":
            return [_mission_row(row) for row in rows.mission_rows(shelf, now_ms)]
        case "routines":
            return [
                ListRow(
                    key=f"routine/{row.routine_id}",
                    mark=row.mark,
                    tone=row.tone,
                    title=row.name,
                    state=row.next or row.state,
                    note=row.last,
                    mission_id=row.mission_id,
                )
                for row in routine_rows(shelf, now_ms)
            ]
        case "requests":
            found = find.requests(shelf)[:DECIDED_SHOWN]
            return [_request_row(shelf, one, now_ms) for one in found]


def _mission_row(row: rows.MissionRow) -> ListRow:
    return ListRow(
        key=f"mission/{row.mission_id}",
        mark=row.mark,
        tone=row.tone,
        title=row.title,
        state=row.at if row.at and row.state == "running" else row.state,
        note=f"{row.fraction:.0%}",
        mission_id=row.mission_id,
    )


def _request_row(shelf: Shelf, approval: Approval, now_ms: int) -> ListRow:
    seen = word("approval", approval.state)
    row = rows.approval_row(shelf, approval, now_ms)
    decided = approval.decided_at_ms is not None
    return ListRow(
        key=f"approval/{approval.approval_id}",
        mark=seen.mark,
        tone=seen.tone,
        title=row.title,
        state=row.gate or state_text(approval.subject.kind),
        note=ago_text(approval.decided_at_ms, now_ms) if decided and approval.decided_at_ms else row.age,
        mission_id=row.mission_id if shelf.held(f"mission/{row.mission_id}") else "",
    )


def _by_hand_row(mission: Mission, part: WorkItemDetail, now_ms: int) -> ListRow:
    seen = word("item", part.item.status)
    begun = part.attempts[-1].requested_at_ms if part.attempts else mission.created_at_ms
    return ListRow(
        key=f"mission/{mission.mission_id}/item/{part.item.work_item_id}",
        mark=seen.mark,
        tone=seen.tone,
        title=part.item.title,
        state="by hand",
        note=ago_text(begun, now_ms),
        mission_id=mission.mission_id,
    )


def _notice_row(notice: Notice, now_ms: int) -> ListRow:
    seen = word("notice", notice.type)
    mission_id = notice.properties.get("mission_id")
    return ListRow(
        key=f"notice/{notice.notice_id}",
        mark=seen.mark,
        tone=seen.tone,
        title=str(notice.properties.get("title") or notice.type),
        state=notice_text(notice),
        note=ago_text(notice.told_at_ms, now_ms),
        mission_id=mission_id if isinstance(mission_id, str) else "",
    )


def notice_text(notice: Notice) -> str:
    """Return what a notice is about in a word or two: `mission.budget_low` is `budget low`."""
    return state_text(notice.type.partition(".")[2] or notice.type)


def targets(shelf: Shelf, key: str) -> dict[Subject, Target]:
    """Return what actions on the line of this key are done to, by kind."""
    kind, _, name = key.partition("/")
    match kind:
        case "mission" if "/item/" in name:
            return _item_targets(shelf, key)
        case "mission":
            return _mission_targets(shelf, name)
        case "approval":
            approval = shelf.value(key, Approval)
            return {"approval": Target(name, approval.state)} if approval else {}
        case "routine":
            return _routine_targets(shelf, name)
        case "notice":
            return _notice_targets(shelf, key)
        case _:
            return {}


def _mission_targets(shelf: Shelf, mission_id: str) -> dict[Subject, Target]:
    mission = shelf.value(f"mission/{mission_id}", Mission)
    found: dict[Subject, Target] = {}
    if mission is not None:
        found["mission"] = Target(mission_id, mission.status)
    waiting = find.pending(shelf, mission_id)
    if waiting:
        found["approval"] = Target(waiting[0].approval_id, waiting[0].state)
    if mission is not None and mission.status == "running":
        by_hand = [part for head, part in find.by_hand(shelf) if head.mission_id == mission_id]
        if by_hand:
            item = by_hand[0].item
            found["item"] = Target(f"{mission_id}/item/{item.work_item_id}", item.status)
    return found


def _notice_targets(shelf: Shelf, key: str) -> dict[Subject, Target]:
    notice = shelf.value(key, Notice)
    if notice is None:
        return {}
    found: dict[Subject, Target] = {"notice": Target(notice.notice_id, "shown")}
    command_id = notice.properties.get("command_id")
    if notice.type == "command.unknown" and isinstance(command_id, str):
        found["command"] = Target(command_id, "unknown")
    return found


def _item_targets(shelf: Shelf, key: str) -> dict[Subject, Target]:
    part = shelf.value(key, WorkItemDetail)
    return {"item": Target(key.removeprefix("mission/"), part.item.status)} if part else {}


def _routine_targets(shelf: Shelf, routine_id: str) -> dict[Subject, Target]:
    routine = shelf.value(f"routine/{routine_id}", Routine)
    found: dict[Subject, Target] = {}
    if routine is not None:
        found["routine"] = Target(routine_id, routine.status)
    going_on = [run for run in find.runs_of(shelf, routine_id) if run.finished_at_ms is None]
    if going_on:
        found["routine_run"] = Target(going_on[0].run_id, going_on[0].status)
    return found
