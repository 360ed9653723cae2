from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clients.view.plan import PlanTextError, plan_text, seconds_of, spans_from
from cutroom_sdk.wire.editing import Cut, CutPlan, Goal, KeepSpan
from cutroom_sdk.wire.timeline import Timeline

EMPTY = Timeline(name="t", rate=Fraction(25), width=2, height=2, sample_rate=48000, tracks=())


def plan_of(*spans: tuple[str, Fraction, Fraction]) -> CutPlan:
    cuts = tuple(
        Cut(
            asset_id=name * 32,
            asset=f"{name}.mp4",
            start=start,
            end=end,
            start_frame=0,
            end_frame=1,
            score=1.0,
            reasons=("a # whole; sentence",),
        )
        for name, start, end in spans
    )
    length = sum((end - start for _, start, end in spans), Fraction(0))
    return CutPlan(
        goal=Goal(text="x"), profile="source", timeline=EMPTY, cuts=cuts, removed=(), duration=length
    )


PLAN = plan_of(
    ("a", Fraction(1001, 30000), Fraction(4)),
    ("a", Fraction(5), Fraction(61, 6)),
    ("b", Fraction(0), Fraction(3700)),
)

times = st.fractions(min_value=0, max_value=9000, max_denominator=30000)


@given(st.lists(st.tuples(st.sampled_from("abc"), times, times), min_size=1, max_size=6))
def test_a_text_that_is_left_alone_changes_nothing(spans: list[tuple[str, Fraction, Fraction]]) -> None:
    ordered = [(name, min(start, end), max(start, end)) for name, start, end in spans]
    assume(all(end - start >= Fraction(1, 50) for _, start, end in ordered))
    plan = plan_of(*ordered)
    assert spans_from(plan_text(plan), plan) is None


def test_a_line_that_is_left_alone_keeps_its_exact_times() -> None:
    text = "\n".join(line for line in plan_text(PLAN).splitlines() if "0:05.00" not in line)
    assert spans_from(text, PLAN) == (
        KeepSpan(asset_id="a" * 32, start=Fraction(1001, 30000), end=Fraction(4)),
        KeepSpan(asset_id="b" * 32, start=Fraction(0), end=Fraction(3700)),
    )


def test_times_may_be_typed_as_people_write_them() -> None:
    spans = spans_from("b 1:02.5 - 1:01:00   # mine\n\n# A 0 - 9\n", PLAN)
    assert spans == (KeepSpan(asset_id="b" * 32, start=Fraction(125, 2), end=Fraction(3660)),)


def test_an_empty_text_is_no_wish_to_keep_nothing() -> None:
    assert spans_from("# all gone\n", PLAN) is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("A 0:01", "line 1: 'A 0:01' is not of the form"),
        ("C 0 - 1", "no source 'C'; there are A, B"),
        ("A 1x - 3", "'1x' is no time"),
        ("A 4 - 4", "the end 4 is not after the start 4"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, complaint: str) -> None:
    with pytest.raises(PlanTextError, match=complaint):
        spans_from(line, PLAN)


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "1e3", "٣", "1.5.2", "9" * 40])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        seconds_of(text)
