"""Timelines hold together, or the field that does not is named."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Keyframe,
    Timeline,
    TimeRange,
    Track,
)
from engine.editing.timeline import check, duration, places, snapped
from engine.kernel.errors import Invalid

CLIP = Clip(
    id="v1",
    media=AssetReference(asset_id="a" * 32),
    source_range=TimeRange(start=Fraction(1), duration=Fraction(2)),
)


def timeline(*items: Clip | Gap) -> Timeline:
    return Timeline(
        name="cut",
        rate=Fraction(25),
        width=1280,
        height=720,
        sample_rate=48000,
        tracks=(Track(kind="video", name="V1", items=items or (CLIP,)),),
    )


def moved(start: Fraction, lasts: Fraction) -> Clip:
    return replace(CLIP, source_range=TimeRange(start=start, duration=lasts))


def keyed(*times: int) -> Clip:
    keys = tuple(Keyframe(at=Fraction(at), value=0.5) for at in times)
    return replace(CLIP, effects=(Effect(name="reframe", parameters={"center_x": keys}),))


def test_a_timeline_is_as_long_as_its_longest_enabled_track() -> None:
    sound = Track(kind="audio", name="A1", items=(Gap(duration=Fraction(5)),))
    both = replace(timeline(), tracks=(*timeline().tracks, sound))
    assert duration(both) == 5
    muted = replace(both, tracks=(both.tracks[0], replace(sound, enabled=False)))
    assert duration(muted) == 2
    assert duration(replace(both, tracks=())) == 0


def test_items_follow_each_other() -> None:
    track = timeline(CLIP, Gap(duration=Fraction(1)), replace(CLIP, id="v2")).tracks[0]
    edges = [edge for start, end, _ in places(track) for edge in (start, end)]
    assert edges == [Fraction(edge) for edge in (0, 2, 2, 3, 3, 5)]


def test_a_time_goes_to_the_nearest_frame_and_half_way_to_the_earlier() -> None:
    rate = Fraction(30000, 1001)
    assert snapped(Fraction(1, 60), Fraction(30)) == 0
    assert snapped(Fraction(1), rate) == 30 / rate


def test_a_timeline_that_holds_together_comes_back() -> None:
    good = timeline(CLIP, Gap(duration=Fraction(1)), replace(keyed(0, 1, 2), id="v2"))
    assert check(good) is good


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (replace(timeline(), width=1281), "width"),
        (replace(timeline(), height=0), "height"),
        (replace(timeline(), rate=Fraction(0)), "rate"),
        (replace(timeline(), sample_rate=0), "sample_rate"),
        (timeline(CLIP, CLIP), "tracks[0].items[1].id"),
        (timeline(Gap(duration=Fraction(0))), "tracks[0].items[0].duration"),
        (timeline(Gap(duration=Fraction(1, 60))), "tracks[0].items[0].duration"),
        (timeline(moved(Fraction(-1), Fraction(2))), "tracks[0].items[0].source_range.start"),
        (timeline(moved(Fraction(1), Fraction(-2))), "tracks[0].items[0].source_range.duration"),
        (timeline(keyed()), "tracks[0].items[0].effects[0].parameters.center_x"),
        (timeline(keyed(1, 0)), "tracks[0].items[0].effects[0].parameters.center_x"),
        (timeline(keyed(0, 0)), "tracks[0].items[0].effects[0].parameters.center_x"),
        (timeline(keyed(0, 3)), "tracks[0].items[0].effects[0].parameters.center_x"),
    ],
)
def test_what_does_not_hold_together_is_named(broken: Timeline, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(broken)
    assert refused.value.extra["field"] == f"timeline.{field}"
