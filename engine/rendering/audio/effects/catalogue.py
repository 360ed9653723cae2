"""Everything that changes sound, imported so that it is on the table; the worker imports this once."""

from engine.rendering.audio.effects import dynamics, filters, level, noise, space

__all__ = ["dynamics", "filters", "level", "noise", "space"]
