"""What a mission tells people by itself, beside what it asks them: that it failed, was held up, or is running dry."""

from cutroom_sdk.wire.missions import Failure, Used
from engine.missions.commands import EmitNotice
from engine.missions.types import Mission

LOW = 5  # a budget is low when less than a fifth of it is left


def failed(mission: Mission, failure: Failure) -> EmitNotice:
    """The mission has come to a bad end."""
    return _notice(
        "mission.failed",
        mission,
        detail=failure.detail,
        budget=failure.budget,
        work_item_id=failure.work_item_id,
    )


def paused(mission: Mission, work_item_id: str) -> EmitNotice:
    """Somebody canceled the run of an item, and the mission waits to hear what now."""
    return _notice("mission.paused", mission, detail=mission.reason, work_item_id=work_item_id)


def budget_low(mission: Mission, used: Used) -> tuple[EmitNotice, ...]:
    """Tell, once, of each budget of which less than a fifth is left."""
    budgets, before = mission.budgets, mission.used
    counted = (
        ("max_steps", budgets.max_steps, before.steps, used.steps),
        ("max_tool_calls", budgets.max_tool_calls, before.tool_calls, used.tool_calls),
    )
    return tuple(
        _notice("mission.budget_low", mission, budget=name, used=now, allowed=allowed)
        for name, allowed, was, now in counted
        if allowed is not None and _low(now, allowed) and not _low(was, allowed)
    )


def _low(used: int, allowed: int) -> bool:
    return (allowed - used) * LOW < allowed


def _notice(kind: str, mission: Mission, **properties: object) -> EmitNotice:
    about = {"mission_id": mission.mission_id, "title": mission.title}
    return EmitNotice(notice=kind, properties=about | properties)
