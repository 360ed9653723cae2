"""The daemon against etcd, in turns: durable compare-and-set writes, reads, fan-out, memory and disk.

Both are asked by the same lean client (`tools.bench_clients`), in one run and in rounds that alternate; a row is the median
of its rounds. On a machine that others use as well, the ratio and the processor time of an operation say most.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tools.bench_clients import Job, Outcome
from tools.bench_servers import Server, daemon, etcd, space, versions
from tools.inventory import ROOT
from tools.markdown import table

EVENTS: Final = 50_000  # of the look at memory and disk
PACE: Final = 100  # writes a second, for latencies of delivery


@dataclass(frozen=True)
class Work:
    """One row: what is done, by how many, and what is asked of it."""

    name: str
    work: str
    clients: int
    goal: str
    rate: int = 0
    alone: bool = False  # etcd is not asked


WORKS: Final = (
    Work("compare-and-set, 1 client", "write", 1, ">= 1x"),
    Work("compare-and-set, 64 clients", "write", 64, ">= 2x"),
    Work("compare-and-set, 256 clients", "write", 256, ">= 2x"),
    Work("reads of one key, 64 clients", "read", 64, ">= 2x"),
    Work("fan-out to 200 watchers", "fan", 200, ">= 3x"),
    Work("200 watchers, 100 writes/s", "fan", 200, "p99 below etcd's", PACE),
    Work("1 000 watchers, 100 writes/s", "fan", 1000, "none 250 ms behind", PACE, alone=True),
)


class Kept(NamedTuple):
    """What events have cost a server, bytes an event: disk in all, memory beyond that of a server without data."""

    disk: float
    memory: float
    base: int


def measure_kernel(seconds: float, rounds: int, only: str = "") -> str:
    """Return the tables; `only` picks the rows whose name holds it."""
    works = [work for work in WORKS if only in work.name]
    outcomes: dict[tuple[str, str], list[Outcome]] = {}
    with tempfile.TemporaryDirectory(dir=space()) as folder, ExitStack() as stack:
        servers = [
            stack.enter_context(start(Path(folder) / name)) for name, start in (("o", daemon), ("e", etcd))
        ]
        for server in servers:
            run(server, work="write", clients=1, count=1, tag="read")
        for turn, work in product(range(rounds), works):
            # Every job has keys of its own, so that each client's first write finds none.
            tag = f"{turn}.{works.index(work)}."
            for server in _in_turn(servers, turn):
                if work.alone and (server.peer == "etcd" or turn):
                    continue
                outcome = run(
                    server, work=work.work, clients=work.clients, seconds=seconds, rate=work.rate, tag=tag
                )
                print(f"{work.name}, {server.peer}: {_short(outcome)}", file=sys.stderr, flush=True)
                outcomes.setdefault((work.name, server.peer), []).append(outcome)
    parts = [table_of(works, outcomes)]
    if not only:
        parts.append(table(("300-byte events", "ours", "etcd"), _kept_rows()))
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in versions())])


_HEADS: Final = (
    "work",
    "ours /s",
    "etcd /s",
    "ratio",
    "goal",
    "server CPU us",
    "p50 ms",
    "p99 ms",
    "worst ms",
    "client's share of CPU",
)


def table_of(works: Sequence[Work], outcomes: dict[tuple[str, str], list[Outcome]]) -> str:
    """Return the rows of some works, of the outcomes by name and side."""
    return table(_HEADS, [_row(work, outcomes) for work in works])


def run(server: Server, **asked: object) -> Outcome:
    """Have a client process do one job."""
    job = Job(
        peer=server.peer,
        port=server.port,
        pid=server.pid,
        token=server.token,
        **asked,  # type: ignore[arg-type]
    )
    command = [sys.executable, "-m", "tools.bench_clients", msgspec.json.encode(job).decode()]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    if outcome.failures:
        print(f"{server.peer}: {outcome.failures} failures in {job.work}", file=sys.stderr)
    return outcome


def _in_turn(servers: Sequence[Server], turn: int) -> Sequence[Server]:
    return servers if turn % 2 == 0 else servers[::-1]


def _rate(outcomes: Sequence[Outcome]) -> float:
    return statistics.median(one.operations / one.seconds for one in outcomes)


def _short(outcome: Outcome) -> str:
    each = outcome.server_cpu_s / max(outcome.operations, 1) * 1e6
    return (
        f"{outcome.operations / outcome.seconds:.0f}/s, {each:.1f} us, p50 {outcome.p50_ms:.2f} ms, "
        f"p99 {outcome.p99_ms:.2f} ms, client {_share(outcome):.0%}"
    )


def _share(outcome: Outcome) -> float:
    return outcome.client_cpu_s / max(outcome.client_cpu_s + outcome.server_cpu_s, 1e-9)


def _row(work: Work, outcomes: dict[tuple[str, str], list[Outcome]]) -> tuple[str, ...]:
    ours, theirs = outcomes[work.name, "ours"], outcomes.get((work.name, "etcd"), [])
    timed = work.work != "fan" or work.rate > 0

    def both(form: str, of: str) -> str:
        """The median of a figure on both sides, `ours / etcd`."""
        return " / ".join(
            format(statistics.median(getattr(Figures(one), of) for one in side), form)
            for side in (ours, theirs)
            if side
        )

    return (
        work.name,
        f"{_rate(ours):.0f}",
        f"{_rate(theirs):.0f}" if theirs else "-",
        f"{_rate(ours) / max(_rate(theirs), 1):.2f}x" if theirs and not work.rate else "-",
        work.goal,
        both(".1f", "cpu_us"),
        both(".2f", "p50_ms") if timed else "-",
        both(".2f", "p99_ms") if timed else "-",
        both(".0f", "worst_ms") if timed else "-",
        both(".0%", "client"),
    )


class Figures:
    """An outcome as a row shows it."""

    def __init__(self, outcome: Outcome) -> None:
        self.cpu_us = outcome.server_cpu_s / max(outcome.operations, 1) * 1e6
        self.p50_ms = outcome.p50_ms
        self.p99_ms = outcome.p99_ms
        self.worst_ms = outcome.worst_ms
        self.client = _share(outcome)


def _kept_rows() -> list[tuple[str, ...]]:
    ours, theirs = (_kept(start) for start in (daemon, etcd))
    return [
        ("bytes on disk an event", f"{ours.disk:.0f}", f"{theirs.disk:.0f}"),
        ("bytes of memory an event", f"{ours.memory:.0f}", f"{theirs.memory:.0f}"),
        ("MiB of memory before the first", f"{ours.base / 2**20:.0f}", f"{theirs.base / 2**20:.0f}"),
    ]


def _kept(start: Callable[[Path], AbstractContextManager[Server]]) -> Kept:
    with tempfile.TemporaryDirectory(dir=space()) as folder, start(Path(folder) / "data") as server:
        run(server, work="write", clients=64, count=64, tag="warm")
        base = server.resident_bytes()
        run(server, work="write", clients=256, count=EVENTS)
        return Kept(server.disk_bytes() / EVENTS, (server.resident_bytes() - base) / EVENTS, base)
