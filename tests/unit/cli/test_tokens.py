"""When a token is to end, as people say it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.cli.options import CommandError
from clients.cli.tokens import UNITS_MS, end_ms

NOW_MS = 1_700_000_000_000


@given(st.integers(1, 10_000), st.sampled_from(sorted(UNITS_MS)))
def test_a_span_counts_from_now(count: int, unit: str) -> None:
    assert end_ms(f"{count}{unit}", NOW_MS) == NOW_MS + count * UNITS_MS[unit]


def test_a_time_with_a_zone_is_that_moment() -> None:
    assert end_ms("2027-01-31T18:00:00+01:00", NOW_MS) == end_ms("2027-01-31T17:00:00Z", NOW_MS)


@pytest.mark.parametrize(
    "text", ["", "soon", "24", "h", "-1h", "1.5h", "1y", "0s", "2001-01-01", "99999-01-01"]
)
def test_what_is_no_time_to_come_is_refused_and_what_would_be_right_is_said(text: str) -> None:
    with pytest.raises(CommandError, match="--expires is"):
        end_ms(text, NOW_MS)
