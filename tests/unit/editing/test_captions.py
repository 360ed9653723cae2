"""Captions made of words: where they end, how they are set, when they are shown."""

from fractions import Fraction

import pytest

from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Word
from engine.editing.captions import Caption, caption_track, captions_of, columns_of, rules
from engine.editing.timeline import track_duration
from engine.kernel.errors import Invalid

RATE = Fraction(25)
ENGLISH = rules()["english"]


def said(text: str, *, each: Fraction = Fraction(3, 10), start: Fraction = Fraction(0)) -> list[Word]:
    """Words one after the other; `|` is a second of silence."""
    words: list[Word] = []
    at = start
    for one in text.split():
        if one == "|":
            at += 1
            continue
        words.append(Word(text=one, start=at, end=at + each))
        at += each
    return words


def texts(captions: tuple[Caption, ...]) -> list[str]:
    return [one.text for one in captions]


def test_the_rules_are_those_of_the_table() -> None:
    assert (ENGLISH.columns, ENGLISH.lines, ENGLISH.gap_frames) == (42, 2, 2)
    assert (ENGLISH.speed, ENGLISH.shortest, ENGLISH.longest) == (Fraction(20), Fraction(5, 6), Fraction(7))
    assert rules()["children"].speed == 17


def test_a_sentence_is_one_caption_and_the_next_another() -> None:
    words = said("The tide turned at noon. Nobody on the pier had noticed it yet.")
    assert texts(captions_of(words, RATE, ENGLISH)) == [
        "The tide turned at noon.",
        "Nobody on the pier had noticed it yet.",
    ]


def test_what_is_too_long_for_one_caption_ends_where_a_clause_does() -> None:
    words = said(
        "When the boats came back that evening, long after the lamps were lit, the whole town stood waiting by the harbour wall"
    )
    captions = captions_of(words, RATE, ENGLISH)
    assert captions[0].text.endswith((",", "lit,"))
    assert all(len(one.lines) <= 2 and max(map(len, one.lines)) <= 42 for one in captions)


def test_nothing_is_shown_while_nobody_speaks() -> None:
    captions = captions_of(said("One thing | | and another"), RATE, ENGLISH)
    assert texts(captions) == ["One thing", "and another"]
    assert captions[1].start - captions[0].end >= 1


def test_lines_are_balanced() -> None:
    (one,) = captions_of(
        said("The birds had never been seen so far out at sea before", each=Fraction(1, 5)), RATE, ENGLISH
    )
    assert len(one.lines) == 2
    assert abs(len(one.lines[0]) - len(one.lines[1])) < 8


def test_a_caption_stays_until_it_can_be_read_where_there_is_room() -> None:
    (short,) = captions_of(said("Yes!"), RATE, ENGLISH)
    assert short.end - short.start >= ENGLISH.shortest
    (fast,) = captions_of(said("extraordinarily incomprehensible", each=Fraction(1, 5)), RATE, ENGLISH)
    assert (fast.end - fast.start) * 20 >= len(fast.text)


def test_captions_leave_two_frames_between_them_and_no_flicker() -> None:
    captions = captions_of(said("First we went up. Then we came down."), RATE, ENGLISH)
    assert [one.start for one in captions][1] - captions[0].end == 2 / RATE


def test_words_without_spaces_between_them_are_joined_and_count_twice() -> None:
    assert columns_of("日本語") == 6
    assert columns_of("e\u0301") == 1
    (one,) = captions_of(said("これは テスト です。"), RATE, ENGLISH)
    assert one.lines == ("これはテストです。",)


def test_a_word_wider_than_a_line_is_divided() -> None:
    captions = captions_of([Word(text="x" * 90, start=Fraction(0), end=Fraction(3))], RATE, ENGLISH)
    assert [len(line) for line in captions[0].lines] == [42, 42, 6]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_captions_begin_and_end_on_frames(rate: Fraction) -> None:
    for one in captions_of(said("One. Two three. Four five six."), rate, ENGLISH):
        assert (one.start * rate).denominator == (one.end * rate).denominator == 1


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ([("a", 0, 2), ("b", 1, 3)], "words[1].start"),
        ([("a", 1, 1)], "words[0].end"),
        ([("a", -1, 1)], "words[0].end"),
    ],
)
def test_words_out_of_order_are_refused(words: list[tuple[str, int, int]], field: str) -> None:
    given = [Word(text=text, start=Fraction(start), end=Fraction(end)) for text, start, end in words]
    with pytest.raises(Invalid) as refused:
        captions_of(given, RATE, ENGLISH)
    assert refused.value.extra["field"] == field


def test_a_track_shows_each_caption_at_its_time_with_its_words_in_clip_time() -> None:
    captions = captions_of(said("One two. | | Three four.", start=Fraction(2)), RATE, ENGLISH)
    track = caption_track(captions, look={"style": "karaoke"})
    assert track.kind == "caption"
    gap, first, pause, second = track.items
    assert isinstance(gap, Gap)
    assert isinstance(pause, Gap)
    assert isinstance(first, Clip)
    assert isinstance(second, Clip)
    assert gap.duration == 2
    assert track_duration(track) == captions[-1].end
    assert isinstance(first.media, Generator)
    assert first.media.parameters == {"style": "karaoke", "text": "One two."}
    assert [(word.text, word.start) for word in first.media.words] == [("One", 0), ("two.", Fraction(3, 10))]
