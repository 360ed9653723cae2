"""Whatever a job does to its process, the pool answers with a clear error and goes on."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.kernel.errors import Invalid, NotFound, StudioError, Unavailable, WorkFailed
from engine.kernel.turns import Party, on_behalf_of
from engine.media import reserve, sandbox
from engine.media.pool import Pool
from tests.unit.media.pool_tasks import Answer, Ask

TASKS = "tests.unit.media.pool_tasks"
ROOT = Path(__file__).parents[3]


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool(modules=(TASKS,), workers=1, memory_bytes=1 << 29) as pool:
        yield pool


async def pid_of(pool: Pool, **options: str) -> int:
    return (await pool.run(f"{TASKS}:pid", Ask(), Answer, **options)).number  # type: ignore[arg-type]


async def test_files_and_results_cross(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    progress: list[tuple[float, float]] = []
    answer = await pool.run(
        f"{TASKS}:copy",
        Ask(text="ä"),
        Answer,
        inputs=(tmp_path / "a", tmp_path / "b"),
        outputs=(tmp_path / "out",),
        report=lambda done, total: progress.append((done, total)),
    )
    assert (answer.text, answer.number) == ("ä", 6 + 1)  # what was loaded before lock-down is there
    assert (tmp_path / "out").read_bytes() == b"onetwo"
    assert progress == [(1, 2)]


async def test_a_large_result_crosses_whole(pool: Pool) -> None:
    assert len((await pool.run(f"{TASKS}:large", Ask(number=5_000_000), Answer)).text) == 5_000_000


async def test_a_process_is_kept_warm(pool: Pool) -> None:
    assert await pid_of(pool) == await pid_of(pool)


async def test_a_process_serves_one_tenant(pool: Pool) -> None:
    first = await pid_of(pool, tenant="a")
    assert await pid_of(pool, tenant="b") != first


async def test_work_that_needs_a_module_gets_a_process_that_has_it_and_others_may_use_it_too(
    pool: Pool,
) -> None:
    plain = await pid_of(pool)
    richer = (await pool.run(f"{TASKS}:pid", Ask(), Answer, needs=("engine.media.probe",))).number
    assert richer != plain
    assert await pid_of(pool) == richer


async def test_who_worked_last_works_next() -> None:
    async with Pool(modules=(TASKS,), workers=2) as pool:
        await asyncio.gather(pid_of(pool), pid_of(pool))
        last = await pid_of(pool)
        assert [await pid_of(pool) for _ in range(3)] == [last] * 3


async def test_a_process_has_the_module_of_what_it_is_to_do() -> None:
    async with Pool(modules=(), workers=1) as pool:
        assert await pid_of(pool) == await pid_of(pool)


async def test_urgent_work_gets_a_process_that_stands_by_and_that_is_replaced() -> None:
    async with Pool(modules=(TASKS,), workers=2, reserve=((),)) as pool:
        pool.keep_reserve()
        (ready,) = await pool.standing_by()
        assert await pid_of(pool) != ready, "what is not urgent can wait for a process of its own"
        with on_behalf_of(Party("previews", "high")):
            assert await pid_of(pool, tenant="b") == ready
        (after,) = await pool.standing_by()
        assert after != ready


async def test_what_is_watched_goes_on_beside_the_rest(pool: Pool) -> None:
    started = asyncio.Event()
    ask = pool.run(f"{TASKS}:toil", Ask(), Answer, report=lambda done, total: started.set())
    long = asyncio.create_task(ask)
    await started.wait()
    assert (await pool.run(f"{TASKS}:pid", Ask(), Answer, watched=True)).number > 0
    assert not long.done()
    long.cancel()


async def test_work_that_takes_long_to_load_gets_the_process_that_has_loaded_it() -> None:
    async with Pool(modules=(TASKS,), workers=2, reserve=((), ("engine.media.probe",))) as pool:
        pool.keep_reserve()
        _, rich = await pool.standing_by()
        ask = pool.run(f"{TASKS}:pid", Ask(), Answer, needs=("engine.media.probe",))
        assert (await ask).number == rich


async def test_a_process_that_died_while_it_stood_by_is_not_used() -> None:
    async with Pool(modules=(TASKS,), workers=1, reserve=((),)) as pool:
        pool.keep_reserve()
        (ready,) = await pool.standing_by()
        os.kill(ready, signal.SIGKILL)
        with on_behalf_of(Party("previews", "high")):
            assert await pid_of(pool) != ready


async def test_nobody_stands_by_any_more_once_the_pool_is_closed() -> None:
    pool = Pool(modules=(TASKS,), workers=1, reserve=((),))
    pool.keep_reserve()
    (ready,) = await pool.standing_by()
    await pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(ready, 0)


async def test_nobody_stands_by_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable:    1000000 kB\n")
    monkeypatch.setattr(reserve, "_MEMORY", tmp_path / "meminfo")
    async with Pool(modules=(TASKS,), workers=1, reserve=((),)) as pool:
        pool.keep_reserve()
        assert await pid_of(pool) > 0
        assert await pool.standing_by() == ()


async def test_a_process_is_replaced_after_its_jobs() -> None:
    async with Pool(modules=(TASKS,), workers=1, jobs_max=2) as pool:
        pids = [await pid_of(pool) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_an_error_of_the_work_keeps_its_code_and_the_process(pool: Pool) -> None:
    before = await pid_of(pool)
    with pytest.raises(Invalid) as caught:
        await pool.run(f"{TASKS}:refuse", Ask(), Answer)
    assert (caught.value.code, caught.value.extra) == ("media_unreadable", {"frame": 7})
    with pytest.raises(WorkFailed, match="RuntimeError: a bug") as failed:
        await pool.run(f"{TASKS}:stumble", Ask(), Answer)
    assert "stumble" in failed.value.extra["log_tail"]
    assert await pid_of(pool) == before


@pytest.mark.parametrize(
    ("name", "number", "cause", "words"),
    [
        ("crash", 0, "crash", "SIGSEGV"),
        ("leave", 0, "crash", "ended with code 3"),
        ("devour", 1 << 30, "memory", "more memory than is allowed"),
        ("hang", 0, "time_limit", "longer than 0.3 s"),
    ],
)
async def test_a_job_that_breaks_its_process_fails_with_the_reason(
    pool: Pool, name: str, number: int, cause: str, words: str
) -> None:
    await pool.start()
    with pytest.raises(WorkFailed, match=words) as caught:
        await pool.run(f"{TASKS}:{name}", Ask(number=number), Answer, limit_s=0.3 if name == "hang" else 60)
    assert caught.value.extra["cause"] == cause
    assert await pid_of(pool) > 0


async def test_a_job_that_is_called_off_leaves_its_process_warm(pool: Pool) -> None:
    before, started = await pid_of(pool), asyncio.Event()
    job = asyncio.create_task(
        pool.run(f"{TASKS}:toil", Ask(), Answer, report=lambda done, total: started.set())
    )
    await started.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await pid_of(pool) == before


async def test_a_job_called_off_at_any_time_is_not_answered_to_the_next(pool: Pool) -> None:
    for turns in range(60):
        job = asyncio.create_task(pool.run(f"{TASKS}:toil", Ask(number=200), Answer))
        for _ in range(turns // 2):
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        assert (await pool.run(f"{TASKS}:toil", Ask(number=3), Answer)).number == 3


async def test_cancelling_kills_the_process_that_does_not_hear(pool: Pool) -> None:
    started = asyncio.Event()
    before = await pid_of(pool)
    job = asyncio.create_task(
        pool.run(f"{TASKS}:hang", Ask(), Answer, report=lambda done, total: started.set())
    )
    await started.wait()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert await pid_of(pool) != before


async def test_closing_ends_what_is_under_way_and_what_waits(pool: Pool) -> None:
    started = asyncio.Event()
    running = asyncio.create_task(
        pool.run(f"{TASKS}:hang", Ask(), Answer, report=lambda done, total: started.set())
    )
    waiting = asyncio.create_task(pool.run(f"{TASKS}:pid", Ask(), Answer))
    await started.wait()
    await pool.close()
    ends = await asyncio.gather(running, waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [WorkFailed, Unavailable]
    with pytest.raises(Unavailable):
        await pid_of(pool)


@pytest.mark.skipif(not sandbox.available().complete, reason="this machine has no sandbox")
async def test_a_job_cannot_leave_its_sandbox(pool: Pool, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_bytes(b"x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        ask = Ask(text=str(target), number=server.getsockname()[1])
        answer = await pool.run(f"{TASKS}:escape", ask, Answer, inputs=(target,), limit_s=20)
    assert answer.text == ""
    assert target.read_bytes() == b"x"


async def test_a_machine_without_walls_is_refused_unless_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = sandbox.Walls(landlock_abi=0, seccomp=False, missing=("Landlock: not here",))
    monkeypatch.setattr(sandbox, "available", lambda: bare)
    async with Pool(modules=(TASKS,), workers=1) as pool:
        with pytest.raises(Unavailable, match="Landlock: not here"):
            await pid_of(pool)
    async with Pool(modules=(TASKS,), workers=1, sandbox="none") as pool:
        assert await pid_of(pool) > 0


async def test_what_is_no_regular_file_is_refused(pool: Pool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, kind in (
        (tmp_path / "fifo", Invalid),
        (Path("/dev/zero"), Invalid),
        (tmp_path, Invalid),
        (tmp_path / "nothing", NotFound),
    ):
        with pytest.raises(kind) as caught:
            await pool.run(f"{TASKS}:copy", Ask(), Answer, inputs=(path,))
        assert isinstance(caught.value, StudioError)


async def how_restricted(*, landlock: bool, seccomp: bool) -> str:
    """Put up one wall in a process of its own and say what still goes through."""
    script = f"""
import os, socket
from engine.kernel.turns import Party, on_behalf_of
from engine.media import reserve, sandbox
walls = sandbox.Walls(landlock_abi=sandbox.available().landlock_abi if {landlock} else 0, seccomp={seccomp})
sandbox.available = lambda: walls
sandbox.lock_down(memory_bytes=1 << 30, file_bytes=1 << 30)
def through(attempt):
    try: attempt()
    except OSError: return False
    return True
print(
    "file" if through(lambda: os.open("/etc/passwd", os.O_RDONLY)) else "",
    "socket" if through(lambda: socket.socket().close()) else "",
)
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    return out.decode().strip()


@pytest.mark.skipif(not sandbox.available().complete, reason="this machine has no sandbox")
async def test_each_wall_holds_by_itself() -> None:
    assert await how_restricted(landlock=False, seccomp=False) == "file socket"
    assert await how_restricted(landlock=True, seccomp=False) == "socket"
    assert await how_restricted(landlock=False, seccomp=True) == ""


def test_no_process_outlives_its_parent_even_while_it_works() -> None:
    script = f"""
import asyncio, os, signal
from engine.media.pool import Pool
from {TASKS} import Answer, Ask
async def main():
    pool = Pool(modules=({TASKS!r},), workers=1)
    number = (await pool.run({TASKS + ":pid"!r}, Ask(), Answer)).number
    def begun(done, total):
        print(number, flush=True)
        input()
        os.kill(os.getpid(), signal.SIGKILL)
    await pool.run({TASKS + ":hang"!r}, Ask(), Answer, report=begun)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.stdin.write(b"\n")
        parent.stdin.close()
        watch = select.poll()
        watch.register(child, select.POLLIN)
        assert watch.poll(10_000), "the child lives on"
        os.close(child)
        assert parent.wait() == -signal.SIGKILL
