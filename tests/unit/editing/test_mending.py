"""A timeline that was stored under other rules is brought under today's, and each repair is said."""

from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Mask,
    Timeline,
    TimeRange,
    Transition,
)
from engine.editing.mending import mended
from engine.editing.validate import check_timeline
from tests.property import timelines as kit
from tests.unit.editing.test_operations import ABC, clip, cross, film, t


def with_items(*items: Any) -> Timeline:
    """A timeline of these items, unchecked."""
    return replace(ABC, tracks=(replace(ABC.tracks[0], items=items),))


def the_clip(timeline: Timeline) -> Clip:
    (item,) = timeline.tracks[0].items
    assert isinstance(item, Clip)
    return item


def test_what_is_right_stays_the_very_same() -> None:
    timeline = film((clip("a"), cross(), clip("b")))
    found, notices = mended(timeline)
    assert found is timeline
    assert notices == ()


def test_numbers_are_brought_into_their_range_and_names_that_are_gone_left_out() -> None:
    odd = clip(
        "a",
        speed=Fraction(500),
        effects=(
            Effect(
                name="exposure", parameters={"stops": 99.0, "shine": 1.0}, mask=Mask(shape="ellipse", x=3.0)
            ),
            Effect(name="sepia_1999"),
        ),
    )
    found, notices = mended(with_items(odd))
    check_timeline(found)
    (effect,) = the_clip(found).effects
    assert effect.parameters == {"stops": 5.0}
    assert effect.mask is not None
    assert (effect.mask.x, the_clip(found).speed) == (1.0, Fraction(100))
    for said in ("stops was 99: 5 is taken", "shine", "sepia_1999", "mask.x was 3", "speed was 500"):
        assert any(said in notice for notice in notices), said
    assert all(notice.startswith("timeline.tracks[0].items[0]") for notice in notices)


def test_keyframes_are_put_in_order_and_those_outside_left_out() -> None:
    times = (5, 2, 2, 40)
    keys = tuple(Keyframe(at=t(at), value=float(number)) for number, at in enumerate(times))
    bent = Keyframe(at=t(7), value=1.0, ease=(1.5, 0.0, -0.2, 1.0))
    found, notices = mended(
        with_items(clip("a", effects=(Effect(name="exposure", parameters={"stops": (*keys, bent)}),)))
    )
    check_timeline(found)
    kept = the_clip(found).effects[0].parameters["stops"]
    assert isinstance(kept, tuple)
    assert [(one.at, one.value) for one in kept] == [(t(2), 2.0), (t(5), 0.0), (t(7), 1.0)]
    assert kept[2].ease == (1.0, 0.0, 0.0, 1.0)
    assert len(notices) == 2


def test_a_transition_that_stands_nowhere_and_media_that_nobody_makes_leave_a_cut_and_a_gap() -> None:
    gone = clip("b", media=Generator(kind="hologram"))
    odd = Transition(kind="sparkle", in_offset=t(1), out_offset=t(1))
    found, notices = mended(with_items(cross(), clip("a"), cross(), gone, clip("c"), odd, clip("d")))
    check_timeline(found)
    kinds = [type(item) for item in found.tracks[0].items]
    assert kinds == [Clip, Gap, Clip, Clip]
    assert len(notices) == 3


def test_times_become_whole_frames_names_one_clips_own_and_sizes_even() -> None:
    odd = replace(clip("a"), source_range=TimeRange(start=Fraction(-1), duration=Fraction(101, 50)))
    nothing = replace(clip("b"), source_range=TimeRange(start=t(0), duration=Fraction(1, 1000)))
    timeline = replace(
        with_items(odd, cross(), nothing, Gap(duration=Fraction(1, 3)), clip("a")), width=641, height=8
    )
    found, notices = mended(timeline)
    check_timeline(found)
    first, gap, second = found.tracks[0].items
    assert isinstance(first, Clip)
    assert isinstance(second, Clip)
    rate = timeline.rate
    assert first.source_range == TimeRange(start=Fraction(0), duration=round(Fraction(101, 50) * rate) / rate)
    assert gap == Gap(duration=round(rate / 3) / rate)
    assert (first.id, second.id, found.width, found.height) == ("a", "a-2", 640, 16)
    for said in ("whole frames", "start was -1", "less than half a frame", "'a-2' is taken", "width was 641"):
        assert any(said in notice for notice in notices), said


@given(kit.timelines(kit.Kit(kinds=("video",))))
@settings(max_examples=40)
def test_whatever_was_stored_can_be_kept_afterwards(timeline: Timeline) -> None:
    found, _ = mended(timeline)
    check_timeline(found)
    assert mended(found) == (found, ())
