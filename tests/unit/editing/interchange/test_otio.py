"""What other programs did to a timeline counts; what ours cannot hold is refused by name."""

import json
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from cutroom_sdk.wire.timeline import Clip, Timeline
from engine.editing.interchange.otio import from_otio, to_otio
from engine.kernel.errors import Invalid
from tests import planned


def exported() -> tuple[Timeline, Any]:
    timeline = planned.plan("20 second highlight", planned.make_source(rate=planned.NTSC)).timeline
    return timeline, otio.adapters.read_from_string(to_otio(timeline), "otio_json")


def reread(changed: Any) -> Timeline:
    return from_otio(otio.adapters.write_to_string(changed, "otio_json"))


def test_a_trim_made_elsewhere_wins_over_our_exact_times() -> None:
    timeline, foreign = exported()
    clip = foreign.tracks[0][0]
    clip.source_range = otio.opentime.TimeRange(
        clip.source_range.start_time, otio.opentime.RationalTime(30, clip.source_range.duration.rate)
    )
    read = reread(foreign).tracks[0].items[0]
    before = timeline.tracks[0].items[0]
    assert isinstance(read, Clip)
    assert isinstance(before, Clip)
    assert read.source_range.duration == 30 / planned.NTSC
    assert read.source_range.start == before.source_range.start


def test_a_time_at_another_rate_is_put_on_our_frames() -> None:
    _, foreign = exported()
    clip = foreign.tracks[0][0]
    clip.source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24)
    )
    read = reread(foreign).tracks[0].items[0]
    assert isinstance(read, Clip)
    assert (read.source_range.duration * planned.NTSC).denominator == 1
    assert abs(read.source_range.duration - 1) < Fraction(1, 50)


def test_a_transition_is_refused_by_its_place() -> None:
    _, foreign = exported()
    offset = otio.opentime.RationalTime(5, 30)
    foreign.tracks[0].insert(1, otio.schema.Transition(in_offset=offset, out_offset=offset))
    with pytest.raises(Invalid) as refused:
        reread(foreign)
    assert refused.value.extra["field"] == "tracks[0].items[1]"


def test_a_clip_of_a_file_that_is_no_asset_is_refused_by_name() -> None:
    _, foreign = exported()
    foreign.tracks[0][2].media_reference = otio.schema.ExternalReference(target_url="file:///etc/passwd")
    with pytest.raises(Invalid, match="must refer to an asset") as refused:
        reread(foreign)
    assert refused.value.extra["field"] == "tracks[0].items[2].media_reference"


@pytest.mark.parametrize("text", ["", "{}", "not json", json.dumps({"OTIO_SCHEMA": "Clip.1"})])
def test_what_is_no_timeline_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        from_otio(text)


def test_a_timeline_without_our_rate_is_refused() -> None:
    bare = otio.schema.Timeline(name="from elsewhere")
    with pytest.raises(Invalid, match="rate and size"):
        reread(bare)
