"""Memory from outside: the command line, a restart, a run's capability, and what the folder holds afterwards."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from clients.cli.main import run as run_command
from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address, find
from cutroom_sdk.errors import SdkError
from cutroom_sdk.wire.memory import MemoryCapabilityRequest, MemoryRequest
from cutroom_sdk.wire.mission_events import PostRunFinished
from cutroom_sdk.wire.missions import MissionRequest, WorkItemRequest
from cutroom_sdk.wire.tokens import TokenRequest
from tests.daemons import Daemon
from tests.e2e.studio import Said

WORDS = ("xylograph", "quokka")


Ask = Callable[..., Awaitable[Said]]


@pytest.fixture
def cutroom(capfd: pytest.CaptureFixture[str]) -> Ask:
    """The command line in this process: a dozen of its own would take longer than all they are asked to do."""

    async def ask(daemon: Daemon, *arguments: str | Path) -> Said:
        given = [*map(str, arguments), "--state-dir", str(daemon.folder)]
        code = await asyncio.to_thread(run_command, given)
        told = capfd.readouterr()
        return Said(code, told.out, told.err)

    return ask


def _holding(folder: Path) -> list[str]:
    """The files in which the words lie; the daemon has ended, so that reading its databases disturbs nobody."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word.encode() in path.read_bytes() for word in WORDS)]


async def test_memory_from_the_command_line_to_its_end(tmp_path: Path, cutroom: Ask) -> None:
    daemon = Daemon(tmp_path / "state")
    async with daemon:
        text = f"the {WORDS[0]} met a {WORDS[1]}, password: hunter2!!"
        put = await cutroom(daemon, "--json", "memory", "put", text, "--kind", "fact", "--tag", WORDS[1])
        assert put.code == 0, put.talk
        assert put.json["redactions"] == [{"kind": "password", "count": 1}]
        memory_id = put.json["memory_id"]
        found = (await cutroom(daemon, "--json", "memory", "search", WORDS[0])).json
        assert [one["memory_id"] for one in found["items"]] == [memory_id]
        listed = await cutroom(daemon, "--json", "memory", "list", "--tier", "session")
        shown = await cutroom(daemon, "--json", "memory", "get", memory_id)
        assert [one["memory_id"] for one in listed.json["items"]] == [memory_id]
        assert shown.json["document"]["tags"] == [WORDS[1]]
        up = await cutroom(daemon, "--json", "memory", "promote", memory_id, "--to", "team")
        down = await cutroom(daemon, "--json", "memory", "demote", memory_id, "--to", "project")
        assert (up.json["status"], down.json["tier"]) == ("passed", "project")
        sealed, keys = tmp_path / "memory.jsonl", tmp_path / "keys.jsonl"
        exported = await cutroom(daemon, "memory", "export", "-o", sealed, "--keys", keys)
        assert exported.code == 0, exported.talk
        assert (
            json.loads(keys.read_text())["content_hash"]
            == json.loads(sealed.read_text())["memory"]["content_hash"]
        )
        assert WORDS[0] not in sealed.read_text()
    async with daemon:
        gone = await cutroom(daemon, "--json", "memory", "delete", memory_id)
        assert gone.json == {"memory_id": memory_id, "erased": True}
        told = (await cutroom(daemon, "--json", "memory", "audit")).json["items"]
        actions = [one["action"] for one in told]
        assert actions[-2:] == ["delete", "erase"]
        assert {"put", "search", "list", "get", "promote", "demote", "export", "export_keys"} <= set(actions)
        missing = await cutroom(daemon, "memory", "get", memory_id)
        wrong = await cutroom(daemon, "memory", "promote", memory_id, "--to", "upper")
        assert (missing.code, wrong.code) == (3, 2)
    assert _holding(daemon.folder) == []


async def test_a_runs_capability_ends_with_its_run(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "state") as daemon, daemon.client() as ada:
        asked = MissionRequest(
            title="film",
            goal="film",
            work_items=(WorkItemRequest(work_item_id="film", title="film"),),
            capabilities=("memory:read", "memory:write"),
            start=True,
        )
        mission = await ada.create_mission(asked)
        run_id = mission.work_items[0].current_run_id
        assert run_id is not None
        async with asyncio.timeout(10):
            while f"run/{run_id}" not in {one.key for one in await ada.records("run")}:
                pass  # each look is a request: the command that queues the run is on its way
        wanted = MemoryCapabilityRequest(
            read_tiers=("session",), write_tiers=("session",), project="film", run_id=run_id
        )
        granted = await ada.grant_memory(wanted)
        wider = MemoryCapabilityRequest(promote_targets=("curated",), run_id=run_id)
        assert await _refused(ada.grant_memory(wider)) == "forbidden"
        at = find(daemon.folder)
        assert at is not None
        async with Client(lambda: Address(url=at.url, token=granted.token)) as run:
            stored = await run.remember(MemoryRequest(text="the sea is loud", project="film"))
            hits = await run.search_memory("sea", tiers=["session", "team"], project="film")
            assert [one.memory_id for one in hits.items] == [stored.memory_id]
            assert hits.blocked_scopes == ("team",)
            assert await _refused(run.remember(MemoryRequest(text="x", project="other"))) == "forbidden"
            assert await _refused(run.missions()) == "forbidden"
            done = PostRunFinished(work_item_id="film", run_id=run_id, status="succeeded")
            await ada.tell_mission(mission.mission_id, done)
            assert await _refused(run.search_memory("sea")) == "forbidden"
        told = {(one.actor, one.action, one.status) for one in await ada.memory_audit()}
        assert {(f"run:{run_id}", "put", "stored"), (f"run:{run_id}", "put", "denied")} <= told


async def test_a_capability_ends_with_the_token_it_was_asked_for_with(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "state") as daemon, daemon.client() as ada:
        at = find(daemon.folder)
        assert at is not None
        issued = await ada.issue_token(TokenRequest(actor="bot", capabilities=("memory:read",)))
        async with Client(lambda: Address(url=at.url, token=issued.token)) as bot:
            granted = await bot.grant_memory(MemoryCapabilityRequest(read_tiers=("team",)))
        async with Client(lambda: Address(url=at.url, token=granted.token)) as helper:
            assert (await helper.search_memory("sea", tiers=["team"])).items == ()
            assert await helper.records() == []
            await ada.revoke_token(issued.token_id)
            assert await _refused(helper.search_memory("sea")) == "unauthenticated"


async def _refused(work: object) -> str:
    try:
        await work  # type: ignore[misc]
    except SdkError as error:
        return error.code
    raise AssertionError("it was done")
