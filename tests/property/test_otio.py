"""A timeline survives OpenTimelineIO: nothing is lost, exact times included."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Keyframe,
    Marker,
    Timeline,
    TimeRange,
    Track,
)
from engine.editing.interchange.otio import from_otio, to_otio

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
seconds = st.fractions(min_value=0, max_value=4000, max_denominator=48000)
lengths = st.fractions(min_value=Fraction(1, 100), max_value=4000, max_denominator=48000)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
keyframes = st.lists(
    st.builds(Keyframe, at=seconds, value=numbers, ease=st.sampled_from(["hold", "linear"])),
    min_size=1,
    max_size=3,
).map(tuple)
effects = st.builds(
    Effect,
    name=st.sampled_from(["reframe", "exposure"]),
    parameters=st.dictionaries(texts, st.one_of(numbers, texts, keyframes), max_size=3),
)
clips = st.builds(
    Clip,
    id=texts,
    media=st.builds(AssetReference, asset_id=st.text("0123456789abcdef", min_size=1, max_size=32)),
    source_range=st.builds(TimeRange, start=seconds, duration=lengths),
    name=texts,
    effects=st.lists(effects, max_size=2).map(tuple),
    markers=st.lists(st.builds(Marker, name=texts, at=seconds, comment=texts), max_size=2).map(tuple),
    link_group=st.none() | texts,
    scoring=st.none() | st.dictionaries(texts, numbers, max_size=2),
    reasons=st.lists(texts, max_size=2).map(tuple),
)
tracks = st.builds(
    Track,
    kind=st.sampled_from(["video", "audio", "caption"]),
    name=texts,
    items=st.lists(st.one_of(clips, st.builds(Gap, duration=lengths)), max_size=3).map(tuple),
    enabled=st.booleans(),
    locked=st.booleans(),
    gain_db=numbers,
)
timelines = st.builds(
    Timeline,
    name=texts,
    rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]),
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    sample_rate=st.sampled_from([44100, 48000]),
    tracks=st.lists(tracks, max_size=3).map(tuple),
    metadata=st.dictionaries(
        texts, st.one_of(texts, st.integers(-(2**40), 2**40), st.booleans(), st.none()), max_size=2
    ),
)


@given(timelines)
@settings(max_examples=60)
def test_a_timeline_comes_back_as_it_went(timeline: Timeline) -> None:
    assert from_otio(to_otio(timeline)) == timeline
