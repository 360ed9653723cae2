"""The only place that asks what time it is."""

import time
from typing import Protocol


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
