"""Captions come as they are wanted: on the picture, in tracks of text, in files beside the film, or not at all."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.renders import CaptionsAs
from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Nested, Timeline, TimeRange, Track
from engine.editing.captions_wish import KEY, with_wish
from engine.rendering.captioning import as_wanted, captioned, written
from engine.rendering.subtitles import taken_out
from tests.render.workshop import PROFILE
from tests.unit.rendering.material import a_clip, a_timeline, an_asset

ASSET = an_asset()
LENGTH = Fraction(4)


def caption(number: int, text: str, lasts: int = 1, **look: str) -> Clip:
    return Clip(
        id=f"c{number}",
        media=Generator(kind="caption", parameters={"text": text, **look}),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(lasts)),
    )


def track(name: str, *items: Clip | Gap) -> Track:
    return Track(kind="caption", name=name, items=items)


def film(*tracks: Track) -> Timeline:
    """Four seconds of footage with these caption tracks."""
    whole = a_timeline(a_clip(ASSET, 0, 100))
    return replace(whole, tracks=(*whole.tracks, *tracks))


ENGLISH = track(
    "English", caption(1, "One"), Gap(duration=Fraction(1)), caption(2, "Two", weight="bold", style="box")
)
GERMAN = track("Deutsch (AT)", caption(3, "Eins"), caption(4, "Zwei", style="soft"))


def drawn(timeline: Timeline) -> list[str]:
    """The texts that are on the picture."""
    shown, _ = taken_out(timeline)
    clips = (item for one in shown.tracks for item in one.items if isinstance(item, Clip))
    return [str(clip.media.parameters["text"]) for clip in clips if isinstance(clip.media, Generator)]


def soft(timeline: Timeline) -> list[str]:
    """The texts of tracks of text."""
    return [cue.text for one in taken_out(timeline)[1] for cue in one.cues]


@pytest.mark.parametrize(
    ("wanted", "on_picture", "as_text"),
    [
        ("any", ["One", "Two", "Eins"], ["Zwei"]),
        ("burn", ["One", "Two", "Eins", "Zwei"], []),
        ("soft", [], ["One", "Two", "Eins", "Zwei"]),
        ("srt", [], []),
        ("none", [], []),
    ],
)
def test_what_is_drawn_and_what_is_text_follows_from_what_is_wanted(
    wanted: CaptionsAs, on_picture: list[str], as_text: list[str]
) -> None:
    compiled, _ = as_wanted(film(ENGLISH, GERMAN), wanted)
    assert (drawn(compiled), soft(compiled)) == (on_picture, as_text)


def test_a_look_survives_being_burnt_in_unless_it_was_to_be_text() -> None:
    compiled, _ = as_wanted(film(ENGLISH, GERMAN), "burn")
    looks = [
        item.media.parameters
        for one in compiled.tracks
        for item in one.items
        if isinstance(item, Clip) and isinstance(item.media, Generator)
    ]
    assert [look.get("style") for look in looks] == [None, "box", None, None]


def test_each_track_that_speaks_is_a_file_of_its_own_with_a_name_to_tell_it_by() -> None:
    silent, off = track("empty"), replace(GERMAN, enabled=False)
    (only,) = written(film(ENGLISH, silent, off), "srt", LENGTH)
    assert (only.name, only.track, only.captions) == ("", "English", 2)
    assert only.text.startswith("1\n00:00:00,000 --> 00:00:01,000\nOne\n")
    both = written(film(ENGLISH, GERMAN, replace(GERMAN, items=ENGLISH.items)), "vtt", LENGTH)
    assert [one.name for one in both] == ["English", "Deutsch-AT", "Deutsch-AT-3"]
    assert all(one.text.startswith("WEBVTT") for one in both)
    assert all(written(film(ENGLISH), wanted, LENGTH) == () for wanted in ("any", "burn", "soft", "none"))


def test_what_a_format_cannot_carry_is_listed() -> None:
    (srt,) = written(film(ENGLISH), "srt", LENGTH)
    assert any("box" in loss.what or "style" in loss.what for loss in srt.losses)
    (ass,) = written(film(ENGLISH), "ass", LENGTH)
    assert not any("weight" in loss.what for loss in ass.losses)


def test_captions_end_with_the_film() -> None:
    late = track("English", caption(1, "One", 3), caption(2, "Two", 3), caption(3, "Three", 3))
    (found,) = written(film(late), "srt", LENGTH)
    assert found.captions == 2
    assert "00:00:03,000 --> 00:00:04,000" in found.text
    assert any("1 captions after the film's end" in loss.what for loss in found.losses)


def test_captions_of_a_timeline_inside_stay_on_its_picture_and_it_is_said() -> None:
    whole = TimeRange(start=Fraction(0), duration=LENGTH)
    outer = a_timeline(Clip(id="inside", media=Nested(timeline=film(ENGLISH)), source_range=whole))
    compiled, said = as_wanted(outer, "srt")
    assert compiled.tracks[0] == outer.tracks[0]
    assert said == ("the captions inside the nested timeline of inside stay on its picture",)
    assert as_wanted(film(ENGLISH), "srt")[1] == ()


def test_the_job_s_wish_goes_before_the_timeline_s_and_that_before_the_profile_s() -> None:
    profile, plain = replace(PROFILE, captions="burn"), film(ENGLISH)
    wishing = with_wish(plain, "vtt")
    assert captioned(profile, plain, None).captions == "burn"
    assert captioned(profile, wishing, None).captions == "vtt"
    assert captioned(profile, wishing, "none").captions == "none"
    assert with_wish(wishing, None) == plain
    odd = replace(plain, metadata={KEY: ["loud"]})
    assert captioned(profile, odd, None).captions == "burn", "what is no such word counts as not said"
