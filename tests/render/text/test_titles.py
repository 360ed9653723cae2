"""Titles, lower thirds and callouts: where they stand, what they look like, how they come and go."""

import numpy as np
import pytest

from engine.editing.profiles import profile_named
from tests.render.text.kit import alpha, columns_of, drawn, ink, like, rgb, same


def test_a_title_stands_in_the_middle() -> None:
    left, top, right, bottom = ink(drawn("title", text="HHH", shadow=0))
    assert abs((left + right) / 2 - 960) <= 2
    assert abs((top + bottom) / 2 - 540) <= 12, (
        "the middle of the line, of which capitals fill the upper part"
    )


def test_letters_have_the_colour_that_was_asked_for_and_the_rest_is_clear() -> None:
    picture = drawn("title", text="HHH", colour="#e63946", shadow=0)
    solid = alpha(picture) == 255
    assert solid.sum() > 5000
    assert like(picture, "#e63946", 0.02)[solid].mean() > 0.97
    assert (alpha(picture) == 0).mean() > 0.9


def test_letters_are_as_large_as_they_are_asked_to_be() -> None:
    small, large = (ink(drawn("title", text="HHH", size=size, shadow=0)) for size in (60, 120))
    assert large[3] - large[1] == pytest.approx(2 * (small[3] - small[1]), abs=3)
    assert large[2] - large[0] == pytest.approx(2 * (small[2] - small[0]), abs=6)


def test_sizes_follow_the_canvas() -> None:
    full = ink(drawn("title", text="HHH", shadow=0))
    half = ink(drawn("title", text="HHH", shadow=0, canvas=(960, 540)))
    assert np.array(full) == pytest.approx(2 * np.array(half), abs=4)


def test_heavier_letters_have_more_ink() -> None:
    light, bold = (alpha(drawn("title", text="HHH", weight=weight, shadow=0)).sum() for weight in (300, 900))
    assert bold > 1.5 * light


def test_an_outline_surrounds_letters_in_its_colour() -> None:
    plain = drawn("title", text="HHH", shadow=0)
    outlined = drawn("title", text="HHH", shadow=0, outline=10, outline_colour="#0000ff")
    edges = np.array(ink(outlined)) - np.array(ink(plain))
    assert edges == pytest.approx([-10, -10, 10, 10], abs=2)
    assert like(outlined, "#0000ff", 0.05)[alpha(outlined) == 255].sum() > 2000


def test_a_box_lies_behind_the_letters() -> None:
    picture = drawn("title", text="HHH", box_colour="#204060", box_padding=40, shadow=0)
    left, top, _, bottom = ink(picture)
    plain = ink(drawn("title", text="HHH", shadow=0))
    assert plain[0] - left == pytest.approx(40, abs=10)
    assert like(picture, "#204060", 0.03)[(top + bottom) // 2, left + 20]
    corner = alpha(picture)[top : top + 3, left : left + 3]
    assert corner.max() < 200, "its corners are round"


def test_a_shadow_is_dark_soft_and_below() -> None:
    with_shadow, without = (drawn("title", text="HHH", shadow=one) for one in (0.8, 0))
    assert ink(with_shadow)[3] > ink(without)[3]
    more = (alpha(with_shadow) > 20) & (alpha(without) == 0)
    assert rgb(with_shadow)[more].mean() < 0.25
    assert 0 < np.median(alpha(with_shadow)[more]) < 220


def test_lines_keep_inside_the_safe_zone_whatever_is_asked_for() -> None:
    reels = profile_named("reels")
    picture = drawn(
        "title",
        canvas=(1080, 1920),
        profile=reels,
        text="A very long title that wraps, and wraps again",
        x=1,
        y=1,
        shadow=0,
    )
    left, top, right, bottom = ink(picture)
    assert left >= 0.06 * 1080 - 1
    assert right <= 0.94 * 1080 + 1
    assert top >= 0.14 * 1920
    assert bottom <= 0.65 * 1920 + 1


def test_letters_shrink_until_there_are_no_more_lines_than_there_may_be() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    free, bound = (drawn("title", text=text, max_lines=most, shadow=0) for most in (0, 1))
    assert ink(bound)[3] - ink(bound)[1] < (ink(free)[3] - ink(free)[1]) / 2
    assert _lines(alpha(bound)) == 1
    assert _lines(alpha(free)) > 1


def test_a_line_feed_begins_a_line() -> None:
    assert _lines(alpha(drawn("title", text="HH\nHH\nHH", shadow=0))) == 3


def test_lines_are_about_equally_long() -> None:
    picture = alpha(
        drawn("title", text="a title of several words that needs two lines to be set", shadow=0, size=80)
    )
    rows = np.flatnonzero((picture > 128).any(axis=1))
    middle = (rows[0] + rows[-1]) // 2
    spans = [np.flatnonzero((part > 128).any(axis=0)) for part in (picture[:middle], picture[middle:])]
    widths = [int(one[-1] - one[0]) for one in spans]
    assert min(widths) > 0.75 * max(widths)


@pytest.mark.parametrize(("align", "edge"), [("left", 0), ("right", 2)])
def test_lines_begin_or_end_together(align: str, edge: int) -> None:
    picture = drawn("title", text="HHHHHHHH\nHH", align=align, shadow=0, x=0.5)
    rows = np.flatnonzero((alpha(picture) > 128).any(axis=1))
    middle = (rows[0] + rows[-1]) // 2
    for part in (slice(0, middle), slice(middle, None)):
        columns = np.flatnonzero((alpha(picture)[part] > 128).any(axis=0))
        assert abs((columns[0] if edge == 0 else columns[-1]) - 960) < 14


def test_room_between_letters_makes_lines_longer() -> None:
    narrow, wide = (ink(drawn("title", text="HHHH", letter_spacing=one, shadow=0)) for one in (0, 0.5))
    assert (wide[2] - wide[0]) - (narrow[2] - narrow[0]) == pytest.approx(3 * 0.5 * 110, abs=6)


def test_capitals_and_small_letters() -> None:
    assert same(drawn("title", text="straße", case="upper"), drawn("title", text="STRASSE"))
    assert same(drawn("title", text="two words", case="title"), drawn("title", text="Two Words"))


def test_it_fades_in_and_out() -> None:
    most = [
        int(
            alpha(
                drawn(
                    "title", text="HHH", animate_in="fade", animate_out="fade", animate_seconds=1, seconds=at
                )
            ).max()
        )
        for at in (0.0, 0.5, 1.0, 2.0, 3.5, 4.0)
    ]
    assert most == pytest.approx([0, 128, 255, 255, 128, 0], abs=2)


@pytest.mark.parametrize(
    ("kind", "side", "sign"),
    [("slide_up", 1, 1), ("slide_down", 1, -1), ("slide_left", 0, 1), ("slide_right", 0, -1)],
)
def test_it_slides_into_its_place(kind: str, side: int, sign: int) -> None:
    places = [
        ink(drawn("title", text="HHH", animate_in=kind, animate_seconds=1, seconds=at, shadow=0), 2)[side]
        for at in (0.2, 0.5, 0.8, 1.0)
    ]
    away = [sign * (one - places[-1]) for one in places]
    assert away[0] > away[1] > away[2] >= 0
    assert places[-1] == ink(drawn("title", text="HHH", shadow=0), 2)[side]


def test_it_is_typed_character_by_character() -> None:
    ends = [
        ink(drawn("title", text="HHHH", animate_in="type", animate_seconds=1, seconds=at, shadow=0))[2]
        for at in (0.3, 0.55, 0.8, 1.0)
    ]
    assert ends == sorted(set(ends))
    assert alpha(drawn("title", text="HHHH", animate_in="type", animate_seconds=1, seconds=0)).max() == 0


def test_it_pops_up_to_its_size() -> None:
    sizes = [
        ink(drawn("title", text="HHH", animate_in="pop", animate_seconds=1, seconds=at, shadow=0))
        for at in (0.05, 1.0)
    ]
    assert sizes[0][2] - sizes[0][0] < sizes[1][2] - sizes[1][0]


def test_equal_values_give_equal_bytes_also_after_others() -> None:
    first = drawn("title", text="Once")
    drawn("title", text="Twice", colour="#123456")
    assert same(first, drawn("title", text="Once"))


def test_who_is_given_a_picture_may_write_into_it() -> None:
    first = drawn("title", text="Mine")
    kept = first.copy()
    first.y[:] = 0
    alpha(first)[:] = 255
    assert same(kept, drawn("title", text="Mine"))


def test_a_lower_third_has_a_bar_of_colour_beside_its_box() -> None:
    picture = drawn("lower_third", text="Ada Lovelace", second="Mathematician", seconds=2, accent=20)
    left, top, right, bottom = ink(picture)
    bar = columns_of(picture, like(picture, "#f5b301", 0.05))
    assert bar[0] == pytest.approx(left, abs=2)
    assert bar[1] - bar[0] + 1 == pytest.approx(20, abs=2)
    assert bottom <= 0.95 * 1080 + 1
    assert top > 540
    assert right < 960


def test_the_second_line_of_a_lower_third_may_be_empty() -> None:
    one, two = (
        ink(drawn("lower_third", text="Ada", second=second, seconds=2)) for second in ("", "Mathematician")
    )
    assert one[3] - one[1] < two[3] - two[1]


@pytest.mark.parametrize("target", [(0.9, 0.9), (0.1, 0.9), (0.9, 0.1), (0.35, 0.9)])
def test_a_callout_reaches_what_it_points_to(target: tuple[float, float]) -> None:
    picture = drawn("callout", text="Here", target_x=target[0], target_y=target[1], seconds=2)
    x, y = round(target[0] * 1920), round(target[1] * 1080)
    assert alpha(picture)[y - 12 : y + 13, x - 12 : x + 13].max() > 60
    rows, columns = (
        np.flatnonzero((alpha(picture) > 8).any(axis=1)),
        np.flatnonzero((alpha(picture) > 8).any(axis=0)),
    )
    assert rows[0] - 3 <= y <= rows[-1] + 3
    assert columns[0] - 3 <= x <= columns[-1] + 3


def test_a_callout_over_what_it_points_to_has_no_pointer() -> None:
    over = drawn("callout", text="Here", target_x=0.35, target_y=0.3, seconds=2)
    none = drawn("callout", text="Here", pointer=0, seconds=2)
    assert np.array_equal(alpha(over), alpha(none))


def _lines(ink_of: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> int:
    rows = np.asarray((ink_of > 128).any(axis=1))
    return int(np.flatnonzero(np.diff(rows.astype(np.int8)) == 1).size)
