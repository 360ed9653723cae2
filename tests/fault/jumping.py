"""A daemon whose wall clock is what a file says, in milliseconds since 1970; what measures durations is left alone.

It looks at the clock twice a second at least instead of twice a minute, and its streams say where they are every three
seconds, so that a test need not wait for it.

    python -m tests.fault.jumping FILE serve [...]
"""

import sys
from pathlib import Path

from engine import daemon
from engine.http import sse
from engine.kernel import clock


class FileClock:
    """Reads the time from a file whenever it is asked."""

    file: Path

    def now_ms(self) -> int:
        return int(self.file.read_text())


if __name__ == "__main__":
    FileClock.file = Path(sys.argv[1])
    clock.SLEEP_MAX_S = 0.5  # type: ignore[misc]
    sse.BOOKMARK_S = 3.0  # type: ignore[misc]
    setattr(daemon, "SystemClock", FileClock)  # noqa: B010 - it is imported there, not exported
    sys.exit(daemon.main(sys.argv[2:]))
