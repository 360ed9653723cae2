"""The servers that are measured, each a process with a folder on a real disk: the daemon, etcd, a Dask cluster."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.kernel.clock import monotonic_s
from tools.inventory import ROOT

START_S: Final = 60
INSTALL: Final = ("apt-get", "install", "--yes", "--no-install-recommends", "etcd-server")
_KIB: Final = 1024
_BLOCK: Final = 512  # what `st_blocks` counts in


@dataclass(frozen=True)
class Server:
    """One that runs: where it listens, its process, its folder, what lets a client in."""

    peer: str
    port: int
    pid: int
    folder: Path
    token: str = ""

    def resident_bytes(self) -> int:
        """Memory that is its own: without pages of files, which the kernel takes back when it wants to."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * _KIB
        raise LookupError(f"process {self.pid} has no RssAnon")

    def disk_bytes(self) -> int:
        """What its folder takes of the disk; room set aside for files to grow into counts."""
        files = (one for one in self.folder.rglob("*") if one.is_file())
        return sum(one.stat().st_blocks * _BLOCK for one in files)


@contextmanager
def daemon(folder: Path, **environment: str) -> Iterator[Server]:
    """Run the daemon in a fresh state directory."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_")}
    command = [sys.executable, "-m", "engine.daemon", "serve", "--port", "0", "--state-dir", str(folder)]
    with _running(command, {**clean, **environment}) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        port = line.rpartition(":")[2]
        if not port.isdigit():
            raise SystemExit(f"the daemon did not start: {line}")
        yield Server("ours", int(port), process.pid, folder, (folder / "operator.token").read_text().strip())


@contextmanager
def etcd(folder: Path) -> Iterator[Server]:
    """Run a single etcd with its own settings for durability: it syncs before it answers."""
    port, peers = _free_port(), _free_port()
    here = f"http://127.0.0.1:{port}"
    between = f"http://127.0.0.1:{peers}"
    flags = {
        "data-dir": str(folder),
        "listen-client-urls": here,
        "advertise-client-urls": here,
        "listen-peer-urls": between,
        "initial-advertise-peer-urls": between,
        "initial-cluster": f"default={between}",
        "log-level": "error",
        "logger": "zap",
        "log-outputs": "/dev/null",
    }
    command = [found_etcd(), *(f"--{name}={value}" for name, value in flags.items())]
    # It complains of every client that goes while an answer is on its way.
    with _running(command, dict(os.environ), subprocess.DEVNULL) as process:
        _wait_for(port, process)
        yield Server("etcd", port, process.pid, folder)


@contextmanager
def dask(folder: Path, workers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Run a Dask scheduler and workers of one thread each; give what `executor` takes, and the processes."""
    port = _free_port()
    here = ("--host", "127.0.0.1", "--no-dashboard")
    quiet = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    scheduler = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--port",
        str(port),
        "--no-show",
        *here,
    ]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        f"tcp://127.0.0.1:{port}",
        "--nthreads",
        "1",
    ]
    worker += ["--no-nanny", "--local-directory", str(folder), *here]
    with ExitStack() as stack:
        first = stack.enter_context(_running(scheduler, quiet, subprocess.DEVNULL))
        _wait_for(port, first)
        others = [stack.enter_context(_running(worker, quiet, subprocess.DEVNULL)) for _ in range(workers)]
        asyncio.run(_joined(port, workers))
        yield f"dask://127.0.0.1:{port}", tuple(one.pid for one in (first, *others))


async def _joined(port: int, workers: int) -> None:
    from distributed import Client

    address = f"tcp://127.0.0.1:{port}"
    async with Client(address, asynchronous=True, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        await client.wait_for_workers(workers, timeout=START_S)


def found_etcd() -> str:
    """Return etcd's path; root has it installed when it is not there, others are told how."""
    path = shutil.which("etcd")
    if path is None and os.geteuid() == 0:
        subprocess.run(INSTALL, check=True, stdout=sys.stderr, env={**os.environ, **_QUIET})
        path = shutil.which("etcd")
    if path is None:
        raise SystemExit(f"etcd is not installed; as root: {' '.join(INSTALL)}")
    return path


# Debian starts what it installs; here nobody wants a second etcd beside the one that is measured.
_QUIET: Final = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def versions() -> list[str]:
    """Return what was measured, in words."""
    import sqlite3

    first = subprocess.run([found_etcd(), "--version"], check=True, capture_output=True, text=True).stdout
    model = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Linux {os.uname().release}",
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {first.splitlines()[0]}",
    ]


def space() -> Path:
    """A folder on a real disk: the machine's folder for temporary files may be memory, where a sync costs nothing."""
    folder = ROOT / "out"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str], errors: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=START_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """Return when a port takes connections. Looked at again and again: not all have another way to say so."""
    end_s = monotonic_s() + START_S
    while monotonic_s() < end_s and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise SystemExit(f"{process.args!r} did not start")
