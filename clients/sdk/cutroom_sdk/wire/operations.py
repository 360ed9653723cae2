"""Operations on a kept timeline. Tracks are named by number (0 is the lowest), clips by id; all times are exact seconds.

What acts on a clip acts on the clips of its link group as well, each on its own track, unless it says `unlinked`.
"""

from fractions import Fraction
from typing import Annotated, Literal

from msgspec import Meta

from cutroom_sdk.wire.codec import Request
from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Gap,
    Keyframe,
    Marker,
    Mask,
    Parameter,
    Transition,
)

Number = Annotated[int, Meta(ge=0)]
Name = Annotated[str, Meta(max_length=1000)]
# `insert` moves what comes later out of the way, `overwrite` takes the place of what is there.
Placing = Literal["insert", "overwrite"]


class Insert(Request, frozen=True, kw_only=True, tag="insert"):
    """Put an item onto a track, at `at` seconds of it; None: at its end. Beyond the end, a gap leads up to it."""

    track: Number
    item: Clip | Gap
    at: Fraction | None = None
    placing: Placing = "insert"


class Remove(Request, frozen=True, kw_only=True, tag="remove"):
    """Take a clip away and leave a gap; its transitions go with it."""

    clip: str
    unlinked: bool = False


class RippleDelete(Request, frozen=True, kw_only=True, tag="ripple_delete"):
    """Take a clip away; what comes later on its track moves up."""

    clip: str
    unlinked: bool = False


class Move(Request, frozen=True, kw_only=True, tag="move"):
    """Move a clip so that it begins at `at` seconds, on its track or on another of the kind; its place becomes a gap.

    With `insert` its place closes, and `at` counts after that.
    """

    clip: str
    at: Fraction
    track: Number | None = None
    placing: Placing = "overwrite"
    unlinked: bool = False


class Trim(Request, frozen=True, kw_only=True, tag="trim"):
    """Cut `head` seconds off a clip's beginning and `tail` off its end; what is negative is added.

    Without `ripple` the rest of the track stays where it is: a gap takes the place of what is cut off, and what is added
    takes it from a gap. With it, what comes later moves.
    """

    clip: str
    head: Fraction = Fraction(0)
    tail: Fraction = Fraction(0)
    ripple: bool = False
    unlinked: bool = False


class Split(Request, frozen=True, kw_only=True, tag="split"):
    """Cut a clip in two at `at` seconds of clip time; the second is called `new_id`, or gets an id of its own."""

    clip: str
    at: Fraction
    new_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    unlinked: bool = False


class SetSpeed(Request, frozen=True, kw_only=True, tag="set_speed"):
    """Play a clip at another speed; a ramp that it has goes.

    `keep` `duration`: it lasts as long as before and plays more or less of its medium. `media`: it plays what it played,
    to the nearest whole frame, and what comes later on its track moves.
    """

    clip: str
    speed: Fraction
    keep: Literal["duration", "media"] = "duration"
    unlinked: bool = False


class SetRamp(Request, frozen=True, kw_only=True, tag="set_ramp"):
    """Give a clip keyframes of its speed; none: it plays at its constant speed again."""

    clip: str
    ramp: tuple[Keyframe, ...]
    unlinked: bool = False


class AddEffect(Request, frozen=True, kw_only=True, tag="add_effect"):
    """Give a clip, or a track, an effect, before that number `index`; None: as the last."""

    effect: Effect
    clip: str | None = None
    track: Number | None = None
    index: Number | None = None


class RemoveEffect(Request, frozen=True, kw_only=True, tag="remove_effect"):
    """Take the effect number `effect` from a clip or a track."""

    effect: Number
    clip: str | None = None
    track: Number | None = None


class SetParameter(Request, frozen=True, kw_only=True, tag="set_parameter"):
    """Set a parameter: a constant, or keyframes; None: back to its default.

    It is one of the effect number `effect` of a clip or a track; without a number one of the clip's generator.
    """

    name: str
    value: Parameter | None
    effect: Number | None = None
    clip: str | None = None
    track: Number | None = None


class SetMask(Request, frozen=True, kw_only=True, tag="set_mask"):
    """Limit the effect number `effect` of a clip or a track to a region; None: it acts everywhere."""

    effect: Number
    mask: Mask | None
    clip: str | None = None
    track: Number | None = None


class AddTransition(Request, frozen=True, kw_only=True, tag="add_transition"):
    """Put a transition between the clip `after` and the one that follows it at once."""

    after: str
    transition: Transition


class RemoveTransition(Request, frozen=True, kw_only=True, tag="remove_transition"):
    """Take away the transition after the clip `after`."""

    after: str


class SetTransition(Request, frozen=True, kw_only=True, tag="set_transition"):
    """Change the transition after the clip `after`; what is None stays. Another kind begins with its default parameters."""

    after: str
    kind: str | None = None
    in_offset: Fraction | None = None
    out_offset: Fraction | None = None
    parameters: dict[str, Parameter] | None = None


class AddTrack(Request, frozen=True, kw_only=True, tag="add_track"):
    """Add an empty track before that number `index`; None: as the last, on top."""

    kind: Literal["video", "audio", "caption"]
    name: Name = ""
    index: Number | None = None


class RemoveTrack(Request, frozen=True, kw_only=True, tag="remove_track"):
    """Take a track away with all that is on it; those above get a number less."""

    track: Number


class SetTrack(Request, frozen=True, kw_only=True, tag="set_track"):
    """Change a track; what is None stays. A locked track takes no change but one that unlocks it."""

    track: Number
    name: Name | None = None
    enabled: bool | None = None
    locked: bool | None = None
    gain_db: float | tuple[Keyframe, ...] | None = None


class AddMarker(Request, frozen=True, kw_only=True, tag="add_marker"):
    """Add a marker to a clip (clip time), without one to the timeline; markers stand in the order of time."""

    marker: Marker
    clip: str | None = None


class RemoveMarker(Request, frozen=True, kw_only=True, tag="remove_marker"):
    """Take away the marker number `index` of a clip, without one of the timeline."""

    index: Number
    clip: str | None = None


class Link(Request, frozen=True, kw_only=True, tag="link"):
    """Have clips move, trim, split and go together: as `group`, or as a group with a name of its own."""

    clips: Annotated[tuple[str, ...], Meta(min_length=2)]
    group: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class Unlink(Request, frozen=True, kw_only=True, tag="unlink"):
    """Take clips out of their link groups."""

    clips: Annotated[tuple[str, ...], Meta(min_length=1)]


class SetClip(Request, frozen=True, kw_only=True, tag="set_clip"):
    """Change a clip; what is None stays."""

    clip: str
    name: Name | None = None
    enabled: bool | None = None


class SetCaptions(Request, frozen=True, kw_only=True, tag="set_captions"):
    """Put these items in the place of all that are on a caption track; None: on a new one, on top."""

    items: tuple[Clip | Gap, ...]
    track: Number | None = None


class SetSettings(Request, frozen=True, kw_only=True, tag="set_settings"):
    """Change what the timeline is; what is None stays. At another rate all lengths must be whole frames still."""

    name: Name | None = None
    rate: Fraction | None = None
    width: int | None = None
    height: int | None = None
    sample_rate: int | None = None


TimelineOperation = (
    Insert
    | Remove
    | RippleDelete
    | Move
    | Trim
    | Split
    | SetSpeed
    | SetRamp
    | AddEffect
    | RemoveEffect
    | SetParameter
    | SetMask
    | AddTransition
    | RemoveTransition
    | SetTransition
    | AddTrack
    | RemoveTrack
    | SetTrack
    | AddMarker
    | RemoveMarker
    | Link
    | Unlink
    | SetClip
    | SetCaptions
    | SetSettings
)
