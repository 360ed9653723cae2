"""Whatever a source's frames and a clip's span: the right frames, in order, whole; windows stay inside; peaks hold."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import Keyframe
from engine.editing.curves import value_at
from engine.media.index import FrameIndex
from engine.rendering.audio.limiter import Limiter
from engine.rendering.audio.loudness import true_peak_dbtp
from engine.rendering.geometry import window
from engine.rendering.segments import SEGMENT_FRAMES, divisions, frames_shown

RATES = st.sampled_from(
    [
        Fraction(24_000, 1001),
        Fraction(24),
        Fraction(25),
        Fraction(30_000, 1001),
        Fraction(30),
        Fraction(50),
        Fraction(60),
    ]
)


def steady(rate: Fraction, frames: int, *, base: Fraction, start: int) -> FrameIndex:
    pts = tuple(start + round(place / rate / base) for place in range(frames))
    return FrameIndex(time_base=base, pts=pts, keyframes=(0,), last_duration=round(1 / rate / base))


@given(
    rate=RATES,
    base=st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1, 15_360)]),
    first=st.integers(0, 300),
    count=st.integers(1, 400),
    start=st.integers(-5000, 5000),
)
def test_at_its_own_rate_a_source_is_shown_frame_by_frame(
    rate: Fraction, base: Fraction, first: int, count: int, start: int
) -> None:
    index = steady(rate, 800, base=base, start=start)
    shown = frames_shown(index, index.time_of(first), count, rate)
    assert shown == tuple(range(first, first + count))


@given(own=RATES, rate=RATES, first=st.integers(0, 200), count=st.integers(1, 200))
def test_at_another_rate_frames_rise_begin_with_the_cut_and_stay_before_its_end(
    own: Fraction, rate: Fraction, first: int, count: int
) -> None:
    index = steady(own, 1000, base=Fraction(1, 90_000), start=0)
    start = index.time_of(first)
    shown = frames_shown(index, start, count, rate)
    assert shown[0] == first
    assert all(later >= earlier for earlier, later in pairwise(shown))
    assert index.time_of(shown[-1]) < start + count / rate
    drift = [index.time_of(frame) - start - place / rate for place, frame in enumerate(shown)]
    assert all(abs(late) <= max(1 / own, 1 / rate) for late in drift)


@given(
    steps=st.lists(st.integers(0, 3), min_size=1, max_size=700),
    first=st.integers(0, 1000),
    per=st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(6, 5), Fraction(2)]),
)
def test_divisions_cover_a_clip_and_lie_where_its_source_says(
    steps: list[int], first: int, per: Fraction
) -> None:
    shown = [first]
    for step in steps:
        shown.append(shown[-1] + step)
    parts = list(divisions(shown, per_output_frame=per))
    assert [start for start, _ in parts] == [0, *(end for _, end in parts[:-1])]
    assert parts[-1][1] == len(shown)
    grid = round(SEGMENT_FRAMES * per)
    for start, end in parts:
        assert end > start
        assert shown[start] // grid == shown[end - 1] // grid
        assert end - start <= 2 * SEGMENT_FRAMES


@given(
    size=st.tuples(st.integers(32, 2000), st.integers(32, 2000)),
    target=st.sampled_from([(1080, 1920), (1920, 1080), (1080, 1080), (320, 180)]),
    xs=st.lists(st.floats(-1, 2), min_size=1, max_size=5),
)
def test_a_window_stays_inside_its_picture(
    size: tuple[int, int], target: tuple[int, int], xs: list[float]
) -> None:
    keys = tuple(Keyframe(at=Fraction(place), value=value) for place, value in enumerate(xs))
    centers = tuple(value_at(keys, Fraction(place, 7)) for place in range(40))
    seen = window(size, size, target, target, (centers, (0.5,)), 40)
    assert (seen.width % 2, seen.height % 2) == (0, 0)
    assert seen.width <= size[0]
    assert seen.height <= size[1]
    for places, inside, whole, out in (
        (seen.left, seen.width, size[0], target[0]),
        (seen.top, seen.height, size[1], target[1]),
    ):
        assert all(place % 2 == 0 for place in places)
        assert all(0 <= place * inside <= (whole - inside) * out for place in places)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1000),
    gain_db=st.floats(-20, 26),
    ceiling=st.floats(-12, -0.5),
    rate=st.sampled_from([44_100, 48_000]),
)
def test_no_peak_gets_past_the_limiter(seed: int, gain_db: float, ceiling: float, rate: int) -> None:
    chance = np.random.default_rng(seed)
    samples = (chance.normal(size=(2, 4800)) * (chance.random(4800) > 0.98)).astype(np.float32)
    peak = true_peak_dbtp(Limiter(samples, rate).at(gain_db, ceiling))
    assert peak is None or peak <= ceiling + 0.1
