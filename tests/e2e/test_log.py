"""The log as its keeper sees it: proved, backed up, taken elsewhere and brought back, with a daemon and without."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest

from cutroom_sdk.wire.problems import CONFLICT, DONE, FAILED, NOT_FOUND, REFUSED, USAGE
from tests.daemons import Daemon
from tests.e2e.studio import Said, said, spawn


@pytest.fixture
async def written(state_dir: Path) -> Daemon:
    """A state directory that a daemon has written to; none runs now."""
    daemon = Daemon(state_dir)
    async with daemon, daemon.client() as client:
        for number in range(3):
            await client.request("PUT", f"/v1/resources/project/{number}", body={"value": {"n": number}})
    return daemon


async def _cutroom(daemon: Daemon, *arguments: str | Path) -> Said:
    return await said(await spawn(daemon, *arguments))


async def test_the_answers_are_the_same_beside_a_daemon_and_without_one(
    written: Daemon, tmp_path: Path
) -> None:
    commands = [("log", "verify", "--json"), ("replay", "--check", "--json"), ("log", "export")]
    without = [await _cutroom(written, *command) for command in commands]
    async with written:
        beside = [await _cutroom(written, *command) for command in commands]
    assert [one.code for one in without] == [DONE] * 3
    assert [one.out for one in beside] == [one.out for one in without]
    proof, replayed, lines = without[0].json, without[1].json, without[2].out.splitlines()
    assert proof["sound"]
    assert replayed["equal"]
    assert proof["events"] == replayed["events"] == len(lines)
    assert msgspec.json.decode(lines[-1])["hash"] == proof["hash"] == proof["anchor"]["hash"]


async def test_a_backup_is_one_file_that_a_stopped_daemon_goes_back_to(
    written: Daemon, tmp_path: Path
) -> None:
    file = tmp_path / "monday.cutroom"
    async with written:
        told = await _cutroom(written, "backup", file, "--json")
    assert told.json["file"] == str(file)
    assert told.json["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    again = await _cutroom(written, "backup", file)
    assert again.code == CONFLICT
    async with written, written.client() as client:
        await client.request("PUT", "/v1/resources/project/0", body={"value": "later"})
        assert (await _cutroom(written, "restore", file)).code == CONFLICT
    restored = await _cutroom(written, "restore", file, "--json")
    assert restored.json["position"] == told.json["position"]
    async with written, written.client() as client:
        assert (await client.record("project/0")).value == {"n": 0}
        assert (await _cutroom(written, "log", "verify")).code == DONE


async def test_an_exported_log_makes_the_same_studio_elsewhere(written: Daemon, tmp_path: Path) -> None:
    file, other = tmp_path / "log.jsonl", Daemon(tmp_path / "other")
    async with written:
        assert (await _cutroom(written, "log", "export", "-o", file)).code == DONE
    taken = await _cutroom(other, "log", "import", file, "--json")
    assert taken.code == DONE
    assert (await _cutroom(other, "log", "verify", "--json")).json["hash"] == taken.json["hash"]
    assert (await _cutroom(other, "replay", "--check", "--json")).json["equal"]
    assert (await _cutroom(written, "log", "import", file)).code == CONFLICT
    async with other, other.client() as client:
        assert (await client.record("project/2")).value == {"n": 2}


async def test_a_log_that_was_changed_fails_its_proof_and_no_import_takes_it(
    written: Daemon, tmp_path: Path
) -> None:
    file, other = tmp_path / "log.jsonl", Daemon(tmp_path / "other")
    await _cutroom(written, "log", "export", "-o", file)
    file.write_text(file.read_text().replace('"n":1', '"n":9'))
    refused = await _cutroom(other, "log", "import", file)
    assert refused.code == USAGE
    assert "its hash is another" in refused.talk
    (written.folder / "cutroom.sqlite3").write_bytes(b"")
    lost = await _cutroom(written, "log", "verify")
    assert lost.code == FAILED
    assert "its end is lost" in lost.out
    with pytest.raises(AssertionError, match="cutroom restore"):
        await asyncio.to_thread(written.start)


async def test_what_cannot_be_done_is_said_in_one_line(state_dir: Path, tmp_path: Path) -> None:
    nothing = Daemon(state_dir)
    mistakes: list[tuple[tuple[str | Path, ...], int]] = [
        (("log", "verify"), NOT_FOUND),
        (("backup", tmp_path / "x"), NOT_FOUND),
        (("restore", tmp_path / "nowhere"), NOT_FOUND),
        (("replay",), USAGE),
    ]
    for arguments, code in mistakes:
        told = await _cutroom(nothing, *arguments)
        assert (told.code, told.out) == (code, "")
        assert told.talk.startswith("cutroom: ")
        assert told.talk.count("\n") == 1
    assert not (tmp_path / "x").exists()


async def test_the_log_of_all_tenants_is_the_operators_alone(state_dir: Path) -> None:
    daemon = Daemon(state_dir)
    async with daemon:
        for grants in (("--capabilities", "log:read"), ("--capabilities", "log:admin", "--tenant", "acme")):
            made = await _cutroom(daemon, "token", "create", "--actor", "x", *grants, "--json")
            other = Daemon(state_dir, CUTROOM_TOKEN=made.json["token"])
            assert (await _cutroom(other, "log", "verify")).code == REFUSED
