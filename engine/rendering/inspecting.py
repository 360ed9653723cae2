"""What a worker process does to check a film: it listens too, and so brings more than making pictures takes."""

from engine.media.tasks import Files, Report, task
from engine.rendering import inspection
from engine.rendering.audio import rehearsal
from engine.rendering.work import Inspection, InspectWork

__all__ = ["inspect", "rehearsal"]


@task
def inspect(work: InspectWork, files: Files, _report: Report) -> Inspection:
    """Look at a film. Inputs: the film, then the files of its segments."""
    return inspection.inspect(work, files.inputs[0], files.inputs[1:])
