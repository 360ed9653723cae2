"""The daemon as `just bench render` measures it: asked over HTTP, timed from the asking to the muxed file."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from cutroom_sdk.client import Client
from cutroom_sdk.discovery import Address
from cutroom_sdk.replica import Replica
from cutroom_sdk.wire.renders import Render, RenderRequest
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.kernel.clock import monotonic_s
from tools.bench_film import HEIGHT, RATE, SAMPLE_RATE, WIDTH
from tools.bench_servers import Server, daemon

TICKS: Final = os.sysconf("SC_CLK_TCK")
OVER: Final = frozenset({"completed", "failed", "canceled"})


@dataclass(frozen=True)
class Rendered:
    """Seconds to the muxed file, seconds of checking after it, processor seconds of daemon and workers for both."""

    render: Render
    wall_s: float
    checks_s: float
    cpu_s: float
    parent_mib: float
    worker_mib: float


class Ours:
    """A daemon that runs, and the footage it was given; processes `beside` it work for it too."""

    def __init__(self, server: Server, beside: Sequence[int] = ()) -> None:
        self._server, self._own = server, (server.pid, *beside)
        self.asset_id = ""

    async def take_in(self, film: Path) -> None:
        """Register the footage and wait for its index; from now on it is what is asked for."""
        async with self._client() as client:
            self.asset_id = (await client.register(str(film))).asset_id

    async def render(self, timeline: Timeline, profile: str) -> Rendered:
        """Have a timeline rendered.

        Raises:
            SystemExit: the render failed.
        """
        before_s, begun_s, muxed_s = self._cpu_s(), monotonic_s(), 0.0
        async with self._client() as client, Replica(client.resource_stream).following() as replica:
            render = await client.ask_render(RenderRequest(profile=profile, timeline=timeline))
            key = f"render/{render.render_id}"
            while True:
                now = replica.shelf.value(key, Render)
                if now is not None and now.state in OVER:
                    break
                told = replica.shelf.progress.get(key)
                if told is not None and told.note.startswith("checking") and not muxed_s:
                    muxed_s = monotonic_s()
                await replica.changed()
        ended_s = monotonic_s()
        if now.state != "completed":
            raise SystemExit(f"the render {now.state}: {now.error}")
        muxed_s = muxed_s or ended_s
        return Rendered(
            now, muxed_s - begun_s, ended_s - muxed_s, self._cpu_s() - before_s, self._peak(self._server.pid),
            max((self._peak(pid) for pid in self._children()), default=0.0),
        )  # fmt: skip

    async def frames(self, timeline_id: str, numbers: Sequence[int]) -> list[float]:
        """Fetch exact frames as PNG over one connection; return the seconds that each took."""
        seconds = []
        async with self._client() as client:
            for number in numbers:
                begun_s = monotonic_s()
                async with client.timeline_frame(timeline_id, frame=number) as answer:
                    await answer.aread()
                seconds.append(monotonic_s() - begun_s)
        return seconds

    async def streamed(self, timeline_id: str, start_s: int) -> list[float]:
        """Play from a position on; return the seconds to the first bytes, and to those of the first pictures."""
        begun_s, first_s = monotonic_s(), 0.0
        async with (
            self._client() as client,
            client.timeline_stream(timeline_id, start=Fraction(start_s)) as answer,
        ):
            async for block in answer.aiter_bytes():
                first_s = first_s or monotonic_s() - begun_s
                if b"moof" in block:
                    return [first_s, monotonic_s() - begun_s]
        raise SystemExit("the stream ended without a picture")

    async def keep(self, timeline: Timeline) -> str:
        """Have a timeline kept; return its id."""
        async with self._client() as client:
            return (await client.create_timeline(timeline)).timeline_id

    def resident_mib(self) -> tuple[float, list[float]]:
        """Return the memory that the daemon has in use now, and that of each process it has started."""
        return self._memory(self._server.pid, "VmRSS:"), [
            self._memory(pid, "VmRSS:") for pid in self._children()
        ]

    def _client(self) -> Client:
        server = self._server
        return Client(lambda: Address(url=f"http://127.0.0.1:{server.port}", token=server.token))

    def _children(self) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            fields = _stat(int(folder.name))
            if fields is not None and int(fields[1]) in self._own:
                found.append(int(folder.name))
        return found

    def _cpu_s(self) -> float:
        """Processor time of the daemon and what is beside it, of their workers, and of those that have ended."""
        total = 0
        for pid in (*self._own, *self._children()):
            fields = _stat(pid)
            if fields is not None:
                total += sum(int(value) for value in fields[11:15])
        return total / TICKS

    def _peak(self, pid: int) -> float:
        """The most memory that a process had in use, MiB."""
        return self._memory(pid, "VmHWM:")

    def _memory(self, pid: int, name: str) -> float:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name (proc(5)): state, parent, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


@contextmanager
def ours(folder: Path, film: Path, beside: Sequence[int] = (), **settings: str) -> Iterator[Ours]:
    """Run a daemon in a fresh folder that may read the film, and have it take the film in; settings are its environment."""
    with started(folder, film, beside, **settings) as running:
        asyncio.run(running.take_in(film))
        yield running


@contextmanager
def started(folder: Path, film: Path, beside: Sequence[int] = (), **settings: str) -> Iterator[Ours]:
    """Run a daemon that may read the film, in a folder that may have been used before."""
    with daemon(folder, CUTROOM_MEDIA_ROOTS=str(film.parent), **settings) as server:
        yield Ours(server, beside)


def clip(asset_id: str, start: int, end: int, name: str, *effects: Effect) -> Clip:
    """Return a clip of the footage's frames `[start, end)`."""
    return Clip(
        id=name,
        media=AssetReference(asset_id=asset_id),
        source_range=TimeRange(start=Fraction(start, RATE), duration=Fraction(end - start, RATE)),
        effects=effects,
    )


def film_of(*tracks: Track, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Timeline:
    """Return a timeline of the footage's size and rate."""
    return Timeline(
        name="bench",
        rate=Fraction(RATE),
        width=size[0],
        height=size[1],
        sample_rate=SAMPLE_RATE,
        tracks=tracks,
    )


def cuts(
    asset_id: str, spans: Sequence[tuple[int, int]], size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Timeline:
    """Return spans one after the other, picture and sound."""
    return film_of(
        Track(
            kind="video",
            name="V1",
            items=tuple(clip(asset_id, *span, f"v{n}") for n, span in enumerate(spans)),
        ),
        Track(
            kind="audio",
            name="A1",
            items=tuple(clip(asset_id, *span, f"a{n}") for n, span in enumerate(spans)),
        ),
        size=size,
    )


def dissolves(asset_id: str, spans: Sequence[tuple[int, int]], overlap: int) -> Timeline:
    """Return spans that dissolve into each other: neighbours share `overlap` frames.

    A transition lies half before and half after its cut, and the spans reach as far as what is shown.
    """
    half = Fraction(overlap // 2, RATE)
    tracks = []
    for kind, name in (("video", "dissolve"), ("audio", "crossfade")):
        items: list[Clip | Gap | Transition] = []
        for number, (start, end) in enumerate(spans):
            if number:
                items.append(Transition(kind=name, in_offset=half, out_offset=half))
            first = start + (overlap // 2 if number else 0)
            last = end - (overlap // 2 if number < len(spans) - 1 else 0)
            items.append(clip(asset_id, first, last, f"{kind}{number}"))
        tracks.append(Track(kind=kind, name=kind, items=tuple(items)))  # type: ignore[arg-type]
    return film_of(*tracks)


def layers(asset_id: str, count: int, words: str) -> Timeline:
    """Return colour, a picture in the picture, a title, and music that goes down under the first track's sound."""
    title: dict[str, Any] = {"text": words, "size": 64.0}
    whole = TimeRange(start=Fraction(0), duration=Fraction(count, RATE))
    graded = (
        Effect(name="contrast", parameters={"amount": 1.1}),
        Effect(name="saturation", parameters={"amount": 1.2}),
    )
    small = Effect(name="transform", parameters={"scale": 0.3, "x": 0.81, "y": 0.21})
    return film_of(
        Track(kind="video", name="V1", items=(clip(asset_id, 0, count, "base", *graded),)),
        Track(kind="video", name="V2", items=(clip(asset_id, 3000, 3000 + count, "small", small),)),
        Track(
            kind="video",
            name="V3",
            items=(Clip(id="title", media=Generator(kind="title", parameters=title), source_range=whole),),
        ),
        Track(kind="audio", name="A1", items=(clip(asset_id, 0, count, "voice"),)),
        Track(
            kind="audio",
            name="A2",
            items=(clip(asset_id, 3000, 3000 + count, "music"),),
            effects=(Effect(name="duck", parameters={}),),
        ),
    )
