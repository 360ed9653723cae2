"""The laws of exact time: frames own their spans, rates are found, indexes travel whole."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.media import timecode
from engine.media.index import FrameIndex
from engine.media.rates import find_rate
from engine.media.timecode import NOMINAL_RATES

rates = st.sampled_from(NOMINAL_RATES)
times = st.fractions(min_value=0, max_value=36_000, max_denominator=90_000)


@given(times, rates)
def test_a_time_lies_in_the_span_of_its_frame(at: Fraction, rate: Fraction) -> None:
    frame = timecode.frame_floor(at, rate)
    assert timecode.frame_start(frame, rate) <= at < timecode.frame_start(frame + 1, rate)


@given(st.integers(0, 10**7), rates)
def test_a_frame_start_is_its_own_floor_nearest_and_ceiling(frame: int, rate: Fraction) -> None:
    at = timecode.frame_start(frame, rate)
    for rounding in (timecode.frame_floor, timecode.frame_nearest, timecode.frame_ceil):
        assert rounding(at, rate) == frame


@given(times, rates)
def test_no_frame_start_is_nearer_than_the_nearest(at: Fraction, rate: Fraction) -> None:
    frame = timecode.frame_nearest(at, rate)
    distance = abs(timecode.frame_start(frame, rate) - at)
    assert distance < abs(timecode.frame_start(frame - 1, rate) - at)
    assert distance <= abs(timecode.frame_start(frame + 1, rate) - at)


@st.composite
def indexes(draw: st.DrawFn) -> FrameIndex:
    steps = draw(st.lists(st.integers(1, 5000), min_size=0, max_size=60))
    pts = [draw(st.integers(-(2**40), 2**40))]
    for step in steps:
        pts.append(pts[-1] + step)
    keyframes = sorted(draw(st.sets(st.integers(0, len(pts) - 1), max_size=10)))
    return FrameIndex(
        time_base=draw(st.sampled_from([Fraction(1, 90000), Fraction(1, 1000), Fraction(1001, 30000)])),
        pts=tuple(pts),
        keyframes=tuple(keyframes),
        last_duration=draw(st.integers(1, 5000)),
    )


@given(indexes())
def test_an_index_travels_whole(index: FrameIndex) -> None:
    data = index.to_bytes()
    again = FrameIndex.from_bytes(data)
    assert again == index
    assert again.to_bytes() == data


@given(indexes(), st.fractions(0, 1, max_denominator=1000))
def test_every_frame_owns_the_time_from_its_start_to_the_next(index: FrameIndex, part: Fraction) -> None:
    for frame in range(index.count):
        begin, end = index.time_of(frame), index.time_of(frame + 1)
        inside = begin + (end - begin) * part
        assert index.frame_at(inside) == (frame if part < 1 else min(frame + 1, index.count - 1))


@given(indexes())
def test_decoding_begins_at_or_before_the_frame_wanted(index: FrameIndex) -> None:
    for frame in range(index.count):
        begin = index.keyframe_before(frame)
        assert begin <= frame
        assert begin == 0 or begin in index.keyframes
        assert not any(begin < keyframe <= frame for keyframe in index.keyframes)


@given(rates, st.sampled_from([1000, 90_000, 600, 48_000]), st.integers(100, 400))
def test_a_rate_is_found_under_the_rounding_of_its_container(rate: Fraction, ticks: int, count: int) -> None:
    base = Fraction(1, ticks)
    pts = tuple(round(frame / rate / base) for frame in range(count))
    index = FrameIndex(time_base=base, pts=pts, keyframes=(0,), last_duration=1)
    found, varies = find_rate(index, (rate,))
    assert (found, varies) == (rate, False)
    unstated, _ = find_rate(index, ())
    # Without a word of the file a neighbour may fit as well, if it lies within a tick to the end.
    assert abs(1 / unstated - 1 / rate) * (count - 1) <= 2 * base
