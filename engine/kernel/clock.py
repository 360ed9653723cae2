"""The only place that asks what time it is."""

import asyncio
import time
from typing import Final, Protocol

SLEEP_MAX_S: Final = (
    30.0  # the wall clock may jump and the machine be suspended: look again at least this often
)


class Clock(Protocol):
    """Wall time. Tests bring their own."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...


class SystemClock:
    """The machine's clock. It may jump; dispatch keeps `at_ms` from going back."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Seconds for measuring how long something takes; its zero means nothing."""
    return time.monotonic()


def cpu_s() -> float:
    """Seconds of processor time that this process has used, for measuring."""
    return time.process_time()


async def sleep_until(clock: Clock, at_ms: int) -> None:
    """Return when the wall clock has reached `at_ms`, at once when it has already."""
    while True:
        left_s = (at_ms - clock.now_ms()) / 1000
        if left_s <= 0:
            return
        await asyncio.sleep(min(left_s, SLEEP_MAX_S))
