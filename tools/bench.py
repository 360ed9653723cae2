"""Measures on this machine. Figures of a shared machine are noisy: compare them with others of the same run.

python -m tools.bench log [--seconds 2]     writes through the daemon's one write path, synced to disk, by so many at once
python -m tools.bench missions              events that missions fold, and how soon a large one is under way
python -m tools.bench routines              what 10 000 that wait cost, and how late ticks fire among them
python -m tools.bench edits                 an edit of timelines of 100 to 5 000 clips: time, sizes, undo, replay
python -m tools.bench edit                  the demo's edit in a fresh state directory, and the same again
python -m tools.bench kernel [--rounds 3]   the daemon against etcd, over the network: writes, reads, fan-out, memory, disk
python -m tools.bench render [--only cuts]   the renderer against ffmpeg, melt, MoviePy and smartcut, on footage made here
python -m tools.bench replay [--events N]   a log of a million events: folded, compared, proved, compacted; ready on it
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from cutroom_sdk.wire.resources import Operation
from engine.kernel.clock import SystemClock, monotonic_s
from engine.kernel.context import Context
from engine.kernel.kernel import Kernel
from engine.kernel.records import STREAM, WriteRecords
from tools import bench_edits, bench_missions, bench_replay, bench_routines
from tools.bench_kernel import measure_kernel
from tools.bench_render import measure_render
from tools.bench_servers import space
from tools.inventory import ROOT
from tools.markdown import table

CLIENTS: Final = (1, 16, 64, 256)
VALUE: Final = {"note": "x" * 280}
BENCH: Final = Context(actor="bench", capabilities=frozenset({"*"}))


async def measure_log(seconds: float) -> str:
    """Return a table: writes a second and their latency, by the number of writers at once."""
    rows = []
    for clients in CLIENTS:
        with tempfile.TemporaryDirectory(dir=space()) as folder:
            kernel = await Kernel.open(Path(folder), (), SystemClock())
            async with kernel.running():
                latencies = await _write(kernel, clients, seconds)
        cuts = statistics.quantiles(latencies, n=100)
        rows.append((str(clients), f"{len(latencies) / seconds:.0f}", f"{cuts[49]:.2f}", f"{cuts[98]:.2f}"))
    return table(("writers", "writes/s", "p50 ms", "p99 ms"), rows)


async def _write(kernel: Kernel, clients: int, seconds: float) -> list[float]:
    end_s = monotonic_s() + seconds

    async def write(number: int) -> list[float]:
        taken = []
        operation = Operation(op="put", key=f"project/bench/{number}", value=VALUE)
        while (begun_s := monotonic_s()) < end_s:
            await kernel.dispatch.propose(STREAM, WriteRecords(operations=(operation,)), BENCH)
            taken.append((monotonic_s() - begun_s) * 1000)
        return taken

    return [one for taken in await asyncio.gather(*map(write, range(clients))) for one in taken]


def measure_edit() -> str:
    """Return a table: how long the demo's edit takes for the first and for the second time."""
    with tempfile.TemporaryDirectory(dir=space()) as name:
        footage = Path(name) / "talk.mp4"
        subprocess.run(
            [sys.executable, "-m", "demo.footage", footage], cwd=ROOT, check=True, stdout=sys.stderr
        )
        runs = [_edit(Path(name), footage) for _ in range(2)]
        subprocess.run([_cutroom(), "stop", "--state-dir", f"{name}/state"], check=True, stdout=sys.stderr)
    rows = [
        (which, f"{seconds:.2f}", ", ".join(told["reused"]) or "nothing", told["plan_hash"][:12])
        for which, (seconds, told) in zip(("first", "second"), runs, strict=True)
    ]
    return table(("run", "s", "reused", "plan"), rows)


def _edit(folder: Path, footage: Path) -> tuple[float, dict[str, Any]]:
    where = ["--state-dir", str(folder / "state"), "-o", str(folder / "out.mp4")]
    command = [_cutroom(), "edit", str(footage), "--goal", "a 20 second highlight", *where]
    command += ["--profile", "reels", "--approve", "auto", "--json"]
    begun_s = monotonic_s()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return monotonic_s() - begun_s, json.loads(done.stdout)


def _cutroom() -> str:
    return os.path.join(os.path.dirname(sys.executable), "cutroom")


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="just bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "what",
        choices=["all", "log", "missions", "routines", "edits", "edit", "kernel", "replay", "render"],
        nargs="?",
        default="all",
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="for each number of writers")
    parser.add_argument("--events", type=int, default=bench_replay.EVENTS, help="of replay: in each log")
    parser.add_argument("--rounds", type=int, default=3, help="of kernel: how often each side has its turn")
    parser.add_argument(
        "--only", default="", help="of kernel and render: only the rows whose name holds this"
    )
    asked = parser.parse_args()
    if asked.what in ("all", "log"):
        print(asyncio.run(measure_log(asked.seconds)), end="\n\n")
    if asked.what in ("all", "missions"):
        print(bench_missions.measure(space()), end="\n\n")
    if asked.what == "replay":  # minutes: not with all the others
        print(bench_replay.measure(space(), asked.events), end="\n\n")
    if asked.what == "render":  # minutes too
        print(measure_render(space(), asked.only), end="\n\n")
    if asked.what in ("all", "routines"):
        print(bench_routines.measure(space(), 5 * asked.seconds), end="\n\n")
    if asked.what in ("all", "edits"):
        print(bench_edits.measure(space()), end="\n\n")
    if asked.what in ("all", "edit"):
        print(measure_edit(), end="\n\n")
    if asked.what in ("all", "kernel"):
        print(measure_kernel(asked.seconds, asked.rounds, asked.only))


if __name__ == "__main__":
    main()
