"""What the cut planner decides, and why."""

from fractions import Fraction
from typing import Any, Literal

from cutroom_sdk.wire.codec import Request, Wire
from cutroom_sdk.wire.post import PostSettings
from cutroom_sdk.wire.timeline import Timeline, TimeRange


class Goal(Wire, frozen=True, kw_only=True):
    """What was understood of the words of a goal.

    `target` is the length wanted, seconds; None: none is wanted, all good material is kept. `at_most`: the result may
    not be longer than `target`.
    """

    text: str
    target: Fraction | None = None
    kind: Literal["highlight", "tighten"] = "tighten"
    at_most: bool = False
    notices: tuple[str, ...] = ()


class Cut(Wire, frozen=True, kw_only=True):
    """A stretch of a source that is kept, seconds `[start, end)` from its first frame shown.

    `end - start` is a whole number of the timeline's frames. `[start_frame, end_frame)` are the source's own frames that
    are seen. `score` is 0..1: the mean of `signals` (0..1 each), weighted with `weights`, which add up to 1.
    """

    asset_id: str
    asset: str
    start: Fraction
    end: Fraction
    start_frame: int
    end_frame: int
    score: float
    reasons: tuple[str, ...]
    signals: dict[str, float] = {}
    weights: dict[str, float] = {}


class Removed(Wire, frozen=True, kw_only=True):
    """A stretch of a source that is left out, and why."""

    asset_id: str
    asset: str
    start: Fraction
    end: Fraction
    reason: str


class PlanSource(Wire, frozen=True, kw_only=True):
    """A source that the plan was made from. `artifacts` are the ids of the analyses used, by kind.

    `speech` are the stretches in which somebody speaks, in order; None where nobody listened (no sound).
    """

    asset_id: str
    asset: str
    duration: Fraction
    artifacts: dict[str, str] = {}
    speech: tuple[TimeRange, ...] | None = None


class CutPlan(Wire, frozen=True, kw_only=True):
    """The data of the artifact of kind `cut_plan`.

    Cuts, and what was removed, stand in the order of the sources and of time. `chosen_by`: whose choice the cuts are.
    `plan_hash` is the digest of everything else: same inputs, same hash. `post` are the settings (`PostSettings`) that were put
    onto the timeline; empty: none.
    """

    goal: Goal
    profile: str
    timeline: Timeline
    cuts: tuple[Cut, ...]
    removed: tuple[Removed, ...]
    duration: Fraction
    sources: tuple[PlanSource, ...] = ()
    notices: tuple[str, ...] = ()
    chosen_by: Literal["planner", "reviewer"] = "planner"
    plan_hash: str = ""
    post: dict[str, Any] = {}


class KeepSpan(Request, frozen=True, kw_only=True):
    """A stretch of an asset that a reviewer wants kept, seconds `[start, end)` from its first frame shown."""

    asset_id: str
    start: Fraction
    end: Fraction


class PlanCutInput(Request, frozen=True, kw_only=True):
    """Input of the tool `plan_cut`.

    `keep` None: the planner chooses. Else exactly these spans are kept, in source order, overlapping ones as one, widened
    where they would split a word. `post` is done with the cut once it is planned.
    """

    goal: str
    profile: str
    keep: tuple[KeepSpan, ...] | None = None
    post: PostSettings | None = None
