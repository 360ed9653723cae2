"""The segments that are kept, within a limit: when there is no room, those that nobody has used for longest go.

What a job that is at work has looked for, found or made stays, whatever the limit says. Forgetting is an event; the blob goes
afterwards, through the outbox, unless it came to be wanted in the meantime.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.renders import Segment
from cutroom_sdk.wire.status import Feature
from engine.kernel.context import engine_context
from engine.kernel.dispatch import Asked, Told
from engine.kernel.kernel import Kernel
from engine.kernel.outbox import Effect
from engine.rendering.reducer_proxy import RemoveProxy
from engine.rendering.reducer_segment import SEGMENT_KIND, DropSegment, Forget, Rendered, Use

LIMIT_BYTES: Final = 20 << 30
AT_ONCE: Final = 100  # forgotten in one commit
At = tuple[str, str]  # partition and key


@dataclass
class _Entry:
    blob: str
    bytes: int
    used: int
    owner: str


@dataclass
class SegmentCache:
    """What is kept of all tenants together, by use; `limit_bytes` is how much at most."""

    kernel: Kernel
    limit_bytes: int = LIMIT_BYTES
    _entries: dict[At, _Entry] = field(default_factory=dict)
    _blobs: Counter[str] = field(default_factory=Counter)
    _looked_for: dict[At, int] = field(default_factory=dict)
    _at_work: list[int] = field(default_factory=list)
    _serial: int = 0
    bytes: int = 0

    def __post_init__(self) -> None:
        self.kernel.dispatch.listen(self._hear)
        self.kernel.outbox.handle(DropSegment, self.drop)

    async def load(self) -> None:
        """Count what is kept since before this start."""
        found = await self.kernel.resources.everything(SEGMENT_KIND)
        for partition, record in sorted(found, key=lambda one: one[1].updated_at_ms):
            segment = decode(record.value, Segment)
            if (partition, segment.key) not in self._entries:
                self._put((partition, segment.key), segment)

    @property
    def count(self) -> int:
        """How many segments there are."""
        return len(self._entries)

    def feature(self) -> Feature:
        """Say how much is kept, for those who look at what this daemon has."""
        mib = 1 << 20
        return Feature(
            name="render_cache",
            ok=True,
            detail=f"{self.count} segments, {self.bytes / mib:.0f} of {self.limit_bytes / mib:.0f} MiB",
            unlocks="renders that make only what has changed",
        )

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep what is looked for, found or made while the block lasts."""
        began = self._next()
        self._at_work.append(began)
        try:
            yield
        finally:
            self._at_work.remove(began)
            oldest = min(self._at_work, default=self._serial + 1)
            self._looked_for = {at: when for at, when in self._looked_for.items() if when >= oldest}

    async def look_for(self, key: str, partition: str) -> None:
        """Note that a job wants a segment, whether or not it is there."""
        at = (partition, key)
        self._looked_for[at] = self._next()
        entry = self._entries.get(at)
        if entry is not None:
            entry.used = self._serial
            context = engine_context("rendering", partition=partition)
            await self.kernel.dispatch.propose(f"{SEGMENT_KIND}/{key}", Use(), context)

    async def find(self, key: str, partition: str) -> Segment | None:
        """Return what is kept under a key if its blob is there whole, and keep it from now on as `look_for` does."""
        await self.look_for(key, partition)
        return await self.peek(key, partition)

    async def peek(self, key: str, partition: str) -> Segment | None:
        """Return what is kept under a key if its blob is there whole; it may be forgotten at any time."""
        found: Segment | None = await self.kernel.resources.value(f"{SEGMENT_KIND}/{key}", Segment, partition)
        if found is None:
            return None
        path = self.kernel.blobs.path(found.blob)
        return found if path.is_file() and path.stat().st_size == found.bytes else None

    async def sweep(self) -> int:
        """Forget what there is no room for, least recently used first; return how many that were.

        What stands on a segment goes with it, in the same commit.
        """
        spare = min(self._at_work, default=self._serial + 1)
        over = self.bytes - self.limit_bytes
        going: dict[At, str] = {}
        for at, entry in sorted(self._entries.items(), key=lambda one: one[1].used):
            if over <= 0 or entry.used >= spare:
                break
            going[at] = entry.owner
            over -= entry.bytes
        for partition in {partition for partition, _ in going}:
            keys = [key for owner, key in going if owner == partition]
            for start in range(0, len(keys), AT_ONCE):
                some = keys[start : start + AT_ONCE]
                asked = [Asked(f"{SEGMENT_KIND}/{key}", Forget()) for key in some]
                owners = dict.fromkeys(going[partition, key] for key in some)
                asked += [Asked(owner, RemoveProxy(evicted=True)) for owner in owners if owner]
                await self.kernel.dispatch.propose_many(
                    asked, engine_context("rendering", partition=partition)
                )
        return len(going)

    async def drop(self, command: DropSegment, effect: Effect) -> None:
        """Remove a forgotten segment's blob, unless another one, or a job that is at work, needs it."""
        at = (effect.context.partition, command.key)
        wanted = self._at_work and self._looked_for.get(at, 0) >= min(self._at_work)
        if not wanted and not self._blobs[command.blob]:
            self.kernel.blobs.remove(command.blob)

    def _hear(self, told: Told) -> None:
        for event in told.events:
            kind, _, key = event.stream.partition("/")
            if kind != SEGMENT_KIND:
                continue
            at = (event.partition, key)
            if event.type == "segment.rendered":
                self._take(at)
                self._put(at, decode(bytes(event.data), Rendered).segment)
            elif event.type == "segment.forgotten":
                self._take(at)

    def _put(self, at: At, segment: Segment) -> None:
        self._entries[at] = _Entry(segment.blob, segment.bytes, self._next(), segment.owner)
        self._blobs[segment.blob] += 1
        self.bytes += segment.bytes

    def _take(self, at: At) -> None:
        entry = self._entries.pop(at, None)
        if entry is not None:
            self._blobs[entry.blob] -= 1
            self.bytes -= entry.bytes

    def _next(self) -> int:
        self._serial += 1
        return self._serial
