"""Cron expressions: what is read, and what is said of what is not."""

from datetime import datetime, timedelta

import pytest

from cutroom_sdk.wire.routines import Schedule
from engine.kernel.errors import Invalid
from engine.routines.cron import parse
from engine.routines.ticks import jitter, ticks

MONDAY = datetime(2026, 1, 5, 12)  # noqa: DTZ001 - local time has no zone


def _next(text: str, count: int = 3) -> list[str]:
    cron, at, found = parse(text), MONDAY, []
    for _ in range(count):
        following = cron.after(at)
        assert following is not None
        at = following
        found.append(f"{at:%a %d %b %H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 9 * * mon-fri", ["Tue 06 Jan 09:00", "Wed 07 Jan 09:00", "Thu 08 Jan 09:00"]),
        ("*/25 13 * * *", ["Mon 05 Jan 13:00", "Mon 05 Jan 13:25", "Mon 05 Jan 13:50"]),
        ("10/20 13 * * *", ["Mon 05 Jan 13:10", "Mon 05 Jan 13:30", "Mon 05 Jan 13:50"]),
        ("0 0 * * 7", ["Sun 11 Jan 00:00", "Sun 18 Jan 00:00", "Sun 25 Jan 00:00"]),
        ("0 0 * * sat-sun", ["Sat 10 Jan 00:00", "Sun 11 Jan 00:00", "Sat 17 Jan 00:00"]),
        ("0 0 13 * fri", ["Fri 09 Jan 00:00", "Tue 13 Jan 00:00", "Fri 16 Jan 00:00"]),
        ("0 0 */2 * mon", ["Mon 19 Jan 00:00", "Mon 09 Feb 00:00", "Mon 23 Feb 00:00"]),
        ("@weekly", ["Sun 11 Jan 00:00", "Sun 18 Jan 00:00", "Sun 25 Jan 00:00"]),
        ("0 0 29 2 *", ["Tue 29 Feb 00:00", "Sun 29 Feb 00:00", "Fri 29 Feb 00:00"]),
    ],
)
def test_fields_names_ranges_steps_and_shorthands(text: str, expected: list[str]) -> None:
    assert _next(text) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("61 * * * *", "minute is '61'; 0 to 59"),
        ("* 24 * * *", "hour is '24'; 0 to 23"),
        ("* * 0 * *", "day of month is '0'; 1 to 31"),
        ("* * * 13 *", "month is '13'; 1 to 12, JAN to DEC"),
        ("* * * * 8", "day of week is '8'; 0 to 7, SUN to SAT"),
        ("* * L * *", "day of month is 'L'"),
        ("R * * * *", "minute is 'R'"),
        ("*/0 * * * *", "minute is '\\*/0'"),
        ("9-5 * * * *", "minute is '9-5'"),
        ("* * * * * *", "has 6 fields; it has five"),
        ("", "has 0 fields"),
        ("@fortnightly", "no shorthand; there are @yearly"),
        ("0 0 30 2 *", "never comes"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_would_be_right(text: str, named: str) -> None:
    with pytest.raises(Invalid, match=named) as error:
        parse(text)
    assert error.value.extra["field"] == "schedule.cron"


@pytest.mark.parametrize(
    ("schedule", "field", "named"),
    [
        (
            Schedule(cron="* * * * *", timezone="Europe/Berlim"),
            "schedule.timezone",
            "did you mean Europe/Berlin",
        ),
        (Schedule(every_ms=1_000, timezone="UTC"), "schedule.timezone", "only a cron expression"),
        (Schedule(), "schedule", "has none"),
        (Schedule(every_ms=5_000, at_ms=5), "schedule", "has every_ms and at_ms"),
        (Schedule(every_ms=999), "schedule.every_ms", "1000"),
        (Schedule(at_ms=-1), "schedule.at_ms", "milliseconds since 1970"),
    ],
)
def test_a_schedule_that_is_none_says_which_field_is_wrong(
    schedule: Schedule, field: str, named: str
) -> None:
    with pytest.raises(Invalid, match=named) as error:
        ticks(schedule, 0)
    assert error.value.extra["field"] == field


def test_a_tick_is_delayed_by_the_same_jitter_for_ever_and_others_by_another() -> None:
    delays = {jitter("r1", due, 60_000) for due in range(0, 100 * 3_600_000, 3_600_000)}
    assert all(0 <= delay <= 60_000 for delay in delays)
    assert len(delays) > 90
    assert jitter("r1", 5, 60_000) == jitter("r1", 5, 60_000) != jitter("r2", 5, 60_000)


def test_walking_back_meets_the_times_that_walking_on_met() -> None:
    cron, end = parse("7,50 */5 1-9 * *"), MONDAY + timedelta(days=70)
    forth, at = list[datetime](), cron.after(MONDAY)
    while at is not None and at <= end:
        forth.append(at)
        at = cron.after(at)
    back = cron.at_or_before(end)
    assert [next(back) for _ in forth] == forth[::-1]
