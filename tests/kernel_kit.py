"""What tests of the kernel share: a small aggregate, a clock to turn by hand, and the checks that must always hold."""

import asyncio
import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.resources import Operation
from engine.kernel import records
from engine.kernel.clock import Clock, SystemClock
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted
from engine.kernel.kernel import Kernel
from engine.kernel.log import Event
from engine.kernel.records import ResourcesChanged, Write, WriteRecords
from engine.kernel.reducer import Aggregate, Envelope, Rejected, Step

ADA = Context(actor="ada", human=True, capabilities=frozenset({"*"}))
BOB = Context(actor="bob", capabilities=frozenset({"*"}))
ELSEWHERE = Context(actor="eve", partition="acme/prod", capabilities=frozenset({"*"}))


class Counter(Struct, frozen=True, kw_only=True):
    """State and resource of `counter/{id}`; a full one (10 or more) is also seen as `counter/{id}/full`."""

    total: int = 0
    by: str = ""


class Add(Struct, frozen=True, kw_only=True, tag="add"):
    """Ask to add each number, one event a number; a negative one is refused."""

    by: tuple[int, ...] = (1,)


class Break(Struct, frozen=True, kw_only=True, tag="break"):
    """Run into a mistake in the reducer."""


class Shout(Struct, frozen=True, kw_only=True, tag="shout"):
    """Command: say the total aloud. Asked for by every addition of 5."""

    total: int


class Whisper(Struct, frozen=True, kw_only=True, tag="whisper"):
    """Command: say the total, only once. Asked for by every addition of 7."""

    total: int


class Added(Struct, frozen=True, kw_only=True, tag="counter.added"):
    by: int


def _decide(_counter: Counter, proposal: Add | Break, _envelope: Envelope) -> tuple[Added, ...]:
    match proposal:
        case Add(by=numbers):
            if any(number < 0 for number in numbers):
                raise Rejected("negative", "a counter only grows")
            return tuple(Added(by=number) for number in numbers)
        case Break():
            raise ZeroDivisionError("a mistake in the reducer")
        case _:
            assert_never(proposal)


def _on_event(counter: Counter, event: Added, envelope: Envelope) -> Step[Counter, Shout | Whisper]:
    assert not envelope.human, "the log does not keep it, so a fold must not see it"
    total = counter.total + event.by
    told: dict[int, tuple[Shout | Whisper, ...]] = {5: (Shout(total=total),), 7: (Whisper(total=total),)}
    return Step(replace(counter, total=total, by=envelope.actor), told.get(event.by, ()))


def _resources(name: str, counter: Counter) -> Mapping[str, Struct | None]:
    published: dict[str, Struct | None] = {f"counter/{name}": counter}
    if counter.total >= 10:
        published[f"counter/{name}/full"] = counter
    return published


COUNTER: Aggregate[Counter, Add | Break, Added] = Aggregate(
    kind="counter",
    init=lambda _: Counter(),
    decide=_decide,
    on_event=_on_event,
    event=Added,
    state=Counter,
    resources=_resources,
    reads="counters:read",
)


class FakeClock:
    """Time that stands still until it is moved."""

    def __init__(self, at_ms: int = 1_000_000) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep_until(self, _clock: Clock, at_ms: int) -> None:
        """Stand in for `clock.sleep_until`: time jumps to where it is wanted."""
        self.at_ms = max(self.at_ms, at_ms)
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(
    folder: Path, *, clock: Clock | None = None, prepare: Callable[[Kernel], None] = lambda _: None
) -> AsyncIterator[Kernel]:
    """A kernel with counters on `folder`; `prepare` registers handlers and reactions before anything runs."""
    kernel = await Kernel.open(folder, [COUNTER], clock or SystemClock())
    prepare(kernel)
    async with kernel.running():
        yield kernel


async def write(kernel: Kernel, *operations: Write, context: Context = ADA) -> Accepted:
    """Write records as a client does."""
    return await kernel.dispatch.propose(records.STREAM, WriteRecords(operations=operations), context)


def put(key: str, value: Any, if_match_rev: int | None = None) -> Operation:
    return Operation(op="put", key=key, value=value, if_match_rev=if_match_rev)


async def until(kernel: Kernel, holds: Callable[[], bool]) -> None:
    """Wait for something that commits lead to; looked at again after each."""
    async with asyncio.timeout(10):
        while True:
            news = kernel.subscriptions.signal
            if holds():
                return
            await news.wait()


async def events_of(kernel: Kernel) -> list[Event]:
    """The whole log."""
    found: list[Event] = []
    while page := await kernel.log.read(after=found[-1].position if found else 0):
        found.extend(page)
    return found


async def check_invariants(kernel: Kernel) -> list[Event]:
    """Check what must hold whatever has happened; return the log.

    Positions and versions have no gaps, projections rebuilt from the first event equal the live table, every live row is
    the last of its history, and the file is sound.
    """
    events, history, rows = await _at_one_moment(kernel)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        versions[event.partition, event.stream].append(event.version)
    for found in versions.values():
        assert found == list(range(1, len(found) + 1))
    assert rows == {key: writes[-1] for key, writes in history.items()}
    for writes in history.values():
        revs = [rev for rev, _ in writes]
        assert revs == sorted(set(revs))
    live = {key: value for key, (_, value) in rows.items() if value is not None}
    assert _rebuilt(kernel, events, history) == live
    assert await kernel.database.read(
        lambda connection: connection.execute("PRAGMA integrity_check").fetchall()
    ) == [("ok",)]
    return events


Writes = dict[tuple[str, str], list[tuple[int, bytes | None]]]


Rows = dict[tuple[str, str], tuple[int, bytes | None]]


async def _at_one_moment(kernel: Kernel) -> tuple[list[Event], Writes, Rows]:
    """Read the log, the history and the live rows between two commits, whatever still goes on."""
    while True:
        # What is committed is not told at once: the tables are read in one transaction, and the log must end where they do.
        head, history, rows = await kernel.database.read(_tables)
        events = await events_of(kernel)
        if head == (events[-1].position if events else 0):
            return events, history, rows


def _tables(connection: sqlite3.Connection) -> tuple[int, Writes, Rows]:
    connection.execute("BEGIN")
    try:
        (head,) = connection.execute("SELECT COALESCE(MAX(position), 0) FROM events").fetchone()
        query = "SELECT partition, key, rev, value FROM resource_history ORDER BY position, ordinal"
        history: Writes = defaultdict(list)
        for partition, key, rev, value in connection.execute(query):
            history[partition, key].append((rev, value))
        live = connection.execute("SELECT partition, key, rev, value FROM resources").fetchall()
    finally:
        connection.execute("COMMIT")
    return head, history, {(partition, key): (rev, value) for partition, key, rev, value in live}


def _rebuilt(kernel: Kernel, events: list[Event], history: Writes) -> dict[tuple[str, str], bytes]:
    """Fold the log from zero with the reducers alone."""
    states: dict[tuple[str, str], Any] = {}
    seen: dict[tuple[str, str], bytes] = {}
    for event in events:
        kind, _, name = event.stream.partition("/")
        aggregate = kernel.aggregates.get(kind)
        published: dict[str, bytes | None]
        if aggregate is None:
            changed = decode(bytes(event.data), ResourcesChanged)
            published = {
                one.key: dict(history[event.partition, one.key])[one.rev] for one in changed.operations
            }
        else:
            at = (event.partition, event.stream)
            before = states.get(at, aggregate.init(name))
            envelope = Envelope(at_ms=event.at_ms, actor=event.actor)
            told = decode(bytes(event.data), aggregate.event)
            states[at] = aggregate.on_event(before, told, envelope).state
            after = aggregate.resources(name, states[at])
            gone = dict.fromkeys(aggregate.resources(name, before))
            published = gone | {key: None if value is None else encode(value) for key, value in after.items()}
        for key, value in published.items():
            if value is None:
                seen.pop((event.partition, key), None)
            else:
                seen[event.partition, key] = value
    return seen
