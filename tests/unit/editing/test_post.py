"""Post settings: refused with field, value and range; put onto a cut's timeline; what is stored and odd is repaired aloud."""

from fractions import Fraction
from typing import Any

import pytest

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.post import PostSettings
from cutroom_sdk.wire.timeline import Clip, Effect, Generator, Keyframe, Track, Transition
from engine.editing import effects as editing
from engine.editing.checks import check_plan
from engine.editing.goals import read_goal
from engine.editing.mastering import mastered
from engine.editing.mending_post import mended_post
from engine.editing.planner.plan import propose
from engine.editing.planner.source import PlanRequest
from engine.editing.post import check_post
from engine.editing.profiles import profile_named
from engine.editing.timeline import places
from engine.editing.validate import check_timeline
from engine.kernel.errors import Invalid
from tests.planned import make_source

SRT = "1\n00:00:01,000 --> 00:00:03,000\nHello there\n\n2\n00:01:20,000 --> 00:01:22,000\nToo late\n"
SOURCE = make_source()


def post(**settings: Any) -> PostSettings:
    return convert(settings, PostSettings)


def planned(goal: str = "a 20 second highlight", **settings: Any) -> CutPlan:
    request = PlanRequest(
        sources=(SOURCE,),
        goal=read_goal(goal),
        profile=profile_named("source"),
        post=post(**settings) if settings else None,
    )
    return propose(request)


def track(plan: CutPlan, kind: str) -> Track:
    return next(one for one in plan.timeline.tracks if one.kind == kind)


@pytest.mark.parametrize(
    ("settings", "field", "said"),
    [
        ({"speed": "0"}, "post.speed", "post.speed is 0: 1/10 to 10"),
        ({"speed": "11"}, "post.speed", "is 11: 1/10 to 10"),
        ({"transitions": {"kind": "disolve"}}, "post.transitions.kind", "did you mean dissolve"),
        (
            {"transitions": {"duration": "11"}},
            "post.transitions.duration",
            "is 11: above 0, up to 10 seconds",
        ),
        (
            {"colour": [{"name": "exposure", "parameters": {"stops": 9}}]},
            "post.colour[0].parameters.stops",
            "is 9: a number from -5 to 5 stops",
        ),
        (
            {"colour": [{"name": "exposure", "parameters": {"stop": 1}}]},
            "post.colour[0].parameters.stop",
            "did you mean stops",
        ),
        ({"colour": [{"name": "blur"}]}, "post.colour[0].name", "not about colour"),
        (
            {
                "keyframes": [
                    {
                        "effect": "exposure",
                        "parameter": "stops",
                        "keys": [{"at": "1", "value": 0}, {"at": "1", "value": 1}],
                    }
                ]
            },
            "post.keyframes[0].stops[1].at",
            "is 1: after the keyframe before it",
        ),
        ({"mastering": {"loudness_lufs": -3}}, "post.mastering.loudness_lufs", "is -3.0: -40 to -5"),
        ({"mastering": {"true_peak_dbtp": 1}}, "post.mastering.true_peak_dbtp", "is 1.0: -9 to 0"),
        ({"captions": {"subtitles": "nothing"}}, "post.captions.subtitles", "post.captions.subtitles"),
        (
            {"captions": {"subtitles": SRT, "style": {"style": "fancy"}}},
            "post.captions.style.style",
            "one of plain",
        ),
    ],
)
def test_what_is_wrong_is_named_with_field_value_and_range(
    settings: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said.replace("[", r"\[")) as refused:
        check_post(post(**settings))
    assert refused.value.extra["field"] == field


def test_settings_that_ask_for_nothing_change_nothing() -> None:
    assert planned() == planned(transitions=None)
    assert planned().post == {}


def test_cuts_go_over_where_they_can_be_seen_and_no_longer_than_there_is_material() -> None:
    plan = planned(transitions={"kind": "wipe_left", "duration": "2/5"})
    pictures, plain = track(plan, "video").items, track(planned(), "video").items
    assert [item for item in pictures if isinstance(item, Clip)] == list(plain)
    transitions = [item for item in pictures if isinstance(item, Transition)]
    assert len(transitions) == len(plan.cuts) - 1
    assert {one.kind for one in transitions} == {"wipe_left"}
    assert all(one.in_offset + one.out_offset <= Fraction(2, 5) for one in transitions)
    sounds = [item for item in track(plan, "audio").items if isinstance(item, Transition)]
    assert [(one.in_offset, one.out_offset) for one in sounds] == [
        (one.in_offset, one.out_offset) for one in transitions
    ]
    assert plan.duration == planned().duration
    assert plan.post == {"transitions": {"kind": "wipe_left", "duration": "2/5", "parameters": {}}}
    check_timeline(plan.timeline)


@pytest.mark.parametrize("speed", ["2", "3/2", "4/5"])
def test_a_goals_length_is_that_of_what_is_seen(speed: str) -> None:
    plan = planned(speed=speed)
    assert abs(plan.duration - 20) <= Fraction(1, 2)
    clips = [item for item in track(plan, "video").items if isinstance(item, Clip)]
    assert {clip.speed for clip in clips} == {Fraction(speed)}
    for clip, cut in zip(clips, plan.cuts, strict=True):
        shown = clip.source_range.start, clip.source_range.start + clip.source_range.duration * clip.speed
        assert cut.start == shown[0]
        assert cut.end - Fraction(speed) / 25 < shown[1] <= cut.end
    checks = {
        one.name: one.status
        for one in check_plan(plan, {SOURCE.asset_id: SOURCE.index}, profile_named("source"))
    }
    assert set(checks.values()) == {"pass"}


def test_colour_keyframes_and_mastering_lie_on_the_tracks_and_in_the_target() -> None:
    exposure = {"name": "exposure", "parameters": {"stops": 0.5}}
    keys = [{"at": "0", "value": 0.0}, {"at": "2", "value": 1.0, "ease": "linear"}]
    plan = planned(
        colour=[exposure],
        keyframes=[{"effect": "exposure", "parameter": "stops", "keys": keys}],
        mastering={"loudness_lufs": -18, "true_peak_dbtp": -2, "gain_db": -3},
    )
    worn = track(plan, "video").effects
    assert [one.name for one in worn] == ["exposure", "exposure"]
    assert worn[1].parameters["stops"] == (
        Keyframe(at=Fraction(0), value=0.0),
        Keyframe(at=Fraction(2), value=1.0),
    )
    assert track(plan, "audio").gain_db == -3
    profile = mastered(profile_named("source"), plan.timeline)
    assert (profile.loudness_lufs, profile.true_peak_dbtp) == (-18.0, -2.0)
    assert mastered(profile_named("source"), planned().timeline) == profile_named("source")


def test_captions_in_the_films_time_are_burnt_in_as_far_as_it_goes() -> None:
    plan = planned(captions={"subtitles": SRT, "style": {"style": "box"}})
    captions = track(plan, "caption")
    ((start, end, item),) = [place for place in places(captions) if isinstance(place[2], Clip)]
    assert (start, end) == (Fraction(1), Fraction(3))
    assert isinstance(item, Clip)
    assert isinstance(item.media, Generator)
    assert item.media.parameters["text"] == "Hello there"
    assert item.media.parameters["style"] == "box"


def test_captions_in_an_assets_time_are_carried_through_the_cuts() -> None:
    plain = planned(speed="2")
    second = plain.cuts[1]
    middle = (second.start + second.end) / 2
    text = f"WEBVTT\n\n00:00:{float(middle):06.3f} --> 00:00:{float(second.end) + 5:06.3f}\nhere\n"
    plan = planned(speed="2", captions={"subtitles": text, "asset_id": SOURCE.asset_id})
    found = [place for place in places(track(plan, "caption")) if isinstance(place[2], Clip)]
    clips = [place for place in places(track(plan, "video")) if isinstance(place[2], Clip)]
    start, end, _ = clips[1]
    assert found[0][1] == end
    assert abs(found[0][0] - (start + end) / 2) <= Fraction(2, 25)


def test_what_was_stored_under_other_rules_is_repaired_and_said() -> None:
    stored = {
        "speed": "40",
        "fog": True,
        "transitions": {"kind": "dissolve", "duration": "60", "sparkle": 1},
        "mastering": {"loudness_lufs": -90.0, "gain_db": 100.0},
        "colour": [
            {"name": "exposure", "parameters": {"stops": 7.5, "glow": 1.0}},
            {"name": "sepia_1999", "parameters": {}},
        ],
        "captions": {"subtitles": "no captions"},
    }
    found, notices = mended_post(stored)
    assert found is not None
    read = convert(found, PostSettings)
    check_post(read)
    assert (read.speed, read.captions) == (Fraction(10), None)
    assert read.transitions is not None
    assert read.transitions.duration == 10
    assert read.mastering is not None
    assert (read.mastering.loudness_lufs, read.mastering.gain_db) == (-40.0, 24.0)
    assert read.colour == (Effect(name="exposure", parameters={"stops": 5.0}),)
    for said in (
        "fog",
        "sparkle",
        "post.speed was 40",
        "was -90",
        "stops was 7.5",
        "glow",
        "sepia_1999",
        "captions",
    ):
        assert any(said in notice for notice in notices), said


@pytest.mark.parametrize("stored", [None, {}, {"speed": "3/2"}, to_builtins(PostSettings(speed=Fraction(2)))])
def test_what_is_right_is_left_as_it_is(stored: Any) -> None:
    assert mended_post(stored) == (stored, ())


@pytest.mark.parametrize(
    "stored", ["x", [1], {"speed": []}, {"colour": "red"}, {"captions": {"subtitles": 3}}]
)
def test_nothing_that_was_stored_is_a_crash(stored: Any) -> None:
    found, notices = mended_post(stored)
    assert notices
    editing.mend({"goal": "x", "profile": "source", "post": stored})
    check_post(None if found is None else convert(found, PostSettings))
