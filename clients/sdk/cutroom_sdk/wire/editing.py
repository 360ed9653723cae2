"""What the cut planner decides, and why."""

from fractions import Fraction
from typing import Literal

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.timeline import Timeline


class Goal(Wire, frozen=True, kw_only=True):
    """What was understood of the words of a goal. `target` None: no length was named, only tidying is wanted."""

    text: str
    target: Fraction | None = None
    kind: Literal["highlight", "tighten"] = "tighten"
    notices: tuple[str, ...] = ()


class Cut(Wire, frozen=True, kw_only=True):
    """A stretch of a source that is kept. Frames are the source's own, counted from its first frame shown."""

    asset_id: str
    asset: str
    start: Fraction
    end: Fraction
    start_frame: int
    end_frame: int
    score: float
    reasons: tuple[str, ...]
    signals: dict[str, float] = {}


class Removed(Wire, frozen=True, kw_only=True):
    """A stretch of a source that is left out, and why."""

    asset_id: str
    asset: str
    start: Fraction
    end: Fraction
    reason: str


class CutPlan(Wire, frozen=True, kw_only=True):
    """The data of the artifact of kind `cut_plan`.

    `plan_hash` is the digest of everything else: same inputs, same hash.
    """

    goal: Goal
    profile: str
    timeline: Timeline
    cuts: tuple[Cut, ...]
    removed: tuple[Removed, ...]
    duration: Fraction
    notices: tuple[str, ...] = ()
    plan_hash: str = ""


class PlanCutInput(Request, frozen=True, kw_only=True):
    """Input of the tool `plan_cut`."""

    goal: str
    profile: str
    seed: int = 0
