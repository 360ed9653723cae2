"""What the worker processes do for sound: each a function of a description and open files."""

from __future__ import annotations

from contextlib import ExitStack

from engine.media.source import open_media
from engine.media.tasks import Files, Report, task
from engine.rendering.audio import mastering, rehearsal
from engine.rendering.audio.mixing import MixSignal
from engine.rendering.audio.signals import BLOCK, FileSignal, write_block
from engine.rendering.audio.stems import Studio
from engine.rendering.audio.work import (
    SAMPLE_BYTES,
    MasterWork,
    SoundDone,
    SoundWork,
    Stem,
    StemsDone,
    StemsWork,
    sources_of,
    stems_of,
)
from engine.rendering.encoded import write_sound

__all__ = ["make_sound", "make_stems", "mix_whole", "rehearsal"]


@task
def make_stems(work: StemsWork, files: Files, report: Report) -> StemsDone:
    """Make stems. Inputs: `sources_of(work.stems)`. Outputs: a file for each stem, its samples in pairs of float32."""
    sizes, done, total = [], 0, sum(stem.count for stem in work.stems)
    with ExitStack() as stack:
        containers = {
            source: stack.enter_context(open_media(descriptor))
            for source, descriptor in zip(sources_of(work.stems), files.inputs, strict=True)
        }
        studio = Studio(containers)
        for stem, output in zip(work.stems, files.outputs, strict=True):
            signal, place = studio.stem(stem), 0
            for at in range(0, stem.count, BLOCK):
                block = signal.read(min(BLOCK, stem.count - at))
                place = write_block(output, block, place)
                done += block.shape[1]
                report(done, total)
            sizes.append(place)
    return StemsDone(bytes=tuple(sizes))


def mix_whole(work: SoundWork, files: Files, report: Report) -> SoundDone:
    """Mix, master and encode sound straight from its sources, for what is made once.

    Inputs: `sources_of(stems_of(work.mix))`. Outputs: the sound, and a scratch file.
    """
    with ExitStack() as stack:
        containers = {
            source: stack.enter_context(open_media(descriptor))
            for source, descriptor in zip(sources_of(stems_of(work.mix)), files.inputs, strict=True)
        }
        signal = MixSignal(work.mix, Studio(containers).open)
        encoded, done = mastering.master(signal, work, files.outputs[1], report)
    write_sound(files.outputs[0], encoded)
    return done


@task
def make_sound(work: MasterWork, files: Files, report: Report) -> SoundDone:
    """Mix, master and encode a film's sound. Inputs: files of stems. Outputs: the sound, and a scratch file."""
    mix = work.work.mix
    lies = dict(zip(stems_of(mix), work.places, strict=True))

    def opened(stem: Stem, skip: int) -> FileSignal:
        at = lies[stem]
        return FileSignal(files.inputs[at.file], at.offset + skip * SAMPLE_BYTES, stem.count - skip)

    encoded, done = mastering.master(MixSignal(mix, opened), work.work, files.outputs[1], report)
    write_sound(files.outputs[0], encoded)
    return done
