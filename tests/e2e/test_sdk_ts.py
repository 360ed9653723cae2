"""The TypeScript SDK against a real daemon: writes, refusals, the stream, a restart, and the front page's example."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cutroom_sdk.discovery import find
from cutroom_sdk.wire.problems import CODES
from tests.daemons import Daemon
from tests.deno import DENO, ENVIRONMENT, OFFLINE, SDK

ANSWER_S = 60


async def _deno(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        DENO, "run", *OFFLINE, *arguments, cwd=SDK, env=ENVIRONMENT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )


async def _ended(process: Process, said: bytes | None = None) -> str:
    """What a program that succeeds has printed by its end."""
    async with asyncio.timeout(ANSWER_S):
        printed, complaint = await process.communicate(said)
    assert process.returncode == 0, complaint.decode()
    return printed.decode()


@pytest.fixture
async def daemon(state_dir: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir) as running:
        yield running


async def _contract(daemon: Daemon) -> dict[str, Any]:
    """Run the contract, starting the daemon anew where it asks for it, and return what it found."""
    process = await _deno(
        "--allow-net=127.0.0.1", f"--allow-read={daemon.folder}", "live/contract.ts", str(daemon.folder)
    )
    assert process.stdout is not None
    async with asyncio.timeout(ANSWER_S):
        line = await process.stdout.readline()
    if not line:
        await _ended(process)
    assert json.loads(line) == {"do": "restart"}
    await asyncio.to_thread(daemon.kill)
    await asyncio.to_thread(daemon.start)
    found: dict[str, Any] = json.loads(await _ended(process, b"done\n"))
    return found


async def test_a_client_in_typescript_sees_what_the_daemon_holds_and_reads_its_refusals(
    daemon: Daemon,
) -> None:
    found = await _contract(daemon)
    async with daemon.client() as client:
        for key, rev in found["held"]:
            assert (await client.record(key)).rev == rev
    assert [key for key, _ in found["held"]] == [
        f"project/ts/{name}" for name in ("a", "after", "x", "y", "z")
    ]
    assert found["fresh"] == [], "the restart was survived by resuming, not by starting over"
    assert found["wrong"] == "unauthenticated"
    refusals = {refusal["code"]: refusal for refusal in found["refusals"]}
    assert list(refusals) == [
        "revision_conflict",
        "not_found",
        "engine_owned",
        "invalid_key",
        "mission_not_found",
        "invalid_request",
        "idempotency_mismatch",
        "unauthenticated",
    ]
    assert all(refusal["status"] == CODES[code].status for code, refusal in refusals.items())
    assert refusals["revision_conflict"]["extra"] == {"key": "project/ts/a", "expected": 7, "actual": 3}
    assert refusals["invalid_request"]["extra"]["field"] == "surprise"


async def test_the_example_of_the_front_page_runs(daemon: Daemon) -> None:
    example = re.search(r"```ts\n(.*?)```", (SDK / "README.md").read_text(), re.DOTALL)
    address = find(daemon.folder)
    assert example is not None
    assert address is not None
    process = await _deno("--allow-net=127.0.0.1", "-", address.url, address.token)
    printed = await _ended(process, example[1].encode())
    assert printed.splitlines() == ['{ text: "hello" }', "revision_conflict 1"]
