"""The renderer against its peers, on footage that is made here: time, processor time, and whether the result is right.

Each row is one run of each after the other, so that all see the same machine. A peer's whole command is timed; ours from the
asking to the muxed file, with the time that its checks take beside it. A result's frames are read back: each says its number.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Timeline, TimeRange
from tools import bench_ours, bench_peers
from tools.bench_film import GOP, HEIGHT, LARGE, RATE, SECONDS, WIDTH, make_film, numbers, psnr
from tools.bench_frames import measure_frames
from tools.bench_ours import Ours, Rendered
from tools.bench_peers import PROFILE, Took
from tools.bench_servers import dask
from tools.markdown import table

FRAMES: Final = SECONDS * RATE
OVERLAP: Final = 30
WORDS: Final = "The harbour at six"
FONT: Final = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
COLUMNS: Final = (
    "work",
    "who",
    "s",
    "CPU s",
    "MiB",
    "checks s",
    "frames wrong",
    "PSNR dB",
    "ours is faster by",
)


@dataclass(frozen=True)
class Row:
    """One program's turn at one work. `wrong` frames and `likeness` None: not looked at."""

    work: str
    who: str
    took: Took
    checks_s: float = 0.0
    wrong: int | None = None
    likeness: float | None = None


class Bench:
    """The film, a folder for results, a daemon, and the rows so far."""

    def __init__(self, film: Path, folder: Path, environments: Path, ours: Ours) -> None:
        self._film, self._folder, self._environments, self._ours = film, folder, environments, ours
        self.rows: list[Row] = []

    def transcode(self) -> None:
        """All of it but two seconds in the middle, every frame encoded."""
        spans = ((0, FRAMES // 2 - RATE), (FRAMES // 2 + RATE, FRAMES))
        self._ours_row("transcode, one cut", bench_ours.cuts(self._ours.asset_id, spans), _expected(spans))
        command = bench_peers.ffmpeg_cuts(self._film, spans, RATE, self._out("ffmpeg"))
        self._peer_row("transcode, one cut", "ffmpeg", command, _expected(spans))

    def cuts(self) -> None:
        """Twenty spans at random, and twenty that begin and end on keyframes."""
        for work, grid in (("20 random cuts", 1), ("20 cuts on keyframes", GOP)):
            spans = _random_spans(20, grid)
            self._ours_row(work, bench_ours.cuts(self._ours.asset_id, spans), _expected(spans), "cut")
            python = bench_peers.installed("smartcut", self._environments)
            smart = bench_peers.smartcut(python, self._film, spans, RATE, self._out("smartcut"))
            self._peer_row(work, "smartcut", smart, _expected(spans))
            if grid == 1:
                anew = bench_peers.ffmpeg_cuts(self._film, spans, RATE, self._out("ffmpeg"))
                self._peer_row(work, "ffmpeg", anew, _expected(spans))
            self._peer_row(work, "cp", ("cp", str(self._film), str(self._out("cp"))), None)

    def dissolves(self) -> None:
        """Ten clips of ten seconds that dissolve into each other over a second."""
        work = "10 clips, 9 dissolves"
        spans = [(number * 800, number * 800 + 300) for number in range(10)]
        self._ours_row(work, bench_ours.dissolves(self._ours.asset_id, spans, OVERLAP), None)
        ffmpeg = bench_peers.ffmpeg_dissolves(self._film, spans, OVERLAP, RATE, self._out("ffmpeg"))
        self._peer_row(work, "ffmpeg", ffmpeg, None)
        if bench_peers.available("melt"):
            self._peer_row(
                work, "melt", bench_peers.melt_dissolves(self._film, spans, OVERLAP, self._out("melt")), None
            )
        pairs = [f"{start}-{end}" for start, end in spans]
        self._moviepy_row(work, bench_peers.MOVIEPY_DISSOLVES, str(OVERLAP), str(RATE), *pairs)

    def layers(self) -> None:
        """A minute of three picture tracks and two of sound."""
        work, count = "3 tracks, 1 minute", 60 * RATE
        self._ours_row(work, bench_ours.layers(self._ours.asset_id, count, WORDS), None)
        ffmpeg = bench_peers.ffmpeg_layers(self._film, count, RATE, WORDS, self._out("ffmpeg"))
        self._peer_row(work, "ffmpeg", ffmpeg, None)
        if bench_peers.available("melt"):
            self._peer_row(
                work, "melt", bench_peers.melt_layers(self._film, count, WORDS, self._out("melt")), None
            )
        self._moviepy_row(work, bench_peers.MOVIEPY_LAYERS, str(count), str(RATE), WORDS, FONT)

    def dask(self) -> None:
        """The film with one cut, by this machine's pool and by two workers of a Dask cluster: the same file."""
        work, spans = "transcode, on Dask", ((0, FRAMES // 2 - RATE), (FRAMES // 2 + RATE, FRAMES))
        here = self._ours_row(work, bench_ours.cuts(self._ours.asset_id, spans), None)
        store = self._folder / "store"
        store.mkdir()
        with dask(self._folder, 2) as (address, pids):
            settings = {"CUTROOM_EXECUTOR": address, "CUTROOM_CLUSTER_STORE": str(store)}
            with bench_ours.ours(self._folder / "far", self._film, pids, **settings) as far:
                done = asyncio.run(far.render(bench_ours.cuts(far.asset_id, spans), PROFILE))
        assert here.render.output is not None
        assert done.render.output is not None
        if done.render.output.sha256 != here.render.output.sha256:
            raise SystemExit("the cluster made another file than the pool")
        took = Took(done.wall_s, done.cpu_s, max(done.parent_mib, done.worker_mib))
        self._add(Row(work, "ours, 2 workers of Dask", took, done.checks_s))

    def trimmed(self) -> None:
        """A finished timeline of five minutes, and the same with its second clip ten frames shorter."""
        spans = [(number * 900, number * 900 + 900) for number in range(10)]
        first = bench_ours.cuts(self._ours.asset_id, spans)
        self._ours_row("5 minutes, first render", first, None)
        self._ours_row("5 minutes, one clip trimmed", _shorter(first, clip=1, frames=10), None)

    def frames(self) -> None:
        """One exact frame, and the beginning of a stream, by a daemon that has just started and by one at work."""
        for work, who, took in measure_frames(self._film, self._folder, self._ours):
            self._add(Row(work, who, took))

    def memory(self) -> None:
        """Ten seconds with a cut, at 1080p and at 4K: the most that the daemon, a worker and ffmpeg had in use."""
        spans = ((0, 5 * RATE), (6 * RATE, 11 * RATE))
        large = _made(self._film.with_name("film-4k.mp4"), 12, LARGE)
        for work, film, size in (
            ("memory, 1080p", self._film, (WIDTH, HEIGHT)),
            ("memory, 4K", large, LARGE),
        ):
            asyncio.run(self._ours.take_in(film))
            timeline = bench_ours.cuts(self._ours.asset_id, spans, size)
            done = asyncio.run(self._ours.render(timeline, PROFILE))
            for who, most in (("ours, daemon", done.parent_mib), ("ours, worker", done.worker_mib)):
                self._add(Row(work, who, Took(done.wall_s, done.cpu_s, most)))
            command = bench_peers.ffmpeg_cuts(film, spans, RATE, self._out("ffmpeg"))
            self._peer_row(work, "ffmpeg", command, None)

    def _ours_row(
        self, work: str, timeline: Timeline, expected: list[int] | None, profile: str = PROFILE
    ) -> Rendered:
        done = asyncio.run(self._ours.render(timeline, profile))
        assert done.render.output is not None
        file = Path(done.render.output.path)
        wrong, likeness = self._judged(file, expected)
        took = Took(done.wall_s, done.cpu_s, max(done.parent_mib, done.worker_mib))
        self._add(Row(work, "ours", took, done.checks_s, wrong, likeness))
        return done

    def _add(self, row: Row) -> None:
        """Keep a row, and say it at once: the whole table takes minutes."""
        self.rows.append(row)
        print("  ".join(_said(row, self.rows)), file=sys.stderr, flush=True)

    def _peer_row(self, work: str, who: str, command: Sequence[str], expected: list[int] | None) -> None:
        took = bench_peers.run(command, self._folder)
        wrong, likeness = self._judged(self._out(who), expected)
        self._add(Row(work, who, took, 0.0, wrong, likeness))
        self._out(who).unlink(missing_ok=True)

    def _moviepy_row(self, work: str, script: str, *arguments: str) -> None:
        python = bench_peers.installed("moviepy", self._environments)
        command = (python, "-c", script, str(self._film), str(self._out("moviepy")), *arguments)
        self._peer_row(work, "moviepy", command, None)

    def _judged(self, file: Path, expected: list[int] | None) -> tuple[int | None, float | None]:
        """Return how many frames are not the ones they should be, and how far from the source the worst is."""
        if expected is None:
            return None, None
        shown = numbers(file)
        missing = abs(len(shown) - len(expected))
        wrong = missing + sum(a != b for a, b in zip(shown, expected, strict=False))
        return wrong, None if wrong else psnr(file, self._film, expected)

    def _out(self, who: str) -> Path:
        return self._folder / f"{who}.mp4"


WORKS: Final[dict[str, Callable[[Bench], None]]] = {
    "transcode": Bench.transcode,
    "cuts": Bench.cuts,
    "dissolves": Bench.dissolves,
    "layers": Bench.layers,
    "dask": Bench.dask,
    "trimmed": Bench.trimmed,
    "frame": Bench.frames,
    "memory": Bench.memory,
}


def measure_render(space: Path, only: str = "") -> str:
    """Return a table of all works, or of those whose name holds `only`."""
    film = _made(space / "bench" / "film.mp4", SECONDS, (WIDTH, HEIGHT))
    rows: list[Row] = []
    for name, work in WORKS.items():
        if only not in name:
            continue
        with tempfile.TemporaryDirectory(dir=space) as folder:
            state = Path(folder) / "state"
            with bench_ours.ours(state, film) as running:
                bench = Bench(film, Path(folder), space / "bench" / "peers", running)
                work(bench)
            rows += bench.rows
    return (
        table(COLUMNS, [_said(row, rows) for row in rows])
        + "\n\n"
        + "\n".join(f"- {one}" for one in _versions())
    )


def _made(film: Path, seconds: int, size: tuple[int, int]) -> Path:
    """Return footage, made now unless an earlier run has left it."""
    if not film.exists():
        film.parent.mkdir(parents=True, exist_ok=True)
        making = film.with_suffix(".making.mp4")
        make_film(making, seconds, size)
        making.rename(film)
    return film


def _said(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    own = next((one for one in rows if one.work == row.work and one.who == "ours"), None)
    ratio = "" if own is None or own is row else f"{row.took.wall_s / own.took.wall_s:.2f}x"
    return (
        row.work,
        row.who,
        f"{row.took.wall_s:.2f}",
        f"{row.took.cpu_s:.2f}",
        f"{row.took.memory_mib:.0f}",
        f"{row.checks_s:.2f}" if row.checks_s else "",
        "" if row.wrong is None else str(row.wrong),
        "" if row.likeness is None else f"{row.likeness:.1f}",
        ratio,
    )


def _expected(spans: Sequence[tuple[int, int]]) -> list[int]:
    return [number for start, end in spans for number in range(start, end)]


def _random_spans(count: int, grid: int) -> list[tuple[int, int]]:
    """Return spans in order, apart, whose edges are multiples of `grid` frames."""
    chance = np.random.default_rng(count + grid)
    edges = sorted(int(edge) for edge in chance.choice(FRAMES // grid - 1, 2 * count, replace=False) + 1)
    return [(edges[place] * grid, edges[place + 1] * grid) for place in range(0, 2 * count, 2)]


def _shorter(timeline: Timeline, *, clip: int, frames: int) -> Timeline:
    tracks = []
    for track in timeline.tracks:
        items = list(track.items)
        item = items[clip]
        assert isinstance(item, Clip)
        span = item.source_range
        items[clip] = replace(
            item, source_range=TimeRange(start=span.start, duration=span.duration - Fraction(frames, RATE))
        )
        tracks.append(replace(track, items=tuple(items)))
    return replace(timeline, tracks=tuple(tracks))


def _versions() -> Iterator[str]:
    for command in (("ffmpeg", "-version"), ("melt", "--version")):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True)
            yield (done.stdout or done.stderr).splitlines()[0]
    yield from bench_peers.PEERS.values()
