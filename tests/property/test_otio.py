"""A timeline survives OpenTimelineIO: nothing is lost, exact times included, and OTIO's own reader sees the same."""

from contextlib import suppress
from fractions import Fraction
from typing import Any

import opentimelineio as otio
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import Clip, Gap, Timeline, Transition
from engine.editing.interchange.losses import Imported
from engine.editing.interchange.otio_read import read_otio
from engine.editing.interchange.otio_write import write_otio
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.timeline import item_duration, track_duration
from engine.kernel.errors import Invalid
from tests.property.timelines import timelines


@given(timelines())
@settings(max_examples=80, deadline=None)
def test_a_timeline_comes_back_as_it_went(timeline: Timeline) -> None:
    written = write_otio(timeline, Shelf())
    read = read_otio(written.data, Asked(), Shelf())
    assert read.timeline == timeline
    assert read.losses == written.losses == ()


@given(timelines())
@settings(max_examples=40, deadline=None)
def test_the_reference_reader_sees_the_same_tracks_items_and_times(timeline: Timeline) -> None:
    theirs = otio.adapters.read_from_string(write_otio(timeline, Shelf()).data.decode(), "otio_json")
    assert len(theirs.tracks) == len(timeline.tracks)
    for track, seen in zip(timeline.tracks, theirs.tracks, strict=True):
        assert (seen.name, seen.enabled, len(seen)) == (track.name, track.enabled, len(track.items))
        assert [type(one).__name__ for one in seen] == [schema(item) for item in track.items]
        if track.items and not any(isinstance(item, Transition) for item in track.items):
            assert near(seen.duration(), track_duration(track))
        for item, one in zip(track.items, seen, strict=True):
            if isinstance(item, Transition):
                assert near(one.in_offset, item.in_offset)
                assert near(one.out_offset, item.out_offset)
            else:
                assert near(one.duration(), item_duration(item))
            if isinstance(item, Clip):
                assert near(one.source_range.start_time, item.source_range.start)
                assert one.enabled == item.enabled


def schema(item: Clip | Gap | Transition) -> str:
    if isinstance(item, Clip) and type(item.media).__name__ == "Nested":
        return "Stack"
    return type(item).__name__


def near(time: Any, exact: Fraction) -> bool:
    return bool(abs(time.to_seconds() - float(exact)) < 1e-6)


@given(timelines(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_a_timeline_or_refused(timeline: Timeline, data: st.DataObject) -> None:
    text = bytearray(write_otio(timeline, Shelf()).data)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with suppress(Invalid):
        assert isinstance(read_otio(bytes(text), Asked(), Shelf()), Imported)
