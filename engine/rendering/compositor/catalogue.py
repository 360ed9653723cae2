"""Everything that makes pictures, imported so that it is on the tables; the worker imports this once."""

from engine.rendering.compositor import (
    blur,
    colour,
    crossing,
    detail,
    face,
    grading,
    key,
    lut,
    moving,
    stabilise,
    sweeping,
)
from engine.rendering.compositor.text import captions, plain, titles

__all__ = [
    "blur",
    "captions",
    "colour",
    "crossing",
    "detail",
    "face",
    "grading",
    "key",
    "lut",
    "moving",
    "plain",
    "stabilise",
    "sweeping",
    "titles",
]
