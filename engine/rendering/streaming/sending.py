"""Streams of timelines: compiled from a position on, made by one worker process, read while they grow.

The process writes a file and is never held up by whoever reads slowly; the file is gone when the reader is, and so is the
process. Urgent: a preview goes before the work of exports.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Timeline
from engine.kernel.context import Context
from engine.kernel.errors import Invalid, Unavailable
from engine.kernel.turns import Party, on_behalf_of
from engine.media.child import FILES_MAX
from engine.media.files import source_path
from engine.media.timecode import frame_floor
from engine.rendering.audio.work import sources_of, stems_of
from engine.rendering.jobs import Jobs
from engine.rendering.making import COMPOSITOR
from engine.rendering.plan import RenderPlan
from engine.rendering.sources import Material
from engine.rendering.streaming.work import StreamDone, Streamed, StreamWork
from engine.rendering.walking import graph_inputs, is_plain, sliced
from engine.rendering.work import PictureWork, VideoEncoder

TASK: Final = "engine.rendering.streaming.tasks:stream"
LIMIT_S: Final = 4 * 3600.0
CHUNK: Final = 256 * 1024
FRAGMENT_S: Final = Fraction(1, 2)
# No picture waits for a later one: not for B-frames, not to see what comes.
X264_PARAMS: Final = ":rc-lookahead=0:sync-lookahead=0:scenecut=0"


async def stream(
    jobs: Jobs, timeline: Timeline, profile: Profile, begin: Fraction, context: Context
) -> AsyncIterator[bytes]:
    """Return what yields a timeline from `begin` seconds on as fragmented MP4; closing it ends the work at once.

    Raises:
        Invalid: the position lies beyond the end, or the timeline cannot be rendered or streamed.
        NotFound, Rejected: something that it needs is not there, or changed.
    """
    plan, material = await jobs.compiled(timeline, _played(profile), context)
    first = frame_floor(begin, plan.encoder.rate)
    if first >= plan.frames:
        raise Invalid(
            f"from is {begin}; the timeline ends at {plan.duration} s", field="from", end=str(plan.duration)
        )
    work = _work(plan, first)
    paths = _paths(work, plan, material, jobs)
    if len(paths) >= FILES_MAX:
        raise Invalid(
            f"from here on {len(paths)} files are needed, a stream takes {FILES_MAX}; render a draft",
            field="from",
        )
    return _sent(jobs, work, paths, context)


def _work(plan: RenderPlan, first: int) -> StreamWork:
    stretches: list[Streamed] = []
    for segment in plan.segments:
        end = segment.first + segment.work.count
        if end <= first:
            continue
        work = segment.work
        if not isinstance(work, PictureWork):
            raise Invalid("a profile that copies cannot be streamed", field="profile")
        skip = max(0, first - segment.first)
        graph = work.graph if not skip else sliced(work.graph, skip, work.count)
        stretches.append(Streamed(graph=graph, count=work.count - skip))
    inputs = [graph_inputs(stretch.graph) for stretch in stretches]
    encoder = plan.encoder
    return StreamWork(
        stretches=tuple(stretches),
        encoder=_quick(encoder),
        sources=tuple(dict.fromkeys(one for hashes, _ in inputs for one in hashes)),
        files=tuple(dict.fromkeys(one for _, files in inputs for one in files)),
        sound=plan.sound,
        first_sample=0 if plan.sound is None else int(first * plan.sound.encoder.sample_rate / encoder.rate),
    )


def _played(profile: Profile) -> Profile:
    """Return a profile in what every browser plays and fragments carry, whatever its files are in."""
    return replace(profile, codec="h264", encoder="cpu", audio_codec="aac", container="mp4")


def _quick(encoder: VideoEncoder) -> VideoEncoder:
    return replace(
        encoder,
        b_frames=0,
        reorder=0,
        keyint=max(1, round(FRAGMENT_S * encoder.rate)),
        params=encoder.params + X264_PARAMS,
    )


def _paths(work: StreamWork, plan: RenderPlan, material: Material, jobs: Jobs) -> list[os.PathLike[str]]:
    blobs = jobs.kernel.blobs
    by_hash = {asset.sha256: asset for asset in material.assets.values()}
    paths: list[os.PathLike[str]] = []
    pictures = material.pictures(blobs, only=work.sources)
    for sha256 in work.sources:
        paths += pictures[sha256]
    paths += [blobs.path(sha256) for sha256 in work.files]
    if work.sound is not None:
        paths += [source_path(by_hash[one.sha256], blobs) for one in sources_of(stems_of(work.sound.mix))]
    return paths


async def _sent(
    jobs: Jobs, work: StreamWork, paths: list[os.PathLike[str]], context: Context
) -> AsyncIterator[bytes]:
    news, size = asyncio.Event(), 0

    def report(written: float, _frames: float) -> None:
        nonlocal size
        size = int(written)
        news.set()

    with jobs.kernel.blobs.staged() as (file, staged):
        needs = () if all(is_plain(one.graph) for one in work.stretches) else (COMPOSITOR,)
        with on_behalf_of(Party(f"stream/{context.actor}", "high")):
            making = asyncio.create_task(
                jobs.pool.run(
                    TASK, work, StreamDone, inputs=paths, outputs=[staged], report=report, limit_s=LIMIT_S,  # type: ignore[arg-type]
                    tenant=context.partition, needs=needs, watched=True,
                )
            )  # fmt: skip
        making.add_done_callback(lambda _: news.set())
        sent = 0
        try:
            while True:
                await news.wait()
                news.clear()
                ended = making.done()
                if ended:
                    size = making.result().bytes
                while sent < size:
                    block = os.pread(file.fileno(), min(CHUNK, size - sent), sent)
                    if not block:
                        raise Unavailable("the stream's file is shorter than was written")
                    sent += len(block)
                    yield block
                if ended:
                    return
        finally:
            making.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((making,))
