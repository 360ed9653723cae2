"""Waiting out a full disk: it passes, and what has been done meanwhile must not be forgotten."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from engine.kernel.clock import Clock, sleep_until
from engine.kernel.errors import Unavailable

PAUSE_MS: Final = 1_000
_log = logging.getLogger(__name__)
T = TypeVar("T")


async def insist(ask: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """Ask until the disk has room for the answer; a full disk is a clean no, so asking again repeats nothing.

    Raises:
        StudioError: whatever else is wrong, at once.
    """
    while True:
        try:
            return await ask()
        except Unavailable as error:
            if error.code != "insufficient_storage":
                raise
            _log.warning("the disk is full; trying again in %s ms", PAUSE_MS)
        await sleep_until(clock, clock.now_ms() + PAUSE_MS)
