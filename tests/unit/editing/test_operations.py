"""What each operation leaves on the tracks: items as `name[start,end)` in frames, `-n` a gap of n frames, `/` a transition."""

from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Marker,
    Mask,
    Timeline,
    TimeRange,
    Track,
    Transition,
    Word,
)
from engine.editing.curves import value_at
from engine.editing.finding import find
from engine.editing.operations import carried_out
from engine.editing.pace import Pace
from engine.editing.timeline import item_duration
from engine.editing.validate import check_timeline
from engine.kernel.errors import Invalid, Rejected

RATE = Fraction(25)


def t(frames: int) -> Fraction:
    """So many frames, seconds."""
    return frames / RATE


def clip(name: str, lasts: int = 10, *, start: int = 100, **more: Any) -> Clip:
    return Clip(
        id=name,
        media=more.pop("media", AssetReference(asset_id="f00")),
        source_range=TimeRange(start=t(start), duration=t(lasts)),
        **more,
    )


def gap(lasts: int) -> Gap:
    return Gap(duration=t(lasts))


def cross(frames: int = 2) -> Transition:
    return Transition(kind="dissolve", in_offset=t(frames), out_offset=t(frames))


def film(*rows: tuple[Any, ...], kinds: tuple[str, ...] = ("video", "video", "video")) -> Timeline:
    """A timeline with a track for each row."""
    tracks = [
        Track(kind=kind, name=f"T{number}", items=row)  # type: ignore[arg-type]  # words of a closed list
        for number, (row, kind) in enumerate(zip(rows, kinds, strict=False))
    ]
    return check_timeline(
        Timeline(name="f", rate=RATE, width=640, height=360, sample_rate=48_000, tracks=tuple(tracks))
    )


def done(timeline: Timeline, *operations: o.TimelineOperation) -> Timeline:
    return check_timeline(carried_out(timeline, operations).timeline)


def row(timeline: Timeline, track: int = 0) -> str:
    """A track in short; a clip's span is the part of its medium, in frames."""
    said = []
    for item in timeline.tracks[track].items:
        if isinstance(item, Clip):
            start = item.source_range.start * RATE
            said.append(f"{item.id}[{start},{start + item.source_range.duration * RATE})")
        else:
            said.append("/" if isinstance(item, Transition) else f"-{item_duration(item) * RATE}")
    return " ".join(said)


ABC = film((clip("a"), clip("b"), clip("c")))


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        (o.Insert(track=0, item=clip("n", 5)), "a[100,110) b[100,110) c[100,110) n[100,105)"),
        (o.Insert(track=0, item=clip("n", 5), at=t(10)), "a[100,110) n[100,105) b[100,110) c[100,110)"),
        (
            o.Insert(track=0, item=clip("n", 5), at=t(14)),
            "a[100,110) b[100,104) n[100,105) b~2[104,110) c[100,110)",
        ),
        (
            o.Insert(track=0, item=clip("n", 5), at=t(8), placing="overwrite"),
            "a[100,108) n[100,105) b~2[103,110) c[100,110)",
        ),
        (
            o.Insert(track=0, item=clip("n", 5), at=t(33)),
            "a[100,110) b[100,110) c[100,110) -3 n[100,105)",
        ),
        (o.Remove(clip="b"), "a[100,110) -10 c[100,110)"),
        (o.Remove(clip="c"), "a[100,110) b[100,110)"),
        (o.RippleDelete(clip="a"), "b[100,110) c[100,110)"),
        (o.Move(clip="a", at=t(20)), "-10 b[100,110) a[100,110)"),
        (o.Move(clip="a", at=t(10), placing="insert"), "b[100,110) a[100,110) c[100,110)"),
        (o.Move(clip="b", at=t(12)), "a[100,110) -2 b[100,110) c~2[102,110)"),
        (o.Trim(clip="b", head=t(2), tail=t(3)), "a[100,110) -2 b[102,107) -3 c[100,110)"),
        (o.Trim(clip="b", head=t(2), tail=t(3), ripple=True), "a[100,110) b[102,107) c[100,110)"),
        (o.Trim(clip="b", head=t(-2), ripple=True), "a[100,110) b[98,110) c[100,110)"),
        (o.Trim(clip="c", tail=t(-4)), "a[100,110) b[100,110) c[100,114)"),
        (o.Trim(clip="c", tail=t(4)), "a[100,110) b[100,110) c[100,106)"),
        (o.Split(clip="b", at=t(4)), "a[100,110) b[100,104) b~2[104,110) c[100,110)"),
        (o.Split(clip="b", at=t(4), new_id="z"), "a[100,110) b[100,104) z[104,110) c[100,110)"),
        (o.SetSpeed(clip="b", speed=Fraction(2)), "a[100,110) b[100,110) c[100,110)"),
        (o.SetSpeed(clip="b", speed=Fraction(2), keep="media"), "a[100,110) b[100,105) c[100,110)"),
        (o.SetSpeed(clip="b", speed=Fraction(1, 2), keep="media"), "a[100,110) b[100,120) c[100,110)"),
        (o.AddTransition(after="a", transition=cross()), "a[100,110) / b[100,110) c[100,110)"),
    ],
)
def test_an_operation_leaves(operation: o.TimelineOperation, left: str) -> None:
    assert row(done(ABC, operation)) == left


def test_a_gap_gives_room_to_a_clip_that_grows_and_no_more_than_it_has() -> None:
    timeline = film((clip("a"), gap(5), clip("b")))
    assert row(done(timeline, o.Trim(clip="b", head=t(-3)))) == "a[100,110) -2 b[97,110)"
    assert row(done(timeline, o.Trim(clip="a", tail=t(-5)))) == "a[100,115) b[100,110)"
    with pytest.raises(Rejected, match=r"there are 1/5 s free beside the clip 'b'"):
        done(timeline, o.Trim(clip="b", head=t(-6)))


def test_no_clip_begins_before_its_medium() -> None:
    timeline = film((clip("a", start=3),))
    assert row(done(timeline, o.Trim(clip="a", head=t(-3), ripple=True))) == "a[0,13)"
    with pytest.raises(Rejected, match="begins 1/25 s too late"):
        done(timeline, o.Trim(clip="a", head=t(-4), ripple=True))


def test_a_transition_stays_where_both_its_clips_do() -> None:
    timeline = film((clip("a"), cross(), clip("b"), cross(), clip("c")))
    assert row(done(timeline, o.RippleDelete(clip="b"))) == "a[100,110) c[100,110)"
    assert row(done(timeline, o.Move(clip="b", at=t(50)))) == "a[100,110) -10 c[100,110) -20 b[100,110)"
    assert (
        row(done(timeline, o.Trim(clip="b", head=t(1), ripple=True)))
        == "a[100,110) / b[101,110) / c[100,110)"
    )
    split = done(timeline, o.Split(clip="b", at=t(5)))
    assert row(split) == "a[100,110) / b[100,105) b~2[105,110) / c[100,110)"
    at_cut = o.Insert(track=0, item=clip("n"), at=t(10))
    assert row(done(timeline, at_cut)) == "a[100,110) n[100,110) b[100,110) / c[100,110)"
    changed = done(timeline, o.SetTransition(after="a", in_offset=t(4)), o.RemoveTransition(after="b"))
    assert changed.tracks[0].items[1] == Transition(kind="dissolve", in_offset=t(4), out_offset=t(2))
    assert row(changed) == "a[100,110) / b[100,110) c[100,110)"


def test_linked_clips_go_together_unless_they_are_meant_alone() -> None:
    picture, sound = clip("v", link_group="x"), clip("s", link_group="x")
    timeline = film((gap(5), picture, clip("w")), (gap(5), sound, clip("q")), kinds=("video", "audio"))
    moved = done(timeline, o.Move(clip="s", at=t(8)))
    assert row(moved, 0) == "-8 v[100,110) w~2[103,110)"
    assert row(moved, 1) == "-8 s[100,110) q~2[103,110)"
    split = done(timeline, o.Split(clip="v", at=t(4)))
    assert row(split, 1) == "-5 s[100,104) s~2[104,110) q[100,110)"
    groups = [one.link_group for one in (find(split, name).clip for name in ("v", "s", "v~2", "s~2"))]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert row(done(timeline, o.Trim(clip="v", tail=t(3), ripple=True)), 1) == "-5 s[100,107) q[100,110)"
    alone = done(timeline, o.Remove(clip="v", unlinked=True))
    assert (row(alone, 0), row(alone, 1)) == ("-15 w[100,110)", "-5 s[100,110) q[100,110)")
    apart = done(timeline, o.Unlink(clips=("v", "s")), o.Remove(clip="v"))
    assert row(apart, 1) == "-5 s[100,110) q[100,110)"
    with pytest.raises(Rejected, match="would begin at"):
        done(timeline, o.Link(clips=("w", "v")), o.Move(clip="w", at=t(9)))


@pytest.mark.parametrize(
    "operation",
    [
        o.Remove(clip="a"),
        o.Move(clip="b", at=t(40)),
        o.AddEffect(effect=Effect(name="exposure"), track=0),
        o.RemoveTrack(track=0),
        o.SetTrack(track=0, name="other"),
        o.Move(clip="n", at=t(0), track=0),
    ],
)
def test_a_locked_track_takes_no_change_but_one_that_unlocks_it(operation: o.TimelineOperation) -> None:
    timeline = done(film(ABC.tracks[0].items, (clip("n"),)), o.SetTrack(track=0, locked=True))
    with pytest.raises(Rejected) as refused:
        done(timeline, o.SetClip(clip="n", name="fine"), operation)
    assert (refused.value.reason, refused.value.extra["operation"]) == ("track_locked", 1)
    done(timeline, o.SetTrack(track=0, locked=False), operation)


def test_a_stretch_of_a_clip_shows_the_same_at_the_same_instants() -> None:
    """Speed, a ramp, keyframes, words and markers: cut in two, each instant is as it was."""
    keys = (
        Keyframe(at=t(0), value=-1.0, ease=(0.4, 0.0, 0.2, 1.0)),
        Keyframe(at=t(6), value=2.0, ease="hold"),
        Keyframe(at=t(9), value=0.5),
    )
    mask = Mask(shape="ellipse", x=tuple(Keyframe(at=t(at), value=at / 10) for at in (0, 10)))
    effect = Effect(name="exposure", parameters={"stops": keys}, mask=mask)
    for speed, ramp in (
        (Fraction(3, 2), ()),
        (Fraction(-2), ()),
        (Fraction(1), (Keyframe(at=t(0), value=1.0), Keyframe(at=t(8), value=-2.0))),
    ):
        whole = clip("a", speed=speed, ramp=ramp, effects=(effect,), markers=(Marker(name="m", at=t(5)),))
        split = done(film((whole,)), o.Split(clip="a", at=t(4)))
        parts = [find(split, name).clip for name in ("a", "a~2")]
        assert [one.markers for one in parts] == [(), (Marker(name="m", at=t(1)),)]
        for frame in range(10):
            part, at = (parts[0], t(frame)) if frame < 4 else (parts[1], t(frame - 4))
            assert abs(_shown(part, at) - _shown(whole, t(frame))) <= Fraction(1, 1_000_000)
            for found, wanted in ((part.effects[0], whole.effects[0]),):
                assert _worth(found.parameters["stops"], at) == pytest.approx(
                    _worth(wanted.parameters["stops"], t(frame)), abs=1e-6
                )
                assert found.mask is not None
                assert _worth(found.mask.x, at) == pytest.approx(frame / 10)


def _shown(one: Clip, at: Fraction) -> Fraction:
    pace = Pace(one.speed, one.ramp)
    return one.source_range.start + pace.moved(at) - pace.lowest(one.source_range.duration)


def _worth(curve: Any, at: Fraction) -> float:
    return value_at(curve, at)


def test_words_are_said_in_the_part_in_which_they_are_said() -> None:
    words = (Word(text="one", start=t(0), end=t(3)), Word(text="two", start=t(3), end=t(7)))
    title = clip("a", media=Generator(kind="solid", words=words))
    split = done(film((title,)), o.Split(clip="a", at=t(5)))
    said = [find(split, name).clip.media for name in ("a", "a~2")]
    assert [one.words for one in said if isinstance(one, Generator)] == [
        (words[0], Word(text="two", start=t(3), end=t(5))),
        (Word(text="two", start=t(0), end=t(2)),),
    ]


def test_effects_parameters_and_masks_are_set_on_clips_and_tracks() -> None:
    exposure = Effect(name="exposure", parameters={"stops": 1.0})
    timeline = done(
        ABC,
        o.AddEffect(effect=exposure, clip="b"),
        o.AddEffect(effect=exposure, track=0),
        o.SetParameter(clip="b", effect=0, name="stops", value=-2.0),
        o.SetParameter(track=0, effect=0, name="stops", value=None),
        o.SetMask(clip="b", effect=0, mask=Mask(shape="rectangle")),
    )
    assert find(timeline, "b").clip.effects == (
        Effect(name="exposure", parameters={"stops": -2.0}, mask=Mask(shape="rectangle")),
    )
    assert timeline.tracks[0].effects == (Effect(name="exposure"),)
    assert done(timeline, o.RemoveEffect(clip="b", effect=0)).tracks[0].items == ABC.tracks[0].items


def test_tracks_markers_captions_and_settings_are_set() -> None:
    title = clip("t", media=Generator(kind="solid"))
    timeline = done(
        ABC,
        o.AddTrack(kind="audio", name="A1", index=0),
        o.SetTrack(track=0, gain_db=-6.0, enabled=False),
        o.AddMarker(marker=Marker(name="late", at=t(20))),
        o.AddMarker(marker=Marker(name="early", at=t(5))),
        o.SetCaptions(items=(gap(3), title)),
        o.SetSettings(name="g", width=1280),
    )
    assert [track.kind for track in timeline.tracks] == ["audio", "video", "caption"]
    assert (timeline.tracks[0].gain_db, timeline.tracks[0].enabled) == (-6.0, False)
    assert [one.name for one in timeline.markers] == ["early", "late"]
    assert (timeline.name, timeline.width, timeline.height) == ("g", 1280, 360)
    again = done(timeline, o.SetCaptions(track=2, items=()), o.RemoveTrack(track=0), o.RemoveMarker(index=0))
    assert [track.name for track in again.tracks] == ["T0", "Captions"]
    assert again.tracks[1].items == ()


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (o.Remove(clip="z"), "unknown_clip"),
        (o.Insert(track=3, item=gap(1)), "unknown_number"),
        (o.RemoveEffect(clip="a", effect=0), "unknown_number"),
        (o.AddTransition(after="c", transition=cross()), "no_neighbour"),
        (o.RemoveTransition(after="a"), "no_transition"),
        (o.Trim(clip="a", head=t(10)), "nothing_left"),
        (o.SetParameter(clip="a", name="colour", value="#000000"), "no_generator"),
        (o.SetCaptions(track=0, items=()), "wrong_track"),
    ],
)
def test_what_the_timeline_does_not_allow_is_refused(operation: o.TimelineOperation, reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        carried_out(ABC, [operation])
    assert (refused.value.reason, refused.value.extra["operation"]) == (reason, 0)


def test_times_that_could_not_be_read_back_are_refused() -> None:
    """What is kept is written down and read again: a sum of two fine times may have more digits than that takes."""
    fine = replace(
        clip("a", 10**6), source_range=TimeRange(start=Fraction(10**17, 10**17 - 3), duration=t(10**6))
    )
    timeline = film((fine,))
    with pytest.raises(Invalid, match="more digits than can be kept"):
        done(timeline, o.Trim(clip="a", head=t(999_983), ripple=True))
    with pytest.raises(Invalid, match="lasts more than 1000000 seconds"):
        done(ABC, o.Insert(track=0, item=gap(1), at=Fraction(10**9)))


@pytest.mark.parametrize(
    ("operation", "field", "said"),
    [
        (o.Insert(track=0, item=gap(1), at=Fraction(1, 30)), "operations[0].at", "1/25 is the nearest"),
        (o.Insert(track=0, item=gap(1), at=t(-1)), "operations[0].at", "0 or later"),
        (o.Split(clip="a", at=t(10)), "operations[0].at", "below 2/5"),
        (o.AddEffect(effect=Effect(name="exposure")), "operations[0].clip", "name one of the two"),
        (o.SetSpeed(clip="a", speed=Fraction(0), keep="media"), "operations[0].speed", "plays no media"),
    ],
)
def test_what_is_wrong_in_itself_is_named(operation: o.TimelineOperation, field: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        carried_out(ABC, [operation])
    assert refused.value.extra["field"] == field
