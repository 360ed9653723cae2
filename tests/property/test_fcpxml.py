"""FCPXML carries cuts, gaps, transitions, speeds, titles and nesting exactly; any bytes are a timeline or refused."""

from contextlib import suppress
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Gap,
    Generator,
    Nested,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.interchange.fcpxml_read import read_fcpxml
from engine.editing.interchange.fcpxml_write import write_fcpxml
from engine.editing.interchange.settings import Asked
from engine.editing.timeline import places
from engine.kernel.errors import Invalid
from tests.property.timelines import RATES
from tests.unit.editing.interchange.kit import SHELF, STREET, TALK

asset_ids = st.sampled_from([TALK.asset_id, STREET.asset_id])
names = st.from_regex(r"\A[a-zA-Z<&\"' é]{0,10}\Z")


@st.composite
def clips(draw: st.DrawFn, rate: Fraction, kind: str, depth: int) -> Clip:
    frames = draw(st.integers(40, 2000))
    media: AssetReference | Generator | Nested = AssetReference(asset_id=draw(asset_ids))
    what = (
        draw(st.sampled_from(["asset", "asset", "title", "solid", "nested"])) if kind == "video" else "asset"
    )
    speed = Fraction(1)
    start = draw(st.fractions(0, 300, max_denominator=48_000))
    text = draw(st.from_regex(r"\A[a-zA-Z<&é]{1,8}( [a-z]{1,5})?\Z"))
    if what == "title":
        media, start = (
            Generator(kind="title", parameters={"text": text, "size": 90.0, "weight": 700.0}),
            Fraction(0),
        )
    elif what == "solid":
        media, start = Generator(kind="solid", parameters={"colour": "#336699"}), Fraction(0)
    elif what == "nested" and depth:
        media = Nested(timeline=draw(cuts(depth=depth - 1)))
    if isinstance(media, AssetReference):
        speed = draw(st.sampled_from([Fraction(n, d) for n in (-2, 0, 1, 1, 3) for d in (1, 4)]))
    if kind == "caption":
        media, start, speed = Generator(kind="caption", parameters={"text": text}), Fraction(0), Fraction(1)
    return Clip(
        id="",
        media=media,
        source_range=TimeRange(start=start, duration=frames / rate),
        name=draw(names) or "named",
        speed=speed,
        enabled=draw(st.booleans()),
    )


@st.composite
def tracks(draw: st.DrawFn, rate: Fraction, kind: str, name: str, depth: int) -> Track:
    items: list[Clip | Gap | Transition] = []
    for _ in range(draw(st.integers(1, 4))):
        if items and not isinstance(items[-1], Gap) and draw(st.integers(0, 2)) == 0:
            items.append(Gap(duration=draw(st.integers(1, 500)) / rate))
        if items and isinstance(items[-1], Clip) and kind != "caption" and draw(st.booleans()):
            lead, tail = draw(st.tuples(st.integers(0, 15), st.integers(1, 15)))
            kind_of = draw(st.sampled_from(["dissolve", "dissolve", "wipe_left"]))
            items.append(Transition(kind=kind_of, in_offset=lead / rate, out_offset=tail / rate))
        items.append(draw(clips(rate, kind, depth)))
    gain = draw(st.sampled_from([0.0, -3.5])) if kind == "audio" else 0.0
    return Track(kind=kind, name=name, items=tuple(items), gain_db=gain)  # type: ignore[arg-type]  # a word of three


@st.composite
def cuts(draw: st.DrawFn, depth: int) -> Timeline:
    rate = draw(st.sampled_from(RATES))
    made = [draw(tracks(rate, "video", "V1", depth))]
    if draw(st.booleans()):
        made.append(draw(tracks(rate, "video", "Above", 0)))
    if draw(st.booleans()):
        made.append(draw(tracks(rate, "caption", "C1", 0)))
    if draw(st.booleans()):
        made.append(draw(tracks(rate, "audio", "Music", 0)))
    return Timeline(name="A cut", rate=rate, width=1280, height=720, sample_rate=48000, tracks=tuple(made))


def bare(timeline: Timeline) -> Timeline:
    """Return a timeline without what its reader gives new: ids, and the gap behind the last caption."""

    def unnamed(item: Clip | Gap | Transition) -> Clip | Gap | Transition:
        if not isinstance(item, Clip):
            return item
        media = Nested(timeline=bare(item.media.timeline)) if isinstance(item.media, Nested) else item.media
        return replace(item, id="", media=media)

    done = [replace(track, items=tuple(unnamed(item) for item in track.items)) for track in timeline.tracks]
    return replace(timeline, tracks=tuple(done))


@given(cuts(depth=1))
@settings(max_examples=80, deadline=None)
def test_a_timeline_comes_back_as_it_went(timeline: Timeline) -> None:
    read = read_fcpxml(write_fcpxml(timeline, SHELF).data, Asked(), SHELF)
    assert bare(read.timeline) == timeline
    assert read.losses == ()


def test_places_are_exact_at_a_rate_that_has_no_decimal() -> None:
    rate = Fraction(30000, 1001)
    one = Clip(
        id="a",
        media=AssetReference(asset_id=TALK.asset_id),
        source_range=TimeRange(start=Fraction(1001, 48000), duration=1000 / rate),
    )
    cut = Timeline(
        name="x", rate=rate, width=1280, height=720, sample_rate=48000,
        tracks=(Track(kind="video", name="V1", items=(one, replace(one, id="b"))),),
    )  # fmt: skip
    text = write_fcpxml(cut, SHELF).data.decode()
    assert 'frameDuration="1001/30000s"' in text
    assert 'offset="1001/30s"' in text
    read = read_fcpxml(text.encode(), Asked(), SHELF).timeline
    assert [start for start, _, _ in places(read.tracks[0])] == [0, 1000 / rate]


pieces = st.sampled_from(
    [
        '<?xml version="1.0"?>', "<fcpxml>", "</fcpxml>", "<resources>", "</resources>", '<format id="r1" frameDuration="0/0s"/>',
        '<asset id="r2" src="file:///footage/street.mov"/>', "<sequence format='r1'>", "</sequence>", "<spine>", "</spine>",
        '<asset-clip ref="r2" duration="1s">', "</asset-clip>", '<timeMap><timept time="0s" value="1/0s"/></timeMap>',
        '<transition duration="1s" offset="0s"/>', '<ref-clip ref="r3"/>', '<media id="r3">', "</media>", "<!DOCTYPE fcpxml>", "&amp;",
    ]
)  # fmt: skip


@given(
    st.binary(max_size=200) | st.lists(pieces | st.text(max_size=4), max_size=24).map("".join).map(str.encode)
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_timeline_or_refused(data: bytes) -> None:
    with suppress(Invalid):
        assert read_fcpxml(data, Asked(), SHELF).timeline.rate > 0


@given(cuts(depth=1), st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_a_timeline_or_refused(timeline: Timeline, data: st.DataObject) -> None:
    text = bytearray(write_fcpxml(timeline, SHELF).data)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"0", b"-", b"9", b"/", b"x"])
        )
    with suppress(Invalid):
        assert read_fcpxml(bytes(text), Asked(), SHELF).timeline.rate > 0
