"""Measures what an edit of a long timeline costs in the daemon: decided, folded, published and synced to disk.

Half of the clips lie on a track of pictures, linked with the other half on a track of sound. The edits are those of a day at
the desk, anywhere on the timeline: trims, splits, moves from one end to the other, inserts, effects, names.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.codec import decode, encode
from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Timeline, TimeRange, Track
from engine.editing import reducer
from engine.editing.finding import clips
from engine.editing.reading import current, history_of, timeline_at
from engine.editing.reducer import TIMELINE, Create, Edit, Kept, TakeBack
from engine.editing.undo import redoing, undoing
from engine.kernel.clock import SystemClock, monotonic_s
from engine.kernel.context import Context
from engine.kernel.dispatch import Accepted
from engine.kernel.kernel import Kernel
from engine.kernel.reducer import Envelope
from tools.markdown import table

SIZES: Final = (100, 1_000, 5_000)
EDITS: Final = 120
RATE: Final = Fraction(30000, 1001)
LIMIT_MS: Final = 20.0
STREAM: Final = "timeline/film"
ADA: Final = Context(actor="ada", capabilities=frozenset({"*"}))
EVENT: Final[Any] = reducer.Event


class Found(NamedTuple):
    """What was measured on a timeline of some size; times in ms, sizes in bytes. `used` is CPU."""

    edits: Sequence[float]
    used: Sequence[float]
    events: Sequence[int]
    published: Sequence[int]
    undo: float
    redo: float
    as_of: float
    fork: float
    folded: tuple[tuple[int, float], ...]  # so many events, so many a second


def film(count: int) -> Timeline:
    """Return a timeline of so many clips."""
    tracks = []
    for kind, name in (("video", "v"), ("audio", "a")):
        items = tuple(_clip(f"{name}{number}", number, f"pair-{number}") for number in range(count // 2))
        tracks.append(Track(kind=kind, name=name, items=items))  # type: ignore[arg-type]  # one of the two
    return Timeline(name="Film", rate=RATE, width=1920, height=1080, sample_rate=48_000, tracks=tuple(tracks))


def _clip(name: str, number: int, group: str | None = None) -> Clip:
    return Clip(
        id=name,
        media=AssetReference(asset_id=f"{number % 40:032x}"),
        source_range=TimeRange(start=(100 + number % 900) / RATE, duration=(40 + number % 80) / RATE),
        name=f"take {number}",
        link_group=group,
    )


def edits(count: int) -> Iterator[o.TimelineOperation]:
    """Yield operations on `film(count)` that are all accepted, one after the other, without end."""
    chance, number = np.random.default_rng(7), 0
    left = list(range(count // 2))
    chance.shuffle(left)
    while True:
        number += 1
        clip = f"v{left[number % len(left)]}"
        exposure = Effect(name="exposure", parameters={"stops": number % 10 / 10})
        yield o.Trim(clip=clip, tail=-1 / RATE, ripple=True)
        yield o.SetClip(clip=clip, name=f"take {number}, better")
        yield o.AddEffect(clip=clip, effect=exposure)
        yield o.Insert(track=0, item=_clip(f"new{number}", number), at=Fraction(0))
        yield o.Move(clip=f"new{number}", at=int(chance.integers(40 * count // 2)) / RATE, placing="insert")
        yield o.Split(clip=f"new{number}", at=20 / RATE)


async def _measure(folder: Path, count: int) -> Found:
    kernel = await Kernel.open(folder, (TIMELINE,), SystemClock())
    seen: list[tuple[float, float, int, int]] = []
    async with kernel.running():
        made = await kernel.dispatch.propose(STREAM, Create(timeline=film(count)), ADA)
        first = made.position
        for operation, _ in zip(edits(count), range(EDITS), strict=False):
            edit = Edit(operations=(operation,))
            used_s = time.process_time()
            wall, accepted = await _timed(lambda edit=edit: kernel.dispatch.propose(STREAM, edit, ADA))  # type: ignore[misc]
            seen.append((wall, (time.process_time() - used_s) * 1000, *_sizes(accepted)))
        undo, _ = await _timed(lambda: _take_back(kernel, "undo"))
        redo, _ = await _timed(lambda: _take_back(kernel, "redo"))
        as_of, then = await _timed(
            lambda: timeline_at(kernel.resources, "film", ADA.partition, first + EDITS // 2)
        )
        fork, _ = await _timed(
            lambda: kernel.dispatch.propose("timeline/fork", Create(timeline=then.timeline), ADA)
        )
        now, _ = await current(kernel.resources, "film", ADA.partition)
        assert len(clips(now.timeline)) > len(clips(film(count)))
    took, used, events, published = zip(*seen, strict=True)
    return Found(took, used, events, published, undo, redo, as_of, fork, _folded(count))


async def _timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Return how long something took, ms, and what came of it."""
    begun_s = monotonic_s()
    done = await work()
    return (monotonic_s() - begun_s) * 1000, done


def _sizes(accepted: Accepted) -> tuple[int, int]:
    return sum(len(event.data) for event in accepted.events), sum(one.size for one in accepted.changes)


async def _take_back(kernel: Kernel, what: Any) -> Accepted:
    history, _ = await history_of(kernel.log, "film", ADA.partition)
    found = (undoing if what == "undo" else redoing)(history, ADA.actor)
    assert found is not None
    return await kernel.dispatch.propose(STREAM, TakeBack(what=what, of=found.of, changes=found.changes), ADA)


def _folded(count: int) -> tuple[tuple[int, float], ...]:
    """Return how many events a second are read and folded, of a log of few and of one of four times as many."""
    envelope, kept, log = Envelope(at_ms=0, actor="ada"), reducer.init("film"), list[bytes]()
    proposals: Iterator[Any] = (Edit(operations=(one,)) for one in edits(count))
    for proposal, _ in zip(proposals, range(8 * EDITS), strict=False):
        asked = proposal if log else Create(timeline=film(count))
        for event in reducer.decide(kept, asked, envelope):
            log.append(encode(event))
            kept = reducer.on_event(kept, event, envelope).state
    return tuple((size, size / _fold_s(log[: size + 1], envelope)) for size in (2 * EDITS, 8 * EDITS - 1))


def _fold_s(log: list[bytes], envelope: Envelope) -> float:
    kept: Kept = reducer.on_event(reducer.init("film"), decode(log[0], EVENT), envelope).state
    begun_s = monotonic_s()
    for data in log[1:]:
        kept = reducer.on_event(kept, decode(data, EVENT), envelope).state
    return monotonic_s() - begun_s


def measure(folder: Path) -> str:
    """Return a table: what an edit costs, by the number of clips."""
    rows = []
    for count in SIZES:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            found = asyncio.run(_measure(Path(name), count))
        cuts = statistics.quantiles(found.edits, n=100)
        rows.append(
            (
                str(count),
                f"{cuts[49]:.1f}",
                f"{cuts[98]:.1f}",
                f"{statistics.median(found.used):.1f}",
                f"{cuts[49] / LIMIT_MS:.2f}x",
                str(round(statistics.median(found.events))),
                str(max(found.events)),
                str(round(statistics.median(found.published))),
                f"{found.undo:.1f}",
                f"{found.redo:.1f}",
                f"{found.as_of:.1f}",
                f"{found.fork:.1f}",
                ", ".join(f"{rate:.0f} of {size}" for size, rate in found.folded),
            )
        )
    names = ("clips", "edit p50 ms", "p99 ms", "CPU ms", f"of {LIMIT_MS:.0f} ms", "event B p50", "most")
    more = ("published B p50", "undo ms", "redo ms", "at ms", "fork ms", "events/s folded")
    return table(names + more, rows)
