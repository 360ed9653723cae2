"""Readers that stop reading: they cost no memory and hold nobody up, and when they read on, everything is there.

A daemon under write load; some clients read along, many more opened their stream and never read from it. Their sockets fill
up, and from then on each is a position and nothing else.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from cutroom_sdk.discovery import find
from engine.http.sse import STREAMS_MAX
from tests.daemons import Daemon

EVENTS: Final = "/v1/resources/events?prefix=project&after=0"
CHANGE: Final = re.compile(rb'"rev":(\d+),"value":{"number":(\d+),')
VALUE_BYTES: Final = 40_000
# How much the daemon's memory may grow: by caches and what is being sent, and for each stream.
GROWTH_MAX: Final = 64 << 20
A_STREAM: Final = 256 << 10


class Reader:
    """A stream over a plain socket, so that nothing reads ahead; what it was told is `revs`."""

    def __init__(self, url: str, token: str) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port, self._token = int(port), token
        self.revs: list[tuple[int, int]] = []
        self._socket = socket.socket()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        await loop.sock_connect(self._socket, (self._host, self._port))
        lines = [
            f"GET {EVENTS} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"Authorization: Bearer {self._token}",
        ]
        await loop.sock_sendall(self._socket, "\r\n".join([*lines, "", ""]).encode())

    async def until(self, last: int) -> None:
        """Read until the change with the value `last`."""
        loop, told = asyncio.get_running_loop(), bytearray()
        ending = b'"number":%d,' % last
        while told.rfind(ending, max(0, len(told) - 2 * VALUE_BYTES)) < 0:
            part = await loop.sock_recv(self._socket, 1 << 20)
            assert part, f"the stream ended after {len(told)} bytes: {bytes(told[:200])!r}"
            told += part
        # The daemon sends whole frames, so no chunk (RFC 9112, 7.1) begins within one.
        self.revs += [(int(rev), int(number)) for rev, number in CHANGE.findall(told)]

    def close(self) -> None:
        self._socket.close()


def _memory(process: int) -> int:
    """Return how much memory a process has, in bytes."""
    line = next(
        line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) << 10


@contextlib.asynccontextmanager
async def _readers(daemon: Daemon, count: int) -> AsyncIterator[list[Reader]]:
    address = find(daemon.folder)
    assert address is not None
    readers = [Reader(address.url, address.token) for _ in range(count)]
    try:
        for reader in readers:
            await reader.open()
        yield readers
    finally:
        for reader in readers:
            reader.close()


@pytest.mark.parametrize(
    ("stalled", "live", "writes"),
    [
        (100, 20, 150),
        pytest.param(STREAMS_MAX - 50, 50, 300, marks=[pytest.mark.deep, pytest.mark.timeout(900)]),
    ],
)
async def test_stalled_readers_cost_no_memory_and_miss_nothing(
    state_dir: Path, stalled: int, live: int, writes: int
) -> None:
    async with Daemon(state_dir) as daemon, daemon.asking() as client:
        assert daemon.process is not None
        async with _readers(daemon, stalled) as lazy, _readers(daemon, live) as lively:
            if stalled + live == STREAMS_MAX:
                await _refused(client)
            reading = asyncio.gather(*(reader.until(writes) for reader in lively))
            before, most = _memory(daemon.process.pid), 0
            for number in range(1, writes + 1):
                await _put(client, number)
                most = max(most, _memory(daemon.process.pid))
            async with asyncio.timeout(60):
                await reading
            assert most - before < GROWTH_MAX + (stalled + live) * A_STREAM, f"{(most - before) >> 20} MiB"
            everything = [(number, number) for number in range(1, writes + 1)]
            assert all(reader.revs == everything for reader in lively)
            for reader in lazy:
                await reader.until(writes)
                assert reader.revs == everything
                reader.revs = []
            after = _memory(daemon.process.pid)
            assert after - before < GROWTH_MAX + (stalled + live) * A_STREAM, f"{(after - before) >> 20} MiB"


async def _put(client: httpx.AsyncClient, number: int) -> None:
    value = {"number": number, "text": "x" * VALUE_BYTES}
    answer = await client.put("/v1/resources/project/load", json={"value": value})
    assert answer.status_code in (200, 201)


async def _refused(client: httpx.AsyncClient) -> None:
    """One stream more than there may be."""
    async with client.stream("GET", EVENTS) as response:
        await response.aread()
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) >= 1


async def test_the_stream_after_the_last_is_told_to_come_back(state_dir: Path) -> None:
    async with Daemon(state_dir) as daemon, daemon.asking() as client:
        async with _readers(daemon, STREAMS_MAX) as readers:
            await _put(client, 1)
            await asyncio.gather(*(reader.until(1) for reader in readers))
            await _refused(client)
            assert (await client.get("/v1/resources/project/load")).status_code == 200
