"""A second opinion on when cron expressions fire: each minute of the time asked about is looked at.

It shares nothing with the engine but the tz database. What the wall clock shows is
known for each minute of UTC. An expression fires at
the first minute at which the clock shows, or has jumped over, a time that fits and that it never showed before.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.routines.zones import zone

Minutes = npt.NDArray[np.int64]
MINUTE_MS: Final = 60_000
DAY: Final = 24 * 60
QUARTER: Final = 15
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Zone and the year that is looked at: each has something that the others lack.
ZONES: Final[Mapping[str, int]] = {
    "America/New_York": 2026,
    "Europe/Berlin": 2026,
    "Australia/Lord_Howe": 2026,  # half an hour
    "Africa/Cairo": 2026,  # at midnight
    "Africa/Casablanca": 2026,  # back in winter, with the moon
    "Pacific/Apia": 2011,  # a day that was left out
    "UTC": 2026,
}


class Wall(NamedTuple):
    """What a wall clock shows at each minute, field by field; `minute` counts from 1970."""

    minute: Minutes
    hour: Minutes
    day: Minutes
    month: Minutes
    weekday: Minutes  # 0 is Sunday


EXPRESSIONS: Final[Mapping[str, Callable[[Wall], Any]]] = {
    "* * * * *": lambda wall: wall.minute >= 0,
    "*/15 * * * *": lambda wall: wall.minute % 60 % 15 == 0,
    "30 2 * * *": lambda wall: (wall.minute % 60 == 30) & (wall.hour == 2),
    "30 1 * * *": lambda wall: (wall.minute % 60 == 30) & (wall.hour == 1),
    "0 0 * * *": lambda wall: (wall.minute % 60 == 0) & (wall.hour == 0),
    "@hourly": lambda wall: wall.minute % 60 == 0,
    "15,45 0-3 * * *": lambda wall: np.isin(wall.minute % 60, (15, 45)) & (wall.hour <= 3),
    "0 0 1 * *": lambda wall: (wall.minute % 60 == 0) & (wall.hour == 0) & (wall.day == 1),
    "0 12 13 * FRI": lambda wall: (
        (wall.minute % 60 == 0) & (wall.hour == 12) & ((wall.day == 13) | (wall.weekday == 5))
    ),
    "*/7 */5 */3 * *": lambda wall: (
        (wall.minute % 60 % 7 == 0) & (wall.hour % 5 == 0) & ((wall.day - 1) % 3 == 0)
    ),
    "59 23 30-31 DEC *": lambda wall: (
        (wall.minute % 60 == 59) & (wall.hour == 23) & (wall.day >= 30) & (wall.month == 12)
    ),
    "5 2,3 * MAR,APR,OCT,NOV SUN": lambda wall: (
        (wall.minute % 60 == 5)
        & np.isin(wall.hour, (2, 3))
        & np.isin(wall.month, (3, 4, 10, 11))
        & (wall.weekday == 0)
    ),
}


@cache
def _clock(name: str, year: int, years: int) -> tuple[Minutes, Minutes]:
    """Minutes of UTC from the first of `year` on, and what the wall clock shows at each, as minutes.

    The clocks of these zones are changed at quarters of an hour, so each quarter's offset is asked for once.
    """
    begin = int((datetime(year, 1, 1, tzinfo=UTC) - EPOCH) / timedelta(minutes=1))
    end = int((datetime(year + years, 1, 1, tzinfo=UTC) - EPOCH) / timedelta(minutes=1))
    place, offsets = zone(name), []
    for minute in range(begin, end, QUARTER):
        offset = datetime.fromtimestamp(minute * 60, place).utcoffset()
        assert offset is not None
        offsets.append(offset // timedelta(minutes=1))
    utc = np.arange(begin, end, dtype=np.int64)
    return utc, utc + np.repeat(np.array(offsets, dtype=np.int64), QUARTER)


def fires(expression: str, name: str, year: int, years: int = 1) -> list[int]:
    """When an expression fires in `years` from the first minute of `year`, UTC, in milliseconds."""
    utc, shown = _clock(name, year, years)
    seen = np.maximum.accumulate(shown)
    before = np.concatenate(([shown[0] - 1], seen[:-1]))
    first = int(shown.min())
    fitting = EXPRESSIONS[expression](_wall(np.arange(first, int(shown.max()) + 1, dtype=np.int64)))
    until = np.concatenate(([0], np.cumsum(fitting)))  # how many minutes fit before each
    count = until[seen + 1 - first] - until[before + 1 - first]
    found: list[int] = (utc[count > 0] * MINUTE_MS).tolist()
    return found


def _wall(minute: Minutes) -> Wall:
    days = minute // DAY
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return Wall(
        minute=minute,
        hour=minute % DAY // 60,
        day=(dates - months.astype("datetime64[D]")).astype(np.int64) + 1,
        month=months.astype(np.int64) % 12 + 1,
        weekday=(days + 4) % 7,
    )


def changes(name: str, year: int, years: int = 1) -> list[int]:
    """When the clocks of a zone are changed, in milliseconds."""
    utc, shown = _clock(name, year, years)
    offsets = shown - utc
    found: list[int] = (utc[1:][np.diff(offsets) != 0] * MINUTE_MS).tolist()
    return found
