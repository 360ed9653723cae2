"""One render being made: every segment once, in the worker processes, then the sound, the film and a look at it.

Finished segments are on record as they come, so whatever ends this leaves only what is missing to be done.
"""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final, TypeVar

from cutroom_sdk.wire.renders import RenderOutput, Segment
from engine.kernel import failpoints
from engine.kernel.blobs import Blobs
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked, Dispatch
from engine.kernel.errors import StudioError, Unavailable, WorkFailed
from engine.media.pool import Pool
from engine.rendering import plan as plans
from engine.rendering.audio.work import SAMPLE_BYTES, SoundDone, SoundWork, stems_of
from engine.rendering.cache import SegmentCache
from engine.rendering.executor import Executor
from engine.rendering.graph import Node
from engine.rendering.plan import RenderPlan
from engine.rendering.reducer import KIND, Advance
from engine.rendering.reducer_segment import SEGMENT_KIND, Keep
from engine.rendering.smartcopy.work import CutFound, Edge, EdgeWork
from engine.rendering.sounding import Bench, make_sound
from engine.rendering.walking import graph_inputs, is_plain
from engine.rendering.work import (
    Inspection,
    InspectWork,
    MuxDone,
    MuxWork,
    PictureWork,
    SegmentDone,
)

_log = logging.getLogger(__name__)
T = TypeVar("T")
WORKER: Final = "engine.rendering.worker"
INSPECTOR: Final = "engine.rendering.inspecting"
# Loaded by those processes only that make more than plain footage: numba and OpenCV take their time.
COMPOSITOR: Final = "engine.rendering.compositor.warm"
SEGMENT_LIMIT_S: Final = 1800.0
FILM_LIMIT_S: Final = 3600.0
# A process takes only so many files at once: more segments are first put one after the other.
PARTS_MAX: Final = 100
# Bits a pixel that good-looking H.264 does not exceed, and room for the film beside its segments.
BITS_A_PIXEL: Final = 0.25
COPIES: Final = 2
TRIED_AGAIN: Final = ("crash", "time_limit", "memory")
reach = failpoints.points(
    "making",
    "segment_made",
    "segment_in_place",
    "segment_recorded",
    "sound_recorded",
    "joined",
    "inspected",
    "film_in_place",
)


class SegmentFailed(Exception):
    """A segment could not be made; `reason` says why."""

    def __init__(self, number: int, segment: plans.Segment | Edge, reason: Exception) -> None:
        super().__init__(f"segment {number}: {reason}")
        self.number, self.segment, self.reason = number, segment, reason


@dataclass(frozen=True)
class Film:
    """A finished film, not yet recorded; `notices` are about its sound, `pictures` about its pictures."""

    output: RenderOutput
    inspection: Inspection | CutFound
    notices: tuple[str, ...]
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class SegmentTask:
    """What the worker is told to do for a segment."""

    name: str
    work: PictureWork | EdgeWork
    inputs: list[Path]
    needs: tuple[str, ...] = ()


@dataclass
class Making:
    """One attempt at a render.

    `executor` makes segments and stems, here or elsewhere; `pool` does the rest, here. `files` are the sources by asset id,
    `index_files` their frame indexes; `proxies` are files and frame indexes by hash. `anew`: what earlier work left is not
    trusted. `report` is told frames. `whole`: all of the finished film is decoded once, else its edges. `named` gives for
    each asset the first clip that shows it.
    """

    plan: RenderPlan
    render_id: str
    files: dict[str, Path]
    index_files: dict[str, Path]
    proxies: dict[str, tuple[Path, Path]]
    anew: bool
    cache: SegmentCache
    pool: Pool
    executor: Executor
    blobs: Blobs
    dispatch: Dispatch
    context: Context
    report: Callable[[float, float, str], None]
    whole: bool = False
    named: Mapping[str, str] = field(default_factory=dict)
    rendered: int = 0
    _frames: dict[str, float] = field(default_factory=dict)

    async def film(self) -> Film:
        """Make the film.

        Cancelling it ends the processes at work and leaves no file behind; finished segments are kept.

        Raises:
            SegmentFailed: with its reason.
            StudioError: what went wrong beside the segments; Unavailable when the disk is too full to begin.
        """
        check_room(self.plan, self.blobs)
        segments = self._segments
        by_key = {segment.key: (number, segment) for number, segment in enumerate(segments)}
        try:
            async with asyncio.TaskGroup() as group:
                pictures = {
                    key: group.create_task(self._picture(number, segment))
                    for key, (number, segment) in by_key.items()
                }
                sound = None if self.plan.sound is None else group.create_task(self._sound())
        except ExceptionGroup as failures:
            raise self._placed(first_of(failures)) from None
        parts = [self.blobs.path(pictures[segment.key].result().blob) for segment in segments]
        kept = None if sound is None else sound.result()
        said = dict.fromkeys(one for task in pictures.values() for one in task.result().notices)
        async with joined(parts, self.blobs) as few:
            film = await self._film(few, kept)
        return replace(film, pictures=tuple(said))

    def _placed(self, error: Exception) -> Exception:
        """Return an error that names the asset that was read, and the clip of the segment's span that shows it."""
        cause = error.reason if isinstance(error, SegmentFailed) else error
        if not isinstance(cause, StudioError):
            return error
        by_hash = {sha256: asset_id for asset_id, sha256 in self.plan.assets.items()}
        asset_id = by_hash.get(str(cause.extra.pop("sha256", "")))
        if asset_id is not None:
            cause.extra.setdefault("asset_id", asset_id)
            if not (isinstance(error, SegmentFailed) and error.segment.asset_id == asset_id):
                cause.extra.setdefault("clip", self.named.get(asset_id))
        return error

    @property
    def _segments(self) -> Sequence[plans.Segment | Edge]:
        """What has to be made before the film can be joined, in its order."""
        return self.plan.segments

    async def _picture(self, number: int, segment: plans.Segment | Edge) -> Segment:
        """Return one segment's outcome, made now unless it is there; a segment may stand at several places."""
        places = sum(1 for one in self._segments if one.key == segment.key)
        kept = await self._kept(segment.key)
        frames = segment.work.count * places
        if kept is None:
            try:
                kept = await self._made(segment, lambda done: self._progress(segment.key, done * places))
            except Exception as error:
                raise SegmentFailed(number, segment, error) from error
            self.rendered += 1
            # Together, so that what is on record as done is there, and what is there is on record.
            await self._propose(
                Asked(f"{SEGMENT_KIND}/{segment.key}", Keep(segment=kept)),
                Asked(self._stream, Advance(frames=frames, cached=False)),
            )
            reach("segment_recorded")
        else:
            await self._propose(Asked(self._stream, Advance(frames=frames, cached=True)))
        self._progress(segment.key, frames)
        return kept

    async def _made(self, segment: plans.Segment | Edge, progress: Callable[[float], None]) -> Segment:
        task = self._task(segment)
        with self.blobs.reserved() as staged:
            done = await self._twice(
                lambda: self.executor.run(
                    task.name,
                    task.work,
                    SegmentDone,
                    inputs=task.inputs,
                    outputs=[staged],
                    report=lambda done, _: progress(done),
                    limit_s=SEGMENT_LIMIT_S,
                    needs=task.needs,
                )
            )
            reach("segment_made")
            blob = await asyncio.to_thread(self.blobs.adopt, staged)
        reach("segment_in_place")
        return Segment(
            key=segment.key,
            kind="picture",
            blob=blob,
            bytes=done.bytes,
            count=segment.work.count,
            notices=done.notices,
        )

    def _task(self, segment: plans.Segment | Edge) -> SegmentTask:
        """Return what the worker is told to do for a segment."""
        work = segment.work
        assert isinstance(work, PictureWork), "edges are for films that are spliced"
        return SegmentTask(
            name=f"{WORKER}:render_segment",
            work=work,
            inputs=self._inputs(work.graph),
            needs=() if is_plain(work.graph) else (COMPOSITOR,),
        )

    def _inputs(self, graph: Node) -> list[Path]:
        """Return what a tree reads, in the order in which `picture.frames_of` takes it."""
        by_hash = {sha256: asset_id for asset_id, sha256 in self.plan.assets.items()}
        sources, files = graph_inputs(graph)
        read: list[Path] = []
        for sha256 in sources:
            if sha256 in self.proxies:
                read += self.proxies[sha256]
            else:
                read += (self.files[by_hash[sha256]], self.index_files[by_hash[sha256]])
        return [*read, *(self.blobs.path(sha256) for sha256 in files)]

    async def _sound(self) -> Segment:
        work, key = self.plan.sound, self.plan.sound_key
        assert work is not None, "asked for only where there is sound"
        assert key is not None, "sound has a key"
        kept = await self._kept(key)
        if kept is not None:
            return kept
        with self.blobs.reserved() as staged:
            done = await self._twice(lambda: self._sounded(work, staged))
            size = staged.stat().st_size
            blob = await asyncio.to_thread(self.blobs.adopt, staged)
        made = Segment(
            key=key,
            kind="sound",
            blob=blob,
            bytes=size,
            count=work.count,
            notices=done.notices if done else (),
            gain_db=done.gain_db if done else None,
        )
        await self._propose(Asked(f"{SEGMENT_KIND}/{key}", Keep(segment=made)))
        reach("sound_recorded")
        return made

    async def _sounded(self, work: SoundWork, staged: Path) -> SoundDone | None:
        """Make the sound; return how it came out, None where it was not mastered."""
        files = {self.plan.assets[asset_id]: self.files[asset_id] for asset_id in self.plan.sound_assets}
        bench = Bench(
            pool=self.pool,
            executor=self.executor,
            blobs=self.blobs,
            files=files,
            kept=self._kept,
            keep=self._keep_stem,
            twice=self._twice,
        )
        return await make_sound(work, bench, staged)

    async def _keep_stem(self, made: Segment) -> None:
        await self._propose(Asked(f"{SEGMENT_KIND}/{made.key}", Keep(segment=made)))

    async def _film(self, parts: Sequence[Path], sound: Segment | None) -> Film:
        """Join what is there, look at the outcome, and keep it."""
        self._say("joining")
        heard = [] if sound is None else [self.blobs.path(sound.blob)]
        with self.blobs.reserved() as staged:
            done = await self._join(parts, heard, staged)
            reach("joined")
            self._say("checking")
            inspection = await self._inspect(parts, staged)
            reach("inspected")
            sha256 = await asyncio.to_thread(self.blobs.adopt, staged)
        reach("film_in_place")
        output = RenderOutput(
            path=str(self.blobs.path(sha256)), sha256=sha256, bytes=done.bytes, container=self.plan.container
        )
        return Film(output=output, inspection=inspection, notices=() if sound is None else sound.notices)

    async def _join(self, parts: Sequence[Path], heard: Sequence[Path], staged: Path) -> MuxDone:
        plan = self.plan
        joining = MuxWork(
            frames=plan.frames,
            parts=len(parts),
            encoder=plan.encoder,
            sound=None if plan.sound is None else plan.sound.encoder,
            container=plan.container,
            subtitles=plan.subtitles,
        )
        return await self.pool.run(
            f"{WORKER}:join",
            joining,
            MuxDone,
            inputs=[*parts, *heard],
            outputs=[staged],
            limit_s=FILM_LIMIT_S,
        )

    async def _inspect(self, parts: Sequence[Path], staged: Path) -> Inspection | CutFound:
        looking = InspectWork(
            frames=self.plan.frames, parts=len(parts), cuts=self.plan.cuts, whole=self.whole
        )
        return await self.pool.run(
            f"{INSPECTOR}:inspect", looking, Inspection, inputs=[staged, *parts], limit_s=FILM_LIMIT_S
        )

    async def _kept(self, key: str) -> Segment | None:
        """Return what earlier work left for a key, if it is still there."""
        found = await self.cache.find(key, self.context.partition)
        return None if self.anew else found

    async def _twice(self, attempt: Callable[[], Awaitable[T]]) -> T:
        return await twice(attempt, self._stream)

    async def _propose(self, *asked: Asked) -> None:
        await self.dispatch.propose_many(asked, self.context)

    @property
    def _stream(self) -> str:
        return f"{KIND}/{self.render_id}"

    def _progress(self, key: str, frames: float) -> None:
        self._frames[key] = frames
        self._say("rendering")

    def _say(self, note: str) -> None:
        done = sum(self._frames.values())
        self.report(done, self.plan.frames, f"{note}: {done:.0f} of {self.plan.frames} frames")


@asynccontextmanager
async def joined(parts: Sequence[Path], blobs: Blobs) -> AsyncIterator[list[Path]]:
    """Give few files that hold the same as many: files of segments may simply follow each other."""
    if len(parts) <= PARTS_MAX:
        yield list(parts)
        return
    size = -(-len(parts) // PARTS_MAX)
    with ExitStack() as stack:
        few = []
        for start in range(0, len(parts), size):
            file, path = stack.enter_context(blobs.staged())
            await asyncio.to_thread(_append, parts[start : start + size], file)
            few.append(path)
        yield few


async def twice(attempt: Callable[[], Awaitable[T]], what: str) -> T:
    """Try once more what ended for no reason of its own: a crash, a hang, too much memory; `what` is for the log."""
    try:
        return await attempt()
    except WorkFailed as error:
        if error.extra.get("cause") not in TRIED_AGAIN:
            raise
        _log.warning("%s: a piece of work is tried once more: %s", what, error.detail)
    return await attempt()


def _append(parts: Sequence[Path], file: IO[bytes]) -> None:
    for part in parts:
        with part.open("rb") as source:
            shutil.copyfileobj(source, file)
    file.flush()


def check_room(plan: RenderPlan, blobs: Blobs) -> None:
    """See to it that there is room for the segments and the film.

    Raises:
        Unavailable: `insufficient_storage`, with what is needed and what there is.
    """
    pixels = plan.encoder.width * plan.encoder.height * plan.frames
    sound, mixes = 0.0, 0
    if plan.sound is not None:
        sound = plan.sound.encoder.bitrate * float(plan.duration) / 8
        # Stems, and the mix while it is mastered, lie there as they are.
        mixes = SAMPLE_BYTES * (plan.sound.count + sum(stem.count for stem in stems_of(plan.sound.mix)))
    needed = int(COPIES * (pixels * BITS_A_PIXEL / 8 + sound)) + mixes
    free = shutil.disk_usage(blobs.path("00").parent.parent).free
    if free < needed:
        raise Unavailable(
            f"rendering may need {needed >> 20} MiB, the disk has {free >> 20} MiB left",
            code="insufficient_storage",
            needed=needed,
            free=free,
        )


def first_of(failures: BaseExceptionGroup[Exception]) -> Exception:
    """Return the first failure of a group: the others are cancelled because of it."""
    first = failures.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first
