"""Timelines of all kinds for property tests: whatever the wire's types can say, on whole frames, ids used once."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Marker,
    Mask,
    Nested,
    Timeline,
    TimelineReference,
    TimeRange,
    Track,
    Transition,
    Word,
)
from engine.editing.catalogue.spec import catalogue

RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
names = st.sampled_from(["exposure", "reframe", "blur", "title", "solid", "dissolve", "wipe_left", "éclair"])
asset_ids = st.text("0123456789abcdef", min_size=1, max_size=32)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
starts = st.fractions(min_value=0, max_value=4000, max_denominator=48000)
parts = st.floats(0, 1)
beziers = st.tuples(parts, st.floats(-2, 2), parts, st.floats(-2, 2))


@dataclass(frozen=True)
class Kit:
    """Which parts of the vocabulary are wanted; all of it unless said otherwise."""

    nesting: int = 1
    generators: bool = True
    effects: bool = True
    speeds: bool = True
    transitions: bool = True
    kinds: tuple[str, ...] = ("video", "audio", "caption")


def keyframes(values: st.SearchStrategy[float] = numbers) -> st.SearchStrategy[tuple[Keyframe, ...]]:
    """Keyframes at different times, in order."""
    times = st.lists(starts, min_size=1, max_size=3, unique=True).map(sorted)
    eases = st.one_of(st.sampled_from(["hold", "linear"]), beziers)
    return times.flatmap(
        lambda at: st.tuples(*(st.builds(Keyframe, at=st.just(one), value=values, ease=eases) for one in at))
    )


curves = st.one_of(numbers, keyframes())
parameters = st.dictionaries(texts, st.one_of(numbers, texts, keyframes()), max_size=3)
shares = st.one_of(parts, keyframes(parts))
masks = st.builds(
    Mask,
    shape=st.sampled_from(["rectangle", "ellipse", "faces"]),
    x=shares,
    y=shares,
    width=shares,
    height=shares,
    feather=shares,
    inverted=st.booleans(),
)
# An effect that the catalogue lacks is kept elsewhere (tests/unit/editing/interchange).
effects = st.builds(
    Effect,
    name=names.filter(lambda name: name in catalogue()),
    parameters=parameters,
    enabled=st.booleans(),
    mask=st.none() | masks,
)
markers = st.builds(
    Marker,
    name=texts,
    at=starts,
    comment=texts,
    duration=starts,
    colour=st.sampled_from(["", "red", "GREEN", "#ff8800", "orange"]),
)


@st.composite
def words(draw: st.DrawFn) -> tuple[Word, ...]:
    """Words one after the other."""
    said, at = [], Fraction(0)
    for text in draw(st.lists(st.from_regex(r"\A[a-zA-Z']{1,8}\Z"), max_size=4)):
        start = at + Fraction(draw(st.integers(0, 1000)), 1000)
        at = start + Fraction(draw(st.integers(10, 1000)), 1000)
        said.append(Word(text=text, start=start, end=at))
    return tuple(said)


def media(kit: Kit) -> st.SearchStrategy[Any]:
    """Whatever a clip may show."""
    kinds: list[st.SearchStrategy[Any]] = [st.builds(AssetReference, asset_id=asset_ids)]
    if kit.generators:
        kinds.append(st.builds(Generator, kind=names, parameters=parameters, words=words()))
        kinds.append(
            st.builds(TimelineReference, timeline_id=asset_ids, version=st.none() | st.integers(1, 999))
        )
    if kit.nesting:
        inner = replace_kit(kit, nesting=kit.nesting - 1)
        kinds.append(st.builds(Nested, timeline=bare_timelines(inner)))
    return st.one_of(kinds)


def replace_kit(kit: Kit, **changes: Any) -> Kit:
    """A kit like another one."""
    return Kit(**{**kit.__dict__, **changes})


def frames(rate: Fraction, least: int = 1, most: int = 3000) -> st.SearchStrategy[Fraction]:
    """Times that are whole frames."""
    return st.integers(least, most).map(lambda count: count / rate)


def clips(rate: Fraction, kit: Kit) -> st.SearchStrategy[Clip]:
    """Clips without an id that means anything: `numbered` gives them theirs."""
    speeds = st.fractions(-8, 8, max_denominator=100) if kit.speeds else st.just(Fraction(1))
    return st.builds(
        Clip,
        id=st.just(""),
        media=media(kit),
        source_range=st.builds(TimeRange, start=starts, duration=frames(rate)),
        name=texts,
        speed=speeds,
        ramp=st.just(()) | keyframes(st.floats(-4, 4)) if kit.speeds else st.just(()),
        effects=st.lists(effects, max_size=2).map(tuple) if kit.effects else st.just(()),
        markers=st.lists(markers, max_size=2).map(tuple) if kit.effects else st.just(()),
        link_group=st.none() | texts,
        enabled=st.booleans(),
        alignment_offset=st.none() | st.fractions(-10, 10, max_denominator=48000),
        scoring=st.none() | st.dictionaries(texts, numbers, max_size=2),
        reasons=st.lists(texts, max_size=2).map(tuple),
    )


def transitions(rate: Fraction) -> st.SearchStrategy[Transition]:
    """Transitions of whole frames."""
    halves = frames(rate, 0, 20)
    return st.builds(Transition, kind=names, in_offset=halves, out_offset=halves, parameters=parameters)


@st.composite
def tracks(draw: st.DrawFn, rate: Fraction, kit: Kit) -> Track:
    """A track; where it has transitions they stand between two clips."""
    items: list[Clip | Gap | Transition] = []
    some = st.one_of(clips(rate, kit), st.builds(Gap, duration=frames(rate)))
    for item in draw(st.lists(some, max_size=4)):
        before = items[-1] if items else None
        if kit.transitions and isinstance(before, Clip) and isinstance(item, Clip) and draw(st.booleans()):
            items.append(draw(transitions(rate)))
        items.append(item)
    return Track(
        kind=draw(st.sampled_from(kit.kinds)),
        name=draw(texts),
        items=tuple(items),
        enabled=draw(st.booleans()),
        locked=draw(st.booleans()),
        gain_db=draw(curves) if kit.effects else 0.0,
        effects=tuple(draw(st.lists(effects, max_size=1))) if kit.effects else (),
    )


@st.composite
def bare_timelines(draw: st.DrawFn, kit: Kit) -> Timeline:
    """A timeline whose clips have no ids yet."""
    rate = draw(st.sampled_from(RATES))
    plain = st.one_of(texts, st.integers(-(2**40), 2**40), st.booleans(), st.none())
    return Timeline(
        name=draw(texts),
        rate=rate,
        width=draw(st.integers(8, 2048)) * 2,
        height=draw(st.integers(8, 2048)) * 2,
        sample_rate=draw(st.sampled_from([44100, 48000])),
        tracks=tuple(draw(st.lists(tracks(rate, kit), max_size=3))),
        markers=tuple(draw(st.lists(markers, max_size=1))),
        metadata=draw(st.dictionaries(texts, plain, max_size=2)),
    )


def timelines(kit: Kit | None = None) -> st.SearchStrategy[Timeline]:
    """Timelines of the kit's vocabulary, at any of `RATES`."""
    return bare_timelines(kit or Kit()).map(numbered)


def numbered(timeline: Timeline) -> Timeline:
    """Return the timeline with an id for each clip, nested ones with ids of their own."""
    count = 0

    def named(item: Clip | Gap | Transition) -> Clip | Gap | Transition:
        nonlocal count
        if not isinstance(item, Clip):
            return item
        count += 1
        inner = item.media
        if isinstance(inner, Nested):
            inner = Nested(timeline=numbered(inner.timeline))
        return replace(item, id=f"clip-{count}", media=inner)

    done = [replace(track, items=tuple(named(item) for item in track.items)) for track in timeline.tracks]
    return replace(timeline, tracks=tuple(done))
