"""Timelines that may be kept, and operations on them: drawn so that most are accepted, and some are not."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Marker,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.finding import clips

RATE: Final = Fraction(30000, 1001)
NAMES: Final = ("a", "b", "c", "d", "e", "f", "g", "h")


def frames(count: int) -> Fraction:
    """So many frames, seconds."""
    return count / RATE


def whole(low: int, high: int) -> st.SearchStrategy[Fraction]:
    """Times that are whole frames."""
    return st.integers(low, high).map(frames)


key = st.builds(
    Keyframe,
    at=whole(0, 8),
    value=st.floats(-5, 5),
    ease=st.sampled_from(["hold", "linear", (0.4, 0.0, 0.2, 1.0)]),
)
keyed = st.lists(key, min_size=1, max_size=3, unique_by=lambda one: one.at).map(
    lambda found: tuple(sorted(found, key=lambda one: one.at))
)
curves = st.one_of(st.floats(-5, 5), keyed)
effects = st.builds(Effect, name=st.just("exposure"), parameters=st.fixed_dictionaries({"stops": curves}))
media = st.one_of(
    st.builds(AssetReference, asset_id=st.sampled_from(["f00", "f01"])),
    st.just(Generator(kind="solid", parameters={"colour": "#102030"})),
)
transitions = st.builds(Transition, kind=st.just("dissolve"), in_offset=whole(0, 4), out_offset=whole(0, 4))


def clip(name: str, *, lasts: st.SearchStrategy[Fraction] | None = None) -> st.SearchStrategy[Clip]:
    """A clip of this id."""
    return st.builds(
        Clip,
        id=st.just(name),
        media=media,
        source_range=st.builds(TimeRange, start=whole(0, 30), duration=lasts or whole(8, 40)),
        speed=st.sampled_from([Fraction(1), Fraction(2), Fraction(-1), Fraction(0), Fraction(3, 7)]),
        effects=st.lists(effects, max_size=1).map(tuple),
        link_group=st.sampled_from([None, None, "one", "two"]),
    )


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """A timeline with up to three tracks of pictures and eight clips."""
    tracks = []
    names = list(NAMES)
    for number in range(draw(st.integers(1, 3))):
        items: list[Clip | Gap | Transition] = []
        for _ in range(draw(st.integers(1, 4))):
            if not names:
                break
            between = draw(st.sampled_from(["cut", "gap", "transition", "transition"]))
            if between == "gap":
                items.append(Gap(duration=draw(whole(1, 20))))
            elif between == "transition" and items:
                items.append(draw(transitions))
            items.append(draw(clip(names.pop(0))))
        tracks.append(Track(kind="video", name=f"V{number}", items=tuple(items)))
    return Timeline(name="film", rate=RATE, width=1280, height=720, sample_rate=48_000, tracks=tuple(tracks))


@st.composite
def operations(draw: st.DrawFn, timeline: Timeline) -> o.TimelineOperation:
    """An operation on this very timeline."""
    there = [one.id for one in clips(timeline)]
    kinds = [*_FREE, *_ON_CLIPS] if there else [*_FREE]
    kind = draw(st.sampled_from(kinds))
    track = st.integers(0, max(0, len(timeline.tracks) - 1))
    if kind in _FREE:
        unused = next(name for name in (f"n{number}" for number in range(1000)) if name not in there)
        asked: o.TimelineOperation = draw(_FREE[kind](track, unused))
    else:
        asked = draw(_ON_CLIPS[kind](st.sampled_from(there), track))
    return asked


Drawn = st.SearchStrategy[Any]
alone = st.booleans()
placings = st.sampled_from(["insert", "overwrite"])
indexes = st.none() | st.just(0)
_FREE: Final[dict[str, Callable[[Drawn, str], Drawn]]] = {
    "insert": lambda track, name: st.builds(
        o.Insert,
        track=track,
        item=st.one_of(clip(name), st.builds(Gap, duration=whole(1, 20))),
        at=st.none() | whole(0, 120),
        placing=placings,
    ),
    "add_track": lambda _, name: st.builds(
        o.AddTrack, kind=st.just("video"), name=st.just(name), index=indexes
    ),
    "remove_track": lambda track, _: st.builds(o.RemoveTrack, track=track),
    "set_track": lambda track, _: st.builds(
        o.SetTrack, track=track, name=st.none() | st.just("other"), locked=st.none() | st.booleans()
    ),
    "add_effect": lambda track, _: st.builds(o.AddEffect, effect=effects, track=track),
    "add_marker": lambda *_: st.builds(
        o.AddMarker, marker=st.builds(Marker, name=st.just("here"), at=whole(0, 9))
    ),
    "remove_marker": lambda *_: st.builds(o.RemoveMarker, index=st.integers(0, 2)),
    "set_settings": lambda *_: st.builds(
        o.SetSettings, name=st.sampled_from(["film", "other"]), width=st.sampled_from([1280, 640])
    ),
}
_ON_CLIPS: Final[dict[str, Callable[[Drawn, Drawn], Drawn]]] = {
    "remove": lambda one, _: st.builds(o.Remove, clip=one, unlinked=alone),
    "ripple_delete": lambda one, _: st.builds(o.RippleDelete, clip=one, unlinked=alone),
    "move": lambda one, track: st.builds(
        o.Move, clip=one, at=whole(0, 120), track=st.none() | track, placing=placings, unlinked=alone
    ),
    "trim": lambda one, _: st.builds(
        o.Trim, clip=one, head=whole(-10, 12), tail=whole(-10, 12), ripple=st.booleans(), unlinked=alone
    ),
    "split": lambda one, _: st.builds(o.Split, clip=one, at=whole(1, 12), unlinked=alone),
    "set_speed": lambda one, _: st.builds(
        o.SetSpeed,
        clip=one,
        speed=st.sampled_from([Fraction(2), Fraction(-1, 2), Fraction(0)]),
        keep=st.sampled_from(["duration", "media"]),
        unlinked=alone,
    ),
    "set_ramp": lambda one, _: st.builds(o.SetRamp, clip=one, ramp=keyed, unlinked=alone),
    "add_effect": lambda one, _: st.builds(o.AddEffect, effect=effects, clip=one, index=indexes),
    "remove_effect": lambda one, _: st.builds(o.RemoveEffect, effect=st.just(0), clip=one),
    "set_parameter": lambda one, _: st.builds(
        o.SetParameter, name=st.just("stops"), value=st.none() | curves, effect=st.just(0), clip=one
    ),
    "add_transition": lambda one, _: st.builds(o.AddTransition, after=one, transition=transitions),
    "remove_transition": lambda one, _: st.builds(o.RemoveTransition, after=one),
    "set_transition": lambda one, _: st.builds(o.SetTransition, after=one, in_offset=whole(0, 4)),
    "link": lambda one, _: st.builds(lambda first, second: o.Link(clips=(first, second)), one, one),
    "unlink": lambda one, _: st.builds(lambda name: o.Unlink(clips=(name,)), one),
    "set_clip": lambda one, _: st.builds(
        o.SetClip, clip=one, name=st.sampled_from(["x", "y"]), enabled=st.none() | st.booleans()
    ),
}
