"""A tree of nodes becomes pictures, one frame at a time, each from its own frame's values alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import numpy as np

from engine.kernel.errors import StudioError, WorkFailed
from engine.rendering.compositor import catalogue, patches, regions
from engine.rendering.compositor.canvas import BLACK, Picture, filled, yuv_of
from engine.rendering.compositor.flow import Motion
from engine.rendering.compositor.key import matted
from engine.rendering.compositor.patches import Patch
from engine.rendering.compositor.placing import Placing, placed
from engine.rendering.compositor.sources import Shots
from engine.rendering.compositor.table import At, effects, generators, transitions
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
    Solid,
    Values,
)
from engine.rendering.reading import Opened
from engine.rendering.walking import at, every, still

assert catalogue.__all__, "what makes pictures is on the tables"

Size = tuple[int, int]


class Evaluator:
    """Makes the pictures of one tree. Rising places are cheap; any order gives the same pictures."""

    def __init__(
        self, graph: Node, width: int, height: int, sources: Opened, files: Mapping[str, bytes]
    ) -> None:
        """Describe what is to be made.

        Args:
            graph: the tree.
            width: of the canvas, even.
            height: of the canvas, even.
            sources: what the tree reads, open.
            files: contents of the other files that it names, by hash.
        """
        self._graph, self._size = graph, (width, height)
        self._sources, self._files = sources, files
        self._shots: dict[tuple[int, Size], Shots] = {}
        self._still: dict[tuple[int, Size], Patch | None] = {}
        self._motion: tuple[tuple[int, tuple[int, int]], Motion | None] = ((0, (0, 0)), None)
        self.lost = 0  # pairs of frames between which nothing could be followed
        self._is_still = {id(node): still(node) for node in every(graph)}

    def picture(self, place: int) -> Picture:
        """Return the opaque picture of a frame, planes that the caller may write into.

        Raises:
            Invalid: `media_unreadable`: a frame of a source cannot be decoded.
            WorkFailed: `stage` decode or filter.
        """
        width, height = self._size
        if isinstance(self._graph, Layered):
            made = self._layers(self._graph.layers, place, self._size, black=True)
            return patches.whole(made, width, height)
        found = patches.flattened(self._patch(self._graph, place, self._size), width, height)
        return found.copy() if self._is_still[id(self._graph)] else found

    @property
    def source_change(self) -> float | None:
        """How much the most lively source differs from the frame before, 0..1; None where there is nothing to compare."""
        changes = [shots.reader.source_change for shots in self._shots.values()]
        known = [one for one in changes if one is not None]
        return max(known) if known and len(known) == len(changes) else None

    def _patch(self, node: Node, place: int, size: Size) -> Patch | None:
        if not self._is_still[id(node)]:
            return self._made(node, place, size)
        # What never changes is made once; whoever gets it may not write into it.
        key = (id(node), size)
        if key not in self._still:
            made = self._made(node, place, size)
            self._still[key] = None if made is None else Patch(made.picture, made.left, made.top, shared=True)
        return self._still[key]

    def _made(self, node: Node, place: int, size: Size) -> Patch | None:
        width, height = size
        match node:
            case Footage():
                return Patch(self._footage(node, size).picture(place))
            case Between():
                return self._between(node, place, size)
            case Solid(colour=(red, green, blue, alpha)):
                return Patch(filled(width, height, yuv_of(red, green, blue), None if alpha == 255 else alpha))
            case Drawn():
                with _named(node.kind):
                    made = generators[node.kind](width, height, self._drawn(node, place))
                return patches.trimmed(made) if isinstance(made, Picture) else made
            case Effected():
                return self._effected(node, place, size)
            case Matted():
                return self._matted(node, place, size)
            case Placed():
                below = self._patch(node.input, place, (node.width, node.height))
                if below is None:
                    return None
                picture = patches.whole(below, node.width, node.height)
                return placed(picture, _placing(node, place), width, height)
            case Layered(layers=layers):
                return self._layers(layers, place, size, black=False)
            case Crossed():
                return self._crossed(node, place, size)
            case _:
                assert_never(node)

    def _footage(self, footage: Footage, size: Size) -> Shots:
        key = (id(footage), size)
        if key not in self._shots:
            self._shots[key] = Shots(footage, *size, self._sources)
        return self._shots[key]

    def _between(self, node: Between, place: int, size: Size) -> Patch:
        pair, part = (node.first.pts[place], node.second.pts[place]), at(node.part, place)
        first, second = (self._footage(one, size) for one in (node.first, node.second))
        if part <= 0 or pair[0] == pair[1]:
            return Patch(first.picture(place))
        key = (id(node), pair)
        if key != self._motion[0] or self._motion[1] is None:
            motion = Motion(first.picture(place), second.picture(place), node.quality)
            self._motion = (key, motion)
            self.lost += not motion.follows
        assert self._motion[1] is not None, "it was just found"
        return Patch(self._motion[1].at(part))

    def _effected(self, node: Effected, place: int, size: Size) -> Patch | None:
        below = self._patch(node.input, place, size)
        if below is None:
            return None
        picture = patches.whole(below, *size)
        before = picture.copy() if node.regions else None
        with _named(node.name):
            made = effects[node.name](picture, self._at(node.values, place, seed=at(node.seed, place)))
        if before is not None:
            made = patches.masked(before, made, regions.mask_of(node.regions, place, *size))
        return Patch(made)

    def _matted(self, node: Matted, place: int, size: Size) -> Patch | None:
        below, matte = (self._patch(one, place, size) for one in (node.input, node.matte))
        if below is None or (matte is None and not node.inverted):
            return None
        picture = patches.whole(below, *size)
        if matte is None:
            return Patch(picture)
        return Patch(matted(picture, patches.whole(matte, *size), node.channel, inverted=node.inverted))

    def _crossed(self, node: Crossed, place: int, size: Size) -> Patch:
        first, second = (
            patches.whole(self._patch(one, place, size), *size) for one in (node.first, node.second)
        )
        with _named(node.name):
            made = transitions[node.name](
                first, second, at(node.progress, place), self._at(node.values, place)
            )
        return Patch(made)

    def _layers(self, layers: tuple[Layer, ...], place: int, size: Size, *, black: bool) -> Patch | None:
        """Lay the layers onto black, or onto nothing; a first layer that hides all below needs no canvas."""
        canvas: Picture | None = None
        for number, layer in enumerate(layers):
            patch, opacity = self._patch(layer.input, place, size), at(layer.opacity, place)
            if patch is None or opacity <= 0:
                continue
            plain = layer.blend == "normal" and opacity >= 1
            if plain and patch.picture.alpha is None and patch.fills(*size):
                canvas = patch.picture.copy() if patch.shared else patch.picture
            elif plain and canvas is None and not black and number == len(layers) - 1:
                return patch
            else:
                canvas = _ground(size, black=black) if canvas is None else canvas
                patches.lay(canvas, patch, layer.blend, opacity)
        if canvas is None:
            return Patch(_ground(size, black=True)) if black else None
        return Patch(canvas)

    def _at(self, values: Values, place: int, *, seed: int = 0) -> At:
        numbers = {name: at(one, place) for name, one in values.items() if not isinstance(one, str)}
        texts = {name: one for name, one in values.items() if isinstance(one, str)}
        return At(numbers=numbers, texts=texts, seed=seed, files=self._files)

    def _drawn(self, node: Drawn, place: int) -> At:
        plain = self._at(node.values, place)
        return At(
            numbers=plain.numbers, texts=plain.texts, files=self._files, seconds=at(node.seconds, place),
            lasts=node.lasts, words=node.words, fonts=node.fonts,
        )  # fmt: skip


def _ground(size: Size, *, black: bool) -> Picture:
    return filled(*size, BLACK) if black else filled(*size, alpha=0)


class _named:
    """Says which entry of the catalogue failed, should its function fail in a way of its own."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StudioError | MemoryError):
            text = f"{self._name}: {type(error).__name__}: {error}"
            raise WorkFailed(text, stage="filter", effect=self._name) from error


def _placing(node: Placed, place: int) -> Placing:
    matrix = np.array(
        [
            [at(node.xx, place), at(node.xy, place), at(node.x0, place)],
            [at(node.yx, place), at(node.yy, place), at(node.y0, place)],
        ]
    )
    edges = (at(one, place) for one in (node.left, node.top, node.right, node.bottom))
    return Placing(matrix, *edges)
