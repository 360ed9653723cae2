"""`--keep` as people write it: times of every form, and what is wrong said by name."""

from fractions import Fraction

import pytest

from clients.cli.options import CommandError
from clients.cli.spans import frames, spans
from tests.clips import NTSC

PAL = Fraction(25)


@pytest.mark.parametrize(
    ("text", "rate", "named"),
    [
        ("1.5", PAL, "3/2"), ("0", PAL, "0"), ("12", PAL, "12"), ("45f", PAL, "45f"), ("1:02", PAL, "62"),
        ("01:02:03.500", PAL, "7447/2"), ("100:00:00", PAL, "360000"), ("90:30", PAL, "5430"),
        ("00:00:04:12", PAL, "112f"), ("00:00:04:12", NTSC, "132f"), ("00:01:00;02", NTSC, "1800f"),
        ("00:10:00;00", NTSC, "17982f"), ("01:00:00;00", NTSC, "107892f"),
        ("00:01:00;04", Fraction(60_000, 1001), "3600f"),
    ],
)  # fmt: skip
def test_a_time_is_taken_in_every_form(text: str, rate: Fraction, named: str) -> None:
    (span,) = spans(f"{text}-{text}")
    assert span.start.named(rate) == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no span"), (",,", "names no span"), ("5", "is no span"), ("-5", "is no span"), ("5-", "is no span"),
        ("a-b", "'a' is no time"), ("1-2-3", "'2-3' is no time"), ("1e3-2", "is no time"), ("0:75-2:00", "59"),
        ("1:75:00-2", "59"), ("00:00:75:00-2", "59"), ("٣-4", "is no time"), ("inf-nan", "is no time"),
    ],
)  # fmt: skip
def test_what_is_no_span_is_named(text: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        spans(text)


@pytest.mark.parametrize(
    ("text", "rate", "said"),
    [
        ("00:00:04:25", PAL, "frame 25 of a second that has 25"),
        ("00:00:04;12", PAL, "drop-frame"),
        ("00:01:00;01", NTSC, "leaves out"),
    ],
)
def test_a_timecode_has_to_fit_the_rate(text: str, rate: Fraction, said: str) -> None:
    (span,) = spans(f"{text}-{text}")
    with pytest.raises(CommandError, match=said):
        span.start.named(rate)


def test_spans_that_touch_are_one() -> None:
    asked = spans("1-2,2-3,4-5")
    assert frames(asked, [(25, 50), (50, 75), (100, 125)]) == [(25, 75), (100, 125)]


@pytest.mark.parametrize(
    ("text", "found", "said"),
    [
        ("1-1", [(25, 25)], "1-1 keeps nothing: both ends are frame 25"),
        ("2-1", [(50, 25)], "2-1 is reversed"),
        ("1-3,2-4", [(25, 75), (50, 100)], "2-4 begins before 1-3 ends"),
        ("5-6,1-2", [(125, 150), (25, 50)], "1-2 begins before 5-6 ends"),
    ],
)
def test_spans_go_forward_and_do_not_overlap(text: str, found: list[tuple[int, int]], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        frames(spans(text), found)
