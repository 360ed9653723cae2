"""Whatever is said, captions of it hold what was said, in order, apart, and inside the rules as far as can be."""

import itertools
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom_sdk.wire.timeline import Timeline, Word
from engine.editing.caption_checks import check_captions
from engine.editing.captions import CaptionRules, caption_track, captions_of, columns_of, rules

RATES = st.sampled_from(
    [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60)]
)
RULES = st.sampled_from(list(rules().values()))
WORD = st.text(st.sampled_from("abcdeé日本の,.!? "), min_size=1, max_size=12).filter(
    lambda one: bool(one.strip())
)


@st.composite
def speech(draw: st.DrawFn) -> list[Word]:
    """Words with pauses between them, at any times."""
    words: list[Word] = []
    at = Fraction(0)
    for _ in range(draw(st.integers(0, 30))):
        at += Fraction(draw(st.integers(0, 900)) if draw(st.booleans()) else 0, 300)
        lasts = Fraction(draw(st.integers(6, 300)), 300)
        words.append(Word(text=draw(WORD), start=at, end=at + lasts))
        at += lasts
    return words


@given(speech(), RATES, RULES)
@settings(deadline=None)
def test_captions_hold_what_was_said_once_and_in_order(
    words: list[Word], rate: Fraction, rule: CaptionRules
) -> None:
    captions = captions_of(words, rate, rule)
    assert [word for one in captions for word in one.words] == words
    for one in captions:
        letters = "".join(word.text for word in one.words).replace(" ", "")
        assert "".join(one.lines).replace(" ", "") == letters
        assert all(columns_of(line) <= rule.columns for line in one.lines)
        if len(one.words) > 1:
            assert len(one.lines) <= rule.lines
            assert one.words[-1].end - one.words[0].start <= rule.longest


@given(speech(), RATES, RULES)
@settings(deadline=None)
def test_captions_stand_on_frames_apart_from_each_other(
    words: list[Word], rate: Fraction, rule: CaptionRules
) -> None:
    captions = captions_of(words, rate, rule)
    for one in captions:
        assert (one.start * rate).denominator == (one.end * rate).denominator == 1
        assert one.start < one.end
    for before, after in itertools.pairwise(captions):
        room = (after.start - before.start) * rate
        assert before.end <= after.start
        if room > rule.gap_frames:
            assert (after.start - before.end) * rate >= rule.gap_frames


@given(speech(), RATES, RULES)
@settings(deadline=None)
def test_the_tester_finds_nothing_wrong_with_how_captions_are_set(
    words: list[Word], rate: Fraction, rule: CaptionRules
) -> None:
    captions = captions_of(words, rate, rule)
    timeline = Timeline(
        name="t", rate=rate, width=1920, height=1080, sample_rate=48000, tracks=(caption_track(captions),)
    )
    found = {one.name: one for one in check_captions(timeline, rule)}
    if not captions:
        assert {one.status for one in found.values()} == {"not_applicable"}
        return
    assert found["caption_line_length"].status == "pass"
    assert found["caption_overlap"].status == "pass"
    if all(len(one.words) > 1 for one in captions):
        assert found["caption_lines"].status == "pass"


@given(speech(), RATES)
@settings(deadline=None)
def test_slow_speech_meets_every_rule(words: list[Word], rate: Fraction) -> None:
    rule = rules()["english"]
    slow = [
        Word(text=word.text.strip(), start=3 * number + Fraction(1), end=3 * number + Fraction(2))
        for number, word in enumerate(words, start=1)
    ]
    timeline = Timeline(
        name="t", rate=rate, width=1920, height=1080, sample_rate=48000,
        tracks=(caption_track(captions_of(slow, rate, rule)),),
    )  # fmt: skip
    assert not [one for one in check_captions(timeline, rule) if one.status == "fail"]
