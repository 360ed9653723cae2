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
START_OVER: Final = frozenset({"compacted", "position_ahead", "gap"})
REFUSED: Final = frozenset({"unauthenticated", "forbidden", "origin_refused", "invalid_request"})
REFUSALS_MAX: Final = 4  # in a row, of a client that was let in before

Connection = Literal["connecting", "live", "lost"]
R = TypeVar("R")


# Yields messages from a snapshot on (`after` None), or those after a position; raises SdkError when it breaks.
Stream = Callable[[int | None], AsyncGenerator[SseMessage, None]]


class Replica:
    """Holds a `Shelf` and keeps it current while `run` runs.

    `on_batch` is called after each change, `on_connection` when the connection's state changes, with the reason;
    `on_fresh` when the copy has to be fetched anew, with the code that says why: `compacted`, `position_ahead`, or `gap`
    (the stream tells another history than the copy's). None of them may block.

    What breaks is tried again after pauses that grow to 5 s, or after as long as the daemon's `Retry-After` says.
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
        self._was_live = False
        self._failures = 0  # streams that broke since the last one was live
        self._refusals = 0
        self._restarts = 0  # since the last change that followed on the copy
        self.shelf = Shelf(wants)
        self.connection: Connection = "connecting"
        self.reason = ""

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            SdkError: the daemon refuses this client for good: who it is, or what it asks. `internal`: what came cannot be
                read, or a callback failed.
        """
        try:
            while True:
                await self._sleep(await self._attempt())
        except SdkError as error:
            self._end(error)
            raise
        except Exception as mistake:
            # To go on would hide it, and whoever waits would wait for ever.
            told = SdkError("internal", f"the replica failed: {type(mistake).__name__}: {mistake}")
            self._end(told)
            raise told from mistake

    async def _attempt(self) -> float:
        """Follow one stream to its end; return after how many seconds to try again."""
        least_s = 0.0
        try:
            await self._follow()
            reason = "the daemon closed the stream"
        except SdkError as error:
            if self._is_final(error):
                raise
            if self._began and error.code in START_OVER:
                return self._start_over(error.code)
            reason, least_s = error.detail, error.retry_after_s or 0.0
        self._become("lost", reason)
        self._failures += 1
        return max(_pause_s(self._failures), least_s)

    def _is_final(self, error: SdkError) -> bool:
        """Who was never let in hears so at once. Of who was, a token may have been renewed: it is asked for again."""
        if error.code == "internal" and not error.status:
            return True
        if error.code not in REFUSED:
            return False
        self._refusals += 1
        return not self._was_live or error.code == "invalid_request" or self._refusals >= REFUSALS_MAX

    def _start_over(self, code: str) -> float:
        """Go back to a snapshot, the first time at once."""
        self._began = False
        self._restarts += 1
        if self._on_fresh:
            self._on_fresh(code)
        return _pause_s(self._restarts - 1)

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
                batch = self._take(message)
                if message.event == "ready":
                    self._began = self._was_live = True
                    self._failures = self._refusals = 0
                    self._become("live", "")
                if batch is not None:
                    self._tell(batch)

    def _take(self, message: SseMessage) -> Batch | None:
        return self.shelf.feed(message)

    def _tell(self, batch: Batch) -> None:
        if batch.changed and not batch.fresh:
            self._restarts = 0
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

    @property
    def began(self) -> bool:
        """Whether the copy is complete: a snapshot has come, and nothing has been found wrong with it since."""
        return self._began

    @property
    def ended(self) -> SdkError | None:
        """Why nothing will change any more, None while it may."""
        return self._ended

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


def _pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row, 0 after none."""
    return BACKOFF_S[min(failures, len(BACKOFF_S)) - 1] if failures else 0.0
