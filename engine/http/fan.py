"""Sends what is new to all streams that rest at the head, in one go.

Streams that follow the same thing with the same rights are a group: what lies after a place is filtered, joined and framed
once for all of its members. A stream that has sent all there was rests here, and its task sleeps: news is written straight
to its connection. Only what cannot be done that way wakes the task, which then goes on by itself as if there were no fan:
a reader that is slow, one whose token is over, progress, a place that memory no longer reaches back to.

After each slice of streams the loop gets its turn, and after each round twice the time that the round took: a thousand
streams hold up no request, and what is committed meanwhile goes out with the next round, joined.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakValueDictionary

from engine.kernel.changes import Change, covering
from engine.kernel.clock import monotonic_s
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel

EXTENSION: Final = "cutroom.push"
SLICE: Final = 250
PAUSE: Final = 2  # times as long as a round took, before the next
PAUSE_MAX_S: Final = 0.02
PLACES_MAX: Final = 16
Push = Callable[[bytes], bool]
_log = logging.getLogger(__name__)


def push_of(scope: Any) -> Push | None:
    """Return what writes a whole chunk of the answer to a request's connection, None where the server cannot.

    It tells whether it has: False when the reader is behind or gone.
    """
    found: Push | None = scope.get("extensions", {}).get(EXTENSION, {}).get("push")
    return found


class Batch(NamedTuple):
    """What lies after a place: as frames, as a chunk of an HTTP/1.1 body (empty when there is none), and where it ends."""

    frames: bytes
    chunk: bytes
    reached: int


class Group:
    """Streams that are told the same."""

    def __init__(
        self, kernel: Kernel, partition: str, prefixes: Sequence[str], visible: Callable[[str], bool]
    ) -> None:
        self._subscriptions = kernel.subscriptions
        self._partition = partition
        self._visible = visible
        self.covers = covering(prefixes)
        self._head = -1
        self._batches: dict[int, Batch] = {}

    def after(self, position: int) -> Batch | None:
        """Return what lies after a place, as far as memory reaches back; None: the database has to be asked."""
        head = self._subscriptions.head
        if head != self._head or len(self._batches) >= PLACES_MAX:
            self._head = head
            self._batches.clear()
        batch = self._batches.get(position)
        if batch is None:
            recent = self._subscriptions.recent_after(position)
            if recent is None:
                return None
            frames = self.framed(recent.changes)
            chunk = b"%x\r\n%b\r\n" % (len(frames), frames) if frames else b""
            batch = self._batches[position] = Batch(frames, chunk, recent.reached)
        return batch

    def framed(self, changes: Iterable[Change]) -> bytes:
        """Return those changes that the group is told of, as frames."""
        return joined(change for change in changes if self._wants(change))

    def sees(self, key: str) -> bool:
        """Tell whether what is said of a key of the partition is for this group."""
        return self.covers(key) and self._visible(key)

    def _wants(self, change: Change) -> bool:
        return change.partition == self._partition and self.sees(change.key)


class Resting(Protocol):
    """A stream that has sent all there was."""

    def pushed(self) -> bool:
        """Send what is new; False: wake the stream, it has to see for itself."""
        ...

    def wake(self) -> None:
        """Have the stream's own task go on."""
        ...


class Fan:
    """The groups, and the streams that rest."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._groups: WeakValueDictionary[tuple[object, ...], Group] = WeakValueDictionary()
        self._resting: dict[Resting, None] = {}
        self._round: list[Resting] = []
        self._going = False
        self._due = False
        self._begun_s = 0.0
        kernel.subscriptions.listen(self._hear)

    def group(self, context: Context, prefixes: Sequence[str], visible: Callable[[str], bool]) -> Group:
        """Return the group of a stream; `visible` follows from the rights of `context` alone."""
        at = (context.partition, tuple(prefixes), context.capabilities)
        group = self._groups.get(at)
        if group is None:
            group = self._groups[at] = Group(self._kernel, context.partition, prefixes, visible)
        return group

    def rest(self, stream: Resting) -> None:
        """Send a stream what comes, until it is woken or leaves."""
        self._resting[stream] = None

    def leave(self, stream: Resting) -> None:
        """Leave a stream alone."""
        self._resting.pop(stream, None)

    def _hear(self) -> None:
        self._due = True
        if not self._going and self._resting:
            self._going = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._due, self._begun_s = False, monotonic_s()
        self._round = list(self._resting)
        self._go()

    def _go(self) -> None:
        loop = asyncio.get_running_loop()
        now, self._round = self._round[:SLICE], self._round[SLICE:]
        for stream in now:
            if stream in self._resting and not _pushed(stream):
                del self._resting[stream]
                stream.wake()
        loop.call_soon(self._go if self._round else self._end)

    def _end(self) -> None:
        """When more has come already, leave the loop to others first: what comes meanwhile goes out joined."""
        if self._due and self._resting:
            pause_s = min(PAUSE * (monotonic_s() - self._begun_s), PAUSE_MAX_S)
            asyncio.get_running_loop().call_later(pause_s, self._begin)
        else:
            self._going = False


def _pushed(stream: Resting) -> bool:
    try:
        return stream.pushed()
    except Exception:
        # Its own task goes on, meets the mistake as well and ends the stream, or does not and nobody has noticed.
        _log.exception("a push to a stream failed")
        return False


def joined(found: Iterable[Change]) -> bytes:
    """Return changes as frames: of those that share a position only the last carries the id."""
    parts: list[bytes] = []
    previous: Change | None = None
    for change in found:
        if previous is not None:
            parts.append(_ended(previous, last=previous.position != change.position))
        previous = change
    if previous is not None:
        parts.append(_ended(previous, last=True))
    return b"".join(parts)


def _ended(change: Change, *, last: bool) -> bytes:
    return change.frame + (b"id: %d\n\n" % change.position if last else b"\n")
