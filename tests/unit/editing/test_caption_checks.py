"""What the tester says of captions, with the times concerned."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.renders import Check
from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Parameter, Timeline, TimeRange, Track
from engine.editing.caption_checks import NAMES, check_captions, film_checks
from engine.editing.captions import rules
from engine.editing.profiles import profile_named


def _timeline(*captions: tuple[float, float, str], **look: Parameter) -> Timeline:
    items: list[Clip | Gap] = []
    at = Fraction(0)
    for number, (start, lasts, text) in enumerate(captions):
        if Fraction(start) > at:
            items.append(Gap(duration=Fraction(start) - at))
        items.append(
            Clip(
                id=str(number),
                media=Generator(kind="caption", parameters={**look, "text": text}),
                source_range=TimeRange(start=Fraction(0), duration=Fraction(lasts)),
            )
        )
        at = Fraction(start) + Fraction(lasts)
    track = Track(kind="caption", name="C", items=tuple(items))
    return Timeline(name="t", rate=Fraction(25), width=1080, height=1920, sample_rate=48000, tracks=(track,))


def _found(timeline: Timeline, profile: str = "youtube") -> dict[str, Check]:
    return {one.name: one for one in check_captions(timeline, rules()["english"], profile_named(profile))}


def test_good_captions_pass_with_what_was_measured() -> None:
    found = _found(_timeline((0, 2, "A good caption\nof two lines"), (2.5, 2, "And another")))
    assert list(found) == list(NAMES)
    assert {name: one.status for name, one in found.items() if one.status != "pass"} == {
        "caption_safe_zone": "not_applicable"
    }
    assert found["caption_line_length"].value == "at most 14 characters"
    assert "Netflix" in found["caption_speed"].source


@pytest.mark.parametrize(
    ("name", "captions", "at"),
    [
        ("caption_line_length", [(0, 5, "x" * 43)], "0:00:00.000: 43 characters"),
        ("caption_lines", [(1, 5, "a\nb\nc")], "0:00:01.000: 3 lines"),
        ("caption_speed", [(2, 1, "x" * 30)], "0:00:02.000: 30 characters a second"),
        ("caption_duration", [(0, 0.4, "x")], "0:00:00.000: 0.40 s"),
        ("caption_duration", [(0, 8, "x")], "0:00:00.000: 8 s"),
        ("caption_gaps", [(0, 1, "x"), (1, 1, "y")], "0:00:01.000: 0 frames"),
    ],
)
def test_each_fault_is_named_with_its_time(
    name: str, captions: list[tuple[float, float, str]], at: str
) -> None:
    check = _found(_timeline(*captions))[name]
    assert (check.status, check.at) == ("fail", (at,))
    assert check.fix


def test_captions_that_a_platform_would_cover_are_named() -> None:
    assert _found(_timeline((0, 2, "x")), "reels")["caption_safe_zone"].status == "pass"
    check = _found(_timeline((0, 2, "x"), safe_zone="none"), "reels")["caption_safe_zone"]
    assert (check.status, check.at) == ("fail", ("0:00:00.000: none",))
    assert "bottom 35%" in check.limit


def test_a_timeline_without_captions_has_nothing_to_check() -> None:
    assert {one.status for one in _found(_timeline()).values()} == {"not_applicable"}


def test_a_film_is_held_against_the_rules_for_its_shape() -> None:
    upright = _timeline((0, 2, "x" * 30))
    assert {one.name: one.status for one in film_checks(upright, profile_named("youtube"))}[
        "caption_line_length"
    ] == "fail"
    wide = replace(upright, width=1920, height=1080)
    assert {one.name: one.status for one in film_checks(wide, profile_named("youtube"))}[
        "caption_line_length"
    ] == "pass"
    assert film_checks(_timeline(), profile_named("youtube")) == ()


def test_two_tracks_may_speak_at_once() -> None:
    one = _timeline((0, 2, "left"))
    both = Timeline(
        name="t", rate=one.rate, width=1080, height=1920, sample_rate=48000,
        tracks=(*one.tracks, Track(kind="caption", name="D", items=one.tracks[0].items)),
    )  # fmt: skip
    assert _found(both)["caption_overlap"].status == "pass"
