"""A daemon and its command line on a Dask cluster: the same file as at home, wherever files lie and whoever dies."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from cutroom_sdk.wire.problems import DONE
from engine.rendering.executor_remote import TOPIC
from tests.clips import Sound, make_clip, read_numbers
from tests.daemons import Daemon
from tests.e2e.studio import Said, cutroom, said, spawn
from tests.fault.invariants import check_files
from tests.render.cluster import Machines, bucket, machines

# Processes take their time to come up on a machine that does much else.
pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]
SPANS = tuple((n, n + 40) for n in range(0, 560, 40))
KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A cut of fourteen spans, made elsewhere, with the footage that it names beside it."""
    make_clip(tmp_path / "clip.mp4", frames=600, audio=Sound(tone_hz=300, tone_peak=0.3, tick_every=None))
    cut = otio.schema.Timeline("cut elsewhere")
    for kind in (otio.schema.TrackKind.Video, otio.schema.TrackKind.Audio):
        track = otio.schema.Track(kind=kind)
        for start, end in SPANS:
            span = otio.opentime.TimeRange(
                otio.opentime.RationalTime(start, 25), otio.opentime.RationalTime(end - start, 25)
            )
            named = otio.schema.ExternalReference(target_url="clip.mp4")
            track.append(otio.schema.Clip(media_reference=named, source_range=span))
        cut.tracks.append(track)
    file = tmp_path / "cut.otio"
    file.write_text(otio.adapters.write_to_string(cut, "otio_json"))
    return file


async def rendered(daemon: Daemon, film: Path, executor: str) -> Said:
    """Render with a daemon that the command starts, and end that."""
    try:
        return await cutroom(daemon, *command(film, executor, daemon))
    finally:
        await asyncio.to_thread(daemon.stop_others)


def command(film: Path, executor: str, daemon: Daemon) -> tuple[str | Path, ...]:
    output = daemon.folder.with_suffix(".mp4")
    return ("--json", "render", film, "--profile", "source", "--executor", executor, "-o", output)


def daemon_of(tmp_path: Path, name: str, store: str = "") -> Daemon:
    return Daemon(tmp_path / name, CUTROOM_MEDIA_ROOTS=str(tmp_path), CUTROOM_CLUSTER_STORE=store)


@contextmanager
def store_of(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A place for files that all machines see."""
    if kind == "folder":
        (tmp_path / "shared").mkdir()
        yield str(tmp_path / "shared")
        return
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with bucket("films") as endpoint:
        yield f"s3://films/cutroom?endpoint={endpoint}&region=us-east-1"


@pytest.mark.parametrize("kind", ["folder", "bucket"])
async def test_the_command_gets_the_same_file_from_a_cluster_though_a_worker_dies(
    tmp_path: Path, film: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await rendered(daemon_of(tmp_path, "here"), film, "local")
    assert here.code == DONE, here.talk
    with store_of(kind, tmp_path, monkeypatch) as store, machines(tmp_path / "cluster") as two:
        far = daemon_of(tmp_path, "far", store)
        async with listening(two) as begun:
            running = await spawn(far, *command(film, two.address, far))
            try:
                async with asyncio.timeout(300):
                    while len(begun) < 4:
                        await begun.news.wait()
                two.kill(0)
                done = await said(running)
            finally:
                await asyncio.to_thread(far.stop_others)
    assert done.code == DONE, done.talk
    assert done.json["output"]["sha256"] == here.json["output"]["sha256"]
    assert done.json["segments"] == here.json["segments"]
    assert read_numbers(Path(done.json["output"]["path"])) == list(range(560))
    # Only what the dead one had in hand was begun again.
    pieces = set(begun)
    assert len(pieces) == here.json["segments"]["rendered"]
    assert len(begun) <= len(pieces) + 1
    check_files(far.folder)


class Begun(list[str]):
    """The pieces of work that were begun on a cluster, each time that one was."""

    def __init__(self) -> None:
        self.news = asyncio.Event()


@asynccontextmanager
async def listening(two: Machines) -> AsyncIterator[Begun]:
    from distributed import Client

    begun = Begun()

    async def hear(event: tuple[float, Any]) -> None:
        if "begun" in event[1]:
            begun.append(event[1]["piece"])
            begun.news.set()
            begun.news = asyncio.Event()

    address = two.address.replace("dask://", "tcp://")
    async with Client(address, asynchronous=True, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.subscribe_topic(TOPIC, hear)
        await client.wait_for_workers(2, timeout=60)
        yield begun
