"""Target profiles: dated, sourced, and found by name."""

from fractions import Fraction

import pytest

from engine.editing.profiles import profile_named, profiles
from engine.kernel.errors import Invalid


def test_the_profiles_of_the_spine_are_there() -> None:
    assert list(profiles())[:6] == ["reels", "shorts", "tiktok", "youtube", "square", "source"]


@pytest.mark.parametrize("name", ["reels", "shorts", "tiktok"])
def test_upright_profiles_are_1080_by_1920(name: str) -> None:
    profile = profile_named(name)
    assert (profile.width, profile.height) == (1080, 1920)


def test_every_figure_says_where_it_comes_from_and_what_is_only_convention() -> None:
    for profile in profiles().values():
        assert profile.source
        assert profile.read_on == "2026-11"
        assert profile.loudness_lufs is None or "loudness: convention" in profile.source


def test_every_profile_can_be_encoded() -> None:
    for profile in profiles().values():
        sides = (profile.width, profile.height)
        assert sides == (None, None) or all(side is not None and side % 2 == 0 for side in sides)
        assert profile.rate_min <= profile.rate_max
        assert profile.gop_s > 0


def test_film_rates_are_fine_where_24_is_asked_for() -> None:
    assert profile_named("shorts").rate_min <= Fraction(24000, 1001)


def test_an_unknown_name_is_answered_with_the_near_one() -> None:
    with pytest.raises(Invalid, match="did you mean reels") as refused:
        profile_named("Reel")
    assert refused.value.code == "unknown_profile"
    assert refused.value.extra["field"] == "profile"


def test_a_name_that_is_like_none_is_answered_with_all() -> None:
    with pytest.raises(Invalid, match="reels, shorts, tiktok, youtube, square, source"):
        profile_named("xyzzy")
