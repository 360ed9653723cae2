"""Everything that makes pictures, imported so that it is on the tables; the worker imports this once."""

from engine.rendering.compositor import blur, colour, crossing, grading, moving, sweeping

__all__ = ["blur", "colour", "crossing", "grading", "moving", "sweeping"]
