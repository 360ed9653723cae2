"""What the worker processes do for rendering: each a function of a description and open files."""

import numpy as np

from engine.media.tasks import Files, Report, task, warm_up
from engine.rendering import inspection, loudness, mux, picture, sound
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


@warm_up
def load_all() -> None:
    """Measure and limit a little noise: numpy loads parts of itself when they are first used, which is too late inside."""
    noise = np.tile(np.linspace(-1, 1, 480, dtype=np.float32), (2, 100))
    loudness.integrated_lufs(loudness.Limiter(noise, 48_000).at(0.0, -3.0), 48_000)


@task
def render_segment(work: PictureWork, files: Files, report: Report) -> SegmentDone:
    """Encode one segment. Inputs: as `picture.frames_of` takes them. Output: the segment."""
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
