"""How an edit ended: one document for programs, and the rows that people read are made from it too."""

from fractions import Fraction
from typing import Any

from clients.view import find
from cutroom_sdk.shelf import Shelf
from cutroom_sdk.wire.codec import Wire, to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.missions import Mission, SummaryFile
from cutroom_sdk.wire.renders import Check, Render


class CutReport(Wire, frozen=True, kw_only=True):
    """A stretch that is kept. Seconds count from the source's first frame shown; frames are half open."""

    asset: str
    start_s: float
    end_s: float
    start_frame: int
    end_frame: int
    reasons: tuple[str, ...]


class RemovedReport(Wire, frozen=True, kw_only=True):
    """A stretch that is left out, and why."""

    asset: str
    start_s: float
    end_s: float
    reason: str


class CheckReport(Wire, frozen=True, kw_only=True):
    """A check of the finished file."""

    name: str
    status: str
    value: str
    limit: str
    source: str


class EditReport(Wire, frozen=True, kw_only=True):
    """What `cutroom edit --json` prints. `output`, `sha256`, `duration_s` None: there is no file.

    `plan_hash` is that of the render's plan, as its receipt has it; None before there is one.

    `reused` names the steps whose result was taken from earlier work; `error` is empty unless the mission failed. `post` are
    the settings that were put onto the cut.
    """

    mission_id: str
    status: str
    output: str | None
    sha256: str | None
    duration_s: float | None
    plan_hash: str | None
    reused: tuple[str, ...]
    cuts: tuple[CutReport, ...]
    removed: tuple[RemovedReport, ...]
    checks: tuple[CheckReport, ...]
    notices: tuple[str, ...]
    elapsed_s: float
    error: str = ""
    post: dict[str, Any] = {}


def edit_report(shelf: Shelf, mission: Mission, plan: CutPlan | None, *, elapsed_s: float) -> EditReport:
    """Return how a mission made from the footage template stands or ended."""
    render = find.render(shelf, find.refs(mission))
    file = delivered(mission)
    return EditReport(
        mission_id=mission.mission_id,
        status=mission.status,
        output=file.path if file else None,
        sha256=file.sha256 if file else None,
        duration_s=seconds_s(plan.duration) if plan and file else None,
        plan_hash=render.plan_hash if render else None,
        reused=tuple(item.work_item_id for item in mission.work_items if item.reused),
        cuts=_cuts(plan),
        removed=_removed(plan),
        checks=_checks(find.checks(shelf, mission)),
        notices=_notices(shelf, mission, plan, render),
        elapsed_s=round(elapsed_s, 3),
        error=failure_text(mission),
        post=plan.post if plan else {},
    )


def delivered(mission: Mission) -> SummaryFile | None:
    """Return the file that the mission left behind, its receipt aside; None without one."""
    files = mission.summary.files if mission.summary else ()
    return next((file for file in files if not file.path.endswith(".receipt.json")), None)


def failure_text(mission: Mission) -> str:
    """Return why a mission failed or was canceled, empty when it did neither."""
    if mission.failure is not None:
        return mission.failure.detail
    if mission.status == "canceled":
        return mission.reason or "canceled"
    return ""


def seconds_s(value: Fraction) -> float:
    """Return exact seconds as a decimal of microseconds, for people and programs that only look."""
    return round(float(value), 6)


def _cuts(plan: CutPlan | None) -> tuple[CutReport, ...]:
    return tuple(
        CutReport(
            asset=cut.asset,
            start_s=seconds_s(cut.start),
            end_s=seconds_s(cut.end),
            start_frame=cut.start_frame,
            end_frame=cut.end_frame,
            reasons=cut.reasons,
        )
        for cut in (plan.cuts if plan else ())
    )


def _removed(plan: CutPlan | None) -> tuple[RemovedReport, ...]:
    return tuple(
        RemovedReport(
            asset=gone.asset, start_s=seconds_s(gone.start), end_s=seconds_s(gone.end), reason=gone.reason
        )
        for gone in (plan.removed if plan else ())
    )


def _checks(checks: tuple[Check, ...]) -> tuple[CheckReport, ...]:
    return tuple(
        CheckReport(
            name=check.name, status=check.status, value=check.value, limit=check.limit, source=check.source
        )
        for check in checks
    )


def _notices(shelf: Shelf, mission: Mission, plan: CutPlan | None, render: Render | None) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in mission.work_items:
        detail = find.detail(shelf, mission.mission_id, item.work_item_id)
        if detail and detail.attempts:
            found.update(dict.fromkeys(detail.attempts[-1].notices))
    if plan:
        found.update(dict.fromkeys((*plan.goal.notices, *plan.notices)))
    if render:
        found.update(dict.fromkeys(render.notices))
    return tuple(found)


def as_json(report: EditReport) -> Any:
    """Return the document as plain data, without an empty `error`."""
    document = to_builtins(report)
    if not report.error:
        del document["error"]
    return document
