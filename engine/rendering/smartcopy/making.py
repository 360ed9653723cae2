"""A film being made in which packets are copied: what is encoded and its sound in the worker processes, then all is joined.

Copies are not kept among the segments. Reading them again from the source takes as long as reading a kept copy would, and
keeping it would take their room and writing them once more.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.kernel.dispatch import Asked
from engine.rendering.audio.work import SoundDone, SoundWork
from engine.rendering.making import FILM_LIMIT_S, SEGMENT_LIMIT_S, Making, SegmentTask
from engine.rendering.plan import Segment
from engine.rendering.reducer import Advance
from engine.rendering.smartcopy.work import (
    CutFound,
    CutSoundDone,
    Edge,
    EdgeWork,
    LookAtMixWork,
    LookWork,
    SpliceWork,
    Splicing,
)
from engine.rendering.work import Inspection, MuxDone

WORKER: Final = "engine.rendering.smartcopy.tasks"


class CopyMaking(Making):
    """One attempt at a film in which packets are copied."""

    @property
    def _splicing(self) -> Splicing:
        assert self.plan.splicing is not None, "copies are made of plans that splice"
        return self.plan.splicing

    @property
    def _sources(self) -> list[Path]:
        """For each source the file and its frame index."""
        return [path for one in self._splicing.sources for path in (self.files[one], self.index_files[one])]

    @property
    def _segments(self) -> Sequence[Segment | Edge]:
        return self.plan.segments if self._splicing.mixed else self._splicing.edges

    def _task(self, segment: Segment | Edge) -> SegmentTask:
        if not isinstance(segment.work, EdgeWork):
            return super()._task(segment)
        return SegmentTask(name=f"{WORKER}:encode_edge", work=segment.work, inputs=self._sources)

    async def _sounded(self, work: SoundWork, staged: Path) -> SoundDone | None:
        asked = self._splicing.sound
        if asked is None:
            return await super()._sounded(work, staged)
        await self.pool.run(
            f"{WORKER}:make_cut_sound",
            asked,
            CutSoundDone,
            inputs=[self.files[self._splicing.sources[self._splicing.heard]]],
            outputs=[staged],
            limit_s=SEGMENT_LIMIT_S,
        )
        return None

    async def _join(self, parts: Sequence[Path], heard: Sequence[Path], staged: Path) -> MuxDone:
        plan, splicing = self.plan, self._splicing
        joining = SpliceWork(
            stretches=splicing.stretches,
            rate=splicing.rate,
            parts=len(parts),
            sound=None if plan.sound is None else plan.sound.encoder,
            sources=len(splicing.sources),
            heard=splicing.heard,
            subtitles=plan.subtitles,
        )
        done = await self.pool.run(
            f"{WORKER}:join_cut",
            joining,
            MuxDone,
            inputs=[*self._sources, *parts, *heard],
            outputs=[staged],
            limit_s=FILM_LIMIT_S,
        )
        copied = sum(one.count for one in splicing.stretches if one.kind == "copy")
        if copied:
            await self._propose(Asked(self._stream, Advance(frames=copied, cached=False)))
            self._progress("copies", copied)
        return done

    async def _inspect(self, parts: Sequence[Path], staged: Path) -> Inspection | CutFound:
        splicing = self._splicing
        if splicing.mixed:
            return await self.pool.run(
                f"{WORKER}:look_at_mix",
                LookAtMixWork(stretches=splicing.stretches, cuts=self.plan.cuts, parts=len(parts)),
                Inspection,
                inputs=[staged, *parts, *self._sources],
                limit_s=FILM_LIMIT_S,
            )
        looking = LookWork(stretches=splicing.stretches, rate=splicing.rate, nominal=splicing.nominal)
        return await self.pool.run(
            f"{WORKER}:look_at_cut",
            looking,
            CutFound,
            inputs=[staged, *self._sources],
            limit_s=FILM_LIMIT_S,
        )
