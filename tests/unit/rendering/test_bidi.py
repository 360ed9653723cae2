"""Which way text runs: the examples of Unicode Standard Annex #9, and what cannot be turned."""

from engine.rendering.compositor.text.bidi import base_level, levels, turns, visual

HEBREW, ARABIC = "\u05d0\u05d1\u05d2", "\u0645\u0631\u062d"


def _seen(text: str) -> str:
    return "".join(text[place] for place in visual(levels(text)))


def test_text_that_runs_one_way_has_one_level() -> None:
    assert levels("abc 123") == [0] * 7
    assert levels(HEBREW) == [1, 1, 1]
    assert not turns("Ångström, naïve: 日本")
    assert turns(f"abc {ARABIC}")


def test_a_word_of_the_other_direction_is_turned_in_its_place() -> None:
    assert _seen(f"one {HEBREW} two") == f"one {HEBREW[::-1]} two"
    assert _seen(f"{HEBREW} one {HEBREW}") == f"{HEBREW[::-1]} one {HEBREW[::-1]}"


def test_numbers_keep_their_order_among_letters_that_run_to_the_left() -> None:
    assert levels(f"{HEBREW} 12") == [1, 1, 1, 1, 2, 2]
    assert _seen(f"{HEBREW} 12") == f"12 {HEBREW[::-1]}"


def test_brackets_belong_to_what_they_enclose() -> None:
    # Rule N0: a pair takes the direction of what is in it when that is the paragraph's.
    assert levels(f"{HEBREW} (a) {HEBREW}") == [1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1]


def test_the_first_letter_decides_about_the_paragraph() -> None:
    assert base_level(f"12 {ARABIC} abc") == 1
    assert base_level(f"abc {ARABIC}") == 0
    assert base_level("12 !") == 0
    assert base_level("abc", "rtl") == 1
    assert levels("abc", "rtl") == [2, 2, 2]


def test_the_order_seen_of_nested_levels() -> None:
    assert visual([]) == []
    assert visual([0, 0, 1, 1, 1, 2, 2, 1, 0]) == [0, 1, 7, 5, 6, 4, 3, 2, 8]
