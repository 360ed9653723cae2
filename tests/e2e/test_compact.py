"""A log is compacted from the command line, beside a daemon and without one; whoever was away starts over and sees it all."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.discovery import find
from cutroom_sdk.errors import SdkError
from cutroom_sdk.replica import Replica
from cutroom_sdk.sse import SseMessage
from cutroom_sdk.wire.problems import CONFLICT, DONE, USAGE
from tests.daemons import Daemon
from tests.deno import DENO, ENVIRONMENT, OFFLINE, SDK
from tests.e2e.studio import Said, said, spawn


@pytest.fixture
async def written(state_dir: Path) -> Daemon:
    """A state directory that a daemon has written to; none runs now."""
    daemon = Daemon(state_dir)
    async with daemon, daemon.client() as client:
        for number in range(2):
            await client.request("PUT", f"/v1/resources/project/{number}", body={"value": number})
    return daemon


async def _cutroom(daemon: Daemon, *arguments: str | Path) -> Said:
    return await said(await spawn(daemon, *arguments))


async def _change_and_compact(daemon: Daemon) -> None:
    async with daemon.client() as client:
        await client.request("DELETE", "/v1/resources/project/0")
        await client.request("PUT", "/v1/resources/project/2", body={"value": 2})
        told = await client.compact_log(before=5)
    assert (told.position, told.held_by) == (4, None)


async def test_the_log_is_compacted_beside_a_daemon_and_without_one(written: Daemon, tmp_path: Path) -> None:
    async with written, written.client() as client:
        told = (await _cutroom(written, "log", "compact", "--before", "2", "--json")).json
        assert (told["position"], told["events"], told["resources"]) == (1, 1, 1)
        (deed,) = [entry for entry in await client.audit() if entry.action == "POST /v1/log/compact"]
        assert (deed.actor, deed.outcome, deed.capability) == ("operator", "done", "log:admin")
    nothing = await _cutroom(written, "log", "compact", "--before", "1w")
    assert "nothing to do: the log begins after 1" in nothing.out
    without = (await _cutroom(written, "log", "compact", "--before", "3", "--json")).json
    assert (without["position"], without["events"]) == (2, 1)
    assert (await _cutroom(written, "log", "verify", "--json")).json["oldest"] == 2
    assert (await _cutroom(written, "replay", "--check")).code == DONE
    lines = await _cutroom(written, "log", "export")
    assert json.loads(lines.out.splitlines()[0])["checkpoint"]["position"] == 2
    async with written, written.client() as client:
        assert (await client.record("project/1")).rev == 1
        assert [entry.action for entry in await client.audit()][-1] == "log compact"
        assert (await _cutroom(written, "log", "export", "--after", "1")).code == CONFLICT


async def test_what_cannot_be_understood_is_said(written: Daemon) -> None:
    for before in ("soon", "0", "-3", "9999-99-99"):
        told = await _cutroom(written, "log", "compact", f"--before={before}")
        assert told.code == USAGE
        assert "a position such as 120000" in told.talk
    ahead = await _cutroom(written, "log", "compact", "--before", "99")
    assert (ahead.code, "beyond the head" in ahead.talk) == (CONFLICT, True)


async def test_a_replica_in_python_that_was_away_starts_over(written: Daemon) -> None:
    away, back, fresh, times = asyncio.Event(), asyncio.Event(), list[str](), 0
    async with written, written.client() as client:

        async def way(after: int | None) -> AsyncGenerator[SseMessage, None]:
            nonlocal times
            times += 1
            first = times == 1
            if times == 2:
                away.set()
                await back.wait()
            async for message in client.resource_stream(after, prefixes=["project"]):
                yield message
                if first and message.event == "ready":
                    return

        replica: Any = Replica(way, on_fresh=fresh.append)
        async with replica.following():
            await away.wait()
            await _change_and_compact(written)
            back.set()
            async with asyncio.timeout(20):
                await replica.until(lambda: True if "project/2" in replica.shelf.keys() else None)
            assert (fresh, sorted(replica.shelf.keys())) == (["compacted"], ["project/1", "project/2"])
        with pytest.raises(SdkError, match="no longer reaches back"):
            await client.log(after=1)
        assert (await client.log()).items[0].position == 5


async def test_a_replica_in_typescript_that_was_away_starts_over(written: Daemon) -> None:
    async with written:
        address = find(written.folder)
        assert address is not None
        program = SDK / "live" / "away.ts"
        process = await asyncio.create_subprocess_exec(
            DENO,
            "run",
            *OFFLINE,
            "--allow-net=127.0.0.1",
            str(program),
            address.url,
            address.token,
            cwd=SDK,
            env=ENVIRONMENT,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert json.loads(await process.stdout.readline()) == "away"
            await _change_and_compact(written)
            printed, complaint = await process.communicate(b"go on\n")
        assert process.returncode == 0, complaint.decode()
        assert json.loads(printed) == {"fresh": ["compacted"], "held": [None, 1, 2]}
