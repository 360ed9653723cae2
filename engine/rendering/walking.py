"""Walking through a tree of nodes: what it reads, a stretch of it, one frame of it."""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar, assert_never

from msgspec.structs import replace

from engine.rendering.graph import (
    Between,
    Crossed,
    Drawn,
    Effected,
    Footage,
    Layer,
    Layered,
    Matted,
    Node,
    Placed,
    Region,
    Solid,
    Values,
    Window,
)

N = TypeVar("N", int, float)

NOTHING: Final = Layered(layers=())


class Inputs(NamedTuple):
    """What a worker needs open: hashes of sources, and of other files (LUTs, mattes, fonts); each once, as first met."""

    sources: tuple[str, ...]
    files: tuple[str, ...]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below, the lowest picture first."""
    match node:
        case Footage() | Solid() | Drawn():
            return ()
        case Between(first=first, second=second) | Crossed(first=first, second=second):
            return (first, second)
        case Effected(input=below) | Placed(input=below):
            return (below,)
        case Matted(input=below, matte=matte):
            return (below, matte)
        case Layered(layers=layers):
            return tuple(layer.input for layer in layers)
        case _:
            assert_never(node)


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, each before what lies below it."""
    yield node
    for child in children(node):
        yield from every(child)


def graph_inputs(graph: Node) -> Inputs:
    """Return what has to be open for making a tree's pictures."""
    sources: dict[str, None] = {}
    files: dict[str, None] = {}
    for node in every(graph):
        match node:
            case Footage(sha256=sha256):
                sources[sha256] = None
            case Effected(files=named) | Crossed(files=named):
                files.update(dict.fromkeys(named))
            case Drawn(fonts=fonts):
                files.update(dict.fromkeys(font.sha256 for font in fonts))
            case _:
                pass
    return Inputs(tuple(sources), tuple(files))


def is_plain(graph: Node) -> bool:
    """Whether pictures stay in libav all the way: one source's frames, or nothing but black."""
    return isinstance(graph, Footage) or graph == NOTHING


def taken(graph: Node, place: int) -> Node:
    """Return the tree of one frame of a segment, which makes the very picture that the segment's tree makes there."""
    return sliced(graph, place, place + 1, alone=True)


def sliced(node: Node, start: int, end: int, *, alone: bool = False) -> Node:
    """Return the tree of the frames `[start, end)`, with one value where all are the same.

    `alone`: they are made in the way of the segment that they are taken from, and are no segment of their own.
    """

    def below(one: Node) -> Node:
        return sliced(one, start, end, alone=alone)

    def part(values: tuple[N, ...]) -> tuple[N, ...]:
        return folded(values if len(values) == 1 else values[start:end])

    def parts(values: Values) -> Values:
        return {name: one if isinstance(one, str) else part(one) for name, one in values.items()}

    match node:
        case Footage(window=window):
            return replace(node, pts=node.pts[start:end], window=_window(window, start, end, alone=alone))
        case Between(first=first, second=second):
            return replace(
                node,
                first=below(first),
                second=below(second),
                part=part(node.part),
            )
        case Solid():
            return node
        case Drawn():
            return replace(node, values=parts(node.values), seconds=part(node.seconds))
        case Effected():
            return replace(
                node,
                input=below(node.input),
                values=parts(node.values),
                seed=part(node.seed),
                regions=tuple(_region(one, start, end) for one in node.regions),
            )
        case Matted():
            return replace(node, input=below(node.input), matte=below(node.matte))
        case Placed():
            moved = {name: part(getattr(node, name)) for name in _PLACING}
            return replace(node, input=below(node.input), **moved)
        case Layered(layers=layers):
            return Layered(
                layers=tuple(
                    Layer(input=below(one.input), blend=one.blend, opacity=part(one.opacity))
                    for one in layers
                )
            )
        case Crossed(first=first, second=second):
            return replace(
                node,
                first=below(first),
                second=below(second),
                progress=part(node.progress),
                values=parts(node.values),
            )
        case _:
            assert_never(node)


def folded(values: tuple[N, ...]) -> tuple[N, ...]:
    """Return one value for all frames where they are the same."""
    return values[:1] if len(set(values)) == 1 else values


def at(values: tuple[N, ...], place: int) -> N:
    """Return the value of one frame."""
    return values[place] if len(values) > 1 else values[0]


_PLACING: Final = ("xx", "xy", "x0", "yx", "yy", "y0", "left", "top", "right", "bottom")


def _window(window: Window, start: int, end: int, *, alone: bool) -> Window:
    left = window.left if len(window.left) == 1 else folded(window.left[start:end])
    top = window.top if len(window.top) == 1 else folded(window.top[start:end])
    moves = window.moves if alone else len(left) > 1 or len(top) > 1
    return replace(window, left=left, top=top, moves=moves)


def _region(region: Region, start: int, end: int) -> Region:
    numbers = {
        name: values if len(values := getattr(region, name)) == 1 else folded(values[start:end])
        for name in ("x", "y", "width", "height", "feather")
    }
    return replace(region, **numbers)


def still(node: Node) -> bool:
    """Whether a node gives the same picture for every frame, whatever their number."""
    match node:
        case Footage() | Between():
            return False
        case Solid():
            return True
        case Drawn():
            return len(node.seconds) == 1 and _constant(node.values)
        case Effected():
            regions = (
                len(values) == 1
                for one in node.regions
                for values in (one.x, one.y, one.width, one.height, one.feather)
            )
            return still(node.input) and _constant(node.values) and len(node.seed) == 1 and all(regions)
        case Matted(input=below, matte=matte):
            return still(below) and still(matte)
        case Placed():
            return still(node.input) and all(len(getattr(node, name)) == 1 for name in _PLACING)
        case Layered(layers=layers):
            return all(still(one.input) and len(one.opacity) == 1 for one in layers)
        case Crossed():
            return (
                still(node.first)
                and still(node.second)
                and len(node.progress) == 1
                and _constant(node.values)
            )
        case _:
            assert_never(node)


def _constant(values: Values) -> bool:
    return all(isinstance(one, str) or len(one) == 1 for one in values.values())
