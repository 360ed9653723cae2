"""Render jobs through kill -9 and cancels: no partial file, no process left, and only what is missing is done again."""

import os
import signal
from collections.abc import AsyncIterator
from fractions import Fraction
from functools import partial
from pathlib import Path

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


@pytest.fixture
async def daemon(state_dir: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(state_dir, CUTROOM_MEDIA_ROOTS=str(tmp_path)) as running:
        yield running


async def asked(client: Client, tmp_path: Path) -> str:
    """Ask for a film of fourteen segments; return the job's id."""
    clip = make_clip(tmp_path / "clip.mp4", frames=300, audio=Sound())
    asset = (await client.register(str(clip.path))).asset_id
    job = await client.ask_render(
        RenderRequest(profile="source", timeline=film(asset, *WHOLE), job_id="film")
    )
    return job.render_id


async def until(client: Client, *states: str, segments: int = 0) -> Render:
    """Wait until the job is in one of these states, with so many segments made or found."""
    replica = Replica(partial(client.resource_stream, prefixes=["render"]))

    def reached() -> Render | None:
        found = replica.shelf.value("render/film", Render)
        if found is None or found.state not in states:
            return None
        return found if found.segments.rendered + found.segments.cached >= segments else None

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


def check_whole(daemon: Daemon, render: Render) -> None:
    """The file shows every frame once, and nothing else was left behind."""
    assert render.output is not None, render.error
    assert read_numbers(Path(render.output.path)) == list(range(280))
    assert list((daemon.folder / "blobs" / "staging").iterdir()) == []


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
        assert (await client.cancel_render("film")).state == "canceled"
        await client.resume_render("film")
        done = await until(client, "completed", "failed")
    assert done.segments.cached >= before.segments.rendered
    check_whole(daemon, done)
