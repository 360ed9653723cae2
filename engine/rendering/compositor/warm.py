"""What a worker loads that makes more than plain footage: all of the compositor, used once while files still may be opened.

Libraries load parts of themselves when they are first used, which is too late inside.
"""

from typing import Final

import numpy as np

from engine.editing.catalogue.spec import Entry, catalogue
from engine.media.tasks import warm_up
from engine.rendering.compositor.canvas import Picture, filled
from engine.rendering.compositor.evaluate import Evaluator
from engine.rendering.compositor.flow import Motion
from engine.rendering.compositor.table import effects, transitions
from engine.rendering.graph import (
    Crossed,
    Effected,
    Layer,
    Layered,
    Matted,
    Node,
    Placed,
    Region,
    Solid,
    Values,
)
from engine.rendering.reading import Sources

SIDE: Final = 64
# Parameters that name something which is not there: entries that want one are left to their own warm-up.
FROM_OUTSIDE: Final = frozenset({"blob", "asset"})


@warm_up
def use_everything() -> None:
    """Make one picture of everything that the catalogue names, and follow what moves between two."""
    base = Solid(colour=(200, 120, 40, 255))
    region = Region(shape="ellipse", x=(0.5,), y=(0.5,), width=(0.4,), height=(0.4,), feather=(0.1,))
    trees: list[Node] = [
        _turned(base),
        Effected(input=_turned(base), name="exposure", values={"stops": (0.5,)}, regions=(region,)),
        Layered(layers=(Layer(input=base), Layer(input=_turned(base), blend="soft_light", opacity=(0.5,)))),
    ]
    trees += [Matted(input=base, matte=_turned(base), channel=one) for one in ("luma", "alpha")]
    for name, entry in catalogue().items():
        if any(one.type in FROM_OUTSIDE for one in entry.parameters):
            continue
        if name in effects:
            trees.append(Effected(input=base, name=name, values=defaults(entry)))
        elif name in transitions:
            trees.append(
                Crossed(
                    name=name,
                    first=base,
                    second=_turned(base),
                    progress=(0.4,),
                    values=defaults(entry),
                )
            )
    for tree in trees:
        Evaluator(tree, SIDE, SIDE, Sources((), ()), {}).picture(0)
    Motion(_slope(0), _slope(2), "medium").at(0.5)


def defaults(entry: Entry) -> Values:
    """Return what an entry's parameters are where nothing is said."""
    values: Values = {}
    for one in entry.parameters:
        if isinstance(one.default, str):
            values[one.name] = one.default
        else:
            values[one.name] = (one.default or 0.0,)
    return values


def _turned(node: Node) -> Node:
    return Placed(
        input=node, width=SIDE, height=SIDE, xx=(0.6,), xy=(0.2,), x0=(3.0,), yx=(-0.2,), yy=(0.6,), y0=(9.0,),
    )  # fmt: skip


def _slope(shift: int) -> Picture:
    picture = filled(SIDE, SIDE)
    picture.y[:] = np.roll(np.linspace(20, 220, SIDE).astype(np.uint8), shift)
    return picture
