"""What the planner is given: footage with what is known of it, the goal, the target, and what a reviewer said."""

from fractions import Fraction

from msgspec import Struct

from cutroom_sdk.wire.editing import Cut, Goal, KeepSpan
from cutroom_sdk.wire.media import Faces, Loudness, Motion, Quality, Shot, Speech
from cutroom_sdk.wire.post import PostSettings
from cutroom_sdk.wire.renders import Profile
from engine.media.index import FrameIndex


class Source(Struct, frozen=True, kw_only=True):
    """A piece of footage with a picture. All times count from the first frame shown, seconds.

    `rate` is nominal, frames a second. `speech` None: nobody listened, as there is no sound. Other analyses None: not
    made; the planner does without and says so. `artifacts` are the ids of the analyses by kind.
    """

    asset_id: str
    name: str
    index: FrameIndex
    rate: Fraction
    width: int
    height: int
    has_sound: bool
    speech: tuple[Speech, ...] | None = None
    shots: tuple[Shot, ...] = ()
    loudness: Loudness | None = None
    motion: Motion | None = None
    quality: Quality | None = None
    faces: Faces | None = None
    artifacts: dict[str, str] = {}


class PlanRequest(Struct, frozen=True, kw_only=True):
    """All that a plan depends on.

    `sources` stand in the order of the result. `goal` is as read, not yet fitted to the profile. `keep` None: the planner
    chooses. `refused` are the cuts of plans that were turned down: another one is wanted. `notices` are about the footage
    and go into the plan. `post` is put onto the timeline; a goal's length is that of what is seen, at its speed.
    """

    sources: tuple[Source, ...]
    goal: Goal
    profile: Profile
    keep: tuple[KeepSpan, ...] | None = None
    refused: tuple[tuple[Cut, ...], ...] = ()
    notices: tuple[str, ...] = ()
    post: PostSettings | None = None


Places = tuple[tuple[str, Fraction, Fraction], ...]


def places(cuts: tuple[Cut, ...]) -> Places:
    """Return where cuts lie: what makes two plans the same or not."""
    return tuple((cut.asset_id, cut.start, cut.end) for cut in cuts)
