"""What a segment's pictures are made of: a tree of nodes, every value worked out, nothing left to decide.

    Layered
      |- Effected exposure
      |    `- Footage            a source's frames by pts
      `- Drawn title             words, drawn by the worker

Each node gives one picture for each of the segment's `count` output frames, and each picture follows from its own frame's
values alone: a single frame (a preview) is the same tree with one value taken out of each tuple (`engine.rendering.walking`).
`Numbers` hold one value for all frames or one for each. A node is made on a canvas: the film's, or the one that a `Placed`
above it names; all places and sizes are in pixels of that canvas unless said otherwise.
"""

from fractions import Fraction
from typing import Literal

from msgspec import Struct

Numbers = tuple[float, ...]
Values = dict[str, Numbers | str]
Rotation = Literal[0, 90, 180, 270]


class Window(Struct, frozen=True, kw_only=True):
    """The part of a picture that is shown: `width` x `height` of its stored, turned pixels (even).

    `left` and `top` are in pixels of the canvas (even), as if the whole picture were scaled: one value for all frames,
    or one for each. `moves`: the window moves within the segment, which is scaled in another way than one that stands still.
    """

    width: int
    height: int
    left: tuple[int, ...]
    top: tuple[int, ...]
    moves: bool = False


class Footage(Struct, frozen=True, kw_only=True, tag="footage"):
    """Pictures of a source that fill the canvas.

    `pts` names the source's frame for each output frame, in any order, in ticks of `time_base`. `width`, `height` are the stored picture's; `rotation` is what it is turned by for showing, degrees counter-clockwise.
    `matrix` and `full_range` say how its colours are stored.
    """

    sha256: str
    time_base: Fraction
    pts: tuple[int, ...]
    width: int
    height: int
    rotation: Rotation
    matrix: Literal["bt601", "bt709", "bt2020"]
    full_range: bool
    window: Window


class Between(Struct, frozen=True, kw_only=True, tag="between"):
    """Pictures between two neighbours of a source: `part` 0 is the first, towards 1 the second.

    `first` and `second` are the same footage but for their frames. `quality` says how moving things are followed.
    """

    first: Footage
    second: Footage
    part: Numbers
    quality: Literal["high", "medium", "fast"]


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
    `colour`: its glyphs have colours of their own (emoji).
    """

    sha256: str
    characters: str
    index: int = 0
    weight: int | None = None
    colour: bool = False


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
    """Where an effect acts. Middle, extent and feather in 0..1 of the canvas as the timeline's `Mask` has them."""

    shape: str
    x: Numbers
    y: Numbers
    width: Numbers
    height: Numbers
    feather: Numbers
    inverted: bool = False


class Effected(Struct, frozen=True, kw_only=True, tag="effected"):
    """A picture through an effect. `seed` is a number for each frame that follows from its source frame alone (grain).

    `regions`: where it acts; none: everywhere. Several are joined (their highest value counts) before they are inverted, all
    or none. `files`: hashes of the
    files among the blobs that the values name.
    """

    input: "Node"
    name: str
    values: Values
    seed: tuple[int, ...] = (0,)
    regions: tuple[Region, ...] = ()
    files: tuple[str, ...] = ()


class Matted(Struct, frozen=True, kw_only=True, tag="matted"):
    """A picture that another one says what is to be seen of: where that is bright (`luma`), or opaque (`alpha`).

    What the matte leaves transparent counts as black. `inverted`: what it would show is hidden, and the other way round.
    """

    input: "Node"
    matte: "Node"
    channel: Literal["luma", "alpha"]
    inverted: bool = False


class Placed(Struct, frozen=True, kw_only=True, tag="placed"):
    """A picture made on a canvas of its own, `width` x `height`, and laid onto the one around it; transparent beside it.

    A point (x, y) of the own canvas, pixels from its top left corner, comes to lie at
    (xx * x + xy * y + x0, yx * x + yy * y + y0). `left`, `top`, `right`, `bottom` are cut off, in pixels of the own canvas.
    """

    input: "Node"
    width: int
    height: int
    xx: Numbers
    xy: Numbers
    x0: Numbers
    yx: Numbers
    yy: Numbers
    y0: Numbers
    left: Numbers = (0.0,)
    top: Numbers = (0.0,)
    right: Numbers = (0.0,)
    bottom: Numbers = (0.0,)


class Layer(Struct, frozen=True, kw_only=True):
    """A picture among others: how it is mixed with what lies below, and how much of it, 0..1."""

    input: "Node"
    blend: str = "normal"
    opacity: Numbers = (1.0,)


class Layered(Struct, frozen=True, kw_only=True, tag="layered"):
    """Pictures one above the other, the lowest first; transparent where there is none. No layers: nothing at all."""

    layers: tuple[Layer, ...]


class Crossed(Struct, frozen=True, kw_only=True, tag="crossed"):
    """One picture becoming another. `progress` is 0 at the transition's first instant, 1 at its end; of a frame, its middle."""

    name: str
    first: "Node"
    second: "Node"
    progress: Numbers
    values: Values
    files: tuple[str, ...] = ()


Node = Footage | Between | Solid | Drawn | Effected | Matted | Placed | Layered | Crossed
