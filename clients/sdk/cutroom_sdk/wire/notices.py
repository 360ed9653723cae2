"""Notices: what the engine wants people to know."""

from typing import Any

from cutroom_sdk.wire.codec import Wire


class Notice(Wire, frozen=True, kw_only=True):
    """Resource `notice/{notice_id}`, there until somebody dismisses it.

    `type` is one of `mission.failed`, `mission.paused` (somebody canceled a run of it) and `mission.budget_low` (less than a
    fifth of a budget is left); more may come. `properties` name the mission, and what there is to say: `detail`,
    `work_item_id`, `budget`, `used`, `allowed`.
    """

    notice_id: str
    type: str
    properties: dict[str, Any]
    told_at_ms: int
