"""A cut being made: its edges and its sound in the worker processes, then everything joined from the source itself.

Copies are not kept among the segments. Reading them again from the source takes as long as reading a kept copy would, and
keeping it would take their room and writing them once more.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.kernel.dispatch import Asked
from engine.rendering.audio.work import SoundWork
from engine.rendering.making import FILM_LIMIT_S, SEGMENT_LIMIT_S, Making, SegmentTask
from engine.rendering.plan import Segment
from engine.rendering.reducer import Advance
from engine.rendering.smartcopy.work import CutFound, CutSoundDone, Edge, LookWork, SpliceWork, Splicing
from engine.rendering.work import MuxDone

WORKER: Final = "engine.rendering.smartcopy.tasks"


class CutMaking(Making):
    """One attempt at a cut."""

    @property
    def _splicing(self) -> Splicing:
        assert self.plan.splicing is not None, "a cut is made of plans that splice"
        return self.plan.splicing

    @property
    def _source(self) -> list[Path]:
        """The source and its frame index."""
        asset_id = self._splicing.asset_id
        return [self.files[asset_id], self.index_files[asset_id]]

    @property
    def _segments(self) -> Sequence[Segment | Edge]:
        return self._splicing.edges

    def _task(self, segment: Segment | Edge) -> SegmentTask:
        return SegmentTask(name=f"{WORKER}:encode_edge", work=segment.work, inputs=self._source)

    async def _sounded(self, work: SoundWork, staged: Path) -> tuple[str, ...]:
        asked = self._splicing.sound
        assert asked is not None, "asked for only where there is sound"
        await self.pool.run(
            f"{WORKER}:make_cut_sound",
            asked,
            CutSoundDone,
            inputs=self._source[:1],
            outputs=[staged],
            limit_s=SEGMENT_LIMIT_S,
        )
        return ()

    async def _join(self, parts: Sequence[Path], heard: Sequence[Path], staged: Path) -> MuxDone:
        plan, splicing = self.plan, self._splicing
        joining = SpliceWork(
            stretches=splicing.stretches,
            rate=splicing.rate,
            parts=len(parts),
            sound=None if plan.sound is None else plan.sound.encoder,
        )
        done = await self.pool.run(
            f"{WORKER}:join_cut",
            joining,
            MuxDone,
            inputs=[*self._source, *parts, *heard],
            outputs=[staged],
            limit_s=FILM_LIMIT_S,
        )
        copied = sum(one.count for one in splicing.stretches if one.kind == "copy")
        if copied:
            await self._propose(Asked(self._stream, Advance(frames=copied, cached=False)))
            self._progress("copies", copied)
        return done

    async def _inspect(self, parts: Sequence[Path], staged: Path) -> CutFound:
        splicing = self._splicing
        looking = LookWork(stretches=splicing.stretches, rate=splicing.rate, nominal=splicing.nominal)
        return await self.pool.run(
            f"{WORKER}:look_at_cut",
            looking,
            CutFound,
            inputs=[staged, *self._source],
            limit_s=FILM_LIMIT_S,
        )
