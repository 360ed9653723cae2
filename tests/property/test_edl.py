"""An edit list shows the same frame of the same reel at each frame; any bytes are a timeline or refused."""

from collections import defaultdict
from contextlib import suppress
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import AssetReference, Clip, Gap, Timeline, TimeRange, Track, Transition
from engine.editing.interchange.edl_read import read_edl
from engine.editing.interchange.edl_write import write_edl
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.smpte import frame_of, may_drop, timecode
from engine.editing.timeline import places
from engine.kernel.errors import Invalid
from tests.property.timelines import RATES
from tests.unit.editing.interchange.kit import SHELF, STREET, TALK

asset_ids = st.sampled_from([TALK.asset_id, STREET.asset_id])


@st.composite
def cuts(draw: st.DrawFn, *, speeds: bool, transitions: bool) -> Timeline:
    rate = draw(st.sampled_from(RATES))
    items: list[Clip | Gap | Transition] = []
    for number in range(draw(st.integers(1, 6))):
        before = items[-1] if items else None
        frames = draw(st.integers(50, 4000))
        if not isinstance(before, Gap) and draw(st.integers(0, 3)) == 0 and number:
            items.append(Gap(duration=frames / rate))
            continue
        if transitions and isinstance(before, Clip) and draw(st.booleans()):
            lead, tail = draw(st.tuples(st.integers(0, 24), st.integers(0, 24)))
            items.append(Transition(kind="dissolve", in_offset=lead / rate, out_offset=tail / rate))
        span = TimeRange(start=draw(st.integers(24, 10_000)) / rate, duration=frames / rate)
        speed = draw(st.sampled_from([Fraction(n, d) for n in (-2, -1, 0, 1, 3) for d in (1, 2, 4)]))
        items.append(
            Clip(
                id=f"clip-{number}",
                media=AssetReference(asset_id=draw(asset_ids)),
                source_range=span,
                speed=speed if speeds else Fraction(1),
            )
        )
    if not any(isinstance(item, Clip) for item in items):
        items = [
            Clip(
                id="x",
                media=AssetReference(asset_id=TALK.asset_id),
                source_range=TimeRange(start=Fraction(0), duration=1 / rate),
            )
        ]
    kind = draw(st.sampled_from(["video", "audio"]))
    track = Track(kind="video" if kind == "video" else "audio", name="V1", items=tuple(items))
    return Timeline(name="A cut", rate=rate, width=1280, height=720, sample_rate=48000, tracks=(track,))


def shown(timeline: Timeline) -> dict[int, set[tuple[str, Fraction]]]:
    """Return what is seen at each frame: each asset with the seconds of it, both clips within a transition."""
    rate, found = timeline.rate, defaultdict(set)
    items = places(timeline.tracks[0])
    for number, (start, end, item) in enumerate(items):
        if not isinstance(item, Clip) or not isinstance(item.media, AssetReference):
            continue
        before = items[number - 1][2] if number else None
        after = items[number + 1][2] if number + 1 < len(items) else None
        first = start - (before.in_offset if isinstance(before, Transition) else 0)
        last = end + (after.out_offset if isinstance(after, Transition) else 0)
        for frame in range(int(first * rate), int(last * rate)):
            at = item.source_range.start + frame / rate - start
            found[frame].add((item.media.asset_id, at))
    return dict(found)


def again(timeline: Timeline, shelf: Shelf = SHELF) -> Timeline:
    return read_edl(write_edl(timeline, shelf).data, Asked(rate=timeline.rate), shelf).timeline


@given(cuts(speeds=False, transitions=True))
@settings(max_examples=60, deadline=None)
def test_each_frame_shows_what_it_showed(timeline: Timeline) -> None:
    assert shown(again(timeline)) == shown(timeline)


@given(cuts(speeds=True, transitions=False))
@settings(max_examples=60, deadline=None)
def test_clips_come_back_with_their_speeds(timeline: Timeline) -> None:
    def kept(of: Timeline) -> list[object]:
        return [
            (start, end, item.media, item.source_range, item.speed)
            for start, end, item in places(of.tracks[0])
            if isinstance(item, Clip)
        ]

    read = again(timeline)
    assert kept(read) == kept(timeline)
    assert (read.rate, read.tracks[0].kind) == (timeline.rate, timeline.tracks[0].kind)


@given(st.integers(0, 5_000_000), st.sampled_from(RATES), st.booleans())
@settings(max_examples=300)
def test_a_frame_is_its_timecode_and_back(frame: int, rate: Fraction, wanted: bool) -> None:
    drop = wanted and may_drop(rate)
    assert frame_of(timecode(frame, rate, drop=drop), rate, drop=drop) == frame
    assert timecode(frame, rate, drop=drop) < timecode(frame + 1, rate, drop=drop)


pieces = st.sampled_from(
    [
        "001  AX  V  C  00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00\n", "002  TALKONE B D 012 ", "00:00:01:00 ",
        "99:99:99:99 ", "00:01:00;00 ", "FCM: DROP FRAME\n", "TITLE: x\n", "M2 AX -25.0 00:00:00:00\n", "M2 AX 999999.999999\n",
        "* FROM CLIP NAME: Talk one.mp4\n", "* LOC: 01:00:00:00 RED x\n", "W001 ", "\n", "BL ", "003 ",
    ]
)  # fmt: skip


@given(
    st.binary(max_size=200) | st.lists(pieces | st.text(max_size=4), max_size=20).map("".join).map(str.encode)
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_timeline_or_refused(data: bytes) -> None:
    with suppress(Invalid):
        assert read_edl(data, Asked(), SHELF).timeline.rate > 0


def test_a_long_line_takes_no_long_time() -> None:
    for data in (b"001  " + b"A " * 3_000_000, b"* " + b"a" * 6_000_000, b"M2 " + b"1" * 6_000_000):
        with suppress(Invalid):
            assert read_edl(data, Asked(), SHELF).timeline.rate > 0
