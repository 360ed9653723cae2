"""Ctrl-C and SIGTERM while a command works: asked once it ends in peace, asked twice at once."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Interrupted(Exception):
    """The command is to end before it has begun anything."""


@contextlib.contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """Yield an event that Ctrl-C and SIGTERM set; a second Ctrl-C ends the command at once."""
    loop, stop, command = asyncio.get_running_loop(), asyncio.Event(), asyncio.current_task()
    assert command is not None

    def asked() -> None:
        if stop.is_set():
            command.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def unless(stop: asyncio.Event, work: Awaitable[T]) -> T:
    """Return what `work` returns; end it when `stop` is set.

    Raises:
        Interrupted: it was.
    """
    working, asked = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, asked), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Interrupted
        return working.result()
    finally:
        for task in (working, asked):
            task.cancel()
        await asyncio.gather(working, asked, return_exceptions=True)
