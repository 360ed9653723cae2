"""Who makes which entry of the catalogue: functions of one picture (or two) and the values of one frame.

    @effect("exposure")
    def exposure(picture: Picture, at: At) -> Picture: ...

    @transition("dissolve")
    def dissolve(first: Picture, second: Picture, progress: float, at: At) -> Picture: ...

Modules that mark functions are imported by `compositor/catalogue.py`, and there alone. What is slow to prepare and the same
for many frames (a LUT, tables) is kept by the function's module under a key of its values, bounded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from engine.rendering.compositor.canvas import Picture
from engine.rendering.compositor.patches import Patch
from engine.rendering.graph import DrawnFont, DrawnWord

Effect = Callable[[Picture, "At"], Picture]
Transition = Callable[[Picture, Picture, float, "At"], Picture]
Generator = Callable[[int, int, "At"], Picture | Patch | None]
E = TypeVar("E", bound=Effect)
T = TypeVar("T", bound=Transition)
G = TypeVar("G", bound=Generator)

effects: dict[str, Effect] = {}
transitions: dict[str, Transition] = {}
generators: dict[str, Generator] = {}


@dataclass(frozen=True)
class At:
    """The values of one frame. `files` are the contents of files among the blobs, by hash.

    `seconds`, `lasts`, `words` and `fonts` are those of a `Drawn`.
    """

    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    seed: int = 0
    files: Mapping[str, bytes] | None = None
    seconds: float = 0.0
    lasts: float = 0.0
    words: tuple[DrawnWord, ...] = ()
    fonts: tuple[DrawnFont, ...] = ()

    def number(self, name: str) -> float:
        """Return a number; every parameter of the catalogue is there, defaults filled in when the plan was made."""
        return self.numbers[name]

    def text(self, name: str) -> str:
        """Return a choice, colour, text or hash."""
        return self.texts[name]

    def file(self, name: str) -> bytes:
        """Return the content of the file whose hash is the parameter `name`."""
        assert self.files is not None, "the plan names every file"
        return self.files[self.texts[name]]


def effect(name: str) -> Callable[[E], E]:
    """Mark the function that makes an effect."""

    def mark(function: E) -> E:
        assert name not in effects, f"{name} is made twice"
        effects[name] = function
        return function

    return mark


def transition(name: str) -> Callable[[T], T]:
    """Mark the function that makes a transition."""

    def mark(function: T) -> T:
        assert name not in transitions, f"{name} is made twice"
        transitions[name] = function
        return function

    return mark


def generator(name: str) -> Callable[[G], G]:
    """Mark the function that makes a generator's picture: width, height, values."""

    def mark(function: G) -> G:
        assert name not in generators, f"{name} is made twice"
        generators[name] = function
        return function

    return mark
