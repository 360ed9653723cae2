"""The daemon as a process: how it starts, where it is found, how it ends."""

import asyncio
import os
from pathlib import Path

import pytest

from cutroom_sdk.discovery import read_endpoint
from cutroom_sdk.wire.problems import CONFLICT, DONE, USAGE
from tests.daemons import Daemon


async def test_one_line_says_where_it_is_when_it_is_ready(state_dir: Path) -> None:
    daemon = Daemon(state_dir)
    line = await asyncio.to_thread(daemon.start)
    endpoint = read_endpoint(state_dir)
    assert endpoint is not None
    assert line == f"cutroom is ready at {endpoint.url}\n"
    async with daemon.client() as client:
        health = await client.health()
    assert health.pid == endpoint.pid
    assert {"python", "sqlite", "libavcodec"} <= set(health.versions)
    assert daemon.stop() == DONE


async def test_only_its_owner_can_read_the_operators_token(state_dir: Path) -> None:
    async with Daemon(state_dir):
        assert (state_dir / "operator.token").stat().st_mode & 0o777 == 0o600


async def test_what_is_in_the_state_directory_is_its_owners_alone(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o755)
    for folder in (tmp_path / "fresh", open_to_all):
        async with Daemon(folder):
            modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
            assert (modes["cutroom.sqlite3"], modes["blobs"], modes["logs"]) == (0o600, 0o700, 0o700)
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o700


async def test_a_second_daemon_for_the_same_state_directory_is_a_conflict(state_dir: Path) -> None:
    async with Daemon(state_dir) as first:
        second = first.spawn()
        _, said = await asyncio.to_thread(second.communicate)
        assert second.returncode == CONFLICT
        assert "a daemon is running" in said
        async with first.client() as client:
            await client.health()


async def test_it_ends_in_peace_while_somebody_watches_and_leaves_one_file_of_log(state_dir: Path) -> None:
    daemon = Daemon(state_dir)
    await asyncio.to_thread(daemon.start)
    async with daemon.client() as client:
        stream = client.resource_stream(None)
        assert (await anext(stream)).event == "ready"
        assert await asyncio.to_thread(daemon.stop) == DONE
        await stream.aclose()
    assert read_endpoint(state_dir) is None
    left = {file.name for file in state_dir.iterdir()}
    assert "cutroom.sqlite3" in left
    assert not {"cutroom.sqlite3-wal", "cutroom.sqlite3-shm", "endpoint.json"} & left


async def test_after_a_kill_the_next_start_takes_over(state_dir: Path) -> None:
    daemon = Daemon(state_dir)
    await asyncio.to_thread(daemon.start)
    await asyncio.to_thread(daemon.kill)
    assert (state_dir / "endpoint.json").exists()
    assert read_endpoint(state_dir) is None, "a dead daemon is not found"
    async with daemon, daemon.client() as client:
        await client.health()


async def test_it_ends_by_itself_when_nobody_asks_for_anything(state_dir: Path) -> None:
    daemon = Daemon(state_dir, "--idle-exit-s", "1")
    await asyncio.to_thread(daemon.start)
    assert daemon.process is not None
    await asyncio.to_thread(daemon.process.wait, 20)
    assert daemon.process.returncode == DONE
    daemon.process.communicate()


@pytest.mark.parametrize(
    ("environment", "flags", "named"),
    [
        ({"CUTROOM_PROT": "1"}, (), "prot"),
        ({}, ("--host", "0.0.0.0"), "host"),
        ({"CUTROOM_SANDBOX": "perhaps"}, (), "sandbox"),
    ],
)
async def test_a_wrong_setting_is_named_and_nothing_starts(
    state_dir: Path, environment: dict[str, str], flags: tuple[str, ...], named: str
) -> None:
    process = Daemon(state_dir, *flags, **environment).spawn()
    _, said = await asyncio.to_thread(process.communicate)
    assert process.returncode == USAGE
    assert named in said
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    assert not os.path.exists(state_dir / "endpoint.json")
