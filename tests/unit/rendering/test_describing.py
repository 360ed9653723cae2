"""What a plan says of itself: the order of things, the encoder and why, how loud, who makes way for whom."""

from fractions import Fraction

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Segment
from cutroom_sdk.wire.timeline import Effect, Generator, Track
from engine.rendering.describing import encoder_of, limits_of, ordering_of, sound_of
from engine.rendering.plan import compile_plan
from tests.render.workshop import PROFILE
from tests.unit.rendering.material import CAPABLE, a_clip, a_plan, a_timeline, an_asset, an_index

ASSET = an_asset()


def effects(*names: str) -> tuple[Effect, ...]:
    return tuple(Effect(name=name) for name in names)


def test_layers_come_from_below_and_effects_in_their_order_those_that_place_together() -> None:
    clip = a_clip(
        ASSET, 0, 100, effects=effects("exposure", "reframe", "saturation", "transform", "vignette")
    )
    words = replace(clip, id="words", media=Generator(kind="caption", parameters={"text": "Hi"}), effects=())
    low = Track(kind="video", name="low", items=(clip,), effects=effects("grain"))
    high = Track(kind="video", name="high", items=(replace(clip, id="b", effects=()),))
    voice = Track(
        kind="audio",
        name="voice",
        items=(replace(clip, effects=effects("gate")),),
        effects=effects("limiter"),
        gain_db=-3.0,
    )
    whole = replace(
        a_timeline(), tracks=(low, high, voice, Track(kind="caption", name="said", items=(words,)))
    )
    assert ordering_of(whole, "any") == (
        "layer 1 from below, video track 'low': its clips, then grain",
        "clip 'a.mp4-0': exposure, then its place (reframe, transform), then saturation, then vignette",
        "layer 2 from below, video track 'high'",
        "layer 3 from below, caption track 'said'",
        "sound track 'voice': its clips, then limiter, then its gain",
        "sound of clip 'a.mp4-0': gate",
        "all sound tracks are added up, brought to the film's loudness below its peak, and encoded once",
    )
    assert not any("caption" in line for line in ordering_of(whole, "srt"))
    assert ordering_of(a_timeline(a_clip(ASSET, 0, 10), sound=False), "any") == (
        "layer 1 from below, video track 'picture'",
    )


def test_an_encoder_says_its_settings_and_why_it_was_chosen() -> None:
    plan = a_plan(a_timeline(a_clip(ASSET, 0, 10)), ASSET)
    told = encoder_of(plan, PROFILE, ())
    assert told.why.startswith("the profile test asks for h264; encoder libx264: on the processor")
    assert (told.settings["preset"], told.settings["crf"], told.settings["g"]) == ("ultrafast", "20", "50")
    assert encoder_of(plan, PROFILE, ("encoder x: it opens",)).why.endswith("; encoder x: it opens")


def test_sound_says_its_loudness_its_gain_once_it_is_known_and_who_makes_way() -> None:
    voice = Track(kind="audio", name="voice", items=(a_clip(ASSET, 0, 100),))
    duck = Effect(name="duck", parameters={"under": "voice", "depth_db": 9.0})
    music = Track(kind="audio", name="music", items=(a_clip(ASSET, 200, 300),), effects=(duck,))
    timeline = a_timeline(a_clip(ASSET, 0, 100), sound=False)
    whole = replace(timeline, tracks=(*timeline.tracks, voice, music))
    loud = replace(PROFILE, loudness_lufs=-16.0, true_peak_dbtp=-1.0)
    plan = compile_plan(whole, {ASSET.asset_id: ASSET}, {ASSET.asset_id: an_index()}, loud, CAPABLE)
    told = sound_of(plan, None)
    assert told is not None
    assert (told.codec, told.loudness_lufs, told.ceiling_dbtp, told.gain_db) == ("aac", -16.0, -1.0, None)
    (ducking,) = told.ducking
    assert ducking.startswith("music under voice: ")
    assert "depth_db 9.0" in ducking
    made = Segment(key="k", kind="sound", blob="b", bytes=1, count=1, gain_db=4.5)
    kept = sound_of(plan, made)
    assert kept is not None
    assert kept.gain_db == 4.5
    assert sound_of(a_plan(a_timeline(a_clip(ASSET, 0, 10), sound=False), ASSET), None) is None


def test_a_film_that_a_platform_will_not_take_is_told_of_before_it_is_made() -> None:
    plan = a_plan(a_timeline(a_clip(ASSET, 0, 50)), ASSET)
    strict = replace(PROFILE, min_duration=Fraction(3), max_duration=Fraction(5))
    assert limits_of(plan, strict) == (
        "the film lasts 2.000 s, test wants at least 3.000 s, at most 5.000 s: ask for a longer film",
    )
    assert limits_of(plan, PROFILE) == ()
