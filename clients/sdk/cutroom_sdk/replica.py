"""A live copy of a daemon's resources: list and watch through one stream, and back by itself when it breaks.

The replica says how it stands (`connection`): `connecting`, `live`, `lost`. After a loss it goes on from the position
that it has reached. Where the log no longer reaches back that far, or is another log altogether, it starts over with a
snapshot, which replaces everything in one step, and tells `on_fresh` why.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final, Literal, TypeVar

from cutroom_sdk.errors import SdkError
from cutroom_sdk.shelf import Batch, Shelf
from cutroom_sdk.sse import SseMessage

BACKOFF_S: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 5.0)
START_OVER: Final = frozenset({"compacted", "position_ahead"})
REFUSED: Final = frozenset({"unauthenticated", "forbidden", "origin_refused", "invalid_request"})

Connection = Literal["connecting", "live", "lost"]
R = TypeVar("R")


# Yields messages from a snapshot on (`after` None), or those after a position; raises SdkError when it breaks.
Stream = Callable[[int | None], AsyncGenerator[SseMessage, None]]


class Replica:
    """Holds a `Shelf` and keeps it current while `run` runs.

    `on_batch` is called after each change, `on_connection` when the connection's state changes, with the reason;
    `on_fresh` when the copy had to be fetched anew, with the code that says why. None of them may block.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        wants: Callable[[str], bool] | None = None,
        on_batch: Callable[[Batch], None] | None = None,
        on_connection: Callable[[Connection, str], None] | None = None,
        on_fresh: Callable[[str], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stream = stream
        self._on_batch = on_batch
        self._on_connection = on_connection
        self._on_fresh = on_fresh
        self._sleep = sleep
        self._signal = asyncio.Event()
        self._ended: SdkError | None = None
        self._began = False
        self._failures = 0
        self.shelf = Shelf(wants)
        self.connection: Connection = "connecting"
        self.reason = ""

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            SdkError: the daemon refuses this client for good: who it is, or what it asks.
        """
        while True:
            try:
                await self._follow()
                reason = "the daemon closed the stream"
            except SdkError as error:
                if error.code in REFUSED:
                    self._end(error)
                    raise
                if error.code in START_OVER:
                    self._began = False
                    if self._on_fresh:
                        self._on_fresh(error.code)
                    continue
                reason = error.detail
            self._become("lost", reason)
            self._failures += 1
            await self._sleep(BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1])

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator["Replica"]:
        """Follow in the background; the copy is complete when this yields.

        Raises:
            SdkError: the daemon refuses this client.
        """
        task = asyncio.create_task(self._run_quietly(), name="replica")
        try:
            await self.until(lambda: self._began or None)
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run_quietly(self) -> None:
        # What ends the replica is raised to whoever waits on it.
        with contextlib.suppress(SdkError):
            await self.run()

    async def _follow(self) -> None:
        """Read one stream to its end."""
        after = self.shelf.position if self._began else None
        self.shelf.begin(snapshot=after is None)
        async with contextlib.aclosing(self._stream(after)) as messages:
            async for message in messages:
                self._failures = 0
                batch = self.shelf.feed(message)
                if message.event == "ready":
                    self._began = True
                    self._become("live", "")
                if batch is not None:
                    self._tell(batch)

    def _tell(self, batch: Batch) -> None:
        if self._on_batch:
            self._on_batch(batch)
        self._wake()

    def _become(self, connection: Connection, reason: str) -> None:
        if (connection, reason) == (self.connection, self.reason):
            return
        self.connection, self.reason = connection, reason
        if self._on_connection:
            self._on_connection(connection, reason)
        self._wake()

    def _end(self, error: SdkError) -> None:
        self._ended = error
        self._become("lost", error.detail)
        self._wake()

    def _wake(self) -> None:
        signal, self._signal = self._signal, asyncio.Event()
        signal.set()

    async def changed(self) -> None:
        """Return after the next change of the copy or of the connection.

        Raises:
            SdkError: the daemon refuses this client; nothing will change any more.
        """
        if self._ended is not None:
            raise self._ended
        await self._signal.wait()

    async def until(self, found: Callable[[], R | None]) -> R:
        """Return what `found` gives as soon as it is not None; it is asked again after each change.

        Raises:
            SdkError: the daemon refuses this client.
        """
        while (value := found()) is None:
            await self.changed()
        return value

    async def wait_until(self, position: int) -> None:
        """Return when the copy holds everything up to `position`: what an answer told is then on the shelf.

        Of a stream that was asked for some prefixes only, the position also moves with bookmarks, every 15 s.

        Raises:
            SdkError: the daemon refuses this client.
        """
        await self.until(lambda: self.shelf.position >= position or None)
