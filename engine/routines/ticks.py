"""When a schedule comes due: pure functions of the schedule and the locked tz database.

A tick is a moment in milliseconds since 1970, UTC. Cron is worked out in naive local time and mapped to UTC here: a time
that the clocks skip is the first instant after the gap, one that comes twice is its first. Times that fall together are
one tick.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from cutroom_sdk.wire.routines import Schedule
from engine.kernel.errors import Invalid
from engine.kernel.ids import derived_id
from engine.routines.cron import Cron, parse
from engine.routines.zones import zone

EVERY_LEAST_MS: Final = 1_000
LATEST_MS: Final = 253_370_764_800_000  # the year 9999, where the calendar ends
_EPOCH: Final = datetime(1970, 1, 1)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_MS: Final = timedelta(milliseconds=1)


class Ticks(Protocol):
    """The moments of one schedule."""

    def after(self, at_ms: int) -> int | None:
        """Return the first tick later than `at_ms`; None: there is none any more."""
        ...

    def newest(self, limit: int, begin_ms: int, end_ms: int) -> list[int]:
        """Return the newest ticks of `[begin_ms, end_ms)`, at most `limit`, oldest first."""
        ...

    def count(self, begin_ms: int, end_ms: int) -> int:
        """Return how many ticks lie in `[begin_ms, end_ms)`, without going through all of them."""
        ...


class _Once:
    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def after(self, at_ms: int) -> int | None:
        return self._at_ms if self._at_ms > at_ms else None

    def newest(self, limit: int, begin_ms: int, end_ms: int) -> list[int]:
        return [self._at_ms] * min(limit, self.count(begin_ms, end_ms))

    def count(self, begin_ms: int, end_ms: int) -> int:
        return int(begin_ms <= self._at_ms < end_ms)


class _Every:
    """`anchor + k * every`, k from 1: the first tick is one whole interval after the anchor."""

    def __init__(self, every_ms: int, anchor_ms: int) -> None:
        self._every_ms, self._anchor_ms = every_ms, anchor_ms

    def _until(self, end_ms: int) -> int:
        """Return how many ticks lie before `end_ms`."""
        return max(0, -(-(end_ms - self._anchor_ms) // self._every_ms) - 1)

    def after(self, at_ms: int) -> int | None:
        return self._anchor_ms + (self._until(at_ms + 1) + 1) * self._every_ms

    def newest(self, limit: int, begin_ms: int, end_ms: int) -> list[int]:
        last, found = self._until(end_ms), min(limit, self.count(begin_ms, end_ms))
        return [self._anchor_ms + k * self._every_ms for k in range(last - found + 1, last + 1)]

    def count(self, begin_ms: int, end_ms: int) -> int:
        return max(0, self._until(end_ms) - self._until(begin_ms))


class _Cron:
    def __init__(self, cron: Cron, place: ZoneInfo) -> None:
        self._cron, self._zone = cron, place

    def after(self, at_ms: int) -> int | None:
        local: datetime | None = self._local(at_ms)
        while local is not None:
            local = self._cron.after(local)
            # In the second pass of an hour that comes twice its times have all been: go on to what follows.
            if local is not None and (found := self._instant(local)) > at_ms:
                return found
        return None

    def newest(self, limit: int, begin_ms: int, end_ms: int) -> list[int]:
        found: list[int] = []
        for local in self._cron.at_or_before(self._latest_local(end_ms)):
            at_ms = self._instant(local)
            if at_ms < begin_ms or len(found) == limit:
                break
            if at_ms < end_ms and (not found or at_ms != found[-1]):
                found.append(at_ms)
        return found[::-1]

    def count(self, begin_ms: int, end_ms: int) -> int:
        if begin_ms >= end_ms:
            return 0
        begin, end = self._local(begin_ms), self._local(end_ms)
        day, last_day = begin.date() - _DAY, self._latest_local(end_ms).date()
        regular = [
            _is_regular(self._zone.key, day - _DAY),
            _is_regular(self._zone.key, day),
            _is_regular(self._zone.key, day + _DAY),
        ]
        total, last_ms = 0, -1
        while day <= last_day:
            if all(regular[-3:]):
                total += self._cron.count_on(day, begin, end)
            elif self._cron.fits(day):
                # Near a change of the clocks times fall together or move: each is looked at.
                for local in self._times_of(day):
                    at_ms = self._instant(local)
                    total += begin_ms <= at_ms < end_ms and at_ms != last_ms
                    last_ms = at_ms
            day += _DAY
            regular.append(_is_regular(self._zone.key, day + _DAY))
        return total

    def _times_of(self, day: date) -> Iterator[datetime]:
        local = self._cron.after(datetime(day.year, day.month, day.day) - timedelta(minutes=1))
        while local is not None and local.date() == day:
            yield local
            local = self._cron.after(local)

    def _offset(self, at_ms: int) -> timedelta:
        offset = _utc(at_ms).astimezone(self._zone).utcoffset()
        assert offset is not None
        return offset

    def _local(self, at_ms: int) -> datetime:
        return _utc(at_ms).astimezone(self._zone).replace(tzinfo=None, fold=0)

    def _latest_local(self, at_ms: int) -> datetime:
        """Return the latest local time whose first coming is not after `at_ms`."""
        local = self._local(at_ms)
        # In a second pass the clock shows an earlier time than it has already shown in the first.
        first = local.replace(tzinfo=self._zone).utcoffset()
        assert first is not None
        return max(local, _utc(at_ms).replace(tzinfo=None) + first)

    def _instant(self, local: datetime) -> int:
        utc = local.replace(tzinfo=self._zone).astimezone(UTC)
        if utc.astimezone(self._zone).replace(tzinfo=None, fold=0) == local:
            return _ms(utc)
        # The clocks skip this time: look for the first instant of the new offset.
        after = local.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        offset = local.replace(tzinfo=self._zone, fold=1).utcoffset()
        low, high = int(after.timestamp()), int(utc.timestamp())
        while low < high:
            middle = (low + high) // 2
            if self._offset(middle * 1000) == offset:
                high = middle
            else:
                low = middle + 1
        return low * 1000


@lru_cache(maxsize=8192)
def _is_regular(timezone: str | None, day: date) -> bool:
    """Tell whether the clocks run through a day without a change, its two midnights included."""
    assert timezone is not None, "zones are made with their names"
    place, begin = zone(timezone), datetime(day.year, day.month, day.day)
    first = begin.replace(tzinfo=place).astimezone(UTC)
    if (begin + _DAY).replace(tzinfo=place).astimezone(UTC) - first != _DAY:
        return False
    offset = begin.replace(tzinfo=place).utcoffset()
    return all((first + hour * _HOUR).astimezone(place).utcoffset() == offset for hour in range(25))


def _utc(at_ms: int) -> datetime:
    return (_EPOCH + at_ms * _MS).replace(tzinfo=UTC)


def _ms(moment: datetime) -> int:
    return (moment.replace(tzinfo=None) - _EPOCH) // _MS


def local_date(at_ms: int, timezone: str) -> str:
    """Return the date of a moment in a zone: `2026-11-23`."""
    return _utc(at_ms).astimezone(zone(timezone)).date().isoformat()


def ticks(schedule: Schedule, anchor_ms: int) -> Ticks:
    """Return the ticks of a schedule; `anchor_ms` is what `every_ms` counts from.

    Raises:
        Invalid: the schedule is none; the text names the field and what would be right.

    >>> ticks(Schedule(every_ms=60_000), 5_000).newest(2, 0, 1_000_000_000)
    [999905000, 999965000]
    """
    given = [name for name in ("cron", "every_ms", "at_ms") if getattr(schedule, name) is not None]
    if len(given) != 1:
        raise Invalid(
            f"a schedule has one of cron, every_ms and at_ms; this has {' and '.join(given) or 'none'}",
            field="schedule",
        )
    if schedule.timezone is not None and schedule.cron is None:
        raise Invalid("only a cron expression has a timezone; leave it out", field="schedule.timezone")
    if schedule.cron is not None:
        return _Cron(parse(schedule.cron), zone(schedule.timezone or "UTC"))
    if schedule.every_ms is not None:
        if not EVERY_LEAST_MS <= schedule.every_ms <= LATEST_MS:
            raise Invalid(
                f"every_ms is {schedule.every_ms}; {EVERY_LEAST_MS} (a second) is the least",
                field="schedule.every_ms",
            )
        return _Every(schedule.every_ms, anchor_ms)
    assert schedule.at_ms is not None
    if not 0 < schedule.at_ms < LATEST_MS:
        raise Invalid(
            f"at_ms is {schedule.at_ms}; milliseconds since 1970, UTC, are taken", field="schedule.at_ms"
        )
    return _Once(schedule.at_ms)


def jitter(routine_id: str, due_at_ms: int, most_ms: int) -> int:
    """Return how much later than due a tick fires: `[0, most_ms]`, the same for the same tick, for ever.

    >>> jitter("weekly", 1_000, 0), jitter("weekly", 1_000, 60_000) == jitter("weekly", 1_000, 60_000)
    (0, True)
    """
    return int(derived_id(routine_id, due_at_ms)[:12], 16) % (most_ms + 1)
