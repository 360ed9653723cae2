"""What the worker processes do for rendering: each a function of a description and open files."""

from engine.media.tasks import Files, Report, task
from engine.rendering import inspection, mux, picture, sound
from engine.rendering.encoded import write_segment, write_sound
from engine.rendering.work import (
    Inspection,
    InspectWork,
    MuxDone,
    MuxWork,
    PictureWork,
    SegmentDone,
    SoundDone,
    SoundWork,
)

MODULE = __name__


@task
def render_segment(work: PictureWork, files: Files, report: Report) -> SegmentDone:
    """Encode one segment. Inputs: the source and its frame index, or none for black. Output: the segment."""
    for done, segment in picture.encode(work, files.inputs):
        report(done, work.count)
        if segment is not None:
            return SegmentDone(frames=work.count, bytes=write_segment(files.outputs[0], segment))
    raise AssertionError("encoding ends with a segment")


@task
def make_sound(work: SoundWork, files: Files, report: Report) -> SoundDone:
    """Mix, master and encode a film's sound. Inputs: the sources in the order of the work. Output: the sound."""
    mixed = sound.mix(work, files.inputs, report)
    encoded, done = sound.master(mixed, work)
    write_sound(files.outputs[0], encoded)
    return done


@task
def join(work: MuxWork, files: Files, _report: Report) -> MuxDone:
    """Write the film. Inputs: files of segments, then the sound. Output: the film."""
    return MuxDone(bytes=mux.mux(work, files.inputs, files.outputs[0]))


@task
def inspect(work: InspectWork, files: Files, _report: Report) -> Inspection:
    """Look at a film. Inputs: the film, then the files of its segments."""
    return inspection.inspect(work, files.inputs[0], files.inputs[1:])
