"""Everything of the catalogue behind the worker's walls: what a library would load when first used is loaded by then."""

from fractions import Fraction
from pathlib import Path

from cutroom_sdk.wire.timeline import Gap
from engine.editing.catalogue.spec import catalogue
from engine.media.pool import Pool
from engine.rendering.capabilities import capabilities
from engine.rendering.compositor.table import effects, transitions
from engine.rendering.compositor.warm import defaults
from engine.rendering.graph import Crossed, Effected, Layer, Layered, Node, Solid, Values
from engine.rendering.walking import graph_inputs
from engine.rendering.work import PictureWork, SegmentDone
from tests.render.effects.test_every import LIVELY, files
from tests.render.workshop import plan_of, timeline_of

FIRST, SECOND = Solid(colour=(200, 120, 40, 255)), Solid(colour=(20, 60, 200, 255))
FROM_FILES = ("lut", "luma_matte", "matte", "stabilise")
HASHES = {name: str(place) * 64 for place, name in enumerate(FROM_FILES)}


def values_of(name: str) -> Values:
    values = defaults(catalogue()[name])
    values |= {key: one if isinstance(one, str) else (one,) for key, one in LIVELY.get(name, {}).items()}
    if name in HASHES:
        values["file"] = HASHES[name]
    return values


def node_of(name: str) -> Node:
    named = (HASHES[name],) if name in HASHES else ()
    if name in effects:
        return Effected(input=FIRST, name=name, values=values_of(name), seed=(3,), files=named)
    return Crossed(
        name=name, first=FIRST, second=SECOND, progress=(0.4,), values=values_of(name), files=named
    )


async def test_every_effect_and_transition_is_made_behind_the_walls(tmp_path: Path) -> None:
    tree = Layered(layers=tuple(Layer(input=node_of(name)) for name in (*effects, *transitions)))
    needed = graph_inputs(tree).files
    assert set(needed) == set(HASHES.values())
    paths = []
    for name, wanted in HASHES.items():
        path = tmp_path / name
        path.write_bytes(files(name)["f"])
        paths.append((wanted, path))
    black = timeline_of([Gap(duration=Fraction(1))], rate=Fraction(25))
    encoder = plan_of(black, []).encoder
    work = PictureWork(count=1, graph=tree, encoder=encoder, capabilities=capabilities())
    async with Pool(modules=("engine.rendering.worker",), workers=1) as pool:
        done = await pool.run(
            "engine.rendering.worker:render_segment", work, SegmentDone,
            inputs=[dict(paths)[one] for one in needed], outputs=[tmp_path / "out"],
            needs=["engine.rendering.compositor.warm"],
        )  # fmt: skip
    assert done.frames == 1
