"""How soon a frame is there and a stream begins: asked of a daemon that has just started, and of one that has shown some.

Cold is the first thing that is asked once the daemon says that it is ready, on a folder that knows the footage; warm is
asked over a connection that is open, as who scrubs has it. ffmpeg is a new process each time.
"""

import asyncio
import statistics
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from tools import bench_ours, bench_peers
from tools.bench_film import RATE, SECONDS
from tools.bench_ours import Ours
from tools.bench_peers import Took

FRAMES: Final = SECONDS * RATE
STARTS: Final = 5
PLACES: Final = 24
STREAMS: Final = 6
Asking = Callable[[Ours, str], Coroutine[Any, Any, list[float]]]


def measure_frames(film: Path, folder: Path, ours: Ours) -> Iterator[tuple[str, str, Took]]:
    """Yield `(work, who, took)`: medians of seconds; memory in MiB.

    Args:
        film: the footage.
        folder: for what is made, and for the daemon that is started again and again.
        ours: a daemon that runs and knows the footage.
    """
    places = [int(place) for place in np.random.default_rng(7).integers(0, FRAMES, PLACES)]
    timeline_id = asyncio.run(ours.keep(bench_ours.cuts(ours.asset_id, [(0, FRAMES)])))
    peer = _median(_by_ffmpeg(film, place, folder) for place in places)
    yield "one frame, warm", "ours", _median(asyncio.run(ours.frames(timeline_id, places))[1:])
    yield "one frame, warm", "ffmpeg", peer
    first = _by_new_daemons(film, folder / "frames", lambda one, name: one.frames(name, places[:1]))
    yield "one frame, cold", "ours", _median(seconds[0] for seconds in first)
    yield "one frame, cold", "ffmpeg", peer
    starts = [place // RATE for place in places[:STREAMS]]
    streams = [asyncio.run(ours.streamed(timeline_id, start)) for start in starts]
    yield "stream, warm", "ours: bytes", _median(seconds[0] for seconds in streams[1:])
    yield "stream, warm", "ours: pictures", _median(seconds[1] for seconds in streams[1:])
    first = _by_new_daemons(film, folder / "streams", lambda one, name: one.streamed(name, starts[0]))
    yield "stream, cold", "ours: bytes", _median(seconds[0] for seconds in first)
    yield "stream, cold", "ours: pictures", _median(seconds[1] for seconds in first)
    daemon_mib, workers_mib = ours.resident_mib()
    yield "idle after that", "daemon", Took(0, 0, daemon_mib)
    for worker_mib in workers_mib:
        yield "idle after that", "a worker", Took(0, 0, worker_mib)


def _by_new_daemons(film: Path, folder: Path, ask: Asking) -> list[list[float]]:
    """Return what `STARTS` daemons answer, each just started in a folder that knows the film."""
    with bench_ours.ours(folder, film) as one:
        timeline_id = asyncio.run(one.keep(bench_ours.cuts(one.asset_id, [(0, FRAMES)])))
    answers = []
    for _ in range(STARTS):
        with bench_ours.started(folder, film) as one:
            answers.append(asyncio.run(ask(one, timeline_id)))
    return answers


def _by_ffmpeg(film: Path, place: int, folder: Path) -> float:
    return bench_peers.run(bench_peers.frame(film, place / RATE, folder / "frame.png"), folder).wall_s


def _median(seconds: Iterable[float]) -> Took:
    return Took(statistics.median(seconds), 0, 0)
