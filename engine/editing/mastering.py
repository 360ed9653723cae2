"""How loud a film is to be, where its timeline says so: a wish of its own, over that of the target profile.

It stands in the timeline's metadata, so that it travels with it through every format that keeps them.
"""

import math
from typing import Any, Final

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Timeline

KEY: Final = "mastering"
LOUDNESS: Final = (-40.0, -5.0)  # LUFS
PEAK: Final = (-9.0, 0.0)  # dBTP
_RANGES: Final = {"loudness_lufs": LOUDNESS, "true_peak_dbtp": PEAK}


def with_mastering(timeline: Timeline, loudness_lufs: float | None, true_peak_dbtp: float | None) -> Timeline:
    """Return a timeline that says how loud it is to be; None: as the profile has it."""
    said = {"loudness_lufs": loudness_lufs, "true_peak_dbtp": true_peak_dbtp}
    kept = {name: value for name, value in said.items() if value is not None}
    rest = {name: value for name, value in timeline.metadata.items() if name != KEY}
    return replace(timeline, metadata={**rest, KEY: kept} if kept else rest)


def mastered(profile: Profile, timeline: Timeline) -> Profile:
    """Return the profile with the loudness that the timeline asks for. What it says that is no such number counts as not said."""
    asked: Any = timeline.metadata.get(KEY)
    if not isinstance(asked, dict):
        return profile
    found = {
        name: min(max(float(value), low), high)
        for name, (low, high) in _RANGES.items()
        if isinstance(value := asked.get(name), int | float) and math.isfinite(value)
    }
    return replace(profile, **found)
