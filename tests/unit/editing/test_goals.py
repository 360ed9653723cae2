"""What is understood of the words of a goal, and what is said about the rest."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.editing.goals import fit_goal, read_goal, spoken
from engine.editing.profiles import profile_named
from engine.kernel.errors import Invalid

REELS = profile_named("reels")


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("a 30 second highlight", 30),
        ("20 second highlight", 20),
        ("30-second teaser", 30),
        ("1 min teaser", 60),
        ("90s", 90),
        ("1m30s", 90),
        ("1 minute and 30 seconds", 90),
        ("1:30", 90),
        ("01:02:03", 3723),
        ("half a minute", 30),
        ("half minute teaser", 30),
        ("a half-minute teaser", 30),
        ("two and half minutes", 150),
        ("a minute and a half", 90),
        ("ein 30-sekündiges Highlight", 30),
        ("ein 2-minütiger Film", 120),
        ("30s, pauses shorter by 1 second", 30),
        ("shorten to 5 seconds", 5),
        ("20 seconds, less talk", 20),
        ("two and a half minutes", 150),
        ("forty-five seconds", 45),
        ("1.5 minutes", 90),
        ("1,5 minutes", 90),
        ("A 30 SECOND   Highlight", 30),
        ("ein Highlight von 30 Sekunden", 30),
        ("eine halbe Minute", 30),
        ("in 30s, skip the first 10 seconds", 30),
        ("skip the first 10 seconds, 30s", 30),
    ],
)
def test_a_length_is_read_however_it_is_written(words: str, seconds: int) -> None:
    goal = read_goal(words)
    assert goal.target == seconds
    assert goal.kind == "highlight"
    assert not goal.at_most


@pytest.mark.parametrize(
    "words", ["under 45 seconds", "at most 45s", "no longer than 45 seconds", "max. 45 s", "up to 45 seconds"]
)
def test_a_limit_is_not_passed(words: str) -> None:
    goal = read_goal(words)
    assert goal.target == 45
    assert goal.at_most


@pytest.mark.parametrize("words", ["cut the pauses", "tighten it", "remove silences", "make it nice"])
def test_without_a_length_all_that_is_good_is_wanted(words: str) -> None:
    goal = read_goal(words)
    assert goal.target is None
    assert goal.kind == "tighten"
    assert goal.notices


def test_a_length_of_pauses_is_not_the_length_of_the_result() -> None:
    goal = read_goal("remove pauses longer than 2 seconds")
    assert goal.target is None
    assert any("'2 seconds' is not taken" in notice for notice in goal.notices)


def test_a_second_length_is_named_and_not_taken() -> None:
    goal = read_goal("30s, or 40s")
    assert goal.target == 30
    assert any("'40s' not" in notice for notice in goal.notices)


def test_a_range_gives_its_middle_and_says_so() -> None:
    goal = read_goal("20-30 seconds")
    assert goal.target == 25
    assert any("range" in notice for notice in goal.notices)


@pytest.mark.parametrize(
    "words", ["", "   ", "0 seconds", "0:00", "-5 seconds", "0.5 s", "no seconds", "x" * 2001]
)
def test_a_goal_that_cannot_be_is_refused_by_its_field(words: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_goal(words)
    assert refused.value.extra["field"] == "goal"


@pytest.mark.parametrize(
    "words",
    [
        "shorten by 5 seconds",
        "shorten it by at most 5 seconds",
        "5 seconds shorter than it is",
        "um 5 Sekunden kürzen",
    ],
)
def test_what_is_to_go_is_not_taken_for_what_is_to_stay(words: str) -> None:
    with pytest.raises(Invalid, match="how much is to go"):
        read_goal(words)


@pytest.mark.parametrize("words", ["25 hours", "99999999 seconds", "at most 2000 minutes"])
def test_nobody_gets_a_film_that_lasts_for_days(words: str) -> None:
    with pytest.raises(Invalid, match="at most 24 hours") as refused:
        read_goal(words)
    assert refused.value.extra["field"] == "goal"


@given(st.text(max_size=60))
def test_any_words_are_read_or_refused(words: str) -> None:
    try:
        goal = read_goal(words)
    except Invalid:
        return
    assert goal.target is None or 1 <= goal.target <= 86_400


@given(st.integers(1, 86_400))
def test_a_length_in_whole_seconds_is_read_exactly(seconds: int) -> None:
    assert read_goal(f"a {seconds} second highlight").target == seconds
    assert read_goal(f"a {seconds}s highlight").target == seconds


def test_a_highlight_without_a_length_gets_the_usual_one() -> None:
    goal = fit_goal(read_goal("the best of it"), REELS, Fraction(600))
    assert goal.target == REELS.default_duration
    assert any("usual for reels" in notice for notice in goal.notices)


def test_a_length_beyond_the_profile_is_brought_down_and_never_passed() -> None:
    goal = fit_goal(read_goal("5 minutes"), profile_named("shorts"), Fraction(1200))
    assert goal.target == 180
    assert goal.at_most
    assert any("at most 3 min" in notice for notice in goal.notices)


def test_a_length_beyond_the_footage_keeps_all_that_is_good() -> None:
    goal = fit_goal(read_goal("2 minutes"), REELS, Fraction(60))
    assert goal.target is None
    assert any("not shorter than the footage" in notice for notice in goal.notices)


def test_a_profile_without_limits_changes_nothing() -> None:
    goal = read_goal("50 minutes")
    free = replace(REELS, max_duration=None)
    assert fit_goal(goal, free, Fraction(7200)) == goal


def test_lengths_are_spoken_as_people_say_them() -> None:
    assert [spoken(Fraction(*n)) for n in ((45, 1), (60, 1), (90, 1), (41, 2), (1, 3), (120, 1))] == [
        "45 s", "1 min", "1 min 30 s", "20.5 s", "0.33 s", "2 min",
    ]  # fmt: skip
