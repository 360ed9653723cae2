"""A live copy of a daemon's resources for programs without an event loop: kept by a thread, read by any other.

It is the replica of `cutroom_sdk.replica`, run by an event loop in a thread of its own: a read that blocks cannot be broken
off from another thread, one that a loop waits for can.
"""

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeVar

from cutroom_sdk import replica
from cutroom_sdk.client import Client as LoopClient
from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import Connection
from cutroom_sdk.shelf import Batch, Held, Shelf
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.sync.client import Client

T = TypeVar("T")
R = TypeVar("R")


class Replica:
    """Use as `with Replica(client, prefixes=["project/film"]) as copy`: it is complete when the block begins.

    All of it may be used by several threads at once. The callbacks are those of `cutroom_sdk.replica.Replica`; they are
    called by the replica's own thread and may read the copy, but not wait for it.
    """

    def __init__(
        self,
        client: Client,
        *,
        prefixes: Sequence[str] = (),
        wants: Callable[[str], bool] | None = None,
        on_batch: Callable[[Batch], None] | None = None,
        on_connection: Callable[[Connection, str], None] | None = None,
        on_fresh: Callable[[str], None] | None = None,
    ) -> None:
        self._locate = client.locate
        self._prefixes = tuple(prefixes)
        self._make = functools.partial(
            _Shared, wants=wants, on_batch=on_batch, on_connection=on_connection, on_fresh=on_fresh
        )
        self._changed = threading.Condition()
        self._inner: _Shared | None = None
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] = lambda: None
        self._stopping = False
        self._over = False

    def __enter__(self) -> Self:
        """Follow in the background; return when the copy is complete.

        Raises:
            SdkError: the daemon refuses this client.
        """
        assert self._thread is None, "a replica is started once; make another"
        self._thread = threading.Thread(target=self._run, name="replica", daemon=True)
        self._thread.start()
        try:
            self.until(lambda: (self._inner is not None and self._inner.began) or None)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        with self._changed:
            self._stopping = True
            self._stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError, SdkError):
                asyncio.run(self._follow())
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    async def _follow(self) -> None:
        async with LoopClient(self._locate) as client:
            stream = functools.partial(client.resource_stream, prefixes=self._prefixes)
            task, loop = asyncio.current_task(), asyncio.get_running_loop()
            assert task is not None
            with self._changed:
                self._inner = self._make(stream, changed=self._changed)
                self._stop = functools.partial(_call, loop, task.cancel)
                if self._stopping:
                    return
            await self._inner.run()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Shelf]:
        """Yield the copy as it is at one moment: for as long as the block lasts nothing is put down on it. Be quick."""
        with self._changed:
            assert self._inner is not None, "the replica has not been started"
            yield self._inner.shelf

    @property
    def position(self) -> int:
        """Everything up to here is in the copy."""
        with self.reading() as shelf:
            return shelf.position

    @property
    def connection(self) -> Connection:
        """How it stands."""
        with self._changed:
            return "connecting" if self._inner is None else self._inner.connection

    def held(self, key: str) -> Held | None:
        """Return a resource as it came, or None when there is none."""
        with self.reading() as shelf:
            return shelf.held(key)

    def value(self, key: str, kind: type[T]) -> T | None:
        """Return a resource's value as `kind`, or None when there is none.

        Raises:
            SdkError: `internal`, the value has another shape.
        """
        with self.reading() as shelf:
            return shelf.value(key, kind)

    def keys(self, prefix: str = "", *, depth: int | None = None) -> list[str]:
        """Return the keys beneath `prefix`, sorted; `depth` counts their segments: 2 is `mission/{id}`."""
        with self.reading() as shelf:
            return list(shelf.keys(prefix, depth=depth))

    def values(self, prefix: str, kind: type[T], *, depth: int | None = None) -> list[T]:
        """Return the values of the resources beneath `prefix`, sorted by key."""
        with self.reading() as shelf:
            return shelf.values(prefix, kind, depth=depth)

    def until(self, found: Callable[[], R | None], *, timeout_s: float | None = None) -> R:
        """Return what `found` gives as soon as it is not None; it is asked again after each change.

        Raises:
            SdkError: the daemon refuses this client; nothing will change any more.
            TimeoutError: it took longer than `timeout_s`.
        """
        assert threading.current_thread() is not self._thread, "a callback would wait for itself"
        answers: list[R] = []

        def settled() -> bool:
            if (value := found()) is not None:
                answers.append(value)
            return bool(answers) or self._over

        with self._changed:
            if not self._changed.wait_for(settled, timeout_s):
                raise TimeoutError(f"it did not come about within {timeout_s} s")
            if not answers:
                raise self._reason()
        return answers[0]

    def _reason(self) -> SdkError:
        ended = self._inner.ended if self._inner is not None else None
        return ended or SdkError("unavailable", "the replica was stopped")

    def wait_until(self, position: int, *, timeout_s: float | None = None) -> None:
        """Return when the copy holds everything up to `position`: what an answer told is then in it.

        Of a replica of some prefixes only, the position also moves with bookmarks, every 15 s.

        Raises:
            SdkError: the daemon refuses this client.
            TimeoutError: it took longer than `timeout_s`.
        """
        self.until(lambda: self.position >= position or None, timeout_s=timeout_s)


class _Shared(replica.Replica):
    """The replica of one loop, whose copy other threads read: they are kept out while something is put down."""

    def __init__(
        self,
        stream: replica.Stream,
        *,
        changed: threading.Condition,
        wants: Callable[[str], bool] | None,
        on_batch: Callable[[Batch], None] | None,
        on_connection: Callable[[Connection, str], None] | None,
        on_fresh: Callable[[str], None] | None,
    ) -> None:
        super().__init__(
            stream, wants=wants, on_batch=on_batch, on_connection=on_connection, on_fresh=on_fresh
        )
        self._condition = changed

    def _take(self, message: SseMessage) -> Batch | None:
        with self._condition:
            return super()._take(message)

    def _wake(self) -> None:
        super()._wake()
        with self._condition:
            self._condition.notify_all()


def _call(loop: asyncio.AbstractEventLoop, work: Callable[[], object]) -> None:
    """Have a loop of another thread do something, unless it has ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work)
