"""Streams byte for byte, as recorded under snapshots/streams: clients in other languages are tested with them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cutroom_sdk.wire.resources import Operation
from tests.conftest import Golden
from tests.http_kit import Border, served
from tests.kernel_kit import ADA, put, write

EVENTS = "/v1/resources/events?prefix=project"


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Border]:
    async with served(tmp_path) as opened:
        yield opened


class Tape:
    """One stream's bytes; times of day are all noon of one day, and the log has a name that is always the same."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.bytes = b""

    async def until(self, found: bytes) -> None:
        async with asyncio.timeout(10):
            while found not in self.bytes:
                self.bytes += await anext(self._chunks)

    @property
    def timeless(self) -> bytes:
        named = re.sub(rb'"log_id":"[0-9a-f]{32}"', b'"log_id":"' + b"0" * 32 + b'"', self.bytes)
        return re.sub(rb'"updated_at_ms":\d+', b'"updated_at_ms":1700000000000', named)


async def _history(border: Border) -> None:
    """Positions 3 to 6: a group of three changes, then one with text that is not ASCII, a patch, a deletion."""
    changes = (
        put("project/a/plan", {"n": 2}),
        put("project/b", [1, 2]),
        Operation(op="delete", key="project/c"),
    )
    await write(border.kernel, *changes)
    await write(border.kernel, put("project/words", {"text": "Größe 😀\nline"}))
    await write(border.kernel, Operation(op="patch", key="project/a/plan", value={"n": None, "m": True}))
    await write(border.kernel, Operation(op="delete", key="project/b"))


async def test_list_and_watch_is_told_in_these_bytes(border: Border, golden: Golden) -> None:
    await write(border.kernel, put("project/a/plan", {"n": 1}), put("team/x", 1))
    await write(border.kernel, put("project/c", "short-lived"))
    border.kernel.progress.report(ADA.partition, "project/a/plan", 1, 4, "cutting")
    async with border.asks() as client, client.stream("GET", f"{EVENTS}&snapshot=1") as response:
        tape = Tape(response.aiter_raw())
        await tape.until(b"event: ready")
        await _history(border)
        await tape.until(b"id: 6\n\n")
    golden("streams/watched.sse", tape.timeless)


async def test_a_resumed_stream_is_told_in_these_bytes(border: Border, golden: Golden) -> None:
    await write(border.kernel, put("project/a/plan", {"n": 1}), put("team/x", 1))
    await write(border.kernel, put("project/c", "short-lived"))
    await _history(border)
    async with border.asks() as client, client.stream("GET", f"{EVENTS}&after=2") as response:
        tape = Tape(response.aiter_raw())
        await tape.until(b"id: 6\n\n")
    golden("streams/resumed.sse", tape.timeless)


async def test_a_position_that_the_log_has_not_reached_is_refused_in_these_bytes(
    border: Border, golden: Golden
) -> None:
    async with border.asks() as client:
        response = await client.get(f"{EVENTS}&after=99")
    assert response.status_code == 409
    golden("streams/position_ahead.json", response.content)
