"""What a mission's end means for the exit code of the command that waited for it."""

from clients.view import find
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.missions import Mission
from cutroom_sdk.wire.problems import CANCELED, CODES, DONE, FAILED, REFUSED


def exit_code(shelf: Shelf, mission: Mission) -> int:
    """Tell a person's no from work that failed, and that from work that was asked for in a way nobody can do."""
    if mission.status in ("succeeded", "canceled"):
        return DONE if mission.status == "succeeded" else CANCELED
    if mission.failure is None or mission.failure.work_item_id is None:
        return FAILED
    detail = find.detail(shelf, mission.mission_id, mission.failure.work_item_id)
    last = detail.attempts[-1] if detail and detail.attempts else None
    if last is None:
        return FAILED
    if last.decisions and not last.decisions[-1].granted and last.decisions[-1].decider != "auto":
        return REFUSED
    return CODES[last.code].exit if mission.failure.budget is None and last.code in CODES else FAILED
