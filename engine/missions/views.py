"""What a mission looks like from outside: one small head, and one part for each item."""

from collections.abc import Mapping

from msgspec import Struct

from cutroom_sdk.wire import missions as wire
from engine.missions.types import Item, Mission


def resources(mission_id: str, mission: Mission) -> Mapping[str, Struct | None]:
    """Return `mission/{id}` and `mission/{id}/item/{item}` of each of its items."""
    if mission.version == 0:
        return {}
    parts: dict[str, Struct | None] = {
        f"mission/{mission_id}/item/{item.name}": detail(mission_id, item) for item in mission.items
    }
    return {f"mission/{mission_id}": head(mission), **parts}


def head(mission: Mission) -> wire.Mission:
    """Return the mission without what only its items' parts tell: inputs, attempts, outputs."""
    return wire.Mission(
        mission_id=mission.mission_id,
        version=mission.version,
        status=mission.status,
        title=mission.title,
        goal=mission.goal,
        success_criteria=mission.success_criteria,
        work_items=tuple(_work_item(item) for item in mission.items),
        budgets=mission.budgets,
        used=mission.used,
        capabilities=mission.capabilities,
        metadata=mission.metadata,
        template=mission.template,
        self_review=mission.self_review,
        created_by=mission.created_by,
        created_at_ms=mission.created_at_ms,
        started_at_ms=mission.started_at_ms,
        finished_at_ms=mission.finished_at_ms,
        reason=mission.reason,
        failure=mission.failure,
        summary=mission.summary,
    )


def detail(mission_id: str, item: Item) -> wire.WorkItemDetail:
    """Return all there is to know about an item."""
    return wire.WorkItemDetail(
        mission_id=mission_id,
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
