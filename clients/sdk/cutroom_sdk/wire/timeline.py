"""The timeline, in OpenTimelineIO's words. All times are exact seconds, all spans half open."""

from fractions import Fraction
from typing import Any, Literal

from cutroom_sdk.wire.codec import Wire

# The control points x1, y1, x2, y2 of a cubic curve from (0, 0) to (1, 1); x in 0..1 (CSS Easing Functions, 2.2).
Bezier = tuple[float, float, float, float]


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
    ease: Literal["hold", "linear"] | Bezier = "linear"


Parameter = float | str | tuple[Keyframe, ...]


class Mask(Wire, frozen=True, kw_only=True):
    """Where an effect acts: inside the shape, or outside it.

    `x`, `y` are the middle, `width`, `height` the whole extent, in 0..1 of the picture; `feather` is how wide its edge
    fades, 0..1 of the picture's height. `faces`: the faces that an analysis of the clip's asset has found, each an ellipse
    of its own; the numbers then are left alone but for `feather`.
    """

    shape: Literal["rectangle", "ellipse", "faces"]
    x: float | tuple[Keyframe, ...] = 0.5
    y: float | tuple[Keyframe, ...] = 0.5
    width: float | tuple[Keyframe, ...] = 0.5
    height: float | tuple[Keyframe, ...] = 0.5
    feather: float | tuple[Keyframe, ...] = 0.0
    inverted: bool = False


class Effect(Wire, frozen=True, kw_only=True):
    """A named effect; each parameter is a constant or keyframes in clip time, sorted by `at`.

    On a track the times count from the track's beginning.
    """

    name: str
    parameters: dict[str, Parameter] = {}
    enabled: bool = True
    mask: Mask | None = None


class Word(Wire, frozen=True, kw_only=True):
    """A word of a text and when it is said, seconds from the clip's first frame."""

    text: str
    start: Fraction
    end: Fraction


class AssetReference(Wire, frozen=True, kw_only=True, tag="asset"):
    """Media that is an asset."""

    asset_id: str


class Generator(Wire, frozen=True, kw_only=True, tag="generator"):
    """Media that is made on the spot: `kind` is a name of the catalogue (`solid`, `title`, `caption`, ...).

    `words`: of a text, where it is known when they are said.
    """

    kind: str
    parameters: dict[str, Parameter] = {}
    words: tuple[Word, ...] = ()


class TimelineReference(Wire, frozen=True, kw_only=True, tag="timeline"):
    """Media that is another timeline, as it was at a version of its stream; None: as it is when it is read."""

    timeline_id: str
    version: int | None = None


class Nested(Wire, frozen=True, kw_only=True, tag="nested"):
    """Media that is a timeline given whole."""

    timeline: "Timeline"


class Marker(Wire, frozen=True, kw_only=True):
    """A named place in a clip (clip time) or timeline."""

    name: str
    at: Fraction
    comment: str = ""
    duration: Fraction = Fraction(0)
    colour: str = ""


class Clip(Wire, frozen=True, kw_only=True, tag="clip"):
    """A stretch of a medium on a track.

    As in OpenTimelineIO, `source_range.duration` is how long the clip lasts on its track and `source_range.start` the
    earliest moment of the medium that is shown, counted from the medium's first frame shown. At clip time t the medium is
    at `start + S(t) - min(S)`, S being the integral of the speed from 0 to t: 1 plays as recorded, 0 holds a frame, a
    negative speed plays backwards. `ramp`, where there is one, are keyframes of the speed and stand for `speed`.

    `alignment_offset`, `scoring`, `reasons` are notes of what made the clip; they change nothing that is shown.
    """

    id: str
    media: AssetReference | Generator | TimelineReference | Nested
    source_range: TimeRange
    name: str = ""
    speed: Fraction = Fraction(1)
    ramp: tuple[Keyframe, ...] = ()
    effects: tuple[Effect, ...] = ()
    markers: tuple[Marker, ...] = ()
    link_group: str | None = None
    enabled: bool = True
    alignment_offset: Fraction | None = None
    scoring: dict[str, float] | None = None
    reasons: tuple[str, ...] = ()


class Gap(Wire, frozen=True, kw_only=True, tag="gap"):
    """Nothing, for `duration` seconds: what lies below is seen, black where nothing does; silent."""

    duration: Fraction


class Transition(Wire, frozen=True, kw_only=True, tag="transition"):
    """Stands between two clips and takes no time of its own: it covers `[cut - in_offset, cut + out_offset)`.

    The clip before is shown `out_offset` beyond its end, the clip after `in_offset` before its start: they need that much
    media beyond their source range (handles).
    """

    kind: str
    in_offset: Fraction
    out_offset: Fraction
    parameters: dict[str, Parameter] = {}


class Track(Wire, frozen=True, kw_only=True):
    """Items one after the other from time 0. Picture tracks lie one above the other, the first at the bottom.

    `gain_db` and `effects` act on the sound of an audio track, `effects` on the picture of a video track.
    """

    kind: Literal["video", "audio", "caption"]
    name: str
    items: tuple[Clip | Gap | Transition, ...]
    enabled: bool = True
    locked: bool = False
    gain_db: float | tuple[Keyframe, ...] = 0.0
    effects: tuple[Effect, ...] = ()


class Timeline(Wire, frozen=True, kw_only=True):
    """One frame rate (frames a second), one sample rate (Hz), one size (pixels)."""

    name: str
    rate: Fraction
    width: int
    height: int
    sample_rate: int
    tracks: tuple[Track, ...]
    markers: tuple[Marker, ...] = ()
    metadata: dict[str, Any] = {}
