"""A disk that fails: every Nth write or sync ends in an error, and the program is told nothing else.

strace has the calls fail under the program's feet. An error of the disk ends the program, for what was being committed is
neither there nor not there; a full disk is a clean no, and the program goes on. Either way what was acknowledged stays,
and what is asked again comes to one event.
"""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cutroom_sdk.wire.problems import FAILED
from engine.features import AGGREGATES
from tests.daemons import Daemon
from tests.fault.invariants import check_log
from tests.fault.stubborn import ENDED, RECORDS
from tests.kernel_kit import COUNTER

ROOT: Final = Path(__file__).resolve().parents[2]
LIVES_MAX: Final = 60
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
FAULTS: Final = [
    ("fdatasync", "EIO", 22),
    ("fsync", "EIO", 17),
    ("pwrite64", "EIO", 190),
    ("pwrite64", "ENOSPC", 61),
]
DEEPER: Final = [
    pytest.param(call, error, every + step, marks=[pytest.mark.deep, pytest.mark.timeout(600)])
    for call, error, every in FAULTS
    for step in range(1, 11)
]


class Lives:
    """The program's lives on one folder; `told` is what all of them said."""

    def __init__(self, folder: Path, call: str, error: str, every: int) -> None:
        self._folder, self._call, self._error, self._every = folder, call, error, every
        self.told: list[str] = []
        self.ends: list[int] = []

    def live(self) -> int:
        """Live once; each life's disk lasts a little longer, so that one of them gets to the end."""
        every = self._every + len(self.ends) * self._every // 2
        fault = f"--inject={self._call}:error={self._error}:when={every}+{every}"
        strace = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            f"trace={self._call}",
            fault,
        ]
        command = [*strace, sys.executable, "-m", "tests.fault.stubborn", str(self._folder)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert ran.returncode in (0, ENDED), ran.stderr
        self.told += ran.stdout.splitlines()
        self.ends.append(ran.returncode)
        return ran.returncode


@pytest.mark.parametrize(("call", "error", "every"), [*FAULTS, *DEEPER])
async def test_a_program_on_a_failing_disk_keeps_its_promises_and_gets_there(
    tmp_path: Path, call: str, error: str, every: int
) -> None:
    lives = Lives(tmp_path, call, error, every)
    while lives.live() != 0:
        await check_log(tmp_path, [COUNTER])
        assert len(lives.ends) < LIVES_MAX, "it does not get anywhere"
    events = await check_log(tmp_path, [COUNTER])
    written = Counter(event.position for event in events)
    keys = Counter(key for event in events for key in _keys(bytes(event.data).decode()))
    assert keys == Counter({f"project/{number}": 1 for number in range(RECORDS)})
    for words in map(str.split, lives.told):
        if words[0] == "record" and words[2] != "0":
            assert f'"project/{words[1]}"' in bytes(events[int(words[2]) - 1].data).decode()
    assert set(written.values()) == {1}
    assert (ENDED in lives.ends) if error == "EIO" else ("full" in lives.told), "the disk never failed"


def _keys(data: str) -> list[str]:
    return [part for part in data.split('"') if part.startswith("project/")]


@contextlib.contextmanager
def _failing(process: int, fault: str) -> Iterator[None]:
    """Have a running process's calls fail for as long as the block lasts, or the process lives."""
    command = ["strace", "-f", "-p", str(process), "-e", f"trace={fault.split(':')[0]}", f"--inject={fault}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        assert "attached" in strace.stderr.readline()
        drain = threading.Thread(target=strace.stderr.read)
        drain.start()
        try:
            yield
        finally:
            strace.terminate()
            drain.join()


@pytest.mark.parametrize("fault", ["fdatasync:error=EIO", "pwrite64:error=EIO"])
async def test_a_daemon_whose_log_fails_ends_and_a_repeat_comes_to_one_event(
    state_dir: Path, fault: str
) -> None:
    daemon = Daemon(state_dir)
    await asyncio.to_thread(daemon.start)
    key = {"Idempotency-Key": "k"}
    async with daemon.asking() as client:
        assert (await client.put("/v1/resources/project/a", json={"value": 1})).status_code == 201
        assert daemon.process is not None
        with _failing(daemon.process.pid, fault):
            refused = await client.put("/v1/resources/project/a", json={"value": 2}, headers=key)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert await asyncio.to_thread(daemon.process.wait, 20) == FAILED
    daemon.stop()
    async with daemon, daemon.asking() as client:
        again = await client.put("/v1/resources/project/a", json={"value": 2}, headers=key)
        # Whether the first was written is not known to whoever asked; that it is there once, is.
        assert again.status_code == 200 or again.json()["code"] == "answer_not_kept"
        found = (await client.get("/v1/resources/project/a")).json()
        assert (found["value"], found["rev"]) == (2, 2)
    await check_log(state_dir, AGGREGATES)
