"""What a segment's pictures are made of: a tree of nodes, every value worked out, nothing left to decide.

    Layered
      |- Effected exposure
      |    `- Footage            a source's frames by pts
      `- Drawn title             words, drawn by the worker

Each node gives one picture for each of the segment's `count` output frames, and each picture follows from its own frame's
values alone: a single frame (a preview) is the same tree with one value taken out of each tuple. `Numbers` hold one value
for all frames or one for each. All places and sizes are in pixels of the node's canvas unless said otherwise.
"""

from fractions import Fraction

from msgspec import Struct

from engine.rendering.work import Footage

Numbers = tuple[float, ...]
Values = dict[str, Numbers | str]


class Solid(Struct, frozen=True, kw_only=True, tag="solid"):
    """One colour all over the canvas: red, green, blue, alpha, 0..255 (sRGB as shown, BT.709)."""

    colour: tuple[int, int, int, int]


class DrawnWord(Struct, frozen=True, kw_only=True):
    """A word and when it is said, seconds of clip time."""

    text: str
    start: Fraction
    end: Fraction


class DrawnFont(Struct, frozen=True, kw_only=True):
    """A font that draws some of a text: those of its characters that are in `characters`.

    `index` is its place in a file that holds several; `weight` is what a variable font is set to, None: as it is.
    """

    sha256: str
    characters: str
    index: int = 0
    weight: int | None = None


class Drawn(Struct, frozen=True, kw_only=True, tag="drawn"):
    """Something that is drawn: `kind` is the catalogue's generator; the rest of the canvas is transparent.

    `seconds` is the clip time of each frame, or of all where nothing moves; `lasts` is how long the clip is, 0 where that
    changes nothing. A character is drawn in the first of the `fonts` that has it; their files come by hash.
    """

    kind: str
    values: Values
    seconds: Numbers
    lasts: float = 0.0
    words: tuple[DrawnWord, ...] = ()
    fonts: tuple[DrawnFont, ...] = ()


class Region(Struct, frozen=True, kw_only=True):
    """Where an effect acts. Middle, extent and feather in 0..1 as the timeline's `Mask` has them."""

    shape: str
    x: Numbers
    y: Numbers
    width: Numbers
    height: Numbers
    feather: Numbers
    inverted: bool = False


class Effected(Struct, frozen=True, kw_only=True, tag="effected"):
    """A picture through an effect. `seed` is a number for each frame that follows from its source frame alone (grain).

    `regions`: where it acts; none: everywhere. Several are joined (their highest value counts).
    """

    input: "Node"
    name: str
    values: Values
    seed: tuple[int, ...] = (0,)
    regions: tuple[Region, ...] = ()


class Layer(Struct, frozen=True, kw_only=True):
    """A picture among others: how it is mixed with what lies below, and how much of it, 0..1."""

    input: "Node"
    blend: str = "normal"
    opacity: Numbers = (1.0,)


class Layered(Struct, frozen=True, kw_only=True, tag="layered"):
    """Pictures one above the other, the lowest first; below all of them is black."""

    layers: tuple[Layer, ...]


class Crossed(Struct, frozen=True, kw_only=True, tag="crossed"):
    """One picture becoming another. `progress` is 0 at the transition's first instant, 1 at its end; of a frame, its middle."""

    name: str
    first: "Node"
    second: "Node"
    progress: Numbers
    values: Values


class Nested(Struct, frozen=True, kw_only=True, tag="nested"):
    """A picture with a canvas of its own, scaled whole into the canvas around it, transparent beside it."""

    input: "Node"
    width: int
    height: int


Node = Footage | Solid | Drawn | Effected | Layered | Crossed | Nested
