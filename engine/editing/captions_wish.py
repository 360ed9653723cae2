"""How a film is to have its captions, where its timeline says so: a wish of its own, over that of the target profile.

It stands in the timeline's metadata, so that it travels with it through every format that keeps them.
"""

from typing import Any, Final, get_args

from msgspec.structs import replace

from cutroom_sdk.wire.renders import CaptionsAs
from cutroom_sdk.wire.timeline import Timeline

KEY: Final = "captions"
_WORDS: Final[tuple[CaptionsAs, ...]] = get_args(CaptionsAs)


def with_wish(timeline: Timeline, wanted: CaptionsAs | None) -> Timeline:
    """Return a timeline that says how its captions are wanted; None: as the profile has them."""
    rest = {name: value for name, value in timeline.metadata.items() if name != KEY}
    return replace(timeline, metadata={**rest, KEY: wanted} if wanted else rest)


def wish_of(timeline: Timeline) -> CaptionsAs | None:
    """Return how a timeline wants its captions; what it says that is no such word counts as not said."""
    said: Any = timeline.metadata.get(KEY)
    return next((one for one in _WORDS if one == said), None)
