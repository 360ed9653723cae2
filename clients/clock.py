"""The only place of the clients that asks what time it is."""

import time


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Seconds for measuring how long something takes; its zero means nothing."""
    return time.monotonic()
