"""A disk that is full: writes are told so, reads and streams go on, nothing is half there, and room is enough to go on.

The disk is a small one in memory, mounted for the test: as root, or in a name space of its own where that is allowed.
"""

import asyncio
import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from cutroom_sdk.sse import SseParser
from engine.features import AGGREGATES
from engine.kernel.room import SPARE_BYTES
from tests import clips
from tests.daemons import Daemon
from tests.e2e.studio import edit, said, spawn
from tests.fault.invariants import check_delivery, check_files, check_log
from tests.fault.test_render_jobs import asked, check_whole, until

ROOT: Final = Path(__file__).resolve().parents[2]
DISK_BYTES: Final = 320 << 20  # an upload leaves 256 MiB free
PADDING: Final = 300_000
FULL: Final = (507, "insufficient_storage")
OWN_NAMES: Final = ["unshare", "--map-root-user", "--mount"]


def _mounts() -> bool:
    return os.geteuid() == 0


def _elsewhere(node: str) -> None:
    """Run a test as root of a name space of its own."""
    if (
        shutil.which("unshare") is None
        or subprocess.run([*OWN_NAMES, "true"], capture_output=True).returncode
    ):
        pytest.skip("a small disk can be mounted neither by this user nor in a name space of its own")
    command = [*OWN_NAMES, sys.executable, "-m", "pytest", "-m", "", node]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


@contextlib.contextmanager
def _disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    subprocess.run(command, check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(place: Path, left: int) -> None:
    """Fill a disk until so many bytes are free."""
    name = place / f"ballast-{len(list(place.iterdir()))}"
    with name.open("wb") as file:
        while (free := shutil.disk_usage(place).free) > left:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free - left)
            except OSError as error:
                if error.errno != errno.ENOSPC:  # else somebody was faster, and less is free now
                    raise


def _free(place: Path) -> None:
    for ballast in place.glob("ballast-*"):
        ballast.unlink()


def _told(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class _Watcher:
    """Reads the stream of `project` from the beginning on; `revs` is what it was told."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.revs: list[tuple[str, int]] = []
        self._news = asyncio.Event()

    async def run(self) -> None:
        parser = SseParser()
        async with self._client.stream("GET", "/v1/resources/events?prefix=project&after=0") as response:
            async for chunk in response.aiter_raw():
                for message in parser.feed(chunk):
                    if message.event == "resource.updated":
                        value = httpx.Response(200, content=message.data).json()
                        self.revs.append((value["key"], value["rev"]))
                self._news.set()

    async def until(self, rev: tuple[str, int]) -> None:
        async with asyncio.timeout(20):
            while rev not in self.revs:
                self._news.clear()
                await self._news.wait()


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=[pytest.mark.deep, pytest.mark.timeout(600)])])
async def test_a_full_disk_is_told_and_room_is_enough_to_go_on(
    tmp_path: Path, request: pytest.FixtureRequest, rounds: int
) -> None:
    if not _mounts():
        _elsewhere(request.node.nodeid)
        return
    clip = clips.make_clip(tmp_path / "clip.mp4", frames=12, audio=clips.Sound())
    with _disk(tmp_path / "disk") as disk:
        daemon = Daemon(disk / "state")
        async with daemon, daemon.asking() as client, asyncio.TaskGroup() as group:
            watcher = _Watcher(client)
            watching = group.create_task(watcher.run())
            for number in range(rounds):
                await _round(client, watcher, disk, number, clip.path.read_bytes() + _padding(number))
            watching.cancel()
        await check_log(daemon.folder, AGGREGATES)
        check_files(daemon.folder)
        assert watcher.revs == [(f"project/{number}", rev) for number in range(rounds) for rev in (1, 2, 3)]


def _padding(number: int) -> bytes:
    """A box that players pass over (ISO 14496-12, 8.1.2), another one each time."""
    return PADDING.to_bytes(4) + b"free" + bytes([number]) * (PADDING - 8)


async def _round(
    client: httpx.AsyncClient, watcher: _Watcher, disk: Path, number: int, content: bytes
) -> None:
    path, key = f"/v1/resources/project/{number}", {"Idempotency-Key": f"key-{number}"}
    assert (await client.put(path, json={"value": 1})).status_code == 201
    asked = {"name": f"{number}.mp4", "bytes": len(content)}
    upload = (await client.post("/v1/uploads", json=asked)).json()["upload_id"]
    half = len(content) // 2
    assert await _send(client, upload, content[:half], 0) == (204, half)

    _fill(disk, SPARE_BYTES // 2)  # too little to begin a commit; the daemon looks several times a second
    while (await client.put("/v1/resources/team/probe", json={"value": 1})).status_code != FULL[0]:
        pass
    refused = await client.put(path, json={"value": 2}, headers=key)
    assert _told(refused) == FULL
    assert refused.json()["needed"] == SPARE_BYTES
    _fill(disk, 0)  # to the last block
    assert _told(await client.put(path, json={"value": 2}, headers=key)) == FULL
    assert _told(await client.post("/v1/uploads", json=asked)) == FULL
    status, kept = await _send(client, upload, content[half:], half)
    assert status == FULL[0]
    assert half <= kept <= len(content)
    assert _told(await client.post("/v1/assets", json={"upload": upload})) in (FULL, (422, "event_rejected"))
    assert (await client.get(path)).json()["value"] == 1
    assert (await client.get("/v1/log/verify")).json()["sound"]
    await watcher.until((f"project/{number}", 1))

    _free(disk)
    answers = [await client.put(path, json={"value": 2}, headers=key) for _ in range(2)]
    assert [(answer.status_code, answer.json()["rev"]) for answer in answers] == [(200, 2)] * 2
    assert (await client.put(path, json={"value": 3})).status_code == 200
    await watcher.until((f"project/{number}", 3))
    status, here = await _send(client, upload, content[kept:], kept)
    assert (status, here) == (204, len(content))
    asset = (await client.post("/v1/assets", json={"upload": upload})).json()
    found = await client.get(f"/v1/assets/{asset['asset_id']}/content")
    assert found.content == content


async def _send(client: httpx.AsyncClient, upload: str, content: bytes, offset: int) -> tuple[int, int]:
    """Send a piece of an upload; return the status, and how much is there."""
    headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    answer = await client.patch(f"/v1/uploads/{upload}", content=content, headers=headers)
    stands = await client.head(f"/v1/uploads/{upload}")
    return answer.status_code, int(stands.headers["Upload-Offset"])


async def test_a_film_that_does_not_fit_waits_for_room_and_is_whole(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not _mounts():
        _elsewhere(request.node.nodeid)
        return
    footage = clips.make_clip(tmp_path / "footage.mp4", frames=150, audio=clips.Sound())
    film = tmp_path / "film.mp4"
    with _disk(tmp_path / "disk") as disk:
        async with Daemon(disk / "state", CUTROOM_MEDIA_ROOTS=str(tmp_path)) as daemon:
            editing = await spawn(daemon, *edit(footage.path, film, goal="4 second highlight"))
            async with daemon.asking() as client, asyncio.timeout(60):
                await _until_told(client, "render.started")
                _fill(disk, 0)
                await _until_given_up(client, daemon.folder)
                assert _told(await client.put("/v1/resources/team/probe", json={"value": 1})) == FULL
            assert not film.exists()
            _free(disk)
            told = await said(editing)
            assert told.code == 0, told.talk
        check_delivery(film)
        await check_log(daemon.folder, AGGREGATES)
        check_files(daemon.folder)


@pytest.mark.deep
async def test_a_render_that_ran_out_of_room_is_resumed_with_what_is_missing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not _mounts():
        _elsewhere(request.node.nodeid)
        return
    with _disk(tmp_path / "disk") as disk:
        daemon = Daemon(disk / "state", CUTROOM_MEDIA_ROOTS=str(tmp_path))
        async with daemon, daemon.client() as client:
            render_id = await asked(client, tmp_path)
            before = await until(client, "running", segments=3)
            _fill(disk, 0)
            async with asyncio.timeout(60):
                while list((disk / "state" / "blobs" / "staging").iterdir()):
                    await client.ready()
            _free(disk)
            ended = await until(client, "completed", "failed")
            if ended.state == "failed":
                assert ended.error is not None
                assert ended.error.code == "insufficient_storage", ended.error
                assert ended.output is None
                await client.resume_render(render_id)
            done = await until(client, "completed")
            assert done.segments.cached >= before.segments.rendered
            check_whole(daemon, done)
        await check_log(daemon.folder, AGGREGATES)
        check_files(daemon.folder)


async def _until_told(client: httpx.AsyncClient, kind: str) -> None:
    async with client.stream("GET", f"/v1/log/events?after=0&type={kind}") as response:
        async for chunk in response.aiter_raw():
            if kind.encode() in chunk:
                return


async def _until_given_up(client: httpx.AsyncClient, folder: Path) -> None:
    """Wait until what a worker was writing has been thrown away."""
    seen = False
    while True:
        staged = list((folder / "blobs" / "staging").iterdir())
        if seen and not staged:
            return
        seen = seen or bool(staged)
        await client.get("/ready")
