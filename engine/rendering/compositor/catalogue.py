"""Everything that makes pictures, imported so that it is on the tables; the worker imports this once."""

from engine.rendering.compositor import colour, crossing, grading

__all__ = ["colour", "crossing", "grading"]
