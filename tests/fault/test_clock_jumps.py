"""The wall clock is set back and forward by hours and days: the log's time never goes back, and what is due comes due."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from cutroom_sdk.wire.resources import Operation
from engine.access.sessions import TICKET_MS, Sessions
from engine.features import AGGREGATES
from engine.kernel import clock
from engine.kernel.errors import Forbidden
from tests.daemons import Daemon
from tests.fault.invariants import check_log
from tests.kernel_kit import ADA, Add, FakeClock, check_invariants, put, running, write

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
START_MS: Final = 1_700_000_000_000
JUMPS: Final = (HOUR_MS, -2 * DAY_MS, 3 * DAY_MS, -HOUR_MS, -30 * DAY_MS, 29 * DAY_MS, 400 * DAY_MS, -1)


class _Sleeper:
    """Stands in for `asyncio.sleep`: the clock moves by what was slept, and by the next jump."""

    def __init__(self, moved: FakeClock, *jumps: int) -> None:
        self._clock, self._jumps = moved, list(jumps)
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock.at_ms += round(seconds * 1000) + (self._jumps.pop(0) if self._jumps else 0)


@pytest.mark.parametrize(
    ("jumps", "sleeps"),
    [((), 120), ((2 * HOUR_MS,), 1), ((-HOUR_MS,), 240), ((0, DAY_MS), 2), ((-DAY_MS, 2 * DAY_MS), 2)],
)
async def test_whoever_waits_looks_at_the_clock_every_half_minute_and_not_more_often(
    monkeypatch: pytest.MonkeyPatch, jumps: tuple[int, ...], sleeps: int
) -> None:
    moved = FakeClock(START_MS)
    sleeper = _Sleeper(moved, *jumps)
    monkeypatch.setattr(asyncio, "sleep", sleeper)
    await clock.sleep_until(moved, START_MS + HOUR_MS)
    assert sleeper.slept == [30.0] * sleeps
    assert moved.at_ms >= START_MS + HOUR_MS


async def test_the_time_of_the_log_never_goes_back_across_restarts_either(tmp_path: Path) -> None:
    moved = FakeClock(START_MS)
    for jump in JUMPS:
        async with running(tmp_path, clock=moved) as kernel:
            await kernel.dispatch.propose("counter/a", Add(), ADA)
            moved.at_ms += jump
            await write(kernel, put("project/a", jump))
            events = await check_invariants(kernel)
            times = [event.at_ms for event in events]
            assert times == sorted(times)
            assert times[-1] >= moved.at_ms


async def test_a_record_lives_as_long_as_it_was_given_wherever_the_clock_is_set(tmp_path: Path) -> None:
    moved = FakeClock(START_MS)
    async with running(tmp_path, clock=moved) as kernel:
        await kernel.dispatch.propose("counter/a", Add(), ADA)
        moved.at_ms -= DAY_MS  # behind the log: the record's hour begins at the log's time
        await write(kernel, Operation(op="put", key="team/fading", value=1, ttl_ms=HOUR_MS))
        await kernel.expiry.sweep()
        record = await kernel.resources.record("team/fading")
        assert record is not None
        assert record.expires_at_ms == START_MS + HOUR_MS
        moved.at_ms = START_MS + HOUR_MS
        await kernel.expiry.sweep()
        assert await kernel.resources.record("team/fading") is None
        moved.at_ms -= DAY_MS  # what is gone does not come back
        await kernel.expiry.sweep()
        assert await kernel.resources.record("team/fading") is None


def test_a_ticket_is_good_once_wherever_the_clock_is_set() -> None:
    moved = FakeClock(START_MS)
    sessions = Sessions("key", moved)
    ticket, late = sessions.ticket("t")[0], sessions.ticket("t")[0]
    moved.at_ms -= DAY_MS
    assert sessions.spend(ticket) == "t"
    moved.at_ms += DAY_MS + TICKET_MS
    for over in (ticket, late):
        with pytest.raises(Forbidden):
            sessions.spend(over)


class _Shifted(Daemon):
    """A daemon whose clock is a file."""

    def set_clock(self, at_ms: int) -> None:
        new = self.folder / "clock.new"
        new.write_text(str(at_ms))
        new.replace(self.folder / "clock")

    def spawn(self) -> "subprocess.Popen[str]":
        command = [
            sys.executable,
            "-m",
            "tests.fault.jumping",
            str(self.folder / "clock"),
            "serve",
            "--port",
            "0",
        ]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True)


def _processor_s(process: int) -> float:
    """Return how much of the processor a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def test_a_daemon_goes_on_through_jumps_of_the_clock(state_dir: Path) -> None:
    daemon = _Shifted(state_dir)
    daemon.set_clock(START_MS)
    async with daemon, daemon.asking() as client:
        await _put(client, "project/a", 1)
        await _put(client, "team/fading", 1, ttl_ms=HOUR_MS)
        asked = {"actor": "bob", "human": False, "capabilities": ["resources:read"]}
        issued = await client.post("/v1/tokens", json=asked | {"expires_at_ms": START_MS + HOUR_MS})
        bob = {"Authorization": f"Bearer {issued.json()['token']}"}
        assert (await client.get("/v1/resources", headers=bob)).status_code == 200

        daemon.set_clock(START_MS + 2 * DAY_MS)
        assert (await client.get("/v1/resources", headers=bob)).status_code == 401
        async with asyncio.timeout(20):
            while (await client.get("/v1/resources/team/fading")).status_code != 404:
                pass
        last = await _put(client, "project/a", 2)
        assert last >= START_MS + 2 * DAY_MS

        daemon.set_clock(START_MS - 5 * DAY_MS)
        assert await _put(client, "project/a", 3) >= last
        await _put(client, "team/fading", 2, ttl_ms=HOUR_MS)
        assert daemon.process is not None
        before = _processor_s(daemon.process.pid)
        async with asyncio.timeout(30):
            async for line in _lines(client):
                if line == "event: bookmark":  # seconds in which nothing happens
                    break
        assert _processor_s(daemon.process.pid) - before < 1.5, "it is busy with waiting"
        assert (await client.get("/v1/resources/team/fading")).status_code == 200
    events = await check_log(state_dir, AGGREGATES)
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)


async def _put(client: httpx.AsyncClient, key: str, value: int, **more: int) -> int:
    """Write a record and return when that was."""
    answer = await client.put(f"/v1/resources/{key}", json={"value": value, **more})
    assert answer.status_code in (200, 201), answer.text
    return int(answer.json()["updated_at_ms"])


async def _lines(client: httpx.AsyncClient) -> AsyncIterator[str]:
    async with client.stream("GET", "/v1/resources/events?prefix=none") as response:
        async for line in response.aiter_lines():
            yield line
