"""Render jobs through kill -9 and cancels: no partial file, no process left, and only what is missing is done again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cutroom_sdk.client import Client
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.renders import Render, RenderRequest
from tests.clips import Sound, make_clip, read_numbers
from tests.daemons import Daemon
from tests.e2e.test_render import film

PAL = Fraction(25)
WHOLE = tuple((n, n + 20) for n in range(0, 280, 20))
SEGMENTS = len(WHOLE) + 1  # one of the spans crosses a place where sources are divided
GOP = 25
ENDS_S = 30
ROUNDS = 20


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path)) as running:
        yield running


async def asked(client: Client, tmp_path: Path, later: int = 0, profile: str = "source") -> str:
    """Ask for a film of fourteen spans that begin `later` frames into the footage; return the job's id."""
    path = tmp_path / "clip.mp4"
    if not path.exists():
        make_clip(path, frames=300, gop=GOP, audio=Sound())
    asset = (await client.register(str(path))).asset_id
    spans = [(start + later, end + later) for start, end in WHOLE]
    if profile == "cut":
        spans = spans[::2]  # spans that touch would be one
    wanted = RenderRequest(profile=profile, timeline=film(asset, *spans), job_id=f"film-{later}")
    return (await client.ask_render(wanted)).render_id


async def until(
    client: Client, *states: str, segments: int = 0, frames: float = 0, job: str = "film-0"
) -> Render:
    """Wait until the job is in one of these states, with so many segments made or found, or frames made.

    Frames count as workers tell of them, in the middle of a segment too. One that is over is waited for no longer.
    """
    replica = Replica(partial(client.resource_stream, prefixes=["render"]))

    def reached() -> Render | None:
        found = replica.shelf.value(f"render/{job}", Render)
        if found is None or found.state not in states:
            return None
        told = replica.shelf.progress.get(f"render/{job}")
        enough = frames == 0 or (told is not None and told.done >= frames) or found.state == "completed"
        return found if enough and found.segments.rendered + found.segments.cached >= segments else None

    async with replica.following():
        found = await replica.until(reached)
    assert found is not None
    return found


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that are alive."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in path.read_text().split()] if path.exists() else []


def workers(daemon: Daemon) -> list[int]:
    assert daemon.process is not None
    return [
        pid
        for pid in children(daemon.process.pid)
        if b"engine.media.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def check_whole(daemon: Daemon, render: Render, later: int = 0) -> None:
    """The file shows every frame once, and nothing else was left behind."""
    assert render.output is not None, render.error
    wanted = [number for start, end in WHOLE for number in range(start + later, end + later)]
    if render.profile == "cut":
        wanted = [number for start, end in WHOLE[::2] for number in range(start + later, end + later)]
    assert read_numbers(Path(render.output.path)) == wanted
    check_nothing_left(daemon)


async def until_nothing_left(client: Client, daemon: Daemon) -> None:
    """Wait until the work of a job that was called off has come to its end; its state says so before."""
    async with asyncio.timeout(ENDS_S):
        while list((daemon.folder / "blobs" / "staging").iterdir()):
            await client.ready()
    check_nothing_left(daemon)


def check_nothing_left(daemon: Daemon) -> None:
    """Nothing half made lies about, and nobody goes on with it."""
    assert list((daemon.folder / "blobs" / "staging").iterdir()) == []
    for pid in workers(daemon):
        held = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
        assert not [one for one in held if "/blobs/" in one], f"a worker still has a file open: {held}"


async def test_a_daemon_that_was_killed_takes_the_job_up_with_what_is_missing(
    daemon: Daemon, tmp_path: Path
) -> None:
    async with daemon.client() as client:
        await asked(client, tmp_path)
        before = await until(client, "running", "completed", segments=3)
        left = workers(daemon)
        daemon.kill()
    daemon.start()
    async with daemon.client() as client:
        done = await until(client, "completed", "failed")
    assert done.segments.cached >= before.segments.rendered
    check_whole(daemon, done)
    assert not [pid for pid in left if Path(f"/proc/{pid}").exists()], "workers die with their daemon"


async def test_a_worker_that_was_killed_costs_its_segment_alone(daemon: Daemon, tmp_path: Path) -> None:
    async with daemon.client() as client:
        await asked(client, tmp_path)
        await until(client, "running", "completed", segments=1)
        for pid in workers(daemon)[:1]:
            os.kill(pid, signal.SIGKILL)
        done = await until(client, "completed", "failed")
    assert (done.segments.rendered, done.segments.cached) == (SEGMENTS, 0)
    check_whole(daemon, done)


@pytest.mark.parametrize("segments", [0, 2, pytest.param(7, marks=pytest.mark.deep)])
async def test_a_cancel_at_any_time_leaves_finished_segments_and_nothing_else(
    daemon: Daemon, tmp_path: Path, segments: int
) -> None:
    async with daemon.client() as client:
        await asked(client, tmp_path)
        before = await until(client, "queued", "running", segments=segments)
        assert (await client.cancel_render("film-0")).state == "canceled"
        await client.resume_render("film-0")
        done = await until(client, "completed", "failed")
    assert done.segments.cached >= before.segments.rendered
    check_whole(daemon, done)


@pytest.mark.parametrize("profile", ["source", "cut"])
@pytest.mark.deep
@pytest.mark.timeout(1200)
async def test_a_cancel_and_a_kill_at_random_moments_lose_no_finished_segment(
    daemon: Daemon, tmp_path: Path, profile: str
) -> None:
    """Each round has a job of its own that is canceled, resumed, and whose daemon is killed, once its work is so far."""
    chance = np.random.default_rng(17)
    for later in range(ROUNDS):
        job = f"film-{later}"
        made = 280 if profile == "source" else 28  # of a cut only the edges are made
        moments = sorted(chance.integers(0, made, 2).tolist())
        async with daemon.client() as client:
            assert await asked(client, tmp_path, later, profile) == job
            before = await until(client, "queued", "running", "completed", frames=moments[0], job=job)
            if before.state != "completed":
                canceled = await client.cancel_render(job)
                assert canceled.state in ("canceled", "completed")
                await until_nothing_left(client, daemon)
                if canceled.state == "canceled":
                    await client.resume_render(job)
            again = await until(client, "queued", "running", "completed", frames=moments[1], job=job)
            daemon.kill()
        daemon.start()
        async with daemon.client() as client:
            done = await until(client, "completed", "failed", job=job)
        if again.state != "completed":
            assert done.segments.cached >= before.segments.rendered
        check_whole(daemon, done, later)
