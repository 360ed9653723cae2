"""Killed at every named place of the daemon, whatever was asked for comes about, once."""

import asyncio
import signal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from engine.features import AGGREGATES
from engine.kernel.blobs import hash_file
from engine.kernel.failpoints import known
from engine.kernel.vault import Vault
from tests.clips import Sound, make_clip
from tests.fault import invariants, test_compaction, test_effect_kill
from tests.fault.births import born
from tests.fault.served import Served, serve
from tests.fault.test_failpoints import PLACES

ROUNDS: Final = [1, pytest.param(25, marks=pytest.mark.deep)]
SECRETS: Final = ("new_synced", "renamed")
STARTING: Final = ("locked", "kernel_open", "running", "endpoint_written", "before_ready", "listening")
STOPPING: Final = ("stopping", "served", "endpoint_removed", "ended")
KEYED: Final = ("before_work", "worked", "answer_kept", "answer_sent")
TOKENS: Final = ("token_made", "token_issued")
VAULT: Final = ("new_synced", "renamed")
UPLOADS: Final = (
    "uploads.file_made",
    "uploads.begun",
    "uploads.piece_written",
    "uploads.piece_synced",
    "pool.worker_ready",
    "pool.job_given",
    "pool.job_done",
    "uploads.read",
    "uploads.adopted",
    "uploads.recorded",
    "uploads.canceled",
)
MAKING: Final = (
    "segment_made",
    "segment_in_place",
    "segment_recorded",
    "joined",
    "inspected",
    "film_in_place",
)
DELIVERING: Final = (
    "film_copied",
    "receipt_synced",
    "receipt_in_place",
    "captions_in_place",
    "film_in_place",
    "delivered",
)
PROXIES: Final = ("piece_recorded", "joined", "recorded")
COVERED: Final = {
    *(f"secrets.{name}" for name in SECRETS),
    *(f"daemon.{name}" for name in STARTING + STOPPING),
    *(f"idempotency.{name}" for name in KEYED),
    *(f"access.{name}" for name in TOKENS),
    *(f"vault.{name}" for name in VAULT),
    *UPLOADS,
    *(f"making.{name}" for name in MAKING),
    "making.sound_recorded",
    *(f"delivering.{name}" for name in DELIVERING),
    *(f"proxies.{name}" for name in PROXIES),
    *(f"runs.{name}" for name in test_effect_kill.PLACES),
}


def test_every_place_has_its_scenario() -> None:
    assert COVERED | set(PLACES) | set(test_compaction.PLACES) == {
        name for name in known() if not name.startswith("a_test.")
    }


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_killed_while_it_starts_or_ends_the_next_one_takes_over(rounds: int, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    for name in (STARTING + STOPPING) * rounds:
        with born(serve, str(folder), str(tmp_path), failpoint=f"daemon.{name}") as child:
            ready = await asyncio.to_thread(child.line)
            assert (ready is None) == (name in STARTING)
            code = await asyncio.to_thread(child.end if ready is None else child.stop)
        assert code == -signal.SIGKILL, f"daemon.{name} was not come by"
        invariants.check_no_child(child.pid)
        if (folder / "cutroom.sqlite3").exists():
            await invariants.check_log(folder, AGGREGATES)
    with born(serve, str(folder), str(tmp_path)) as child:
        assert await asyncio.to_thread(child.line) is not None
        assert await asyncio.to_thread(child.stop) == 0
    invariants.check_files(folder)
    assert not (folder / "endpoint.json").exists()


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_killed_while_it_makes_its_secrets_the_next_one_makes_them(rounds: int, tmp_path: Path) -> None:
    for name, number in [(name, number) for name in SECRETS for number in range(rounds)]:
        folder = tmp_path / f"{name}-{number}"
        served = Served(folder, [f"secrets.{name}:{1 + number % 2}"], tmp_path)
        async with served.running():
            await served.put("project/kept", number)
        assert (folder / "operator.token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_keyed_request_is_carried_out_once(rounds: int, tmp_path: Path) -> None:
    served = Served(tmp_path / "state", [f"idempotency.{name}" for name in KEYED] * rounds, tmp_path)
    async with served.running():
        for number in range(len(KEYED) * rounds):
            await served.put(f"project/kept/{number}", number)
    assert len(served.struck) == len(KEYED) * rounds


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_token_is_issued_once(rounds: int, tmp_path: Path) -> None:
    served = Served(tmp_path / "state", [f"access.{name}" for name in TOKENS] * rounds, tmp_path)
    asked = {"actor": "script", "capabilities": ["resources:read"]}
    async with served.running():
        for number in range(len(TOKENS) * rounds):
            answer = await served.request("POST", "/v1/tokens", f"token-{number}", json=asked)
            assert answer.status_code in (201, 409)
        issued = (await served.request("GET", "/v1/tokens", "look")).json()["items"]
    assert len(issued) == len(TOKENS) * rounds


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_secret_is_kept_whole_or_not_at_all(rounds: int, tmp_path: Path) -> None:
    served = Served(tmp_path / "state", [f"vault.{name}" for name in VAULT] * rounds, tmp_path)
    names = [f"name{number}" for number in range(len(VAULT) * rounds)]
    async with served.running():
        for name in names:
            asked = {"value": f"the value of {name}"}
            answer = await served.request("PUT", f"/v1/secrets/{name}", name, json=asked)
            assert answer.status_code in (200, 201), answer.text
        kept = (await served.request("GET", "/v1/secrets", "look")).json()["items"]
    assert sorted(one["name"] for one in kept) == sorted(names)
    values = Vault.open(served.folder)
    assert [values.value("local/dev", name) for name in names] == [f"the value of {name}" for name in names]


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_an_upload_becomes_one_asset_whatever_happens_on_the_way(rounds: int, tmp_path: Path) -> None:
    clips = [make_clip(tmp_path / f"{number}.mp4", frames=5 + number).path for number in range(rounds)]
    served = Served(tmp_path / "state", list(UPLOADS) * rounds, tmp_path)
    async with served.running():
        for number, clip in enumerate(clips):
            await _uploaded(served, f"film{number}", clip.read_bytes())
            begun = await _begun(served, f"other{number}", 100, "other")
            answer = await served.request("DELETE", f"/v1/uploads/{begun}", f"cancel{number}")
            assert answer.status_code in (200, 409), answer.text
        assets = (await served.request("GET", "/v1/assets", "look")).json()["items"]
    assert {asset["sha256"] for asset in assets} == {hash_file(clip) for clip in clips}
    assert len(assets) == rounds
    assert not list((served.folder / "uploads").iterdir()), "what nobody goes on with is gone"


async def _begun(served: Served, name: str, size: int, key: str) -> str:
    """Begin an upload and return its id."""
    answer = await served.request("POST", "/v1/uploads", f"{key}-{name}", json={"name": name, "bytes": size})
    if answer.status_code == 201:
        return str(answer.headers["location"]).rpartition("/")[2]
    assert answer.json()["code"] == "answer_not_kept", answer.text
    return await served.until(lambda: _named(served, name))


def _named(served: Served, name: str) -> str | None:
    uploads = [value for key, value in served.values.items() if key.startswith("upload/") and value]
    mine = [one["upload_id"] for one in uploads if one["name"] == name and one["state"] == "open"]
    return mine[-1] if mine else None


async def _uploaded(served: Served, name: str, content: bytes) -> None:
    """Upload as a client does that was told nothing but what it was answered; begin anew where that is said."""
    tries = 0
    while True:
        tries += 1
        upload_id = await _begun(served, name, len(content), f"try{tries}")
        await _sent(served, upload_id, content)
        answer = await served.request(
            "POST", "/v1/assets", f"asset-{name}-{tries}", json={"upload": upload_id}
        )
        if answer.status_code in (200, 201) or answer.json()["code"] == "answer_not_kept":
            return
        assert answer.json()["reason"] in ("upload_over", "upload_incomplete"), answer.text


async def _sent(served: Served, upload_id: str, content: bytes) -> None:
    half = len(content) // 2 + 1
    at, headers = f"/v1/uploads/{upload_id}", {"Content-Type": "application/offset+octet-stream"}
    while True:
        told = await served.request("HEAD", at, "ask")
        if told.status_code != 200 or (offset := int(told.headers["upload-offset"])) == len(content):
            return
        piece = {"Upload-Offset": str(offset), **headers}
        answer = await served.request(
            "PATCH", at, f"{upload_id}-{offset}", content=content[offset : offset + half], headers=piece
        )
        assert answer.status_code in (204, 409, 422), answer.text


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(1, marks=pytest.mark.timeout(240)),
        pytest.param(25, marks=[pytest.mark.deep, pytest.mark.timeout(7200)]),
    ],
)
async def test_footage_becomes_one_film_whatever_happens_on_the_way(rounds: int, tmp_path: Path) -> None:
    # Sound and picture are made at the same time: the first film comes by all places but the sound's, the second by that.
    first = [f"making.{name}" for name in MAKING] + [f"delivering.{name}" for name in DELIVERING]
    places = [*first, "making.sound_recorded"]
    clips = [
        make_clip(tmp_path / f"{number}.mp4", frames=75 + number, audio=Sound()).path
        for number in range(2 * rounds)
    ]
    served = Served(tmp_path / "state", places * rounds, tmp_path)
    async with served.running():
        for number, clip in enumerate(clips):
            film = tmp_path / f"film{number}.mp4"
            await _edited(served, clip, film, f"edit{number}")
            invariants.check_delivery(film)
        renders = (await served.request("GET", "/v1/renders", "look")).json()["items"]
    assert [render["state"] for render in renders] == ["completed"] * len(clips)
    invariants.check_fold_in_other_processes(served.folder)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_proxy_is_made_once_whatever_happens_on_the_way(rounds: int, tmp_path: Path) -> None:
    clips = [
        make_clip(tmp_path / f"{number}.mp4", frames=20 + number, width=640, height=480).path
        for number in range(rounds)
    ]
    served = Served(tmp_path / "state", [f"proxies.{name}" for name in PROXIES] * rounds, tmp_path)
    async with served.running():
        for number, clip in enumerate(clips):
            answer = await served.request("POST", "/v1/assets", f"asset{number}", json={"path": str(clip)})
            asked = {"asset_id": answer.json()["asset_id"], "size": 360}
            answer = await served.request("POST", "/v1/proxies", f"proxy{number}", json=asked)
            assert answer.status_code in (202, 409), answer.text
            assert await served.until(partial(_proxies_made, served, number + 1)) == {"ready"}
        kept = (await served.request("GET", "/v1/proxies", "look")).json()["items"]
    assert len(kept) == rounds
    assert not list((served.folder / "blobs" / "staging").iterdir())


def _proxies_made(served: Served, count: int) -> set[str] | None:
    """Return how so many proxies have ended; None: they have not."""
    states = [value["state"] for key, value in served.values.items() if key.startswith("proxy/") and value]
    ended = [state for state in states if state in ("ready", "failed", "canceled")]
    return set(ended) if len(ended) == count else None


async def _edited(served: Served, clip: Path, film: Path, key: str) -> None:
    """Have the film made; return when the mission has succeeded."""
    answer = await served.request("POST", "/v1/assets", f"{key}-asset", json={"path": str(clip)})
    asset_id = answer.json()["asset_id"]
    args = {
        "asset_ids": [asset_id],
        "goal": "2 seconds",
        "profile": "source",
        "output": str(film),
        "approve": "auto",
    }
    asked = {"template": "footage_edit", "args": args, "start": True}
    answer = await served.request("POST", "/v1/missions", f"{key}-mission", json=asked)
    mission = f"mission/{answer.json()['mission_id']}"
    ended = await served.until(lambda: _over(served.values.get(mission)))
    assert ended == "succeeded", served.values[mission]


def _over(mission: Any) -> str | None:
    return mission["status"] if mission and mission["status"] in ("succeeded", "failed", "canceled") else None
