"""A film's sound being made: stems once each, in the worker processes, then the mix, mastered and encoded.

Stems that take computing are made wherever segments are. What is only read from its source is read here, as the mix is
made here: samples take as long to move as to read.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from cutroom_sdk.wire.renders import Segment
from engine.kernel.blobs import Blobs
from engine.kernel.errors import StudioError
from engine.media.pool import Pool
from engine.rendering.audio.work import (
    Lies,
    MasterWork,
    SoundDone,
    SoundWork,
    Stem,
    StemsDone,
    StemsWork,
    sources_of,
    stem_key,
    stems_of,
    takes_computing,
)
from engine.rendering.executor import Executor

WORKER: Final = "engine.rendering.audio.worker"
LIMIT_S: Final = 3600.0
# One pass over a source serves so many stems; each is an open file more.
BATCH: Final = 24
# A process takes only so many files at once: more stems are first put one after the other.
FILES_MAX: Final = 100


@dataclass(frozen=True)
class Bench:
    """What sound is made with: `pool` here, `executor` where segments are made.

    `files` are the sources by the hash of their content. `kept` gives what earlier work left for a key, `keep` puts new
    work on record, `twice` tries again what ended for no reason of its own.
    """

    pool: Pool
    executor: Executor
    blobs: Blobs
    files: dict[str, Path]
    kept: Callable[[str], Awaitable[Segment | None]]
    keep: Callable[[Segment], Awaitable[None]]
    twice: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def make_sound(work: SoundWork, bench: Bench, staged: Path) -> SoundDone:
    """Write the film's sound to `staged` and return how it came out; stems that are there are not made again."""
    stems = stems_of(work.mix)
    keys = [stem_key(stem, work.capabilities) for stem in stems]
    found = {one: await bench.kept(one) for one in keys}
    missing = [(stem, one) for stem, one in zip(stems, keys, strict=True) if found[one] is None]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_stems(batch, bench)) for batch in _batches(missing)]
    made = {one.key: one for task in tasks for one in task.result()}
    paths = [bench.blobs.path((found[one] or made[one]).blob) for one in keys]
    async with _joined(paths, bench.blobs) as (files, places):
        with bench.blobs.reserved() as scratch:
            done: SoundDone = await bench.pool.run(
                f"{WORKER}:make_sound",
                MasterWork(work=work, places=places),
                SoundDone,
                inputs=files,
                outputs=[staged, scratch],
                limit_s=LIMIT_S,
            )
    return done


async def _stems(batch: Sequence[tuple[Stem, str]], bench: Bench) -> list[Segment]:
    """Make some stems in one process, and put them on record."""
    stems = tuple(stem for stem, _ in batch)
    inputs = [bench.files[source.sha256] for source in sources_of(stems)]
    place = bench.executor if takes_computing(stems[0]) else bench.pool
    with ExitStack() as stack:
        staged = [stack.enter_context(bench.blobs.reserved()) for _ in batch]
        try:
            done: StemsDone = await bench.twice(
                lambda: place.run(
                    f"{WORKER}:make_stems",
                    StemsWork(stems=stems),
                    StemsDone,
                    inputs=inputs,
                    outputs=staged,
                    limit_s=LIMIT_S,
                )
            )
        except StudioError as error:
            error.extra.setdefault("sha256", sources_of(stems)[0].sha256)
            raise
        made = []
        for (stem, key), path, size in zip(batch, staged, done.bytes, strict=True):
            blob = await asyncio.to_thread(bench.blobs.adopt, path)
            segment = Segment(key=key, kind="sound", blob=blob, bytes=size, count=stem.count)
            await bench.keep(segment)
            made.append(segment)
    return made


def _batches(missing: Sequence[tuple[Stem, str]]) -> list[list[tuple[Stem, str]]]:
    """Return stems in groups of one source's each, as they lie in it; those that take computing by themselves."""
    groups: dict[object, list[tuple[Stem, str]]] = {}
    for stem, key in missing:
        groups.setdefault((stem.media, takes_computing(stem)), []).append((stem, key))
    batches = []
    for group in groups.values():
        ordered = sorted(group, key=lambda pair: pair[0].start)
        batches += [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]
    return batches


@asynccontextmanager
async def _joined(paths: Sequence[Path], blobs: Blobs) -> AsyncIterator[tuple[list[Path], tuple[Lies, ...]]]:
    """Give few files that hold the same as many, and where in them each begins."""
    if len(paths) <= FILES_MAX:
        yield list(paths), tuple(Lies(file=number, offset=0) for number in range(len(paths)))
        return
    size = -(-len(paths) // FILES_MAX)
    with ExitStack() as stack:
        few: list[Path] = []
        places: list[Lies] = []
        for start in range(0, len(paths), size):
            file, path = stack.enter_context(blobs.staged())
            offsets = await asyncio.to_thread(_append, paths[start : start + size], file)
            places += [Lies(file=len(few), offset=offset) for offset in offsets]
            few.append(path)
        yield few, tuple(places)


def _append(paths: Sequence[Path], file: IO[bytes]) -> list[int]:
    offsets = []
    for path in paths:
        offsets.append(file.tell())
        with path.open("rb") as source:
            shutil.copyfileobj(source, file)
    file.flush()
    return offsets
