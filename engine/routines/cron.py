"""Cron expressions: five fields, and the local times that they name. No time zone, no clock.

    minute   hour   day of month   month             day of week
    0-59     0-23   1-31           1-12, JAN-DEC     0-7, SUN-SAT (0 and 7 are Sunday)

A field is `*`, a value, a range `a-b`, any of these with a step `/n`, or several joined with commas; `a/n` runs from `a`
to the end. `@yearly` (`@annually`), `@monthly`, `@weekly`, `@daily` (`@midnight`) and `@hourly` stand for expressions.
Where both day fields are restricted a day that fits either of them fits; a field with a `*` in it does not restrict, and
both must fit then (crontab(5) of Vixie's cron; POSIX says the same of `*` alone).
"""

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from engine.kernel.errors import Invalid

SHORTHANDS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
YEARS_MAX: Final = 50  # 1 February on a Monday, or 29 February over the turn of a century, comes well before
_PART: Final = re.compile(
    r"(?P<star>\*)|(?P<low>[0-9]{1,2}|[A-Z]{3})(?:-(?P<high>[0-9]{1,2}|[A-Z]{3}))?", re.ASCII
)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


class Cron(Struct, frozen=True, kw_only=True):
    """A parsed expression: the values of each field, sorted. Sunday is 0. `either`: a day fits by either day field."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either: bool

    def fits(self, day: date) -> bool:
        """Tell whether anything is named on this day."""
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_month or by_week) if self.either else (by_month and by_week)

    def after(self, local: datetime) -> datetime | None:
        """Return the first time named that is later than `local`; None: none in `YEARS_MAX` years."""
        if self.fits(local.date()):
            if local.hour in self.hours:
                place = bisect_right(self.minutes, local.minute)
                if place < len(self.minutes):
                    return _at(local, local.hour, self.minutes[place])
            place = bisect_right(self.hours, local.hour)
            if place < len(self.hours):
                return _at(local, self.hours[place], self.minutes[0])
        for day in self._days_after(local.date()):
            return datetime(day.year, day.month, day.day, self.hours[0], self.minutes[0])
        return None

    def at_or_before(self, local: datetime) -> Iterator[datetime]:
        """Yield the times named up to `local`, newest first, `YEARS_MAX` years back."""
        day = local.date()
        if self.fits(day):
            for hour in reversed(self.hours[: bisect_right(self.hours, local.hour)]):
                last = bisect_right(self.minutes, local.minute) if hour == local.hour else None
                yield from (_at(local, hour, minute) for minute in reversed(self.minutes[:last]))
        for earlier in self._days_before(day):
            for hour in reversed(self.hours):
                for minute in reversed(self.minutes):
                    yield datetime(earlier.year, earlier.month, earlier.day, hour, minute)

    def count_on(self, day: date, begin: datetime, end: datetime) -> int:
        """Return how many times are named on `day` within `[begin, end)`."""
        if not self.fits(day):
            return 0
        return self._count_until(day, end) - self._count_until(day, begin)

    def _count_until(self, day: date, end: datetime) -> int:
        """Return how many times of a day that fits lie before `end`."""
        if end.date() != day:
            return len(self.hours) * len(self.minutes) if end.date() > day else 0
        whole = bisect_left(self.hours, end.hour)
        # A time within `end`'s own minute counts when `end` is past its beginning.
        until = end.minute + (1 if end.second or end.microsecond else 0)
        part = bisect_left(self.minutes, until) if end.hour in self.hours else 0
        return whole * len(self.minutes) + part

    def _days_after(self, day: date) -> Iterator[date]:
        year, month = day.year, day.month
        for _ in range(12 * YEARS_MAX):
            if month in self.months:
                first = day.day + 1 if (year, month) == (day.year, day.month) else 1
                for number in range(first, monthrange(year, month)[1] + 1):
                    if self.fits(found := date(year, month, number)):
                        yield found
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def _days_before(self, day: date) -> Iterator[date]:
        year, month = day.year, day.month
        for _ in range(12 * YEARS_MAX):
            if month in self.months:
                last = day.day - 1 if (year, month) == (day.year, day.month) else monthrange(year, month)[1]
                for number in range(last, 0, -1):
                    if self.fits(found := date(year, month, number)):
                        yield found
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _at(day: datetime, hour: int, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute)


def minute_before(local: datetime) -> datetime:
    """Return the whole minute before the one that `local` lies in."""
    return local.replace(second=0, microsecond=0) - timedelta(minutes=1)


@lru_cache(maxsize=512)
def parse(text: str) -> Cron:
    """Read an expression.

    Raises:
        Invalid: the text names the field and what would be right; `field` is `schedule.cron`.

    >>> parse("*/20 9-17 * * mon-fri").minutes
    (0, 20, 40)
    """
    words = SHORTHANDS.get(text.strip().lower(), text).upper().split()
    if len(words) == 1 and words[0].startswith("@"):
        raise _invalid(f"{text.strip()!r} is no shorthand; there are {', '.join(SHORTHANDS)}")
    if len(words) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise _invalid(f"{text[:100]!r} has {len(words)} fields; it has five: {names}")
    minutes, hours, days, months, weekdays = (
        _values(word, field) for word, field in zip(words, _FIELDS, strict=True)
    )
    found = Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({day % 7 for day in weekdays})),
        either="*" not in words[2] and "*" not in words[4],
    )
    if found.after(datetime(2000, 1, 1)) is None:
        raise _invalid(f"{text!r} never comes: none of its months has such a day")
    return found


def _values(word: str, field: _Field) -> tuple[int, ...]:
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        match = _PART.fullmatch(span)
        if match is None or (slash and not (step.isascii() and step.isdigit() and len(step) <= 2)):
            raise _wrong(part, field)
        low = field.least if match["star"] else _value(match["low"], part, field)
        if match["high"]:
            high = _value(match["high"], part, field)
            # SUN ends a week as well as it begins one.
            high = 7 if field.most == 7 and high == 0 and low > 0 else high
        else:
            high = field.most if match["star"] or slash else low
        width = int(step) if slash else 1
        if high < low or width == 0:
            raise _wrong(part, field)
        found.update(range(low, high + 1, width))
    return tuple(sorted(found))


def _value(text: str, part: str, field: _Field) -> int:
    if text in field.names:
        return field.names.index(text) + (1 if field.names is _MONTHS else 0)
    if not text.isdigit() or not field.least <= int(text) <= field.most:
        raise _wrong(part, field)
    return int(text)


def _wrong(part: str, field: _Field) -> Invalid:
    names = f", {field.names[0]} to {field.names[-1]}" if field.names else ""
    return _invalid(
        f"the {field.name} is {part[:40]!r}; {field.least} to {field.most}{names}, *, a-b, /n and lists with commas"
        " are taken"
    )


def _invalid(detail: str) -> Invalid:
    return Invalid(detail, field="schedule.cron")
