"""What is copied and what is encoded anew: every frame once, copies only where decoding may begin and end."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.h264 import NO_SETS
from engine.media.index import FrameIndex
from engine.media.order import NEVER, PacketOrder
from engine.rendering.smartcopy.division import EDGE_FRAMES_MAX, Stretch, divide, widened


def index_of(shown: list[int], entries: list[int]) -> FrameIndex:
    count = sum(1 for number in shown if number != NEVER)
    order = PacketOrder(shown=tuple(shown), entries=tuple(entries), sets=NO_SETS, length_size=4)
    return FrameIndex(
        time_base=Fraction(1, 25),
        pts=tuple(range(count)),
        keyframes=tuple(entries),
        last_duration=1,
        order=order,
    )


# Groups of 10 in which pictures are decoded before their turn: I P B B P B B P B B, shown I B B P B B P B B P.
GROUP = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
GROUPS = index_of([10 * group + place for group in range(4) for place in GROUP], [0, 10, 20, 30])


def kinds(index: FrameIndex, start: int, end: int) -> list[tuple[str, int, int]]:
    return [(one.kind, one.start, one.end) for one in divide(index, start, end)]


def test_a_cut_on_keyframes_is_copied_whole() -> None:
    assert kinds(GROUPS, 10, 30) == [("copy", 10, 30)]


def test_the_head_is_encoded_up_to_the_next_entry() -> None:
    assert kinds(GROUPS, 7, 20) == [("edge", 7, 10), ("copy", 10, 20)]


def test_a_copy_ends_where_nothing_later_was_decoded() -> None:
    """Frame 24 is decoded after 26: up to 24, the copy ends with frame 23."""
    assert kinds(GROUPS, 10, 24) == [("copy", 10, 24)]
    assert kinds(GROUPS, 10, 26) == [("copy", 10, 24), ("edge", 24, 26)]
    assert kinds(GROUPS, 10, 27) == [("copy", 10, 27)]


def test_without_an_entry_inside_all_is_encoded() -> None:
    assert kinds(GROUPS, 11, 20) == [("render", 11, 20)]
    assert kinds(index_of(list(range(40)), []), 0, 40) == [("render", 0, 40)]


def test_a_source_without_an_order_is_encoded() -> None:
    plain = FrameIndex(time_base=Fraction(1, 25), pts=tuple(range(9)), keyframes=(0,), last_duration=1)
    assert kinds(plain, 2, 9) == [("render", 2, 9)]


def test_a_packet_that_is_never_shown_is_not_copied() -> None:
    index = index_of([0, 1, NEVER, 2, 3, 4, 5, 6], [0, 4])
    assert kinds(index, 0, 7) == [("copy", 0, 2), ("edge", 2, 7)]


def test_long_stretches_are_divided_at_places_of_the_source() -> None:
    index = index_of(list(range(1000)), [])
    one, other = divide(index, 10, 900), divide(index, 60, 1000)
    assert {part.count for part in one[1:-1]} == {EDGE_FRAMES_MAX}
    assert set(one[1:-1]) <= set(other)


def test_widening_goes_back_to_an_entry_and_on_to_an_end() -> None:
    assert widened(GROUPS, 12, 25) == Stretch(kind="copy", start=10, end=27)
    assert widened(GROUPS, 10, 20) == Stretch(kind="copy", start=10, end=20)
    assert widened(index_of(list(range(40)), []), 3, 9) is None


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (5, 3), (0, 41)])
def test_frames_outside_the_source_are_refused(start: int, end: int) -> None:
    with pytest.raises(IndexError):
        divide(GROUPS, start, end)


@st.composite
def sources(draw: st.DrawFn) -> FrameIndex:
    """Any order in which a decoder may get frames: closed groups, each shuffled behind its entry, some packets unseen."""
    shown: list[int] = []
    entries: list[int] = []
    at = 0
    for size in draw(st.lists(st.integers(1, 12), min_size=1, max_size=8)):
        if draw(st.booleans()):
            entries.append(at)
        shown += [at, *draw(st.permutations(range(at + 1, at + size)))]
        at += size
    for place in draw(st.lists(st.integers(1, len(shown)), max_size=2)):
        shown.insert(place, NEVER)
    return index_of(shown, entries)


@given(sources(), st.data())
def test_every_frame_comes_once_and_copies_stand_alone(index: FrameIndex, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, index.count - 1))
    end = data.draw(st.integers(start + 1, index.count))
    found = divide(index, start, end)
    assert [number for one in found for number in range(one.start, one.end)] == list(range(start, end))
    assert index.order is not None
    for one in found:
        if one.kind == "copy":
            assert one.start in index.order.entries
            assert sorted(index.order.following(one.start, one.count)) == list(range(one.start, one.end))
    wide = widened(index, start, end)
    if wide is not None:
        assert wide.start <= start
        assert wide.end >= end
        assert divide(index, wide.start, wide.end) == (wide,)


@given(sources())
def test_an_index_with_an_order_is_stored_and_read_back(index: FrameIndex) -> None:
    assert FrameIndex.from_bytes(index.to_bytes()) == index
