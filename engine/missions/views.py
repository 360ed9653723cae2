"""What a mission looks like from outside: one small head, and one part for each item."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire import missions as wire
from cutroom_sdk.wire.codec import digest
from engine.missions.board import counts
from engine.missions.fold import SUMMARY
from engine.missions.items import Item
from engine.missions.types import Mission

WHOLE_MAX: Final = 64


def resources(mission_id: str, mission: Mission) -> Mapping[str, Struct | None]:
    """Return `mission/{id}` and `mission/{id}/item/{item}` of each of its items."""
    if mission.version == 0:
        return {}
    parts = (_part(mission_id, place, item) for place, item in enumerate(mission.items))
    return dict([_head_part(mission_id, mission), *parts])


def changed(mission_id: str, before: Mission, after: Mission) -> Mapping[str, Struct | None]:
    """Return those of `resources` that differ: the head, and the items that are not the very same ones."""
    if len(before.items) != len(after.items):
        return resources(mission_id, after)
    pairs = enumerate(zip(before.items, after.items, strict=True))
    parts = (_part(mission_id, place, new) for place, (old, new) in pairs if new is not old)
    return dict([_head_part(mission_id, after), *parts])


def _head_part(mission_id: str, mission: Mission) -> tuple[str, Struct]:
    return f"mission/{mission_id}", head(mission, whole=len(mission.items) <= WHOLE_MAX)


def _part(mission_id: str, place: int, item: Item) -> tuple[str, Struct]:
    return f"mission/{mission_id}/item/{item.name}", detail(mission_id, place, item)


def head(mission: Mission, *, whole: bool = True) -> wire.Mission:
    """Return the mission without what only its items' parts tell: inputs, attempts, outputs.

    Unless `whole`, the items are left out: with every event of a large mission all of them would be written again.
    """
    return wire.Mission(
        mission_id=mission.mission_id,
        version=mission.version,
        status=mission.status,
        title=mission.title,
        goal=mission.goal,
        success_criteria=mission.success_criteria,
        work_items=tuple(_work_item(item) for item in mission.items) if whole else (),
        counts=counts(mission.items),
        summary_artifact=f"artifact/{summary_key(mission.mission_id)[:32]}" if mission.summary else None,
        budgets=mission.budgets,
        used=mission.used,
        capabilities=mission.capabilities,
        authority=mission.authority,
        priority=mission.priority,
        metadata=mission.metadata,
        template=mission.template,
        self_review=mission.self_review,
        created_by=mission.created_by,
        created_at_ms=mission.created_at_ms,
        started_at_ms=mission.started_at_ms,
        finished_at_ms=mission.finished_at_ms,
        reason=mission.reason,
        failure=mission.failure,
        summary=mission.summary if whole or mission.summary is None else replace(mission.summary, items=()),
    )


def summary_key(mission_id: str) -> str:
    """Return the cache key of the artifact that a mission's summary is kept as."""
    return digest({"mission": mission_id, "kind": SUMMARY, "schema": 1})


def detail(mission_id: str, place: int, item: Item) -> wire.WorkItemDetail:
    """Return all there is to know about an item."""
    return wire.WorkItemDetail(
        mission_id=mission_id,
        place=place,
        item=_work_item(item),
        detail=item.spec.detail,
        role=item.spec.role,
        input=item.input,
        attempts=item.attempts,
    )


def _work_item(item: Item) -> wire.WorkItem:
    last = item.attempts[-1] if item.attempts else None
    return wire.WorkItem(
        work_item_id=item.name,
        title=item.spec.title,
        kind=item.spec.kind,
        status=item.status,
        depends_on=item.spec.depends_on,
        attempt=len(item.attempts),
        gates=item.gates,
        current_run_id=item.run_id,
        refs=last.refs if last else (),
        reused=bool(last and last.reused),
        reasons=item.reasons,
    )
