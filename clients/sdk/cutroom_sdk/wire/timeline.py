"""The timeline, in OpenTimelineIO's words. All times are exact seconds, all spans half open."""

from fractions import Fraction
from typing import Any, Literal

from cutroom_sdk.wire.codec import Wire


class TimeRange(Wire, frozen=True, kw_only=True):
    """`[start, start + duration)` in seconds of the medium it points into."""

    start: Fraction
    duration: Fraction

    @property
    def end(self) -> Fraction:
        """The first instant that is no longer inside."""
        return self.start + self.duration


class Keyframe(Wire, frozen=True, kw_only=True):
    """A parameter's value at a time of its clip (0 is the clip's first frame) and the way to the next one."""

    at: Fraction
    value: float
    ease: Literal["hold", "linear"] = "linear"


class Effect(Wire, frozen=True, kw_only=True):
    """A named effect; each parameter is a constant or keyframes in clip time, sorted by `at`."""

    name: str
    parameters: dict[str, float | str | tuple[Keyframe, ...]] = {}


class AssetReference(Wire, frozen=True, kw_only=True, tag="asset"):
    """Media that is an asset."""

    asset_id: str


class Marker(Wire, frozen=True, kw_only=True):
    """A named place in a clip or timeline."""

    name: str
    at: Fraction
    comment: str = ""


class Clip(Wire, frozen=True, kw_only=True, tag="clip"):
    """A stretch of a medium on a track. `source_range` counts from the medium's first frame shown."""

    id: str
    media: AssetReference
    source_range: TimeRange
    name: str = ""
    effects: tuple[Effect, ...] = ()
    markers: tuple[Marker, ...] = ()
    link_group: str | None = None
    scoring: dict[str, float] | None = None
    reasons: tuple[str, ...] = ()


class Gap(Wire, frozen=True, kw_only=True, tag="gap"):
    """Nothing: black and silent for `duration` seconds."""

    duration: Fraction


class Track(Wire, frozen=True, kw_only=True):
    """Items one after the other from time 0."""

    kind: Literal["video", "audio", "caption"]
    name: str
    items: tuple[Clip | Gap, ...]
    enabled: bool = True
    locked: bool = False
    gain_db: float = 0.0


class Timeline(Wire, frozen=True, kw_only=True):
    """One frame rate (frames a second), one sample rate (Hz), one size (pixels)."""

    name: str
    rate: Fraction
    width: int
    height: int
    sample_rate: int
    tracks: tuple[Track, ...]
    metadata: dict[str, Any] = {}
