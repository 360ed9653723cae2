"""Each event's hash covers the event, the records it wrote, and all that came before it."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from cutroom_sdk.wire.resources import Operation
from engine.kernel import chain
from engine.kernel.anchor import ANCHOR_FILE
from engine.kernel.kernel import DATABASE_NAME, Kernel
from tests.kernel_kit import ADA, ELSEWHERE, Add, events_of, put, running, write


async def _some_work(kernel: Kernel) -> None:
    await kernel.dispatch.propose("counter/a", Add(by=(1, 5)), ADA)
    await write(kernel, put("project/ä", {"note": "häuser\n"}), put("project/b", 7))
    await kernel.dispatch.propose("counter/a", Add(by=(2,)), ELSEWHERE)
    await write(kernel, Operation(op="delete", key="project/b"), put("project/ä", None))


async def _hashes(kernel: Kernel) -> list[str]:
    found = [await kernel.log.hash_at(event.position) for event in await events_of(kernel)]
    return [hash_.hex() for hash_ in found if hash_]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


async def test_anybody_can_compute_the_chain_from_what_is_written_about_it(tmp_path: Path) -> None:
    values = {"resources/client": [[{"note": "häuser\n"}, 7], [None, None]]}
    async with running(tmp_path) as kernel:
        await _some_work(kernel)
        told, previous = await _hashes(kernel), bytes(32)
        for event, expected in zip(await events_of(kernel), told, strict=True):
            written = values[event.stream].pop(0) if event.stream in values else []
            columns = [event.position, event.partition, event.stream, event.version, event.type]
            columns += [event.at_ms, event.actor, event.correlation_id, event.causation_id]
            covered = f"{_compact(columns)[:-1]},{bytes(event.data).decode()},{_compact(written)}]"
            previous = hashlib.sha256(previous + covered.encode()).digest()
            assert previous.hex() == expected
        assert kernel.dispatch.hash == previous


async def test_the_chain_goes_on_where_it_ended(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await _some_work(kernel)
        before = kernel.dispatch.hash
    async with running(tmp_path) as kernel:
        assert kernel.dispatch.hash == before
        (event,) = (await kernel.dispatch.propose("counter/a", Add(), ADA)).events
        assert kernel.dispatch.hash == chain.link(before, event.row())


async def test_a_refused_proposal_leaves_no_trace_in_the_chain(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await _some_work(kernel)
        before = kernel.dispatch.hash
        await kernel.dispatch.propose("counter/a", Add(by=()), ADA)
        assert kernel.dispatch.hash == before


async def test_events_older_than_the_chain_get_the_hashes_they_would_have_had(tmp_path: Path) -> None:
    async with running(tmp_path) as kernel:
        await _some_work(kernel)
        told = await _hashes(kernel)
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME, isolation_level=None)) as connection:
        connection.executescript("DROP TABLE starts; DROP TABLE leases; DROP TABLE log_identity")
        connection.execute("ALTER TABLE events DROP COLUMN hash")
        connection.execute("DROP TABLE log_beginning")
        connection.execute("DROP TABLE checkpoint_streams")
        connection.execute("PRAGMA user_version=2")
    (tmp_path / ANCHOR_FILE).unlink()
    async with running(tmp_path) as kernel:
        assert await _hashes(kernel) == told
