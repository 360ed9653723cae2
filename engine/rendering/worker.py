"""What the worker processes do for rendering: each a function of a description and open files.

Only what pictures take is imported here: what reckons with sound brings numba, and stands in modules of its own.
"""

from engine.media.tasks import Files, Report, task
from engine.rendering import mux, picture, stills, trials
from engine.rendering.encoded import write_segment
from engine.rendering.stills import StillDone, StillWork
from engine.rendering.work import (
    EncodersFound,
    EncoderTrial,
    MuxDone,
    MuxWork,
    PictureWork,
    SegmentDone,
)


@task
def render_segment(work: PictureWork, files: Files, report: Report) -> SegmentDone:
    """Encode one segment. Inputs: as `picture.frames_of` takes them. Output: the segment."""
    for done, segment in picture.encode(work, files.inputs):
        report(done, work.count)
        if segment is not None:
            return SegmentDone(
                frames=work.count, bytes=write_segment(files.outputs[0], segment), notices=segment.notices
            )
    raise AssertionError("encoding ends with a segment")


@task
def make_still(work: StillWork, files: Files, _report: Report) -> StillDone:
    """Make one frame as a file. Inputs: as `picture.frames_of` takes them."""
    return StillDone(data=stills.still(work, files.inputs))


@task
def join(work: MuxWork, files: Files, _report: Report) -> MuxDone:
    """Write the film. Inputs: files of segments, then the sound. Output: the film."""
    return MuxDone(bytes=mux.mux(work, files.inputs, files.outputs[0]))


@task
def try_encoders(trial: EncoderTrial, _files: Files, _report: Report) -> EncodersFound:
    """Open encoders, here where they would work: what a driver or the sandbox refuses cannot be used."""
    return EncodersFound(refusals={name: trials.refusal_of(name) for name in trial.names})
