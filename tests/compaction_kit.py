"""What tests of compaction share: all that can be asked of a log, to be compared before and after."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.kernel import transfer
from engine.kernel.compaction import STREAM
from engine.kernel.context import Context
from engine.kernel.database import Database
from engine.kernel.kernel import DATABASE_NAME, Kernel, with_own
from engine.kernel.log import Event
from engine.kernel.proof import prove
from engine.kernel.replay import check
from engine.kernel.resources import Record
from tests.kernel_kit import ADA, COUNTER, ELSEWHERE

AGGREGATES: Final = with_own([COUNTER])
KEEPER: Final = Context(actor="keeper", capabilities=frozenset({"*"}))


@dataclass(frozen=True)
class Seen:
    """What a log shows from a position on. The log's own stream is left out: that it was compacted is on record there."""

    events: list[Event]
    changes: list[tuple[object, ...]]
    live: dict[str, list[Record]]
    states: dict[tuple[str, str], Any]
    past: dict[tuple[str, str, int], Record | None]


async def look(kernel: Kernel, after: int, upto: int, streams: set[tuple[str, str]]) -> Seen:
    """Look at everything in `(after, upto]`, and at the states of streams and resources as they are now."""
    events = [event for event in await kernel.log.read(after=after, limit=upto) if event.position <= upto]
    changes, reached = list[Any](), after
    while reached < upto:
        found, reached = await kernel.subscriptions.changes_after(reached)
        changes += [change for change in found if change.position <= upto]
    partitions = (ADA.partition, ELSEWHERE.partition)
    live = {one: list((await kernel.resources.page("", one)).items) for one in partitions}
    keys = {(one, record.key) for one, records in live.items() for record in records}
    past = {
        (partition, key, at): (await kernel.resources.as_of(key, at, partition))[0]
        for partition, key in keys
        for at in range(after, upto + 1)
    }
    states = {
        (partition, stream): await kernel.dispatch.state(stream, partition) for partition, stream in streams
    }
    return Seen(events, [change.row() for change in changes], live, states, past)


async def streams_of(kernel: Kernel, after: int = 0) -> set[tuple[str, str]]:
    """The streams that have events, but for the log's own."""
    events = await kernel.log.read(after=after, limit=1 << 40)
    return {(event.partition, event.stream) for event in events} - {(ADA.partition, STREAM)}


async def opened(folder: Path) -> Database:
    return await Database.open(folder / DATABASE_NAME)


async def check_sound(database: Database, folder: Path) -> None:
    """Prove the log and what is published."""
    proof, replayed = await prove(database, folder), await check(database, AGGREGATES)
    assert proof.findings == ()
    assert replayed.difference is None, replayed.difference
    assert (proof.events, proof.position, proof.oldest) == (
        replayed.events,
        replayed.position,
        replayed.oldest,
    )


async def export(database: Database) -> list[bytes]:
    """The whole log as lines."""
    return b"".join([part async for part in transfer.export(database)]).splitlines(keepends=True)


async def take_in(folder: Path, lines: list[bytes]) -> None:
    """Bring an exported log into a new state directory and prove it."""
    folder.mkdir()
    database = await opened(folder)
    try:
        await transfer.take_in(database, folder, lines, AGGREGATES)
        await check_sound(database, folder)
    finally:
        await database.close()


def positions(lines: list[bytes]) -> list[int]:
    """The positions of the events among exported lines."""
    told = map(json.loads, lines)
    return [one["position"] for one in told if "hash" in one]
