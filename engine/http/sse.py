"""Streams (`text/event-stream`): changes of resources, and the log, resumable and without gaps.

The stream keeps no queue. It wakes, reads what lies after its position, filters, and sends all of it at once; a consumer
that reads slowly makes the next read longer and nothing else. A send is no acknowledgement: what counts is the position
with which a client comes back.
"""

import asyncio
import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.frames import StreamReady
from engine.http.fan import Fan, Group, push_of
from engine.http.requests import INTEGER_MAX, kernel, query_integer
from engine.kernel.beginning import refuse_before
from engine.kernel.changes import Change
from engine.kernel.context import Context
from engine.kernel.errors import Compacted, Conflict, Invalid, Unavailable
from engine.kernel.log import Event

BOOKMARK_S: Final = 15.0
STREAMS_MAX: Final = 1_000
SNAPSHOT: Final = sys.maxsize  # all of it in one read: a snapshot is of one moment
_log = logging.getLogger(__name__)


def frame(name: str, data: object, *, position: int | None = None) -> bytes:
    """Return one whole SSE frame; with `position` it carries an id."""
    lead = b"" if position is None else b"id: %d\n" % position
    return lead + b"event: " + name.encode() + b"\ndata: " + encode(data) + b"\n\n"


def start_position(request: Request, head: int) -> int | None:
    """Return where a stream is to go on: `Last-Event-ID`, else `?after=`, else None.

    Raises:
        Invalid: not a position.
        Conflict: `position_ahead`, beyond the head of this log.
        Compacted: the log begins later.
    """
    text = request.headers.get("last-event-id")
    if text is not None:
        if not (text.isascii() and text.isdigit() and len(text) <= 19):
            raise Invalid(f"Last-Event-ID is {text[:40]!r}; a position is taken", field="Last-Event-ID")
        position = int(text)
    elif "after" in request.query_params:
        position = query_integer(request, "after", 0, most=INTEGER_MAX)
    else:
        return None
    if position > head:
        raise Conflict(
            f"the position {position} is beyond the head {head}: it belongs to another log",
            expected=position,
            actual=head,
            code="position_ahead",
            head=head,
        )
    refuse_before(kernel(request).log.oldest, position)
    return position


class Stream(ABC):
    """An ASGI response that sends what comes until the client goes or the daemon stops."""

    def __init__(self, request: Request, context: Context) -> None:
        self._kernel = kernel(request)
        self._state = request.app.state
        self._context = context
        self._position = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is, then what comes.

        Raises:
            Unavailable: there are `STREAMS_MAX` streams already.
        """
        with self._counted():
            opening = await self._opening()
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if scope["method"] != "HEAD":
                await send({"type": "http.response.body", "body": opening, "more_body": True})
                await self._until_the_end(receive, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._state.streams >= STREAMS_MAX:
            raise Unavailable(f"{STREAMS_MAX} streams are open; close one, or try again later")
        self._state.streams += 1
        try:
            yield
        finally:
            self._state.streams -= 1

    def _ready(self) -> bytes:
        told = StreamReady(position=self._position, log_id=self._kernel.log.id)
        return frame("ready", told, position=self._position)

    async def _until_the_end(self, receive: Receive, send: Send) -> None:
        """Send what comes until the client goes, the daemon closes, or there is a mistake in the code."""
        ends = [asyncio.create_task(_gone(receive)), asyncio.create_task(self._state.closing.wait())]
        flowing = asyncio.create_task(self._flow(send))
        try:
            await asyncio.wait([*ends, flowing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*ends, flowing):
                task.cancel()
            await asyncio.gather(*ends, flowing, return_exceptions=True)
        if flowing.cancelled() or not (error := flowing.exception()):
            return
        if isinstance(error, Compacted):
            # The client was further behind than the log now reaches: it is told so when it comes back.
            _log.info("a stream ended after %s: %s", self._position, error.detail)
        else:
            _log.error("a stream ended after %s", self._position, exc_info=error)

    async def _flow(self, send: Send) -> None:
        bookmark_at = asyncio.get_running_loop().time() + BOOKMARK_S
        while True:
            signal = self._kernel.subscriptions.signal
            if not self._state.still_valid(self._context):
                return  # revoked or over: a revocation is a commit, and wakes it
            before = self._position
            chunk = await self._read()
            now = asyncio.get_running_loop().time()
            if now >= bookmark_at:
                # Whatever else was sent: progress carries no id, and changes may all have been for others.
                chunk += frame("bookmark", {"position": self._position}, position=self._position)
                bookmark_at = now + BOOKMARK_S
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            elif self._position == before:
                await self._rest(signal, bookmark_at - now)

    async def _rest(self, signal: asyncio.Event, timeout_s: float) -> None:
        """Wait for news: there was nothing left to send."""
        await _wait(signal, timeout_s)

    @abstractmethod
    async def _opening(self) -> bytes:
        """Return the first frames; sets the position that they end at."""

    @abstractmethod
    async def _read(self) -> bytes:
        """Return the frames after the position and move it; empty when there are none."""


class ResourceStream(Stream):
    """Changes of resources under any of some prefixes (none: all of them), and the progress of what runs."""

    def __init__(
        self,
        request: Request,
        context: Context,
        *,
        prefixes: Sequence[str],
        after: int | None,
        snapshot: bool,
        visible: Callable[[str], bool],
    ) -> None:
        super().__init__(request, context)
        self._prefixes = prefixes
        self._after = after
        self._snapshot = snapshot and after is None
        self._visible = visible
        self._fan: Fan = self._state.fan
        self._group: Group = self._fan.group(context, prefixes, visible)
        self._push = push_of(request.scope)
        self._woken = asyncio.Event()
        self._serial = 0

    async def _opening(self) -> bytes:
        self._position = self._kernel.subscriptions.head if self._after is None else self._after
        parts = [await self._list()] if self._snapshot else []
        parts.append(self._ready())
        return b"".join(parts)

    async def _list(self) -> bytes:
        page = await self._kernel.resources.page(
            self._prefixes, self._context.partition, limit=SNAPSHOT, visible=self._visible
        )
        self._position = page.position
        parts = []
        for record in page.items:
            change = Change(
                0, 0, "", record.key, record.rev, record.value, record.updated_at_ms, record.updated_by
            )
            parts.append(change.frame + b"\n")
        parts.append(self._progress())
        return b"".join(parts)

    async def _read(self) -> bytes:
        batch = self._group.after(self._position)
        if batch is not None:
            self._position = batch.reached
            return batch.frames + self._progress()
        found, self._position = await self._kernel.subscriptions.changes_after(self._position)
        return self._group.framed(found) + self._progress()

    async def _rest(self, signal: asyncio.Event, timeout_s: float) -> None:
        if self._push is None:
            await super()._rest(signal, timeout_s)
            return
        if signal.is_set():
            return  # news came while this looked
        self._woken.clear()
        self._fan.rest(self)
        try:
            await _wait(self._woken, timeout_s)
        finally:
            self._fan.leave(self)

    def pushed(self) -> bool:
        """Send what is new, straight to the connection; False when the stream's own task has to see to it."""
        if self._serial != self._kernel.progress.serial or not self._state.still_valid(self._context):
            return False
        batch = self._group.after(self._position)
        if batch is None:
            return False
        if batch.chunk and (self._push is None or not self._push(batch.chunk)):
            return False
        self._position = batch.reached
        return self._position >= self._kernel.subscriptions.head

    def wake(self) -> None:
        """Have the stream's own task go on."""
        self._woken.set()

    def _progress(self) -> bytes:
        progress = self._kernel.progress
        newer = progress.since(self._context.partition, self._serial)
        self._serial = progress.serial
        return b"".join(standing.frame for standing in newer if self._group.sees(standing.key))


class LogStream(Stream):
    """The events of a partition, filtered."""

    def __init__(
        self, request: Request, context: Context, *, after: int | None, wants: Callable[[Event], bool]
    ) -> None:
        super().__init__(request, context)
        self._after = after
        self._wants = wants

    async def _opening(self) -> bytes:
        self._position = self._kernel.subscriptions.head if self._after is None else self._after
        return self._ready()

    async def _read(self) -> bytes:
        found, self._position = await self._kernel.subscriptions.events_after(self._position)
        partition = self._context.partition
        return b"".join(
            frame(event.type, event, position=event.position)
            for event in found
            if event.partition == partition and self._wants(event)
        )


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _wait(signal: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(max(timeout_s, 0)):
            await signal.wait()
    except TimeoutError:
        return
