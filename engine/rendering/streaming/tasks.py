"""What the worker processes do for a stream."""

from engine.media.tasks import Files, Report, task
from engine.rendering.audio import rehearsal
from engine.rendering.streaming import fragments
from engine.rendering.streaming.work import StreamDone, StreamWork

__all__ = ["rehearsal", "stream"]


@task
def stream(work: StreamWork, files: Files, report: Report) -> StreamDone:
    """Write a stream as it is made. Inputs: as the work says. Output: a file that grows; reports are its size and frames."""
    return StreamDone(bytes=fragments.send(work, files.inputs, files.outputs[0], report))
