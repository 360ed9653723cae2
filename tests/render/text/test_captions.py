"""Captions: where they stand, the word that is being said, and what runs from right to left."""

from fractions import Fraction

import numpy as np
import pytest

from engine.editing.profiles import profile_named
from tests.render.text.kit import alpha, columns_of, drawn, ink, installed, like, needs, rgb, same, words

YELLOW = "#ffd60a"
SAID = words("HHH HHH HHH HHH")

arabic = needs("Noto Sans Arabic", "fonts-noto-core")
hebrew = needs("Noto Sans Hebrew", "fonts-noto-core")
japanese = needs("Noto Sans CJK JP", "fonts-noto-cjk")
emoji = needs("Noto Color Emoji", "fonts-noto-color-emoji")


def test_a_caption_stands_at_the_bottom_inside_the_safe_zone() -> None:
    left, top, right, bottom = ink(drawn("caption", text="What is said", shadow=0))
    assert abs((left + right) / 2 - 960) <= 3
    assert 1080 * 0.8 < top
    assert bottom <= 1080 * 0.95


@pytest.mark.parametrize("profile", ["reels", "shorts", "tiktok"])
@pytest.mark.parametrize("style", ["plain", "box", "outline", "pill"])
def test_a_caption_keeps_clear_of_what_an_app_lays_over_the_picture(profile: str, style: str) -> None:
    target = profile_named(profile)
    zone = target.safe_zone
    assert zone is not None
    picture = drawn(
        "caption", canvas=(1080, 1920), profile=target, style=style, y=1, shadow=0, size=90,
        said=words("several words that need two lines"), seconds=0.6,
    )  # fmt: skip
    left, top, right, bottom = ink(picture)
    assert left >= zone.left * 1080 - 1
    assert right <= (1 - zone.right) * 1080 + 1
    assert top >= zone.top * 1920
    assert bottom <= (1 - zone.bottom) * 1920 + 1


def test_nothing_is_moved_where_no_zone_is_wanted() -> None:
    picture = drawn("caption", text="HHH", safe_zone="none", y=1, style="box", shadow=0)
    assert ink(picture)[3] == 1080


@pytest.mark.parametrize(("seconds", "place"), [(0.1, 0), (0.6, 1), (1.1, 2), (1.9, 3)])
def test_the_word_that_is_being_said_has_another_colour(seconds: float, place: int) -> None:
    picture = drawn(
        "caption", style="highlight", said=SAID, seconds=seconds, highlight_colour=YELLOW, shadow=0
    )
    left, _, right, _ = ink(picture)
    first, last = columns_of(picture, like(picture, YELLOW))
    width = (right - left) / 4
    assert left + place * width - width / 5 < first < left + place * width + width / 3
    assert left + (place + 1) * width - width / 3 < last < left + (place + 1) * width + width / 5


def test_no_word_is_set_apart_long_after_it_was_said() -> None:
    picture = drawn("caption", style="highlight", said=words("HHH HHH"), seconds=2.0, shadow=0)
    assert not like(picture, YELLOW, 0.05)[alpha(picture) == 255].any()


def test_the_word_that_is_being_said_has_a_box_of_its_own() -> None:
    picture = drawn(
        "caption", style="pill", said=SAID, seconds=0.6, highlight_colour="#e5383b", shadow=0, outline=0
    )
    first, last = columns_of(picture, like(picture, "#e5383b", 0.06))
    left, _, right, _ = ink(picture)
    middle, quarter = (left + right) / 2, (right - left) / 4
    assert middle - 1.25 * quarter < first < middle - 0.8 * quarter
    assert middle - 0.3 * quarter < last < middle + 0.1 * quarter


def test_words_are_filled_as_they_are_sung() -> None:
    reached = []
    for seconds in (0.0, 0.25, 0.5, 0.75, 1.5, 2.0):
        picture = drawn("caption", style="karaoke", said=SAID, seconds=seconds, shadow=0)
        yellow = like(picture, YELLOW) & (alpha(picture) > 128)
        columns = np.flatnonzero(yellow.any(axis=0))
        reached.append(int(columns[-1]) if columns.size else 0)
    left, _, right, _ = ink(picture)
    assert reached == sorted(reached)
    assert reached[0] == 0
    assert reached[1] == pytest.approx(left + (right - left) / 8, abs=20)
    assert reached[2] == pytest.approx(left + (right - left) / 4, abs=20)
    assert reached[-1] == pytest.approx(right, abs=12)


def test_before_and_after_a_song_the_words_stand_alike() -> None:
    before = drawn("caption", style="karaoke", said=SAID, seconds=0.0)
    after = drawn("caption", style="karaoke", said=SAID, seconds=2.0)
    assert np.array_equal(alpha(before), alpha(after))


def test_what_needs_more_lines_than_there_may_be_is_shown_page_by_page() -> None:
    said = words("one two three four five six seven eight nine ten eleven twelve", Fraction(1))
    first, early, late = (
        drawn(
            "caption",
            canvas=(1080, 1920),
            style="outline",
            said=said,
            seconds=at,
            size=120,
            max_lines=1,
            shadow=0,
        )
        for at in (0.0, 1.5, 11.5)
    )
    assert same(first, early)
    assert not same(first, late)
    heights = [ink(one)[3] - ink(one)[1] for one in (first, late)]
    assert max(heights) < 150, "one line, as large as it was asked for"


def test_without_times_a_caption_that_is_too_long_is_written_smaller() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    picture = drawn("caption", canvas=(1080, 1920), text=text, size=120, max_lines=1, shadow=0)
    assert ink(picture)[3] - ink(picture)[1] < 80


def test_the_text_that_is_given_stands_where_its_words_are_in_it() -> None:
    given, joined = (
        drawn("caption", text=text, said=words(said), style="highlight", seconds=0.6, shadow=0)
        for text, said in (("Hello, World!", "hello world"), ("", "Hello, World!"))
    )
    assert ink(given) == pytest.approx(ink(joined), abs=3)
    starts = [columns_of(one, like(one, YELLOW))[0] for one in (given, joined)]
    assert starts[0] == pytest.approx(starts[1], abs=3)


def test_words_that_are_not_in_the_text_are_written_instead_of_it() -> None:
    other = drawn("caption", text="Something else", said=words("Hello World"))
    assert same(other, drawn("caption", said=words("Hello World")))


@hebrew
def test_what_runs_from_right_to_left_begins_at_the_right() -> None:
    picture = drawn(
        "caption", style="highlight", said=words("שלום עולם"), seconds=0.1, shadow=0, fonts=installed()
    )
    first, last = columns_of(picture, like(picture, YELLOW))
    left, _, right, _ = ink(picture)
    assert first > (left + right) / 2 - 10
    assert last > right - 20


@arabic
def test_a_song_that_runs_from_right_to_left_fills_from_the_right() -> None:
    picture = drawn(
        "caption", style="karaoke", said=words("مرحبا بالعالم"), seconds=0.25, shadow=0, fonts=installed()
    )
    first, _ = columns_of(picture, like(picture, YELLOW))
    left, _, right, _ = ink(picture)
    assert (left + right) / 2 < first


@arabic
def test_joined_letters_stay_joined() -> None:
    joined = alpha(drawn("caption", text="ببببب", style="plain", shadow=0, fonts=installed()))
    apart = alpha(drawn("caption", text="ب ب ب ب ب", style="plain", shadow=0, fonts=installed()))
    spaced = alpha(
        drawn("caption", text="ببببب", style="plain", letter_spacing=0.3, shadow=0, fonts=installed())
    )
    gaps = [
        np.flatnonzero(~np.asarray((one > 60).any(axis=0))[_span(one)]).size
        for one in (joined, apart, spaced)
    ]
    assert gaps[0] == gaps[2] == 0
    assert gaps[1] > 20


@hebrew
def test_words_of_both_directions_are_seen_in_their_order() -> None:
    said = words("abc שלום def")
    places = []
    for seconds in (0.1, 0.6, 1.1):
        picture = drawn("caption", style="highlight", said=said, seconds=seconds, shadow=0, fonts=installed())
        places.append(columns_of(picture, like(picture, YELLOW))[0])
    assert places == sorted(places), "the paragraph runs to the right: its Hebrew word stands in the middle"


@emoji
def test_emoji_are_pictures_in_colour_as_tall_as_letters() -> None:
    picture = drawn("caption", text="🎬🌈", style="plain", size=100, shadow=0, fonts=installed())
    solid = alpha(picture) > 200
    spread = rgb(picture).max(axis=-1) - rgb(picture).min(axis=-1)
    assert (spread[solid] > 0.2).mean() > 0.1
    assert 80 < ink(picture)[3] - ink(picture)[1] < 150


@emoji
def test_a_family_of_emoji_is_one_picture() -> None:
    one, three = (
        ink(drawn("caption", text=text, style="plain", shadow=0, fonts=installed()))
        for text in ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\U0001f469\U0001f467")
    )
    assert (three[2] - three[0]) > 2.3 * (one[2] - one[0])


@japanese
def test_no_line_of_japanese_begins_with_what_closes() -> None:
    text = "これは「日本語」の字幕です。とても長い文章なので、三行に分けて表示されます。"
    picture = drawn(
        "caption",
        canvas=(1080, 1920),
        text=text,
        max_lines=4,
        style="plain",
        shadow=0,
        align="left",
        fonts=installed(),
    )
    whole = alpha(picture)
    rows = np.flatnonzero((whole > 60).any(axis=1))
    starts = [one for one in np.split(rows, np.flatnonzero(np.diff(rows) > 8) + 1) if one.size > 20]
    assert len(starts) >= 2
    for one in starts:
        first = whole[one[0] : one[-1] + 1, ink(picture)[0] : ink(picture)[0] + 40] > 60
        assert first.mean() > 0.08, "a line begins with a character that fills its square"


def _span(picture: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> slice:
    columns = np.flatnonzero((picture > 60).any(axis=0))
    return slice(int(columns[0]), int(columns[-1]))
