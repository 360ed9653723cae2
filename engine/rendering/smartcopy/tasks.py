"""What the worker processes do for smart copies."""

from engine.media.tasks import Files, Report, task
from engine.rendering.audio import rehearsal
from engine.rendering.encoded import write_segment, write_sound
from engine.rendering.smartcopy import edge, heard, look, splice
from engine.rendering.smartcopy.work import (
    CutFound,
    CutSoundDone,
    CutSoundWork,
    EdgeWork,
    LookAtMixWork,
    LookWork,
    SpliceWork,
)
from engine.rendering.work import Inspection, MuxDone, SegmentDone

__all__ = ["encode_edge", "join_cut", "look_at_cut", "look_at_mix", "make_cut_sound", "rehearsal"]


@task
def encode_edge(work: EdgeWork, files: Files, report: Report) -> SegmentDone:
    """Encode the pictures beside a copy. Inputs: the source and its frame index. Output: the segment."""
    for done, segment in edge.encode(work, files.inputs):
        report(done, work.count)
        if segment is not None:
            return SegmentDone(frames=work.count, bytes=write_segment(files.outputs[0], segment))
    raise AssertionError("encoding ends with a segment")


@task
def make_cut_sound(work: CutSoundWork, files: Files, report: Report) -> CutSoundDone:
    """Copy a cut's sound, or encode it. Input: the source. Output: the sound."""
    found = heard.copied(work, files.inputs[0])
    write_sound(files.outputs[0], found or heard.encoded(work, files.inputs[0], report))
    return CutSoundDone(copied=found is not None)


@task
def join_cut(work: SpliceWork, files: Files, _report: Report) -> MuxDone:
    """Write the film. Inputs: the sources and their indexes, encoded pictures, sound. Output: the film."""
    return MuxDone(bytes=splice.splice(work, files.inputs, files.outputs[0]))


@task
def look_at_cut(work: LookWork, files: Files, _report: Report) -> CutFound:
    """Hold a cut against its source. Inputs: the film, the source, its index."""
    return look.look(work, files.inputs)


@task
def look_at_mix(work: LookAtMixWork, files: Files, _report: Report) -> Inspection:
    """Look at a film of copies and renders. Inputs: the film, its segments, the sources and their indexes."""
    return look.look_at_mix(work, files.inputs)
