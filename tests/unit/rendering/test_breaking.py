"""Where lines may end, and that they come out even."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from engine.rendering.compositor.text.breaking import graphemes, is_emoji, lines_of, pieces

CLOSING = "、。，．」』）】！？ーっゃゅょァィ々"
OPENING = "「『（【"


def _text(line_text: str, room: float, *, balanced: bool = True) -> list[str]:
    def width(start: int, end: int) -> float:
        return end - start

    return [line_text[one.start : one.end] for one in lines_of(line_text, width, room, balanced=balanced)]


def test_words_stay_whole_and_spaces_at_the_end_of_a_line_go() -> None:
    assert _text("one two three", 8, balanced=False) == ["one two", "three"]
    assert _text("well-known (and) so on", 6, balanced=False) == ["well-", "known", "(and)", "so on"]


def test_lines_are_balanced_without_becoming_more() -> None:
    text = "the quick brown fox jumps over it"
    assert _text(text, 27, balanced=False) == ["the quick brown fox jumps", "over it"]
    assert _text(text, 27) == ["the quick brown", "fox jumps over it"]


def test_a_word_wider_than_a_line_is_broken_between_graphemes() -> None:
    assert _text("abcdefghij", 4, balanced=False) == ["abcd", "efgh", "ij"]
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert all(family in one for one in _text(family * 4, 5)), "a family of emoji is one grapheme"


def test_chinese_and_japanese_break_anywhere_but_around_brackets_and_marks() -> None:
    text = "これは「日本語」の、とても長い、字幕です。ちょっと待って！"
    for room in range(3, len(text)):
        lines = _text(text, room)
        assert "".join(lines) == text
        assert all(len(one) <= room for one in lines)
        assert not any(one[0] in CLOSING for one in lines[1:]), lines
        assert not any(one[-1] in OPENING for one in lines[:-1]), lines


def test_japanese_is_broken_between_phrases_where_these_fit() -> None:
    text = "今日はとても良い天気ですから、散歩に行きましょう。"
    assert _text(text, 12, balanced=False) == ["今日はとても良い", "天気ですから、散歩に", "行きましょう。"]
    # A phrase that is wider than a line is broken as the rules allow.
    assert _text("天気ですから、", 4, balanced=False) == ["天気です", "から、"]


def test_thai_is_broken_between_words() -> None:
    text = "วันนี้อากาศดีมาก เราไปเดินเล่น"
    assert _text(text, 12, balanced=False) == ["วันนี้อากาศ", "ดีมาก เราไป", "เดินเล่น"]


def test_chinese_is_left_to_the_rules() -> None:
    assert _text("今天天气很好我们去散步", 6, balanced=False) == ["今天天气很好", "我们去散步"]


@given(st.text(st.sampled_from("ab 、「」あ中\u05d0é👍🏽-")), st.integers(2, 12))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, room: int) -> None:
    lines = lines_of(text, lambda start, end: sum(map(len, text[start:end])), room)
    assert "".join(text[one.start : one.end] for one in lines).replace(" ", "") == text.replace(" ", "")
    for before, after in itertools.pairwise(lines):
        assert before.end <= after.start
    for one in lines:
        assert one.end - one.start <= max(room, max((len(part) for part in graphemes(text)), default=0))
    fewest = lines_of(text, lambda start, end: end - start, room, balanced=False)
    assert len(lines) == len(fewest)


def test_pieces_cover_the_text() -> None:
    text = "a b、c「d」"
    spans = pieces(text)
    assert "".join(text[start:end] for start, end in spans) == text


def test_what_is_shown_as_a_picture() -> None:
    assert all(map(is_emoji, ["🎬", "👍🏽", "❤️", "🇩🇪", "⌚"]))
    assert not any(map(is_emoji, ["a", "1", "❤", "✓", "日", "é"]))
